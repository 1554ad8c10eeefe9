"""Trees -> fields, by the rules that Cerbos has for each kind of field. What is wrong is noted, never raised."""

import difflib
import re
from collections.abc import Mapping
from typing import TypeVar

from policyloop.guard.canon import UNSEEN, Unusable, value_of
from policyloop.guard.lookalike import quoted
from policyloop.yaml_text.scalars import Plain
from policyloop.yaml_text.tree import UNKNOWN, PartialList, PartialMap, Tree, Unknown

T = TypeVar("T")
Message = Mapping[str, Tree]

_CAPITAL = re.compile(r"[A-Z]")


def spelled(*names: str) -> dict[str, str]:
    """Both spellings that Cerbos takes for each field (`auxData`, `aux_data`) -> the first."""
    snake = {_CAPITAL.sub(lambda found: "_" + found.group().lower(), name): name for name in names}
    return {**snake, **{name: name for name in names}}


class Notes(list[str]):
    """What is wrong with a file, in the order found; each would keep Cerbos from loading it."""

    def no(self, where: str, what: str) -> Unknown:
        """Note that `where` is wrong; nothing is known of its value."""
        self.append(f"{where}: {what}" if where else what)
        return UNKNOWN


def message(tree: Tree, known: Mapping[str, str], where: str, notes: Notes) -> Message | Unknown:
    """A mapping with known fields only, each under its one spelling.

    Where there is a field that is not known, another may have been meant, so there may be more to it than is read.
    """
    if isinstance(tree, Unknown):
        return tree
    if not isinstance(tree, dict):
        return notes.no(where, "a mapping belongs here")
    found: dict[str, Tree] = PartialMap() if isinstance(tree, PartialMap) else {}
    meant: list[str] = []
    strange = False
    for key, value in tree.items():
        name = known.get(key)
        if name is None:
            notes.no(where, f"unknown field {quoted(key)}")
            strange = True
            meant += difflib.get_close_matches(key, known, 1)
        elif name in found:
            found[name] = notes.no(where, f"{key!r} stands there in two spellings")
        else:
            found[name] = value
    for key in meant:
        found.setdefault(known[key], UNKNOWN)
    return PartialMap(found) if strange else found


def within(fields: Message, tree: Tree | None) -> Tree | None:
    """A mapping inside of `fields`; what was put beside it by mistake may belong in it."""
    return PartialMap(tree) if isinstance(tree, dict) and isinstance(fields, PartialMap) else tree


def take(fields: Message, name: str) -> Tree | None:
    """The field's tree, None when it is not there, `UNKNOWN` when it may be there but could not be read."""
    tree = fields.get(name)
    return UNKNOWN if tree is None and isinstance(fields, PartialMap) else tree


def text(tree: Tree | None, where: str, notes: Notes) -> str | Unknown:
    """A text field: Cerbos takes text, whole numbers, truth values and nothing at all, but no fractions."""
    if tree is None:
        return ""
    if isinstance(tree, str):
        return str(tree)
    if isinstance(tree, Unknown):
        return tree
    if not isinstance(tree, Plain) or not tree.usable or isinstance(tree.value, float):
        return notes.no(where, "text belongs here")
    if tree.value is None:
        return ""
    return tree.text if isinstance(tree.value, bool) else str(tree.value)


def truth(tree: Tree | None, where: str, notes: Notes) -> bool | Unknown:
    """A true-or-false field."""
    if tree is None:
        return False
    if isinstance(tree, Plain) and isinstance(tree.value, bool):
        return tree.value
    return tree if isinstance(tree, Unknown) else notes.no(where, "true or false belongs here")


def items(tree: Tree | None, where: str, notes: Notes) -> list[Tree] | Unknown:
    """A list field."""
    if tree is None:
        return []
    if isinstance(tree, list | Unknown):
        return tree
    return notes.no(where, "a list belongs here")


def texts(tree: Tree | None, where: str, notes: Notes) -> "list[str | Unknown] | Unknown":
    """A list of different, non-empty texts. Items that could not be read are `UNKNOWN`."""
    found = items(tree, where, notes)
    if isinstance(found, Unknown):
        return found
    out: list[str | Unknown] = []
    for item in found:
        one = text(item, where, notes)
        if one == "":
            notes.no(where, "an empty text")
        elif isinstance(one, str) and one in out:
            notes.no(where, f"{one!r} stands there twice")
        out.append(one)
    if isinstance(found, PartialList):
        out.append(UNKNOWN)
    return out


def table(tree: Tree | None, where: str, notes: Notes) -> dict[str, Tree] | Unknown:
    """A mapping whose keys are names."""
    if tree is None:
        return {}
    if isinstance(tree, dict | Unknown):
        return tree
    return notes.no(where, "a mapping belongs here")


def free(tree: Tree, where: str, notes: Notes) -> object:
    """A free value, ready for `canon.encode`."""
    try:
        return value_of(tree)
    except Unusable as wrong:
        notes.no(where, str(wrong))
        return UNSEEN


def free_table(tree: Tree | None, where: str, notes: Notes) -> object:
    """A mapping of names to free values."""
    found = table(tree, where, notes)
    return UNSEEN if isinstance(found, Unknown) else free(found, where, notes)
