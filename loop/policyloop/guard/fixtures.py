"""Principals, resources, auxiliary data and groups, from a fixture file or from within a suite."""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from policyloop.guard import fields as f
from policyloop.guard.canon import UNSEEN, UNSEEN_TEXT, decode, encode
from policyloop.guard.fields import Notes
from policyloop.yaml_text.tree import PartialMap, Tree, Unknown

Names = list[str | Unknown] | Unknown
"""Names as read: `UNKNOWN` for one that could not be read, or for the whole list."""

SCHEMA = {"$schema": "$schema", "json_schema": "$schema"}
"""The field that editors read; Cerbos takes it in every test file."""

_PRINCIPAL = f.spelled("id", "policyVersion", "roles", "attr", "scope")
_RESOURCE = f.spelled("kind", "policyVersion", "id", "attr", "scope")
_AUX_DATA = f.spelled("jwt", "jwts")
_JWT = f.spelled("claims")
_FIELDS = {**_PRINCIPAL, **_RESOURCE, **_AUX_DATA}
_FILES = {
    "principals": {**f.spelled("principals", "principalGroups"), **SCHEMA},
    "resources": {**f.spelled("resources", "resourceGroups"), **SCHEMA},
    "auxData": {**f.spelled("auxData"), **SCHEMA},
}
_VERSION = re.compile(r"\w*\Z", re.ASCII)
_SCOPE = re.compile(r"(?:|\.|[0-9a-zA-Z][\w-]*(?:\.\w[\w-]*)*)\Z", re.ASCII)


@dataclass(slots=True)
class Fixtures:
    """What a suite may refer to: canonical texts and group members, by name."""

    principals: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    aux_data: dict[str, str] = field(default_factory=dict)
    principal_groups: dict[str, Names] = field(default_factory=dict)
    resource_groups: dict[str, Names] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


def fixture_file(tree: Tree, kind: str, notes: Notes) -> Fixtures:
    """A file of `testdata`; `kind` is `principals`, `resources` or `auxData`."""
    found = Fixtures(notes=notes)
    fields = f.message(tree, _FILES[kind], "", notes)
    if not isinstance(fields, Unknown):
        fill(found, fields)
        check_groups("principal", found.principal_groups, found.principals, notes)
        check_groups("resource", found.resource_groups, found.resources, notes)
    return found


def check_groups(what: str, groups: dict[str, Names], there: Container[str], notes: Notes) -> None:
    """Every member of a group must be a fixture that is there."""
    for name, members in groups.items():
        for member in [] if isinstance(members, Unknown) else members:
            if isinstance(member, str) and member not in there:
                notes.no(f"group {name!r}", f"{what} {member!r} is in no fixture")


def fill(found: Fixtures, fields: f.Message) -> None:
    """Take the fixtures and groups out of `fields`."""
    notes = found.notes
    kinds: tuple[tuple[str, dict[str, str], Callable[[Tree, str, Notes], str]], ...] = (
        ("principals", found.principals, _principal),
        ("resources", found.resources, _resource),
        ("auxData", found.aux_data, _aux_data),
    )
    for kind, texts, make in kinds:
        if kind in fields:
            entries = f.table(fields[kind], kind, notes)
            before = ""
            for key, tree in entries.items() if isinstance(entries, dict) else ():
                found_before = len(notes)
                texts[key] = make(tree, f"{kind} {key!r}", notes)
                if len(notes) > found_before and key in _FIELDS and before:
                    # Not a fixture of that name, but a field of the one before it, wrongly indented.
                    texts[before] = encode([UNSEEN, decode(texts[before])])
                before = key
    for kind, member, groups in (
        ("principalGroups", "principals", found.principal_groups),
        ("resourceGroups", "resources", found.resource_groups),
    ):
        if kind in fields:
            entries = f.table(fields[kind], kind, notes)
            for key, tree in entries.items() if isinstance(entries, dict) else ():
                groups[key] = _group(tree, member, f"group {key!r}", notes)


def _group(tree: Tree, member: str, where: str, notes: Notes) -> Names:
    fields = f.message(tree, {member: member}, where, notes)
    if isinstance(fields, Unknown):
        return fields
    members = f.texts(f.take(fields, member), where, notes)
    return notes.no(where, "it has no members") if members == [] else members


def _principal(tree: Tree, where: str, notes: Notes) -> str:
    fields = f.message(tree, _PRINCIPAL, where, notes)
    if isinstance(fields, Unknown):
        return UNSEEN_TEXT
    out = _who(fields, where, notes)
    roles = f.texts(f.take(fields, "roles"), where, notes)
    if roles == []:
        notes.no(where, "a principal needs roles")
    if isinstance(roles, Unknown) or not roles or any(isinstance(role, Unknown) for role in roles):
        out["roles"] = UNSEEN
    else:
        out["roles"] = [str(role) for role in roles]
    return closed(out, fields)


def _resource(tree: Tree, where: str, notes: Notes) -> str:
    fields = f.message(tree, _RESOURCE, where, notes)
    if isinstance(fields, Unknown):
        return UNSEEN_TEXT
    out = _who(fields, where, notes)
    out["kind"] = _required(fields, "kind", where, notes)
    return closed(out, fields)


def _who(fields: f.Message, where: str, notes: Notes) -> dict[str, object]:
    """The fields that principals and resources share; those at their default are left out."""
    out: dict[str, object] = {"id": _required(fields, "id", where, notes)}
    for name, allowed in (("policyVersion", _VERSION), ("scope", _SCOPE)):
        if name in fields:
            value = f.text(fields[name], where, notes)
            if isinstance(value, Unknown):
                out[name] = UNSEEN
            elif value:
                out[name] = value
                if not allowed.match(value):
                    out[name] = UNSEEN
                    notes.no(where, f"{name} {value!r} is not one")
    if "attr" in fields:
        attr = f.free_table(f.within(fields, fields["attr"]), where, notes)
        if attr != {}:
            out["attr"] = attr
        if isinstance(attr, dict) and "" in attr:
            notes.no(where, "an attribute without a name")
    return out


def _required(fields: f.Message, name: str, where: str, notes: Notes) -> object:
    value = f.text(f.take(fields, name), where, notes)
    if value == "":
        notes.no(where, f"it has no {name}")
    return value or UNSEEN if isinstance(value, str) else UNSEEN


def _aux_data(tree: Tree, where: str, notes: Notes) -> str:
    fields = f.message(tree, _AUX_DATA, where, notes)
    if isinstance(fields, Unknown):
        return UNSEEN_TEXT
    out: dict[str, object] = {}
    if "jwt" in fields:
        out["jwt"] = f.free_table(fields["jwt"], where, notes)
    if "jwts" in fields:
        out["jwts"] = _tokens(fields["jwts"], where, notes)
    if out.get("jwt") and out.get("jwts"):
        notes.no(where, "only one of jwt and jwts may be there")
    return closed({name: value for name, value in out.items() if value != {}}, fields)


def _tokens(tree: Tree, where: str, notes: Notes) -> object:
    tokens = f.table(tree, where, notes)
    if isinstance(tokens, Unknown):
        return UNSEEN
    if "" in tokens:
        notes.no(where, "a token without a name")
    out: dict[str, object] = {}
    for name, token in tokens.items():
        inner = f.message(token, _JWT, where, notes)
        known = not isinstance(inner, Unknown | PartialMap)
        claims = f.free_table(f.take(inner, "claims"), where, notes) if known and isinstance(inner, dict) else UNSEEN
        out[name] = {"claims": claims}
    return out


def closed(out: dict[str, object], fields: f.Message) -> str:
    """`out` in canonical text; when `fields` could not all be read there may be more to it."""
    return encode([UNSEEN, out] if isinstance(fields, PartialMap) else out)
