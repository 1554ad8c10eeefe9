"""Reading and printing a spec: errors that say where, YAML 1.2, and that nothing is lost on the way."""

import contextlib
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.errors import UsageError
from policyloop.specification import check_spec, parse_spec, spec_of, spec_schema, spec_to_yaml
from specs import GAPS, GOOD, SPECS, load, shuffled

HEAD = "version: 1\nrequest: r\n"

WRONG = [
    ("", "s.yaml is empty.", "version: 1"),
    ("# only a comment\n", "s.yaml is empty.", "version: 1"),
    ("- a\n", "s.yaml:1: a spec is a mapping", "schema spec"),
    (HEAD + "rulez: []\n", "s.yaml:3: unknown key `rulez`.", "Did you mean `rules`?"),
    (HEAD + "rules:\n  - id: a\n    purpos: x\n", "s.yaml:5: unknown key `purpos` in rules[1].", "`purpose`"),
    (HEAD + "rules:\n  - subject: [a]\n", "s.yaml:4: rules[1] has no `id`.", ""),
    ("request: r\n", "s.yaml:1: the spec has no `version`.", "version: 1"),
    ("version: 2\nrequest: r\n", "s.yaml:1: version: `2` is not one of 1.", ""),
    (HEAD + "roles: {hr: 3}\n", "s.yaml:3: roles.hr: text belongs here, not `3`.", "in quotes"),
    (HEAD + "roles: {hr: }\n", "s.yaml:3: roles.hr: text belongs here, not nothing.", "in quotes"),
    (HEAD + "roles:\n  - hr\n", "s.yaml:3: roles: a mapping (key: value) belongs here, not a list.", ""),
    (HEAD + "rules:\n  - {id: a, subject: hr}\n", "s.yaml:4: rules[1].subject: a list belongs here, not `hr`.", ""),
    (
        HEAD + "rules:\n  - {id: a, actions: [true]}\n",
        "s.yaml:4: rules[1].actions[1]: text belongs here, not true.",
        "quotes",
    ),
    (HEAD + "rules:\n  - {id: a, decision: alow}\n", "s.yaml:4: rules[1].decision: `alow` is not one of", "`allow`"),
    (
        HEAD + "rules:\n  - {id: a b}\n",
        "s.yaml:4: rules[1].id: `a b` is not a name that can stand here.",
        "begins with a",
    ),
    (
        HEAD + "rules:\n  - id: a\n    conditions:\n      - {id: c, looks_at: [owner]}\n",
        "s.yaml:6: rules[1].conditions[1].looks_at[1]: `owner` is not a name that can stand here.",
        "resource.attr.NAME",
    ),
    (
        HEAD
        + "decisions:\n  - {id: a, rule: r, principal: p, resource: x, expect: deny, shows: {role: a, scope: b}}\n",
        "s.yaml:4: decisions[1].shows: one of role, condition, absent",
        "",
    ),
    (HEAD + "roles: {a: x, a: y}\n", "s.yaml:3: the key `a` stands there twice.", "Take one"),
    (HEAD + "roles: {1: x}\n", "s.yaml:3: the key '1' is no text.", "quotes"),
    (HEAD + "roles: {[a]: x}\n", "s.yaml:3: the key 'a list or a mapping' is no text.", "quotes"),
    (HEAD + "roles: &r {a: x}\n", "s.yaml:3: an anchor or alias.", "like:"),
    (HEAD + "roles: {a: !!str 3}\n", "s.yaml:3: the tag tag:yaml.org,2002:str.", "quotes"),
    (HEAD + "---\nversion: 1\n", "s.yaml:3: a second document.", "one YAML document"),
    (HEAD + "roles: {a: x\n", "s.yaml:4: this is not YAML", ""),
    (HEAD + "a: " + "[" * 50, "s.yaml:3: nested more than 40 levels deep.", ""),
    (
        HEAD + "examples: {resources: {a: {attr: {n: 90071992547409930}}}}\n",
        "s.yaml:3: the number 90071992547409930",
        "as text",
    ),
    (HEAD + "x: " + "a" * 1_048_577, "s.yaml has more than 1048576 bytes.", "people"),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG, ids=lambda value: str(value)[:40])
def test_what_has_no_place_in_a_spec_is_told_with_its_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text, "s.yaml")
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_words_that_other_readers_take_for_something_else_stay_text() -> None:
    spec = parse_spec(HEAD + "resources: {door: {actions: [on, off, yes, no, y, 1e3, 0x10, 007, 2026-01-31, .inf]}}\n")
    assert spec.resources["door"].actions == ("on", "off", "yes", "no", "y", "1e3", "0x10", "007", "2026-01-31", ".inf")
    assert parse_spec(spec_to_yaml(spec)).resources["door"].actions == spec.resources["door"].actions


def test_a_gap_knows_the_line_of_what_it_is_about() -> None:
    spec = parse_spec(HEAD + "rules:\n  - id: a\n    actions: [x]\n  - id: b\n    subject: [nobody]\n")
    lines = {(gap.where, gap.line) for gap in check_spec(spec)}
    assert {("rule 1 `a`", 4), ("rule 2 `b`, subject", 7)} <= lines


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_a_worked_spec_fits_the_published_schema(case: Path) -> None:
    jsonschema.validate(load(case / "spec.yaml").plain(), spec_schema())


def test_the_published_schema_refuses_what_the_reader_refuses() -> None:
    schema = spec_schema()
    decision = {"id": "a", "rule": "r", "principal": "p", "resource": "x", "expect": "deny"}
    for data in (
        {"version": 1},
        {"version": 1, "request": "r", "rulez": []},
        {"version": 1, "request": "r", "rules": [{"id": "a b"}]},
        {"version": 1, "request": "r", "decisions": [{**decision, "shows": {}}]},
        {"version": 1, "request": "r", "decisions": [{**decision, "shows": {"role": "a", "scope": "b"}}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data, schema)
        with pytest.raises(UsageError):
            spec_of(data)


@pytest.mark.parametrize(
    "file", [*(case / "spec.yaml" for case in GOOD), *GAPS], ids=lambda path: path.parent.name + path.stem
)
def test_a_printed_spec_is_the_same_spec(file: Path) -> None:
    spec = load(file)
    text = spec_to_yaml(spec)
    assert parse_spec(text) == spec
    assert parse_spec(text).digest == spec.digest
    assert spec_to_yaml(parse_spec(text)) == text


@pytest.mark.sweep
@given(SPECS)
@settings(max_examples=150, deadline=None)
def test_any_spec_survives_printing(data: dict[str, Any]) -> None:
    spec = spec_of(data)
    text = spec_to_yaml(spec)
    assert parse_spec(text) == spec
    assert spec_to_yaml(parse_spec(text)) == text


@given(SPECS, st.integers())
@settings(max_examples=50, deadline=None)
def test_the_digest_does_not_depend_on_the_order_of_keys_or_on_who_confirmed(data: dict[str, Any], seed: int) -> None:
    other = shuffled(data, random.Random(seed))
    other["confirmed"] = {"by": "somebody", "at": "today", "digest": ""}
    assert spec_of(other).digest == spec_of(data).digest


@pytest.mark.sweep
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["version", "request", "rules", "id", "shows", "roles"]) | st.text(), inner
            )
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_data_that_is_no_spec_is_a_usage_error_and_nothing_else(data: object) -> None:
    with pytest.raises(UsageError):
        spec_of({"version": 1, "request": "r", "rules": [{"id": "a", "subject": [data, 3]}]})
    with contextlib.suppress(UsageError):
        spec_of(data)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
@settings(max_examples=150, deadline=None)
def test_text_that_is_no_spec_is_a_usage_error_and_nothing_else(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_spec(text)
