"""Rules that Cerbos takes for each other: what is said of them is held against the real PDP and the real compiler."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.access.ask.luck import luck_in
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.lint import lint
from policyloop.access.pdp import Settings, serving
from policyloop.access.source import policies_of
from policyloop.access.source.alike import taken_for_each_other
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.validators.judge import validate

pytestmark = pytest.mark.compiler

NATIVE = Settings(runner="native")
STARTS = 4
ANN = Principal("ann", ("user",))
VALUES = tuple(itertools.product((True, False), repeat=2))
HOLDS = {"any": any, "all": all, "none": lambda held: not any(held)}


def policy(kind: str, rule: dict[str, Any], **more: Any) -> str:
    rules = [{"effect": "EFFECT_ALLOW", "roles": ["user"], **rule}]
    body = {"resource": kind, "version": "default", "rules": rules, **more}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})


def condition(operator: str, *texts: str) -> dict[str, Any]:
    return {"match": {operator: {"of": [{"expr": text} for text in texts]}}}


@dataclass(frozen=True)
class Pair:
    """Two policies of one rule each: operators, and what else may tell the rules apart."""

    operators: tuple[str, str]
    turned: bool
    action: str
    variable: bool
    output: bool

    def files(self, number: int) -> dict[str, str]:
        texts = [f"R.attr.a{number}", f"R.attr.b{number}"]
        first, second = (condition(one, *texts) for one in self.operators)
        if self.turned:
            second = condition(self.operators[1], *reversed(texts))
        more: dict[str, Any] = {"output": {"when": {"ruleActivated": "R.id"}}} if self.output else {}
        rule = {"actions": [self.action], "condition": second, **more}
        named: dict[str, Any] = {"variables": {"local": {"w": "R.id"}}} if self.variable else {}
        if self.variable:
            rule["output"] = {"when": {"ruleActivated": "V.w"}}
        return {
            f"p{number}.json": policy(f"p{number}", {"actions": ["view"], "condition": first}),
            f"q{number}.json": policy(f"q{number}", rule, **named),
        }

    def asked(self, number: int) -> list[tuple[Request, bool]]:
        """Requests, and whether they are allowed as it is written."""
        return [
            (
                Request(ANN, Resource(f"{letter}{number}", "x", {f"a{number}": a, f"b{number}": b}), action),
                HOLDS[operator]([a, b]),
            )
            for letter, action, operator in zip("pq", ("view", self.action), self.operators, strict=True)
            for a, b in VALUES
        ]


PAIRS = st.builds(
    Pair,
    st.tuples(*[st.sampled_from(sorted(HOLDS))] * 2),
    *[st.sampled_from([False, False, True])],
    st.sampled_from(["view", "view", "edit"]),
    *[st.sampled_from([False, False, True])] * 2,
)


@given(pairs=st.lists(PAIRS, min_size=20, max_size=40, unique=True))
@settings(max_examples=2, deadline=None)
def test_what_is_named_is_confused_and_what_is_not_named_is_not(pairs: list[Pair]) -> None:
    files = {path: text for number, pair in enumerate(pairs) for path, text in pair.files(number).items()}
    groups = taken_for_each_other(policies_of(Bundle(files)))
    named = {rule.place.file for group in groups for rule in group}
    for _ in range(STARTS):
        with serving(Bundle(files), NATIVE) as pdp:
            wrong = {
                number
                for number, pair in enumerate(pairs)
                for request, meant in pair.asked(number)
                if pdp.decide(request).allowed != meant
            }
        assert {f"p{number}.json" for number in wrong} == {file for file in named if file.startswith("p")}


def derived(name: str, match: dict[str, Any]) -> str:
    held = [{"name": f"role_{name}", "parentRoles": ["user"], "condition": match}]
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "derivedRoles": {"name": name, "definitions": held}})


CONSENT = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
A, B = "R.attr.a", "R.attr.b"
VIEW: dict[str, Any] = {"actions": ["view"]}
OTHERS: dict[str, dict[str, str]] = {
    "one policy, other roles": {
        "p.json": json.dumps(
            {
                "apiVersion": "api.cerbos.dev/v1",
                "resourcePolicy": {
                    "resource": "p",
                    "version": "default",
                    "rules": [
                        {**VIEW, "effect": "EFFECT_ALLOW", "roles": [role], "condition": condition(operator, A, B)}
                        for role, operator in (("other", "any"), ("user", "all"))
                    ],
                },
            }
        )
    },
    "scopePermissions": {
        "p.json": policy("p", VIEW, scopePermissions=CONSENT),
        "q.json": policy("q", VIEW),
    },
    "the end of the condition": {
        "d.json": derived("d", condition("all", A)),
        "e.json": derived("e", condition("all", B, A)),
        "q.json": policy(
            "q",
            {**VIEW, "roles": [], "derivedRoles": ["role_d"], "condition": condition("any", A, B)},
            importDerivedRoles=["d"],
        ),
        "p.json": policy(
            "p",
            {**VIEW, "roles": [], "derivedRoles": ["role_e"], "condition": condition("all", A)},
            importDerivedRoles=["e"],
        ),
    },
}
"""Of `a` that holds and `b` that does not, `q` is allowed and `p` is not; where there is one policy, `p` is not."""


@pytest.mark.parametrize("what", OTHERS)
def test_other_ways_to_be_confused_are_named(what: str) -> None:
    files = OTHERS[what]
    (group,) = taken_for_each_other(policies_of(Bundle(files)))
    assert {rule.place.file for rule in group} == set(files) & {"p.json", "q.json"}
    kinds = [file[0] for file in ("p.json", "q.json") if file in files]
    asked = [Request(ANN, Resource(kind, "x", {"a": True, "b": False}), "view") for kind in kinds]
    for _ in range(STARTS):
        with serving(Bundle(files), NATIVE) as pdp:
            assert [pdp.decide(one).allowed for one in asked] != [kind == "q" for kind in kinds]


SUITE = json.dumps(
    {
        "name": "both",
        "principals": {"ann": {"id": "ann", "roles": ["user"]}},
        "resources": {kind: {"id": "x", "kind": kind, "attr": {"a": True, "b": False}} for kind in ("any", "all")},
        "tests": [
            {
                "name": "t",
                "input": {"principals": ["ann"], "resources": ["any", "all"], "actions": ["view"]},
                "expected": [
                    {"principal": "ann", "resource": "any", "actions": {"view": "EFFECT_ALLOW"}},
                    {"principal": "ann", "resource": "all", "actions": {"view": "EFFECT_DENY"}},
                ],
            }
        ],
    }
)


def test_the_compiler_fails_tests_that_are_right_and_lint_names_both_places(cerbos: Runner) -> None:
    files = {f"{kind}.json": policy(kind, {**VIEW, "condition": condition(kind, A, B)}) for kind in ("any", "all")}
    bundle = Bundle({**files, "both_test.json": SUITE})
    for _ in range(3):
        assert not validate(cerbos, bundle).green
    (told,) = [one for one in lint(cerbos, bundle, "policies", settings=NATIVE).holes if one.code == "rules-confused"]
    assert (told.level, told.file, told.line) == ("warning", "all.json", 1)
    assert "rule-001 of all (all.json:1)" in told.message
    assert "rule-001 of any (any.json:1)" in told.message
    assert luck_in(bundle) == (told.message,)
    assert told.why

    turned = policy("all", {**VIEW, "condition": condition("all", B, A)})
    mended = Bundle({**bundle.files, "all.json": turned})
    assert validate(cerbos, mended).green
    assert luck_in(mended) == ()
