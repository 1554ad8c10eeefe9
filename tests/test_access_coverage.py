"""What one question stands for: everybody with a role. Random bundles hold that against the real PDP."""

import json
import os
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from policyloop.access.ask.request import Batch, Principal, Resource
from policyloop.access.pdp import Pdp, Settings, serving, serving_all
from policyloop.access.prove import Asked, Proved, proving
from policyloop.bundle import Bundle

pytestmark = pytest.mark.compiler

HEAD = {"apiVersion": "api.cerbos.dev/v1"}
QUESTIONS = 30
PAIRS = int(os.environ.get("POLICYLOOP_PAIRS", "20"))
ROLES = ("a", "b", "c", "r1", "r2", "nobody")
SCOPES = ("", "s", "s.t")
KINDS = ("doc", "pad")
ACTIONS = ("view", "edit", "run:fast", "run:x:y", "other")
CONDITIONS = (
    *("R.attr.x", "!R.attr.x", "R.attr.y == 1", "R.attr.nope == 1", "P.attr.level > 2", "R.attr.owner == P.id"),
    *(
        "size(P.roles) == 2",
        '"c" in P.roles',
        "P.attr.level > 2 || P.attr.level > 2",
        'P.id == "eve"',
        "has(P.attr.level)",
    ),
    *(
        'request.auxData.jwt.iss == "me"',
        "P.attr.level in [1.0, 3.0]",
        "R.attr.y in P.attr.list",
        "V.v",
        "R.attr.y == C.c",
    ),
    *(
        'P.policyVersion == "v9"',
        'R.id == "1"',
        "hasIntersection(P.roles, R.attr.list)",
        "P.attr.list.exists(l, l == R.attr.y)",
    ),
)


class Writer:
    """Random bundles of two kinds of resource with everything that can decide."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.consent = {scope: dice.random() < 0.4 for scope in SCOPES if scope}

    def condition(self) -> dict[str, Any]:
        draw = self.dice.random()
        parts = [{"expr": self.dice.choice(CONDITIONS)} for _ in range(2)]
        if draw < 0.4:
            return {}
        match = parts[0] if draw < 0.8 else {self.dice.choice(["all", "any", "none"]): {"of": parts}}
        return {"condition": {"match": match}}

    def rule(self) -> dict[str, Any]:
        dice = self.dice
        held: dict[str, Any] = {"roles": dice.sample(["a", "b", "c", "*"], dice.randint(1, 2))}
        if dice.random() < 0.4:
            held = {"derivedRoles": [dice.choice(["d1", "d2"])]}
        effect = dice.choice(["EFFECT_ALLOW", "EFFECT_ALLOW", "EFFECT_DENY"])
        return {"actions": [dice.choice(["view", "edit", "*", "run:*"])], "effect": effect, **held, **self.condition()}

    def derived(self) -> str:
        definitions = [
            {
                "name": name,
                "parentRoles": self.dice.sample(["a", "b", "*"], self.dice.randint(1, 2)),
                **self.condition(),
            }
            for name in ("d1", "d2")
        ]
        return self.text("derivedRoles", name="dr", definitions=definitions, variables=self.variables(), constants=_C)

    def variables(self) -> dict[str, Any]:
        return {"local": {"v": self.dice.choice(["R.attr.x", "P.attr.level > 1"])}}

    def text(self, top: str, **body: Any) -> str:
        return json.dumps({**HEAD, top: body})

    def resource(self, kind: str, scope: str) -> str:
        rules = [self.rule() for _ in range(self.dice.randint(0, 4))]
        more: dict[str, Any] = {"scope": scope} if scope else {}
        if self.consent.get(scope):
            more["scopePermissions"] = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
        body = {"resource": kind, "version": "default", "importDerivedRoles": ["dr"], "rules": rules}
        return self.text("resourcePolicy", **body, variables=self.variables(), constants=_C, **more)

    def role(self, role: str, parents: list[str]) -> str:
        rules = [
            {"resource": kind, "allowActions": [self.dice.choice(["view", "*", "edit"])], **self.condition()}
            for kind in KINDS
        ]
        more = {"parentRoles": parents} if parents else {}
        body = {"role": role, "version": "default", "rules": rules, **more}
        return self.text("rolePolicy", **body, variables=self.variables(), constants=_C)

    def person(self) -> str:
        action = {"action": "view", "effect": self.dice.choice(["EFFECT_ALLOW", "EFFECT_DENY"]), **self.condition()}
        rules = [{"resource": self.dice.choice(["*", "doc"]), "actions": [action]}]
        body = {"principal": "eve", "version": "default", "rules": rules}
        return self.text("principalPolicy", **body, variables=self.variables(), constants=_C)

    def files(self) -> dict[str, str]:
        files = {"dr.json": self.derived()}
        for kind in KINDS:
            for scope in SCOPES:
                if scope != "s.t" or self.dice.random() < 0.5:
                    files[f"{kind}{scope}.json"] = self.resource(kind, scope)
        for role, parents in (("r1", ["a"]), ("b", []), ("r2", ["r1", "c"])):
            if self.dice.random() < 0.3:
                files[f"role_{role}.json"] = self.role(role, parents)
        if self.dice.random() < 0.4:
            files["eve.json"] = self.person()
        return files


_C = {"local": {"c": 1}}


def changed(files: Mapping[str, str], writer: Writer) -> dict[str, str]:
    """The same with one file anew, or with a condition that says the same twice."""
    path = writer.dice.choice(sorted(files))
    document = json.loads(files[path])
    body = document[next(key for key in document if key != "apiVersion")]
    rules = body.get("rules") or body.get("definitions") or []
    if rules and writer.dice.random() < 0.7:
        rule = writer.dice.choice(rules)
        match = rule.get("condition", {}).get("match", {})
        if "expr" in match:
            told = [f"({match['expr']}) || ({match['expr']})", f"!({match['expr']})", writer.dice.choice(CONDITIONS)]
            match["expr"] = writer.dice.choice(told)
        elif "effect" in rule:
            rule["effect"] = writer.dice.choice(["EFFECT_ALLOW", "EFFECT_DENY"])
    elif rules and "rules" in body:
        rules.pop(writer.dice.randrange(len(rules)))
    return {**files, path: json.dumps(document)}


def people(dice: Random) -> list[tuple[Principal, dict[str, Any]]]:
    found = []
    for _ in range(6):
        roles = tuple(sorted(dice.sample(ROLES, dice.randint(1, 3))))
        attr = {"level": dice.choice([1, 2, 3, "x"]), "list": dice.choice([[1], ["a", 1], []])}
        kept = {key: value for key, value in attr.items() if dice.random() < 0.8}
        who = Principal(
            dice.choice(["eve", "bob"]), roles, kept, dice.choice(["", "", "v9"]), dice.choice(["", "", "s"])
        )
        found.append((who, dice.choice([{}, {"iss": "me"}])))
    return found


def resources(kind: str, scope: str, version: str = "") -> list[Resource]:
    attributes: list[dict[str, Any]] = [
        {},
        {"x": True, "y": 1, "owner": "bob", "list": ["a"]},
        {"x": False, "y": 2, "owner": "eve", "list": ["nobody", "c"]},
        {"x": True, "y": 3, "nope": 1},
        {"x": False, "owner": "eve", "y": 1},
        {"x": "?", "list": "b"},
    ]
    return [Resource(kind, name, attr, version, scope) for attr in attributes for name in ("1", "2")]


def decisions(pdp: Pdp, who: Principal, claims: Mapping[str, Any], kind: str, scope: str) -> dict[str, list[bool]]:
    batch = Batch(who, resources(kind, scope), ACTIONS, claims)
    ((_, effects),) = pdp.effects([batch])
    return {action: effects[at :: len(ACTIONS)] for at, action in enumerate(ACTIONS)}


@pytest.mark.parametrize("number", range(max(2, PAIRS // 20)))
def test_a_principal_is_allowed_what_one_of_its_roles_is_allowed(number: int) -> None:
    """Where evaluation is not strict and no condition looks at the roles: what `coverage` stands on."""
    dice = Random(f"roles {number}")
    bundle = Bundle({path: text.replace("P.roles", "R.attr.list") for path, text in Writer(dice).files().items()})
    asked = 0
    with serving(bundle, Settings(runner="native")) as pdp:
        for who, claims in people(dice):
            for kind in KINDS:
                for scope in SCOPES:
                    whole = decisions(pdp, who, claims, kind, scope)
                    alone = [
                        decisions(
                            pdp,
                            Principal(who.id, (role,), who.attr, who.policy_version, who.scope),
                            claims,
                            kind,
                            scope,
                        )
                        for role in who.roles
                    ]
                    for action in ACTIONS:
                        assert whole[action] == [
                            any(one) for one in zip(*(each[action] for each in alone), strict=True)
                        ]
                        asked += len(whole[action])
    assert asked > 500


@pytest.mark.parametrize("number", range(max(1, PAIRS // 15)))
def test_nobody_contradicts_what_is_proved_for_everybody(number: int) -> None:
    proved = sum(_proved(Random(f"everybody {number} {at}"), strict=at % 2 == 1) for at in range(3))
    assert proved > 5


def _proved(dice: Random, *, strict: bool) -> int:
    """How many of some questions about two random bundles are proved; nobody may contradict one of them."""
    writer = Writer(dice)
    files = writer.files()
    old, new = Bundle(files), Bundle(changed(files, writer))
    proved = 0
    settings = Settings(runner="native", strict=strict)
    with serving_all((old, new), settings) as pdps, proving(old, new, *pdps, settings) as prover:
        everything = [one for one in prover.coverage().asked if one.kind == "doc" and one.action == "view"]
        for verdict in prover.compare(dice.sample(everything, min(QUESTIONS, len(everything)))):
            if not isinstance(verdict, Proved):
                continue
            proved += 1
            for who, claims in _meant(verdict.asked, dice):
                held = resources("doc", verdict.asked.scope, verdict.asked.policy_version)
                batch = Batch(who, held, ("view",), claims)
                before, after = ([one for _, part in pdp.effects([batch]) for one in part] for pdp in pdps)
                if verdict.direction == "narrower":
                    before, after = after, before
                assert not any(b and not a for a, b in zip(before, after, strict=True)), (verdict, who, files, new)
    return proved


def _meant(asked: Asked, dice: Random) -> list[tuple[Principal, dict[str, Any]]]:
    """Some of those for whom a question stands: with just these roles, but any attributes and claims."""
    name = asked.principal.id if asked.principal.id == "eve" else "bob"
    place = asked.principal.policy_version, asked.principal.scope
    return [(Principal(name, asked.principal.roles, who.attr, *place), claims) for who, claims in people(dice)[:4]]
