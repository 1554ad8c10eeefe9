"""Specs for tests: those under `fixtures/spec`, and arbitrary ones."""

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from bundles import FIXTURES, read
from policyloop.bundle import Bundle, Replace
from policyloop.specification import Spec, parse_spec
from policyloop.yaml_text.writing import flow

GOOD = sorted(path for path in (FIXTURES / "spec" / "good").iterdir() if path.is_dir())
UNDECIDED = sorted((FIXTURES / "spec" / "undecided").glob("*.yaml"))
GAPS = sorted((FIXTURES / "spec" / "gaps").glob("*.yaml"))


@dataclass(frozen=True)
class Break:
    """An edit of a policy that breaks one rule."""

    rule: str
    edit: Replace


def load(path: Path) -> Spec:
    """The spec in a file."""
    return parse_spec(path.read_text(), path.name)


def policies(case: Path) -> Bundle:
    """The policies of a worked spec."""
    return read(case / "policies")


def breaks(case: Path) -> list[Break]:
    """The edits that break the rules of a worked spec."""
    entries = yaml.safe_load((case / "mutations.yaml").read_text())
    return [Break(entry["rule"], Replace(entry["path"], entry["old"], entry["new"])) for entry in entries]


def shuffled(value: Any, order: random.Random) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "yes",
        "on",
        "null",
        "~",
        "1e3",
        "0x10",
        "007",
        "1_000",
        ".inf",
        "2026-01-31",
        "a: b",
        "a #b",
        "- a",
        "x ",
        "'",
        "{a}",
    ]
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15, allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
_FREE = st.dictionaries(TEXT, VALUES, max_size=3)
IDS = st.from_regex(re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,8}\Z"), fullmatch=True)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*!?[]{}"), min_size=1, max_size=10)
_FIELDS = st.sampled_from(["now", "principal.id", "resource.attr.a", "principal.attr.a", "claims.c", "resource.scope"])
_BOUNDARY = st.fixed_dictionaries(
    {"operator": st.sampled_from(["<", "<=", ">", ">="])},
    optional={
        "field": _FIELDS,
        "value": NUMBERS | TEXT,
        "than": _FIELDS,
        "plus": NUMBERS | st.sampled_from(["3d", "-1h"]),
        "step": NUMBERS,
    },
)
_CONDITION = st.fixed_dictionaries(
    {"id": IDS}, optional={"words": TEXT, "looks_at": st.lists(_FIELDS, max_size=3), "boundary": _BOUNDARY}
)
_FEW = st.sampled_from(["a", "b", "c"])
_SHOWS = st.one_of(
    *(st.fixed_dictionaries({key: _FEW}) for key in ("role", "condition", "tenant", "scope", "unknown_role", "action")),
    st.fixed_dictionaries({"absent": _FIELDS}),
)
_ATTRIBUTES = st.dictionaries(
    _FEW,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "number", "integer", "boolean", "date", "timestamp", "list", "map"])},
        optional={"optional": st.booleans(), "one_of": st.lists(TEXT, max_size=2)},
    ),
    max_size=3,
)
_WHO = {"like": _FEW, "attr": st.dictionaries(_FEW, VALUES, max_size=3), "absent": st.lists(_FEW, max_size=2)}

SPECS = st.fixed_dictionaries(
    {"version": st.just(1), "request": TEXT},
    optional={
        "now": TEXT | st.just("2026-01-31T08:00:00+02:00"),
        "roles": st.dictionaries(NAMES | _FEW, TEXT, max_size=3),
        "derived_roles": st.dictionaries(
            _FEW,
            st.fixed_dictionaries(
                {}, optional={"parents": st.lists(_FEW, max_size=2), "conditions": st.lists(_CONDITION)}
            ),
            max_size=2,
        ),
        "principals": st.fixed_dictionaries({}, optional={"attributes": _ATTRIBUTES, "claims": _ATTRIBUTES}),
        "resources": st.dictionaries(
            _FEW,
            st.fixed_dictionaries(
                {},
                optional={
                    "actions": st.lists(_FEW, max_size=3),
                    "attributes": _ATTRIBUTES,
                    "tenant": _FEW,
                    "scopes": st.lists(_FEW, max_size=2),
                },
            ),
            max_size=3,
        ),
        "rules": st.lists(
            st.fixed_dictionaries(
                {"id": _FEW},
                optional={
                    "subject": st.lists(_FEW | st.just("*"), max_size=2),
                    "actions": st.lists(_FEW, max_size=2),
                    "resource": _FEW,
                    "condition": TEXT,
                    "decision": st.sampled_from(["allow", "deny"]),
                    "purpose": TEXT,
                    "conditions": st.lists(_CONDITION, max_size=2),
                },
            ),
            max_size=3,
        ),
        "examples": st.fixed_dictionaries(
            {},
            optional={
                "principals": st.dictionaries(
                    _FEW, st.fixed_dictionaries({}, optional={**_WHO, "roles": st.lists(_FEW, max_size=2)})
                ),
                "resources": st.dictionaries(
                    _FEW, st.fixed_dictionaries({}, optional={**_WHO, "kind": _FEW, "scope": _FEW})
                ),
                "claims": st.dictionaries(_FEW, st.fixed_dictionaries({}, optional={"like": _FEW, "values": _FREE})),
            },
        ),
        "decisions": st.lists(
            st.fixed_dictionaries(
                {
                    "id": _FEW | IDS,
                    "rule": _FEW,
                    "principal": _FEW,
                    "resource": _FEW,
                    "expect": st.sampled_from(["allow", "deny"]),
                },
                optional={
                    "actions": st.lists(_FEW, max_size=2),
                    "control": _FEW,
                    "shows": _SHOWS,
                    "now": TEXT,
                    "claims": _FEW,
                    "globals": _FREE,
                    "outputs": st.lists(st.fixed_dictionaries({"value": VALUES}, optional={"src": TEXT}), max_size=2),
                },
            ),
            max_size=4,
        ),
        "questions": st.lists(
            st.fixed_dictionaries({"id": _FEW, "text": TEXT}, optional={"answer": TEXT, "assumed": st.booleans()}),
            max_size=2,
        ),
        "assumptions": st.lists(TEXT, max_size=2),
        "confirmed": st.fixed_dictionaries({"by": TEXT, "at": TEXT, "digest": TEXT}),
    },
)
"""Data that is a spec: mostly incomplete, and with names that exist often enough to get somewhere."""


@st.composite
def _decided(draw: st.DrawFn) -> dict[str, Any]:
    """A spec in which everything that is named is there, and whose decisions do not contradict each other."""
    kinds, actions = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True)), ["do", "on", "no"]
    rules = [{"id": f"r{n}", "subject": ["a"], "actions": actions, "resource": kind} for n, kind in enumerate(kinds)]
    people = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    things = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    claims = {name: {**draw(_FREE), "token": name} for name in draw(st.lists(NAMES, max_size=2, unique=True))}
    cells = draw(
        st.lists(
            st.tuples(
                st.sampled_from(people),
                st.sampled_from(things),
                st.sampled_from([None, *claims]),
                st.sampled_from(["2026-01-31T08:00:00Z", "2026-02-01T00:00:00Z"]),
                st.sampled_from([{}, {"g": 1}, {"g": {"on": True}}]),
            ),
            max_size=8,
            unique_by=flow,
        )
    )
    decisions = []
    for n, (who, what, token, now, global_) in enumerate(cells):
        kind = kinds[things.index(what) % len(kinds)]
        one = {"id": f"d{n}", "rule": f"r{kinds.index(kind)}", "principal": who, "resource": what, "now": now}
        one |= {"actions": draw(st.lists(st.sampled_from(actions), min_size=1, max_size=3, unique=True))}
        one |= {"expect": draw(st.sampled_from(["allow", "deny"])), "globals": global_}
        decisions.append(one | ({"claims": token} if token else {}))
    attr = st.dictionaries(TEXT.filter(bool), VALUES, min_size=1, max_size=3)
    return {
        "version": 1,
        "request": "r",
        "rules": rules,
        "examples": {
            "principals": {name: {"roles": ["a"], "attr": draw(attr)} for name in people},
            "resources": {name: {"kind": kinds[n % len(kinds)]} for n, name in enumerate(things)},
            "claims": {name: {"values": values} for name, values in claims.items()},
        },
        "decisions": decisions,
    }


DECIDED = _decided()
"""Data that is a spec of which suites can be written."""
