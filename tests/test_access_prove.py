"""What is proved of two bundles, held against the real PDP: known pairs, and what must not be proved."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from policyloop.access.ask.request import Batch, Principal, Request, Resource
from policyloop.access.pdp import Settings, serving
from policyloop.access.prove import (
    Asked,
    Counterexample,
    Direction,
    Limits,
    NotProved,
    Proved,
    Unprovable,
    Verdict,
    proving,
)
from policyloop.access.prove.prover import Prover
from policyloop.access.prove.syntax import Unreadable, parse
from policyloop.bundle import Bundle

pytestmark = pytest.mark.compiler

NATIVE = Settings(runner="native")
STRICT = Settings(runner="native", strict=True)
ANN = Principal("ann", ("user",), {"team": "a", "teams": ["a", "b"], "limit": 10, "none": []})
BOTH = Principal("bob", ("guest", "user"), {"team": "a"})
HEAD = {"apiVersion": "api.cerbos.dev/v1"}

SAME, WIDER, NARROWER, CHANGED = "same", "wider", "narrower", "both"

EXPRESSIONS: Mapping[str, tuple[str, str, str]] = {
    "De Morgan": ("!(R.attr.a == 1 && R.attr.b == 2)", "R.attr.a != 1 || R.attr.b != 2", SAME),
    "order": ('R.attr.a == 1 && R.attr.s == "x"', '"x" == R.attr.s && 1 == R.attr.a', SAME),
    "whole numbers and doubles": ("R.attr.a == 1", "R.attr.a == 1.0", SAME),
    "in, or": ('R.attr.s in ["a", "b"]', 'R.attr.s == "a" || R.attr.s == "b"', SAME),
    "in a list of one": ('R.attr.s in ["a"]', 'R.attr.s == "a"', SAME),
    "the principal's list": ("R.attr.team in P.attr.teams", 'R.attr.team == "a" || R.attr.team == "b"', SAME),
    "exists over the principal's list": (
        "P.attr.teams.exists(t, t == R.attr.team)",
        "R.attr.team in P.attr.teams",
        SAME,
    ),
    "exists is in": ('R.attr.tags.exists(t, t == "x")', '"x" in R.attr.tags', SAME),
    "all is not in": ('R.attr.tags.all(t, t != "x")', '!("x" in R.attr.tags)', SAME),
    "hasIntersection": ('hasIntersection(R.attr.tags, ["x"])', 'hasIntersection(R.attr.tags, ["x", "y"])', WIDER),
    "a map has keys too": ('hasIntersection(R.attr.tags, ["x"])', '"x" in R.attr.tags', WIDER),
    "isSubset": ('["x", "y"].isSubset(R.attr.tags)', '["x"].isSubset(R.attr.tags)', WIDER),
    "size": ("size(R.attr.tags) > 0", "size(R.attr.tags) >= 1", SAME),
    "size, a boundary": ("size(R.attr.tags) > 1", "size(R.attr.tags) > 0", WIDER),
    "size of a text": ("size(R.attr.s) > 2", 'R.attr.s.startsWith("abc")', NARROWER + " where it is a text"),
    "a boundary": ("R.attr.n < 5", "R.attr.n <= 5", WIDER),
    "a boundary of the principal": ("R.attr.n <= P.attr.limit", "R.attr.n < 10", NARROWER),
    "startsWith": ('R.attr.s.startsWith("ab")', 'R.attr.s.startsWith("a")', WIDER),
    "contains": ('R.attr.s.endsWith("ab")', 'R.attr.s.contains("ab")', WIDER),
    "an escape": ('R.attr.s == "\\u0061"', 'R.attr.s == "a"', SAME),
    "no escape of the solver's": (r"R.attr.s == r'\u{61}'", 'R.attr.s == "a"', CHANGED),
    "has adds nothing": ("has(R.attr.a) && R.attr.a == 1", "R.attr.a == 1", SAME),
    "only where it is absent": ("has(R.attr.a) && R.attr.a == 1", "!has(R.attr.a) || R.attr.a == 1", WIDER),
    "not equal is an error where absent": ("!(R.attr.a == 1)", "!has(R.attr.a) || R.attr.a != 1", WIDER),
    "has on what has no fields": ("!has(R.attr.a.x)", "!has(R.attr.a.x) || R.attr.a == 1", SAME),
    "has on a list is an error": ("!has(R.attr.a.x)", "!has(R.attr.a.x) || R.attr.a == [1]", WIDER),
    "null is not absent": ("R.attr.a == null", "!has(R.attr.a)", CHANGED),
    "another type": ('R.attr.a != "x"', 'R.attr.a < "x" || R.attr.a > "x"', NARROWER),
    "types do not coerce": ('R.attr.a == "1"', "R.attr.a == 1", CHANGED),
    "true is not 1": ("R.attr.a == true", "R.attr.a == 1", CHANGED),
    "or takes errors": ("R.attr.a > 1 || R.attr.b == 1", "R.attr.b == 1 || R.attr.a > 1", SAME),
    "a ternary does not": ("R.attr.a > 1 || R.attr.b == 1", "R.attr.a > 1 ? true : R.attr.b == 1", NARROWER),
    "an empty list that is written": ("!(R.attr.a in [])", "true", SAME),
    "an empty list that is not": ("!(R.attr.a in P.attr.none)", "true", WIDER),
    "what the principal lacks": ("P.attr.lost == 1 || R.attr.a == 1", "R.attr.a == 1", SAME),
    "a field or an index": ('R.attr.o.x == "1"', 'request.resource.attr["o"]["x"] == "1"', SAME),
    "the id": ("R.id == P.id", "R.id == 'ann'", SAME),
    "a time": (
        'timestamp(R.attr.t) < timestamp("2020-01-01T00:00:00Z")',
        'timestamp(R.attr.t) <= timestamp("2020-01-01T01:00:00+01:00")',
        WIDER,
    ),
    "since": (
        'now() - timestamp(R.attr.t) < duration("24h")',
        'timestamp(R.attr.t) + duration("1440m") > now() && now() - timestamp(R.attr.t) < duration("86400s")',
        SAME,
    ),
    "longer ago": (
        'timeSince(timestamp(R.attr.t)) < duration("1h")',
        'timeSince(timestamp(R.attr.t)) < duration("2h")',
        WIDER,
    ),
    "unknown, but the same": (
        'R.attr.s.matches("^a") && R.attr.a == 1',
        '1 == R.attr.a && R.attr.s.matches("^a")',
        SAME,
    ),
}


def rule(condition: Any = None, effect: str = "ALLOW", action: str = "view", **holders: list[str]) -> dict[str, Any]:
    whole: dict[str, Any] = {"actions": [action], "effect": f"EFFECT_{effect}", **(holders or {"roles": ["user"]})}
    if condition is not None:
        match = {"expr": condition} if isinstance(condition, str) else condition
        whole["condition"] = {"match": match}
    return whole


def resource_policy(kind: str, rules: list[dict[str, Any]], **more: Any) -> str:
    body = {"resource": kind, "version": "default", "rules": rules, **more}
    return json.dumps({**HEAD, "resourcePolicy": body})


@contextmanager
def prover(
    old: Mapping[str, str], new: Mapping[str, str], settings: Settings = NATIVE, limits: Limits | None = None
) -> Iterator[Prover]:
    bundles = Bundle(old), Bundle(new)
    with ExitStack() as stack:
        pdps = [stack.enter_context(serving(one, settings)) for one in bundles]
        yield stack.enter_context(proving(*bundles, pdps[0], pdps[1], settings, limits))


def verdicts(old: Mapping[str, str], new: Mapping[str, str], *asked: Asked, settings: Settings = NATIVE) -> list[str]:
    with prover(old, new, settings) as both:
        return [told(list(both.compare([one]))) for one in asked]


def told(found: list[Verdict]) -> str:
    """What the verdicts about both directions come to."""
    assert [one.direction for one in found] == ["wider", "narrower"]
    unproved = [one.because for one in found if isinstance(one, NotProved)]
    assert not unproved, unproved
    wider, narrower = (isinstance(one, Counterexample) for one in found)
    return {(False, False): SAME, (True, False): WIDER, (False, True): NARROWER}.get((wider, narrower), CHANGED)


@pytest.fixture(scope="module")
def expressions() -> Iterator[Prover]:
    kinds = {name: f"k{number}" for number, name in enumerate(EXPRESSIONS)}
    old = {f"{kinds[name]}.json": resource_policy(kinds[name], [rule(one[0])]) for name, one in EXPRESSIONS.items()}
    new = {f"{kinds[name]}.json": resource_policy(kinds[name], [rule(one[1])]) for name, one in EXPRESSIONS.items()}
    with prover(old, new) as both:
        yield both


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_known_pair_of_conditions(expressions: Prover, name: str) -> None:
    expected = EXPRESSIONS[name][2].replace(" where it is a text", "")
    found = list(expressions.compare([Asked(ANN, f"k{list(EXPRESSIONS).index(name)}", "view")]))
    if EXPRESSIONS[name][2] != expected:
        assert isinstance(found[1], Counterexample)
        return
    assert told(found) == expected


NOT_THE_SAME: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "NaN in a list that is written out": (
        "R.attr.ok",
        "R.attr.ok || [double(R.attr.s)] != [double(R.attr.s)]",
        {"s": "NaN"},
    ),
    "a whole number that is no double": (
        "R.attr.ok",
        "R.attr.ok || (R.attr.n >= 9007199254740993 && R.attr.n <= 9007199254740992)",
        {"n": 9007199254740992},
    ),
    "an unsigned one": (
        "R.attr.ok",
        "R.attr.ok || (R.attr.n == 9007199254740993u && R.attr.n == 9007199254740992u)",
        {"n": 9007199254740992},
    ),
    "a sum that is no double": (
        "R.attr.ok",
        "R.attr.ok || (R.attr.n == 9007199254740991 + 2 && R.attr.n == 9007199254740992)",
        {"n": 9007199254740992},
    ),
    "a character after the solver's last": (
        "R.attr.ok",
        r'R.attr.ok || (R.attr.s > "\U0002FFFF" && !R.attr.s.startsWith("\U0002FFFF"))',
        {"s": "\U00030000"},
    ),
    "a variable that hides another": (
        "!R.attr.a.exists(x, R.attr.b.exists(x, R.attr.c.exists(y, y == y)))",
        "!R.attr.a.exists(x, R.attr.b.exists(x, R.attr.c.exists(y, x == y)))",
        {"a": [1], "b": [1], "c": [2]},
    ),
    "a variable that hides another, in map": (
        "R.attr.a.map(x, R.attr.b.map(x, R.attr.c.filter(y, y > 1))) == [[[]]]",
        "R.attr.a.map(x, R.attr.b.map(x, R.attr.c.filter(y, x > 1))) == [[[]]]",
        {"a": [1], "b": [1], "c": [2]},
    ),
    "map with a variable for a filter": (
        "R.attr.a.exists(y, R.attr.b.exists(z, R.attr.l.map(x, y, x) == [1]))",
        "R.attr.a.exists(y, R.attr.b.exists(z, R.attr.l.map(x, z, x) == [1]))",
        {"a": [False], "b": [True], "l": [1]},
    ),
    "bind to a variable": (
        "R.attr.a.exists(y, R.attr.b.exists(z, cel.bind(x, y, x == 1)))",
        "R.attr.a.exists(y, R.attr.b.exists(z, cel.bind(x, z, x == 1)))",
        {"a": [2], "b": [1]},
    ),
}
"""Old, new, and a resource that only the new one allows."""


def test_what_the_pdp_decides_otherwise_is_not_proved() -> None:
    texts = [
        {f"k{n}.json": resource_policy(f"k{n}", [rule(one[side])]) for n, one in enumerate(NOT_THE_SAME.values())}
        for side in (0, 1)
    ]
    proved = []
    with ExitStack() as stack:
        old, new = (stack.enter_context(serving(Bundle(one), NATIVE)) for one in texts)
        both = stack.enter_context(proving(Bundle(texts[0]), Bundle(texts[1]), old, new, NATIVE))
        for n, (name, (_, _, attributes)) in enumerate(NOT_THE_SAME.items()):
            request = Request(ANN, Resource(f"k{n}", "x", attributes), "view")
            assert (old.decide(request).allowed, new.decide(request).allowed) == (False, True), name
            (wider,) = both.compare([Asked(ANN, f"k{n}", "view")], ("wider",))
            proved += [name] if isinstance(wider, Proved) else []
    assert proved == []


def test_what_is_not_translated_is_not_proved_and_says_so() -> None:
    old = {"a.json": resource_policy("doc", [rule('R.attr.s.matches("^a")')])}
    new = {"a.json": resource_policy("doc", [rule('R.attr.s.matches("^b")')])}
    with prover(old, new) as both:
        found = list(both.compare([Asked(ANN, "doc", "view")]))
    assert [one.because for one in found if isinstance(one, NotProved)] == ["matches() is not translated"] * 2


def test_too_little_work_allowed_is_not_proved() -> None:
    old = {"a.json": resource_policy("doc", [rule("R.attr.a == 1"), rule("R.attr.b == 1")])}
    new = {"a.json": resource_policy("doc", [rule("R.attr.a == 1 || R.attr.b == 1 || R.attr.c == 1")])}
    with prover(old, new, limits=Limits(rows=2)) as both:
        found = list(both.compare([Asked(ANN, "doc", "view")]))
    assert {one.because for one in found if isinstance(one, NotProved)} == {"2 conditions decide together"}
    with prover(old, new, limits=Limits(steps=1)) as both:
        found = list(both.compare([Asked(ANN, "doc", "view")]))
    assert {one.because for one in found if isinstance(one, NotProved)} == {"the solver gave up"}


ALLOWED = rule(roles=["user"])


RULES: list[tuple[list[Any], list[Any], str]] = [
    # An error in a denial denies nothing.
    ([ALLOWED, rule("R.attr.a == 1", "DENY")], [rule("!(R.attr.a == 1)")], NARROWER),
    ([ALLOWED, rule("R.attr.a == 1", "DENY")], [rule({"none": {"of": [{"expr": "R.attr.a == 1"}]}})], SAME),
    ([ALLOWED, rule("R.attr.a == 1", "DENY")], [ALLOWED, rule("has(R.attr.a) && R.attr.a == 1", "DENY")], SAME),
    (
        [ALLOWED, rule("R.attr.a == 1", "DENY")],
        [ALLOWED, rule("!has(R.attr.a) || R.attr.a == 1", "DENY")],
        NARROWER,
    ),
    # An error in one part of `any` or `none` is that part's alone.
    (
        [rule({"any": {"of": [{"expr": "R.attr.a > 1"}, {"expr": "R.attr.b == 1"}]}})],
        [rule("R.attr.a > 1 ? true : R.attr.b == 1")],
        NARROWER,
    ),
    ([rule("R.attr.a == 1 && R.attr.b == 1")], [rule("R.attr.a == 1"), rule("R.attr.b == 1")], WIDER),
    ([rule("R.attr.a == 1"), rule("R.attr.b == 1")], [rule("R.attr.b == 1"), rule("R.attr.a == 1")], SAME),
    ([rule("R.attr.a == 1", action="edit")], [rule("R.attr.a == 1", action="*")], WIDER),
]


def test_known_rules() -> None:
    # Attributes of their own, for Cerbos confuses the same expressions under `none` in one policy and alone in another.
    files = [
        {
            f"k{at}.json": resource_policy(f"k{at}", case[side]).replace("R.attr.", f"R.attr.k{at}")
            for at, case in enumerate(RULES)
        }
        for side in (0, 1)
    ]
    found = verdicts(files[0], files[1], *(Asked(ANN, f"k{at}", "view") for at in range(len(RULES))))
    assert found == [expected for _, _, expected in RULES]


def test_one_roles_denial_does_not_take_what_another_role_is_allowed() -> None:
    denied = rule("R.attr.b == 1", "DENY", roles=["guest"])
    old = {"a.json": resource_policy("doc", [rule("R.attr.a == 1", roles=["user"]), denied])}
    new = {"a.json": resource_policy("doc", [rule("R.attr.a == 1", roles=["user"])])}
    assert verdicts(old, new, Asked(BOTH, "doc", "view"), Asked(ANN, "doc", "view")) == [SAME, SAME]
    both_denied = rule("R.attr.b == 1", "DENY", roles=["guest", "user"])
    old = {"a.json": resource_policy("doc", [rule("R.attr.a == 1", roles=["user"]), both_denied])}
    assert verdicts(old, new, Asked(BOTH, "doc", "view")) == [WIDER]


def test_derived_roles_variables_and_constants_are_looked_into() -> None:
    roles = {
        "name": "roles",
        "definitions": [
            {"name": "owner", "parentRoles": ["user"], "condition": {"match": {"expr": "R.attr.owner == P.id"}}}
        ],
    }
    shared = {
        "roles.json": json.dumps({**HEAD, "derivedRoles": roles}),
        "v.json": json.dumps(
            {**HEAD, "exportVariables": {"name": "v", "definitions": {"mine": "R.attr.owner == P.id"}}}
        ),
        "c.json": json.dumps({**HEAD, "exportConstants": {"name": "c", "definitions": {"who": "ann"}}}),
    }
    ways = [
        resource_policy("doc", [rule(derivedRoles=["owner"])], importDerivedRoles=["roles"]),
        resource_policy("doc", [rule("R.attr.owner == P.id")]),
        resource_policy("doc", [rule("V.mine")], variables={"import": ["v"]}),
        resource_policy("doc", [rule("R.attr.owner == C.who")], constants={"import": ["c"]}),
        resource_policy(
            "doc", [rule("V.a && !V.b")], variables={"local": {"a": "V.c", "b": "false", "c": "R.attr.owner == P.id"}}
        ),
    ]
    kinds = [way.replace('"doc"', f'"doc{at}"') for at, way in enumerate(ways)]
    firsts = [ways[0].replace('"doc"', f'"doc{at}"') for at in range(len(ways))]
    old, new = ({**shared, **{f"{at}.json": one for at, one in enumerate(side)}} for side in (firsts, kinds))
    assert verdicts(old, new, *(Asked(ANN, f"doc{at}", "view") for at in range(len(ways)))) == [SAME] * len(ways)
    other = {**roles, "definitions": [{"name": "owner", "parentRoles": ["user"]}]}
    changed = {**shared, "doc.json": ways[0], "roles.json": json.dumps({**HEAD, "derivedRoles": other})}
    assert verdicts({**shared, "doc.json": ways[0]}, changed, Asked(ANN, "doc", "view")) == [WIDER]


def test_the_roles_that_a_condition_asks_for_at_run_time_are_not_translated() -> None:
    roles = {"name": "roles", "definitions": [{"name": "owner", "parentRoles": ["user"]}]}
    files = [
        {
            "roles.json": json.dumps({**HEAD, "derivedRoles": roles}),
            "doc.json": resource_policy(
                "doc",
                [rule("'owner' in runtime.effectiveDerivedRoles"), rule(action="other", derivedRoles=["owner"])],
                importDerivedRoles=["roles"],
                **more,
            ),
        }
        for more in ({}, {"variables": {"local": {"unused": "1"}}})
    ]
    with prover(files[0], files[1]) as both:
        found = list(both.compare([Asked(ANN, "doc", "view")]))
    assert all(isinstance(one, NotProved) and "runtime" in one.because for one in found), found


def test_scopes_versions_principal_and_role_policies_decide_as_in_the_pdp() -> None:
    base = resource_policy("doc", [rule("R.attr.a == 1")])
    child = resource_policy("doc", [rule("R.attr.b == 1", "DENY")], scope="acme")
    consenting = {"scope": "acme", "scopePermissions": "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}
    narrowing = resource_policy("doc", [rule("R.attr.b == 1")], **consenting)
    other = resource_policy("doc", [rule("R.attr.c == 1")], version="two")
    mine = {"principal": "ann", "version": "default", "rules": []}
    mine["rules"] = [{"resource": "*", "actions": [{"action": "view", **_denied("R.attr.b == 1")}]}]
    limited = {"role": "user", "version": "default", "rules": [{"resource": "doc", "allowActions": ["edit"]}]}
    here, there = Asked(ANN, "doc", "view"), Asked(ANN, "doc", "view", scope="acme")
    second = Asked(ANN, "doc", "view", policy_version="two")
    # In a scope without a policy of its own nothing is allowed, so there is one that says nothing.
    old = {"base.json": base, "two.json": other, "child.json": resource_policy("doc", [], scope="acme")}
    for more, expected in (
        ({"child.json": child}, [SAME, NARROWER, SAME]),
        ({"child.json": narrowing}, [SAME, NARROWER, SAME]),
        ({"mine.json": json.dumps({**HEAD, "principalPolicy": mine})}, [NARROWER, NARROWER, SAME]),
        ({"role.json": json.dumps({**HEAD, "rolePolicy": limited})}, [NARROWER, NARROWER, SAME]),
        ({"two.json": base.replace('"default"', '"two"')}, [SAME, SAME, CHANGED]),
    ):
        assert verdicts(old, {**old, **more}, here, there, second) == expected, more


def _denied(condition: str) -> dict[str, Any]:
    return {"effect": "EFFECT_DENY", "condition": {"match": {"expr": condition}}}


def test_strict_evaluation_is_another_question() -> None:
    old = {"a.json": resource_policy("doc", [ALLOWED, rule("R.attr.a == 1", "DENY")])}
    new = {"a.json": resource_policy("doc", [ALLOWED, rule("has(R.attr.a) && R.attr.a == 1", "DENY")])}
    assert verdicts(old, new, Asked(ANN, "doc", "view")) == [SAME]
    with prover(old, new, STRICT) as both:
        assert both.strict
        wider, narrower = both.compare([Asked(ANN, "doc", "view")])
    assert isinstance(wider, Counterexample)
    assert "a" not in wider.request.resource.attr
    assert isinstance(narrower, Proved)


def test_enforced_schemas_that_differ_leave_nothing_proved() -> None:
    schema = {"_schemas/doc.json": '{"type": "object", "required": ["a"]}'}
    enforced = Settings(runner="native", schemas="reject")
    with_schema = {"schemas": {"resourceSchema": {"ref": "cerbos:///doc.json"}}}
    strict = {**schema, "a.json": resource_policy("doc", [rule()], **with_schema)}
    looser = {**strict, "_schemas/doc.json": '{"type": "object"}'}
    with prover(strict, looser, enforced) as both:
        found = list(both.compare([Asked(ANN, "doc", "view")]))
    assert all(isinstance(one, NotProved) and "schemas" in one.because for one in found), found
    with prover(strict, looser) as both:
        assert both.equivalent([Asked(ANN, "doc", "view")]) is None


def test_conditions_that_come_in_by_a_merged_key_are_judged() -> None:
    merged = """
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - &one
      actions: [view]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: R.attr.a == 1}}
    - <<: *one
      actions: [edit]
"""
    other = merged.replace("== 1", "== 2")
    here, there = Asked(ANN, "doc", "edit"), Asked(ANN, "doc", "view")
    assert verdicts({"a.yaml": merged}, {"a.yaml": merged}, here, there) == [SAME, SAME]
    assert verdicts({"a.yaml": merged}, {"a.yaml": other}, here, there) == [CHANGED, CHANGED]


def test_without_the_solver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    files = {"a.json": resource_policy("doc", [rule()])}
    with (
        pytest.raises(Unprovable, match=r"z3 is not installed: pip install 'policyloop\[prove\]'"),
        prover(files, files),
    ):
        pass


def test_the_same_question_has_the_same_answer() -> None:
    old = {"a.json": resource_policy("doc", [rule("R.attr.a < 5 && size(R.attr.tags) > 1")])}
    new = {"a.json": resource_policy("doc", [rule("R.attr.a < 7 || hasIntersection(R.attr.tags, ['x', 'y'])")])}
    found = []
    for _ in range(2):
        with prover(old, new) as both:
            found.append(list(both.compare([Asked(ANN, "doc", "view")])))
    assert found[0] == found[1]


def test_equivalent_tells_the_first_thing_that_is_not_proved() -> None:
    old = {"a.json": resource_policy("doc", [rule("R.attr.a < 5")])}
    new = {"a.json": resource_policy("doc", [rule("R.attr.a <= 5")])}
    with prover(old, old) as both:
        assert both.equivalent([Asked(ANN, "doc", "view")]) is None
    with prover(old, new) as both:
        found = both.equivalent([Asked(ANN, "doc", "edit"), Asked(ANN, "doc", "view")])
    assert isinstance(found, Counterexample)
    assert found.request == Request(ANN, Resource("doc", found.request.resource.id, {"a": 5}), "view")


def test_why_the_query_plan_is_not_what_is_proved_from() -> None:
    """The plans of conditions that decide differently are the same, so no proof can stand on them."""
    absent_matters = {
        "not": [rule("!(R.attr.a == 1)")],
        "none": [rule({"none": {"of": [{"expr": "R.attr.a == 1"}]}})],
        "deny": [ALLOWED, rule("R.attr.a == 1", "DENY")],
        "has": [rule("has(R.attr.a)")],
        "always": [ALLOWED],
        "whole": [rule("R.attr.a + 1 == 2")],
        "double": [rule("R.attr.a + 1.0 == 2.0")],
    }
    files = {f"{kind}.json": resource_policy(kind, rules) for kind, rules in absent_matters.items()}
    with serving(Bundle(files), NATIVE) as pdp:
        plans = {kind: pdp.plan(ANN, ["view"], kind) for kind in absent_matters}

        def effects(kind: str) -> list[bool]:
            resources = [Resource(kind, "x", attr) for attr in ({}, {"a": 1}, {"a": 2})]
            return [one.allowed for one in pdp.check(Batch(ANN, resources, ["view"]))]

        for one, other in (("not", "none"), ("not", "deny"), ("has", "always"), ("whole", "double")):
            assert (plans[one].kind, plans[one].condition) == (plans[other].kind, plans[other].condition)
            assert effects(one) != effects(other)


@pytest.mark.parametrize("text", ["R.attr.?a == 1", "R.attr[?'a'] == 1", "a.b{c: 1}", "`a`", "1 +", "'\\q'", "(" * 99])
def test_what_is_no_plain_cel_is_not_read(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)


def test_directions_are_named_as_they_are_asked() -> None:
    old = {"a.json": resource_policy("doc", [rule("R.attr.a < 5")])}
    new = {"a.json": resource_policy("doc", [rule("R.attr.a < 4")])}
    directions: tuple[Direction, ...] = ("narrower",)
    with prover(old, new) as both:
        (found,) = both.compare([Asked(ANN, "doc", "view")], directions)
    assert isinstance(found, Counterexample)
    assert found.direction == "narrower"


def test_rules_that_the_pdp_takes_for_each_other_are_not_judged() -> None:
    """They hold no condition at all; of `scopePermissions` Cerbos 0.55.0 keeps that of one, another at each start."""
    consent = {"scopePermissions": "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}
    plain = {"actions": ["view"], "effect": "EFFECT_ALLOW", "roles": ["user"]}
    files = {"own.json": resource_policy("own", [plain]), "child.json": resource_policy("child", [plain], **consent)}
    with prover(files, files) as both:
        told = list(both.compare([Asked(ANN, "own", "view"), Asked(ANN, "own", "another")]))
    assert isinstance(told[0], NotProved)
    assert "scopePermissions, for each other (child.json, own.json)" in told[0].because
    assert isinstance(told[-1], Proved)


def test_conditions_that_the_pdp_takes_for_each_other_are_not_judged() -> None:
    """Of `any` and `all` of the same expressions Cerbos 0.55.0 keeps one, another at each start: here it is, seen."""
    parts = {"of": [{"expr": "R.attr.a"}, {"expr": "R.attr.b"}]}
    files = {f"{kind}.json": resource_policy(kind, [rule({kind: parts})]) for kind in ("any", "all")}
    asked = [Request(ANN, Resource(kind, "x", {"a": True, "b": False}), "view") for kind in ("any", "all")]
    seen = set()
    for _ in range(12):
        with serving(Bundle(files), NATIVE) as pdp:
            seen.add(tuple(pdp.decide(one).allowed for one in asked))
        if len(seen) > 1:
            break
    assert seen != {(True, False)}, "the PDP tells them apart now: what is not proved for this could be"
    with prover(files, files) as both:
        found = list(both.compare([Asked(ANN, "any", "view")]))
    assert all(isinstance(one, NotProved) and "for each other (all.json, any.json)" in one.because for one in found), (
        found
    )
