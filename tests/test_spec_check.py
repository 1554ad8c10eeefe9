"""Completeness: every gap of an incomplete spec is named, complete ones have none, and isolation is really checked."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.specification import Gap, Spec, check_spec, spec_of
from specs import GAPS, GOOD, SPECS, UNDECIDED, VALUES, load


@pytest.mark.parametrize("file", GAPS, ids=lambda path: path.stem)
def test_every_gap_is_named(file: Path) -> None:
    expected = file.read_text().split("\n# gaps: ", 1)[1].split("\n", 1)[0].split()
    gaps = check_spec(load(file))
    assert list(dict.fromkeys(gap.code + "!" * gap.contradiction for gap in gaps)) == expected
    for gap in gaps:
        assert gap.where
        assert gap.message
        assert gap.add
        assert gap.line


def test_there_are_enough_incomplete_specs_and_no_code_goes_unseen() -> None:
    seen = {code for file in GAPS for code in file.read_text().split("# gaps: ")[1].split("\n")[0].split()}
    assert len(GAPS) >= 25
    assert len(seen) >= 50


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_a_complete_spec_has_no_gaps(case: Path) -> None:
    assert check_spec(load(case / "spec.yaml")) == ()


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_no_decision_of_a_worked_spec_is_there_for_nothing_but_company(case: Path) -> None:
    """Taking any denial away leaves a gap, unless another decision shows the same."""
    data = load(case / "spec.yaml").plain()
    needed = 0
    for n, decision in enumerate(data["decisions"]):
        rest = {**data, "decisions": [*data["decisions"][:n], *data["decisions"][n + 1 :]]}
        needed += bool(check_spec(spec_of(rest))) and decision["expect"] == "deny"
    assert needed * 2 > sum(decision["expect"] == "deny" for decision in data["decisions"])


@pytest.mark.sweep
@given(SPECS)
@settings(max_examples=250, deadline=None)
def test_any_spec_can_be_checked_and_always_says_the_same(data: dict[str, Any]) -> None:
    gaps = check_spec(spec_of(data))
    assert gaps == check_spec(spec_of(data))
    assert all(isinstance(gap, Gap) and str(gap) for gap in gaps)


def test_a_condition_on_presence_is_shown_by_absence() -> None:
    data = load(next(file for file in GAPS if file.stem == "condition_shown_by_absence")).plain()
    assert {gap.code for gap in check_spec(spec_of(data))} == {"condition-not-isolated"}
    data["derived_roles"]["author"]["conditions"][0]["presence"] = True
    assert check_spec(spec_of(data)) == ()


# --- isolation -------------------------------------------------------------------------------------------------------

BASE: dict[str, Any] = {
    "principal": {
        "id": "p",
        "roles": ["r"],
        "attr": {"a": 1, "m": {"x": 1, "y": 2}},
        "scope": "s",
        "policy_version": "v",
    },
    "resource": {"id": "t", "kind": "k", "attr": {"b": "t", "l": [1, 2]}, "scope": "s", "policy_version": "v"},
    "claims": {"c": True},
    "globals": {"g": 1},
    "now": "2026-01-31T08:00:00Z",
}

CHANGES: dict[str, Any] = {
    "principal.id": lambda d: d["principal"].update(id="q"),
    "principal.scope": lambda d: d["principal"].update(scope="z"),
    "principal.policy_version": lambda d: d["principal"].update(policy_version="w"),
    "principal.attr.a": lambda d: d["principal"]["attr"].update(a=2),
    "principal.attr.m.x": lambda d: d["principal"]["attr"]["m"].update(x=None),
    "principal.attr.m.y": lambda d: d["principal"]["attr"]["m"].pop("y"),
    "principal.attr.new": lambda d: d["principal"]["attr"].update(new={"a": 1, "b": 2}),
    "principal.roles": lambda d: d["principal"].update(roles=["other"]),
    "resource.id": lambda d: d["resource"].update(id="u"),
    "resource.scope": lambda d: d["resource"].update(scope="z"),
    "resource.policy_version": lambda d: d["resource"].update(policy_version="w"),
    "resource.attr.b": lambda d: d["resource"]["attr"].update(b="u"),
    "resource.attr.l": lambda d: d["resource"]["attr"].update(l=[2, 1]),
    "claims.c": lambda d: d["claims"].update(c=1),
    "globals.g": lambda d: d["globals"].pop("g"),
    "now": lambda d: d.update(now="2026-01-31T08:00:01Z"),
}


def two_requests(before: dict[str, Any], after: dict[str, Any]) -> Any:
    """A spec in which a denial of the one has the other as its control."""
    decision = {"rule": "r", "resource": "", "principal": ""}
    sides = {"one": before, "two": after}
    return spec_of(
        {
            "version": 1,
            "request": "r",
            "roles": {"r": ""},
            "resources": {"k": {"actions": ["do"]}},
            "rules": [{"id": "r", "subject": ["r"], "actions": ["do"], "resource": "k", "decision": "allow"}],
            "examples": {
                "principals": {name: side["principal"] for name, side in sides.items()},
                "resources": {name: side["resource"] for name, side in sides.items()},
                "claims": {name: {"values": side["claims"]} for name, side in sides.items()},
            },
            "decisions": [
                {
                    **decision,
                    "id": name,
                    "principal": name,
                    "resource": name,
                    "claims": name,
                    "globals": side["globals"],
                    "now": side["now"],
                    **({"expect": "allow"} if name == "one" else {"expect": "deny", "control": "one"}),
                }
                for name, side in sides.items()
            ],
        }
    )


def copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: copied(value) for key, value in data.items()}
    return list(data) if isinstance(data, list) else data


def isolation_codes(spec: Any) -> set[str]:
    return {gap.code for gap in check_spec(spec)} & {"same-as-control", "not-isolated", "no-shows"}


@given(st.sets(st.sampled_from(sorted(CHANGES)), max_size=4))
@settings(max_examples=120, deadline=None)
def test_a_denial_is_isolated_exactly_when_one_field_differs(changed: set[str]) -> None:
    after = copied(BASE)
    for path in sorted(changed):
        CHANGES[path](after)
    spec = two_requests(BASE, after)
    expected = {0: "same-as-control", 1: "no-shows"}.get(len(changed), "not-isolated")
    assert isolation_codes(spec) == {expected}
    told = next(gap.message for gap in check_spec(spec) if gap.code == expected)
    assert sum(path in told for path in changed) >= min(len(changed), 4)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["a"], ["b"], "no-shows"),
        (["a"], ["a", "b"], "no-shows"),
        (["a", "b"], ["b"], "no-shows"),
        (["a", "b"], ["b", "a"], "same-as-control"),
        (["a", "a"], ["a"], "same-as-control"),
        (["a", "b"], ["c", "b"], "no-shows"),
        (["a", "b"], ["c", "d"], "not-isolated"),
        (["a", "b"], ["c"], "not-isolated"),
        (["a"], ["b", "c"], "not-isolated"),
    ],
)
def test_roles_are_a_set_of_which_one_may_differ(before: list[str], after: list[str], expected: str) -> None:
    one, two = copied(BASE), copied(BASE)
    one["principal"]["roles"], two["principal"]["roles"] = before, after
    assert isolation_codes(two_requests(one, two)) == {expected}


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [(1, 1.0, True), (1, True, False), ("1", 1, False), ([1], [1.0], True), ({}, None, False), (0, False, False)],
)
def test_values_are_compared_as_the_compiler_sees_them(before: Any, after: Any, same: bool) -> None:  # noqa: FBT001
    one, two = copied(BASE), copied(BASE)
    one["resource"]["attr"]["b"], two["resource"]["attr"]["b"] = before, after
    assert isolation_codes(two_requests(one, two)) == {"same-as-control" if same else "no-shows"}


def test_one_moment_may_be_written_in_two_ways() -> None:
    other = {**copied(BASE), "now": "2026-01-31T10:00:00+02:00"}
    assert isolation_codes(two_requests(BASE, other)) == {"same-as-control"}


@given(VALUES, VALUES)
@settings(max_examples=100, deadline=None)
def test_one_attribute_is_one_field_whatever_is_in_it(before: Any, after: Any) -> None:
    one, two = copied(BASE), copied(BASE)
    one["resource"]["attr"] = {"b": before}
    two["resource"]["attr"] = {}
    assert isolation_codes(two_requests(one, two)) == {"no-shows"}
    two["resource"]["attr"] = {"b": after, "new": before}
    assert isolation_codes(two_requests(one, two)) <= {"no-shows", "not-isolated"}


# --- boundaries ------------------------------------------------------------------------------------------------------


def bounded(operator: str, allowed: Any, denied: Any, **more: Any) -> set[str]:
    """The codes of a rule with a boundary, of which there is one allowed and one denied decision."""
    boundary = {"field": "resource.attr.v", "operator": operator, **more}
    attributes = {"v": {"type": "number" if not isinstance(allowed, str) else "timestamp"}}
    rule = {"id": "r", "subject": ["*"], "actions": ["do"], "resource": "k", "decision": "allow"}
    condition = {"id": "c", "looks_at": ["resource.attr.v"], "boundary": boundary}
    decision = {"rule": "r", "principal": "p"}
    spec = spec_of(
        {
            "version": 1,
            "request": "r",
            "roles": {"r": ""},
            "resources": {"k": {"actions": ["do"], "attributes": attributes}},
            "rules": [{**rule, "condition": "c", "purpose": "p", "conditions": [condition]}],
            "examples": {
                "principals": {"p": {"roles": ["r"]}},
                "resources": {"a": {"kind": "k", "attr": {"v": allowed}}, "d": {"like": "a", "attr": {"v": denied}}},
            },
            "decisions": [
                {**decision, "id": "a", "resource": "a", "expect": "allow"},
                {**decision, "id": "d", "resource": "d", "expect": "deny", "control": "a", "shows": {"condition": "c"}},
            ],
        }
    )
    return {gap.code for gap in check_spec(spec)} & {"boundary-one-sided", "bad-boundary"}


@pytest.mark.parametrize(
    ("operator", "at", "beyond"),
    [("<=", 10, 11), (">=", 10, 9), ("<", 9, 10), (">", 11, 10)],
)
def test_both_sides_of_a_boundary_are_needed(operator: str, at: int, beyond: int) -> None:
    direction = 1 if beyond > at else -1
    assert bounded(operator, at, beyond, value=10) == set()
    assert bounded(operator, at - direction, beyond, value=10) == {"boundary-one-sided"}
    assert bounded(operator, at, beyond + direction, value=10) == {"boundary-one-sided"}
    assert bounded(operator, beyond, at, value=10) == {"boundary-one-sided"}
    assert bounded(operator, at, at + direction * 0.5, value=10) == (
        {"boundary-one-sided"} if operator in "<>" else set()
    )


def test_what_counts_as_just_beyond_can_be_said() -> None:
    assert bounded("<=", 10, 10.01, value=10, step=0.01) == set()
    assert bounded("<=", 10, 10.02, value=10, step=0.01) == {"boundary-one-sided"}
    assert bounded("<=", 0.5, 0.6, value=0.5) == set()
    assert bounded("<=", 0.5, 0.7, value=0.5) == {"boundary-one-sided"}
    assert bounded("<=", 0.3, 0.4, value=0.1, plus=0.2) == set()


def test_times_have_boundaries_too() -> None:
    limit = "2026-01-31T08:00:00Z"
    assert bounded("<", "2026-01-31T07:59:59Z", limit, value=limit) == set()
    assert bounded("<", "2026-01-31T07:59:58Z", limit, value=limit) == {"boundary-one-sided"}
    assert bounded("<=", "2026-02-02T08:00:00Z", "2026-02-02T08:00:01Z", value=limit, plus="2d") == set()
    assert bounded("<=", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z", value="2026-01-31") == set()


@pytest.mark.parametrize(
    "boundary", [{}, {"value": 1, "than": "now"}, {"value": "ten"}, {"value": 1, "plus": "3d"}, {"value": 1, "step": 0}]
)
def test_a_boundary_that_cannot_be_computed_is_a_gap(boundary: dict[str, Any]) -> None:
    assert bounded("<=", 1, 2, **boundary) == {"bad-boundary"}


# --- what nothing is decided about -----------------------------------------------------------------------------------


def undecided(spec: Spec) -> list[str]:
    return [told for gap in check_spec(spec) for told in gap.undecided]


@pytest.mark.parametrize("file", UNDECIDED, ids=lambda path: path.stem)
def test_each_value_scope_role_and_action_that_is_undecided_is_named(file: Path) -> None:
    expected = file.read_text().split("\n# undecided: ", 1)[1].split("\n", 1)[0].split("; ")
    assert undecided(load(file)) == expected


def test_there_are_enough_of_them() -> None:
    assert sum(len(set(undecided(load(file)))) for file in UNDECIDED) >= 20


def pasted(spec: Spec, paste: str) -> Spec:
    """The spec with lines that a gap proposes."""
    data, more = spec.plain(), yaml.safe_load(paste)
    for section, entries in more.get("examples", {}).items():
        data.setdefault("examples", {}).setdefault(section, {}).update(entries)
    data["decisions"] = [*data["decisions"], *more["decisions"]]
    return spec_of(data)


@pytest.mark.parametrize("file", UNDECIDED, ids=lambda path: path.stem)
def test_the_lines_to_paste_decide_what_was_not(file: Path) -> None:
    """All of them, one after the other: nothing is undecided any more, and nothing else is wrong with them."""
    spec = load(file)
    other = {gap.code for gap in check_spec(spec) if not gap.undecided}
    for _ in range(40):
        gap = next((gap for gap in check_spec(spec) if gap.paste), None)
        if gap is None:
            break
        closed = pasted(spec, gap.paste)
        assert not set(gap.undecided) & set(undecided(closed)) or len(undecided(closed)) < len(undecided(spec))
        spec = closed
    assert undecided(spec) == []
    assert {gap.code for gap in check_spec(spec)} <= other


@pytest.mark.parametrize("file", UNDECIDED, ids=lambda path: path.stem)
def test_what_is_stated_to_be_irrelevant_is_no_gap(file: Path) -> None:
    spec = load(file)
    for gap in check_spec(spec):
        line = next((line for line in gap.paste.splitlines() if line.startswith("#   - {")), None)
        if line is None or len(gap.undecided) > 1:
            continue
        entry = yaml.safe_load(line.removeprefix("#   - "))
        stated = spec_of({**spec.plain(), "irrelevant": [*spec.plain().get("irrelevant", []), entry]})
        assert gap.undecided[0] not in undecided(stated)
        unexplained = spec_of({**spec.plain(), "irrelevant": [{**entry, "because": " "}]})
        assert {"irrelevant-unexplained"} <= {other.code for other in check_spec(unexplained)}
        assert gap.undecided[0] in undecided(unexplained)


def hierarchy(values: list[str], scopes: list[str], roles: list[str], left_out: tuple[str, str, str] | None) -> Spec:
    """A spec in which every role but the last may do it, unless the value is the last; `left_out` is not decided."""
    open_values, may = values[:-1], roles[:-1]
    conditions = [{"id": "open", "words": "it is open", "looks_at": ["resource.attr.state"]}]
    rule = {"id": "r", "subject": may, "actions": ["do"], "resource": "k", "condition": "open", "decision": "allow"}
    things = {
        f"{value} {scope}": {"kind": "k", "id": "t", "scope": scope, "attr": {"state": value}}
        for value in values
        for scope in [*scopes, "elsewhere"]
    }
    base = {"rule": "r"}
    decisions: list[dict[str, Any]] = []
    for scope in scopes:
        for role in may:
            for value in open_values:
                if (value, scope, role) != left_out:
                    name = f"{role}-{value}-{scope}"
                    thing = f"{value} {scope}"
                    decisions.append({**base, "id": name, "principal": role, "resource": thing, "expect": "allow"})
    first = decisions[0]
    value, scope = str(first["resource"]).split(" ")
    denied = {**base, "principal": first["principal"], "expect": "deny", "control": first["id"]}
    for index, there in enumerate(scopes):
        control = next(one for one in decisions if str(one["resource"]).endswith(f" {there}"))
        who = {"principal": roles[-1], "control": control["id"], "resource": control["resource"]}
        decisions.append({**denied, **who, "id": f"d{index}", "shows": {"role": control["principal"]}})
    for role in may:
        control = next(one for one in decisions if one["principal"] == role)
        who = {"principal": "stranger", "control": control["id"], "resource": control["resource"]}
        decisions.append({**denied, **who, "id": f"s{role}", "shows": {"unknown_role": "stranger"}})
    decisions.append({**denied, "id": "v", "resource": f"{values[-1]} {scope}", "shows": {"condition": "open"}})
    decisions.append({**denied, "id": "e", "resource": f"{value} elsewhere", "shows": {"scope": "elsewhere"}})
    attributes = {"state": {"type": "text", "one_of": values}}
    return spec_of(
        {
            "version": 1,
            "request": "r",
            "roles": dict.fromkeys(roles, ""),
            "resources": {"k": {"actions": ["do"], "attributes": attributes, "scopes": scopes}},
            "rules": [{**rule, "purpose": "p", "conditions": conditions}],
            "examples": {
                "principals": {role: {"id": "p", "roles": [role]} for role in [*roles, "stranger"]},
                "resources": things,
            },
            "decisions": decisions,
        }
    )


_WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=2, max_size=4, unique=True)


@given(_WORDS, _WORDS, _WORDS, st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_is_left_out_of_a_drawn_hierarchy_is_named(
    values: list[str], scopes: list[str], roles: list[str], data: st.DataObject
) -> None:
    values, roles = [f"V{value}" for value in values], [f"role_{role}" for role in roles]
    scopes = ["top", *(f"top.{scope}" for scope in scopes)]
    assert check_spec(hierarchy(values, scopes, roles, None)) == ()
    # A value that nothing else decides, then a role in a scope that nothing else decides.
    whole = hierarchy(values, scopes, roles, None).plain()
    value = data.draw(st.sampled_from(values[:-1]))
    scope, role = data.draw(st.sampled_from(scopes)), data.draw(st.sampled_from(roles[:-1]))
    used = {one.get("control") for one in whole["decisions"]}

    def without(gone: set[str]) -> Spec:
        return spec_of({**whole, "decisions": [one for one in whole["decisions"] if one["id"] not in gone]})

    of_value = {one["id"] for one in whole["decisions"] if f"-{value}-" in one["id"]}
    if not of_value & used:
        assert undecided(without(of_value)) == [f"value {value} of resource.attr.state, do"]
    of_role = {
        one["id"] for one in whole["decisions"] if one["id"].startswith(f"{role}-") and one["id"].endswith(f"-{scope}")
    }
    if not of_role & used:
        assert f"role {role} in scope {scope}" in undecided(without(of_role))
