"""Policies as people write them, in pairs that say the same in other words, for measuring what a proof costs."""

import json
from itertools import islice, product

from policyloop.access.ask.request import Principal
from policyloop.access.prove import Asked
from policyloop.bundle import Bundle

_OWNER = ("R.attr.owner == P.id", "P.id == R.attr.owner")
_PARTS = (
    ('R.attr.status == "open"', 'R.attr.status in ["open"]'),
    ('R.attr.status in ["draft", "open"]', 'R.attr.status == "draft" || R.attr.status == "open"'),
    ("R.attr.amount <= P.attr.limit", "!(R.attr.amount > P.attr.limit) && R.attr.amount <= P.attr.limit"),
    ("R.attr.tenant == P.attr.tenant", "P.attr.tenant == R.attr.tenant"),
    ("hasIntersection(R.attr.teams, P.attr.teams)", "R.attr.teams.hasIntersection(P.attr.teams)"),
    ('"vip" in R.attr.tags && size(R.attr.tags) > 1', '!(size(R.attr.tags) <= 1) && "vip" in R.attr.tags'),
    ('R.attr.path.startsWith("/public")', 'true && R.attr.path.startsWith("/public")'),
    ("has(R.attr.deleted) && R.attr.deleted == true", "R.attr.deleted == true"),
    ('timestamp(R.attr.due) > now() - duration("24h")', 'now() - duration("1440m") < timestamp(R.attr.due)'),
    ("R.attr.level in P.attr.levels", "P.attr.levels.exists(l, l == R.attr.level)"),
)
_ACTIONS = ("view", "edit")
_ATTRIBUTES = {"limit": 1000, "tenant": "acme", "teams": ["sales", "ops"], "levels": [1, 2, 3]}


def ordinary(kinds: int) -> tuple[Bundle, Bundle, list[Asked]]:
    """Two bundles that decide alike, and the questions: two principals, two actions, as many kinds as asked for."""
    pairs = list(islice(product(_PARTS, _PARTS), kinds))
    bundles = (
        Bundle(
            {
                f"kind_{at}.json": _policy(f"kind_{at}", one[side], two[side], _OWNER[side])
                for at, (one, two) in enumerate(pairs)
            }
        )
        for side in (0, 1)
    )
    old, new = bundles
    people = [Principal("ann", ("employee",), _ATTRIBUTES), Principal("bob", ("employee", "manager"), _ATTRIBUTES)]
    asked = [Asked(who, f"kind_{at}", action) for at in range(len(pairs)) for who in people for action in _ACTIONS]
    return old, new, asked


def _policy(kind: str, one: str, two: str, owner: str) -> str:
    def rule(effect: str, roles: list[str], actions: list[str], condition: str) -> dict[str, object]:
        match = {"match": {"expr": condition}}
        return {"actions": actions, "roles": roles, "effect": f"EFFECT_{effect}", "condition": match}

    rules = [
        rule("ALLOW", ["employee"], list(_ACTIONS), owner),
        rule("ALLOW", ["employee"], ["view"], one),
        rule("ALLOW", ["manager"], ["*"], two),
        rule("DENY", ["*"], ["edit"], one),
    ]
    body = {"resource": kind, "version": "default", "rules": rules}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})
