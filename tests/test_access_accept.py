"""What a spec's rule asks for, and what it does not: decided by code, and in doubt not asked for."""

import pytest

from command import FIXED
from policyloop.access.compare.accepted import Accepted, asked_by_spec, without_rules
from policyloop.access.compare.engine import Bounds, compare_access
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.specification import parse_spec

SPEC = parse_spec(
    """
version: 1
request: Auditors may audit documents of their own tenant.
roles: {auditor: looks at books, user: anybody}
resources:
  doc:
    actions: [read, write, audit]
    attributes: {tenant: {type: text}, owner: {type: text}}
    tenant: tenant
rules:
  - id: audits
    subject: [auditor]
    actions: [audit]
    resource: doc
    condition: the tenant is their own
    decision: allow
    conditions:
      - {id: own, words: own tenant, looks_at: [resource.attr.tenant, principal.attr.tenant]}
""",
    "spec",
)
RULE = """\
    - actions: [{action}]
      name: audits
      effect: EFFECT_ALLOW
      roles: [{role}]
      condition: {{match: {{expr: '{expr}'}}}}
"""
OWN = "R.attr.tenant == P.attr.tenant"


@pytest.mark.parametrize(
    ("action", "role", "expr", "asked"),
    [
        ("audit", "auditor", OWN, True),
        ("audit", "auditor", f'{OWN} && R.attr.state == "open"', True),
        ("audit", "auditor", "true", False),
        ("audit", "auditor", 'R.attr.tenant != ""', False),
        ("audit", "auditor", f"{OWN} || R.attr.open == true", False),
        ("audit", "auditor", f'{OWN} || (R.attr.a == 1 && R.attr.b == 2 && R.attr.c == "x" && R.attr.d == 4)', False),
        ("audit", "auditor", "R.attr.tenant != P.attr.tenant", False),
        ("audit", "auditor", 'R.attr.tenant != "" && P.attr.tenant != ""', False),
        ("audit", "auditor", '!has(R.attr.tenant) && P.attr.tenant == "t"', False),
        ("audit", "user", OWN, False),
        ("write", "auditor", OWN, False),
    ],
)
def test_a_rule_asks_for_what_it_says_and_no_more(
    *, action: str, role: str, expr: str, asked: bool, cerbos: Runner
) -> None:
    new = Bundle({"doc.yaml": FIXED + RULE.format(action=action, role=role, expr=expr)})
    found = compare_access(
        Bundle({"doc.yaml": FIXED}),
        new,
        cerbos,
        Settings(runner="native"),
        Bounds(most=1_500, prove="off"),
        Accepted(asked_by_spec(SPEC)),
    )
    assert found.reasons
    assert found.result == ("PASS" if asked else "FAIL")
    told = {one.asked_for for one in found.reasons}
    assert told == {"audits"} if asked else None in told


def test_rules_are_taken_out_by_their_place() -> None:
    extra = RULE.format(action="audit", role="auditor", expr=OWN)
    line = FIXED.count("\n") + 1
    bundle = Bundle({"doc.yaml": FIXED + extra})
    assert "audits" not in without_rules(bundle, [("doc.yaml", line)])["doc.yaml"]
    assert without_rules(bundle, [("doc.yaml", line + 1), ("other.yaml", 1)]) == bundle
