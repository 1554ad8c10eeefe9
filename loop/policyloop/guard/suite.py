"""A suite file: its tree as the fields that Cerbos 0.55.0 knows, with what would keep it from loading."""

from dataclasses import dataclass

from policyloop.effects import ALLOW, DENY
from policyloop.guard import fields as f
from policyloop.guard.canon import UNSEEN, UNSEEN_TEXT, encode
from policyloop.guard.demand import UNSEEN_SOURCE
from policyloop.guard.fields import Notes
from policyloop.guard.fixtures import SCHEMA, Fixtures, Names, closed, fill
from policyloop.guard.instant import instant
from policyloop.yaml_text.scalars import Plain
from policyloop.yaml_text.tree import PartialList, PartialMap, Tree, Unknown

NO_OPTIONS = "{}"

_OPTIONS = f.spelled("now", "lenientScopeSearch", "globals", "defaultPolicyVersion", "defaultScope", "strictEvaluation")
_FIXTURES = f.spelled("principals", "principalGroups", "resources", "resourceGroups", "auxData")
_SUITE = {**f.spelled("name", "description", "skip", "skipReason", "tests", "options"), **_FIXTURES, **SCHEMA}
_CASE = f.spelled("name", "description", "skip", "skipReason", "input", "expected", "options")
_INPUT = f.spelled("principals", "resources", "actions", "auxData", "principalGroups", "resourceGroups")
_ROW = f.spelled(
    "principal", "resource", "actions", "outputs", "principals", "resources", "principalGroups", "resourceGroups"
)
_OUTPUT = f.spelled("action", "expected")
_ENTRY = f.spelled("src", "val", "action", "error")
_EFFECTS: dict[object, str] = {ALLOW: ALLOW, DENY: DENY, 1: ALLOW, 2: DENY}


@dataclass(frozen=True, slots=True)
class Who:
    """The names and the groups of one side, principals or resources, of an input or an expectation."""

    names: Names
    groups: Names


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of `expected`. An effect is "" when it could not be read; `outputs`: action -> source -> value."""

    principals: Who
    resources: Who
    effects: dict[str, str]
    outputs: dict[str, dict[str, str]]
    partial: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of `tests`. `options` is None when the suite's hold; `partial`: not every row could be read."""

    name: str | Unknown
    skip: bool
    principals: Who
    resources: Who
    actions: Names
    aux_data: str | Unknown
    options: str | None
    rows: list[Row]
    partial: bool


@dataclass(frozen=True, slots=True)
class Suite:
    """A `*_test` file. `notes` is empty when Cerbos can load it, as far as the file alone can tell.

    `partial`: not every test could be read.
    """

    name: str
    skip: bool
    options: str
    own: Fixtures
    cases: list[Case]
    partial: bool
    notes: Notes


def suite(tree: Tree, notes: Notes) -> Suite:
    """The suite in `tree`."""
    fields = f.message(tree, _SUITE, "", notes)
    if isinstance(fields, Unknown):
        fields = PartialMap()
    elif not isinstance(tree, PartialMap):
        fields = dict(fields)  # a field that is not known does not put all of the suite in question
    name = f.text(f.take(fields, "name"), "name", notes)
    if name == "":
        notes.no("name", "a suite needs one")
    options = f.take(fields, "options")
    tests = f.items(f.take(fields, "tests"), "tests", notes)
    cases = [] if isinstance(tests, Unknown) else [_case(one, n, notes) for n, one in enumerate(tests, 1)]
    if tests == []:
        notes.no("tests", "a suite needs at least one")
    names = [case.name for case in cases]
    for twice in sorted({one for one in names if isinstance(one, str) and names.count(one) > 1}):
        notes.no(f"test {twice!r}", "the name stands there twice")
    own = Fixtures(notes=notes)
    fill(own, fields)
    skip = f.truth(f.take(fields, "skip"), "skip", notes)
    return Suite(
        name=name if isinstance(name, str) else "",
        skip=skip is True,
        options=NO_OPTIONS if options is None else _options(options, "options", notes),
        own=own,
        cases=cases,
        partial=isinstance(tests, Unknown | PartialList),
        notes=notes,
    )


def _options(tree: Tree, where: str, notes: Notes) -> str:
    """Options in canonical text; those at their default are left out."""
    fields = f.message(tree, _OPTIONS, where, notes)
    if isinstance(fields, Unknown):
        return UNSEEN_TEXT
    out: dict[str, object] = {}
    for name, value in fields.items():
        here = f"{where} {name}"
        found: object
        if name == "now":
            found = instant(value)
            if found is None:
                notes.no(here, "a time like 2026-01-31T08:00:00Z belongs here")
                found = UNSEEN
        elif name == "globals":
            found = f.free_table(value, here, notes)
        elif name in ("lenientScopeSearch", "strictEvaluation"):
            found = f.truth(value, here, notes)
        else:
            found = f.text(value, here, notes)
        if isinstance(found, Unknown):
            out[name] = UNSEEN
        elif found is not False and found not in ("", {}):
            out[name] = found
    return closed(out, fields)


def _case(tree: Tree, number: int, notes: Notes) -> Case:
    fields = f.message(tree, _CASE, f"test {number}", notes)
    if isinstance(fields, Unknown):
        fields = PartialMap()
    name = f.text(f.take(fields, "name"), f"test {number}", notes)
    where = f"test {name!r}" if isinstance(name, str) and name else f"test {number}"
    if name == "":
        notes.no(where, "it has no name")
    inputs = f.within(fields, f.take(fields, "input"))
    given = PartialMap() if inputs is None else f.message(inputs, _INPUT, f"{where} input", notes)
    if inputs is None:
        notes.no(where, "it has no input")
    if isinstance(given, Unknown):
        given = PartialMap()
    rows = f.items(f.take(fields, "expected"), where, notes)
    if rows == []:
        notes.no(where, "it has no expected")
    actions = f.texts(f.take(given, "actions"), f"{where} actions", notes)
    if actions == []:
        notes.no(where, "its input has no actions")
    options = f.within(fields, f.take(fields, "options"))
    sides = [_side(given, side, f"{where} input", notes) for side in ("principal", "resource")]
    return Case(
        name=name,
        skip=f.truth(f.take(fields, "skip"), where, notes) is True,
        principals=sides[0],
        resources=sides[1],
        actions=actions,
        aux_data=f.text(f.take(given, "auxData"), where, notes),
        options=None if options is None else _options(options, f"{where} options", notes),
        rows=[] if isinstance(rows, Unknown) else [_row(row, where, notes) for row in rows],
        partial=not rows or isinstance(rows, Unknown | PartialList),
    )


def _side(fields: f.Message, side: str, where: str, notes: Notes) -> Who:
    """The principals (or resources) and their groups; a row may also name just one."""
    names = f.texts(f.take(fields, f"{side}s"), where, notes)
    groups = f.texts(f.take(fields, f"{side}Groups"), where, notes)
    one = f.text(fields.get(side), where, notes)
    if one and names == []:
        names = [one]
    elif one and not isinstance(names, Unknown):
        notes.no(where, f"{side} and {side}s may not both be there")
    if names == [] and groups == []:
        notes.no(where, f"it names no {side}")
    return Who(names, groups)


def _row(tree: Tree, where: str, notes: Notes) -> Row:
    here = f"{where} expected"
    fields = f.message(tree, _ROW, here, notes)
    if isinstance(fields, Unknown):
        fields = PartialMap()
    given = f.table(f.take(fields, "actions"), here, notes)
    effects: dict[str, str] = {}
    for action, effect in given.items() if isinstance(given, dict) else ():
        effects[action] = _effect(effect, action, here, notes)
    if given == {}:
        notes.no(here, "it has no actions")
    outputs = f.items(f.take(fields, "outputs"), here, notes)
    unread = not given or isinstance(given, Unknown | PartialMap) or isinstance(outputs, Unknown | PartialList)
    return Row(
        principals=_side(fields, "principal", here, notes),
        resources=_side(fields, "resource", here, notes),
        effects=effects,
        outputs={} if isinstance(outputs, Unknown) else _outputs(outputs, here, notes),
        partial=unread or isinstance(fields, PartialMap),
    )


def _effect(tree: Tree, action: str, where: str, notes: Notes) -> str:
    if not action:
        notes.no(where, "an action without a name")
    named = tree if type(tree) is str else tree.value if isinstance(tree, Plain) and type(tree.value) is int else None
    effect = _EFFECTS.get(named, "")
    if not effect and not isinstance(tree, Unknown):
        notes.no(where, f"{action} is neither EFFECT_ALLOW nor EFFECT_DENY")
    return effect


def _outputs(trees: list[Tree], where: str, notes: Notes) -> dict[str, dict[str, str]]:
    """Action -> source -> value. As in Cerbos, a later entry for the same action takes the place of an earlier one."""
    found: dict[str, dict[str, str]] = {}
    for tree in trees:
        fields = f.message(tree, _OUTPUT, f"{where} outputs", notes)
        if isinstance(fields, Unknown):
            continue
        action = f.text(f.take(fields, "action"), f"{where} outputs", notes)
        entries = f.items(f.take(fields, "expected"), f"{where} outputs", notes)
        if action == "":
            notes.no(where, "an output without an action")
        if entries == []:
            notes.no(where, "an output that expects nothing")
        if isinstance(action, str):
            known = [] if isinstance(entries, Unknown) else entries
            found[action] = dict(_entry(entry, where, notes) for entry in known)
            if isinstance(entries, Unknown):
                found[action] = {UNSEEN_SOURCE: UNSEEN_TEXT}
    return found


def _entry(tree: Tree, where: str, notes: Notes) -> tuple[str, str]:
    fields = f.message(tree, _ENTRY, f"{where} outputs", notes)
    if isinstance(fields, Unknown):
        return UNSEEN_SOURCE, UNSEEN_TEXT
    for unused in ("action", "error"):
        f.text(fields.get(unused), where, notes)
    src = f.text(f.take(fields, "src"), where, notes)
    val = f.take(fields, "val")
    text = "" if val is None else encode(f.free(val, where, notes))
    return (UNSEEN_SOURCE if isinstance(src, Unknown) else src), text
