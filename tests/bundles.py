"""Bundles for tests and measurements: generated ones, and those under `fixtures/`."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policyloop.bundle import Bundle
from policyloop.protocol import proposal_from_json
from policyloop.task import Proposal

FIXTURES = Path(__file__).parent.parent / "fixtures"
DEMO = FIXTURES / "demo"
SMALL = FIXTURES / "bundles"

BROKEN = ("syntax", "schema", "compile", "test")
"""What `synthetic` can break, named after the error class that the compiler then reports."""


def read(directory: Path) -> Bundle:
    """The files under `directory` as a bundle."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return Bundle({path.relative_to(directory).as_posix(): path.read_bytes().decode() for path in files})


def write(bundle: Bundle, directory: Path) -> Path:
    """Lay `bundle` out in `directory`, which is made where it is missing; answers `directory`."""
    for path, text in bundle.files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return directory


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded proposal, and the error class that it answers."""

    proposal: Proposal
    expect_class: str


def recording(file: Path) -> Iterator[Recorded]:
    """The proposals of a recording, in order."""
    replies: list[dict[str, Any]] = yaml.safe_load(file.read_text())
    for reply in replies:
        expect_class = reply.pop("expect_class")
        yield Recorded(proposal_from_json(reply), expect_class)


def synthetic(
    policies: int, *, assertions_per_policy: int = 4, broken: str | None = None, plain: bool = False
) -> Bundle:
    """`policies` resource policies over shared derived roles, each with a suite of its own beside shared principals.

    The same arguments give the same bundle. It is green, or, with `broken` one of `BROKEN`, wrong in one policy in
    the middle. At least 1 policy and 2 assertions a policy.

    `plain`: policies of two rules without any condition, derived role or schema. The compiler takes about a
    millisecond for each CEL expression, so it is quick with these, and what we do beside it weighs the more.
    """
    if policies < 1 or assertions_per_policy < 2 or broken not in (None, *BROKEN):
        raise ValueError((policies, assertions_per_policy, broken))
    files = {
        "derived_roles.yaml": _DERIVED_ROLES,
        "variables.yaml": _VARIABLES,
        "_schemas/record.json": _SCHEMA,
    }
    for group in range(0, policies, GROUP):
        files[f"{_folder(group)}/testdata/principals.yaml"] = _PRINCIPALS
    for number in range(policies):
        folder, name = _folder(number), _name(number)
        files[f"{folder}/{name}.yaml"] = _plain_policy(number) if plain else _policy(number)
        allowed = _ALLOWED_PLAIN if plain else _ALLOWED
        files[f"{folder}/{name}_test.yaml"] = _suite(number, assertions_per_policy, allowed)
    if broken is not None:
        middle = policies // 2
        path = f"{_folder(middle)}/{_name(middle)}.yaml"
        old, new = _MISTAKES[broken]
        if files[path].count(old) != 1:
            raise ValueError(f"a plain bundle cannot be broken as {broken}")
        files[path] = files[path].replace(old, new)
    return Bundle(files)


GROUP = 25
"""Policies in one folder of a synthetic bundle; they share their principals."""

_KINDS = ("invoice", "order", "contract", "ticket", "asset", "shipment", "forecast", "campaign", "audit", "lease")

_MISTAKES = {
    "syntax": ('actions: ["read"]', 'actions: ["read"'),
    "schema": ("effect: EFFECT_DENY", "effect: DENY"),
    "compile": ("V.is_open", "V.is_opened"),
    "test": ('derivedRoles: ["owner"]', 'roles: ["employee"]'),
}

_DERIVED_ROLES = """\
apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: company_roles
  variables:
    import:
      - record_facts
  definitions:
    - name: owner
      parentRoles: ["employee"]
      condition:
        match:
          all:
            of:
              - expr: V.same_tenant
              - expr: R.attr.owner == P.id
    - name: team_lead
      parentRoles: ["lead"]
      condition:
        match:
          all:
            of:
              - expr: V.same_tenant
              - expr: R.attr.team == P.attr.team
"""

_VARIABLES = """\
apiVersion: api.cerbos.dev/v1
exportVariables:
  name: record_facts
  definitions:
    same_tenant: R.attr.tenant == P.attr.tenant
    is_open: R.attr.status == "open"
"""

_SCHEMA = """\
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "tenant": {"type": "string"},
    "team": {"type": "string"},
    "owner": {"type": "string"},
    "status": {"type": "string", "enum": ["open", "closed"]},
    "amount": {"type": "number"}
  },
  "required": ["tenant", "team", "owner", "status"]
}
"""

_PRINCIPALS = """\
principals:
  owner:
    id: owner
    roles: ["employee"]
    attr: {tenant: north, team: alpha}
  colleague:
    id: colleague
    roles: ["employee"]
    attr: {tenant: north, team: alpha}
  lead:
    id: lead
    roles: ["employee", "lead"]
    attr: {tenant: north, team: alpha}
  other_lead:
    id: other_lead
    roles: ["employee", "lead"]
    attr: {tenant: north, team: beta}
  stranger:
    id: owner
    roles: ["employee", "lead"]
    attr: {tenant: south, team: alpha}
"""

_ALLOWED = {
    ("owner", "read"),
    ("owner", "update"),
    ("lead", "read"),
    ("lead", "approve"),
}
"""Who may do what with an open record; everything else is denied."""

_ALLOWED_PLAIN = {
    *((principal, "read") for principal in ("owner", "colleague", "lead", "stranger", "other_lead")),
    *((principal, "approve") for principal in ("lead", "stranger", "other_lead")),
}

_ORDER = tuple(
    (principal, action)
    for action in ("read", "update", "approve", "delete")
    for principal in ("owner", "colleague", "lead", "stranger", "other_lead")
)


def _folder(number: int) -> str:
    return f"area_{number // GROUP:03d}"


def _name(number: int) -> str:
    return f"{_KINDS[number % len(_KINDS)]}_{number:04d}"


def _policy(number: int) -> str:
    limit = 1000 + number % 7 * 500
    return f"""\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/Policy.schema.json
apiVersion: api.cerbos.dev/v1
description: Who may work on a {_KINDS[number % len(_KINDS)]} of area {number // GROUP}.
resourcePolicy:
  resource: {_name(number)}
  version: default
  importDerivedRoles:
    - company_roles
  variables:
    import:
      - record_facts
    local:
      within_limit: "!has(R.attr.amount) || R.attr.amount <= {limit}"
  rules:
    - actions: ["read"]
      effect: EFFECT_ALLOW
      derivedRoles: ["owner"]

    - actions: ["update"]
      effect: EFFECT_ALLOW
      roles: ["employee"]
      condition:
        match:
          all:
            of:
              - expr: V.same_tenant && R.attr.owner == P.id
              - expr: V.is_open

    - actions: ["read", "approve"]
      effect: EFFECT_ALLOW
      derivedRoles: ["team_lead"]
      condition:
        match:
          expr: V.within_limit

    - actions: ["*"]
      effect: EFFECT_DENY
      roles: ["*"]
      condition:
        match:
          expr: has(R.attr.frozen) && R.attr.frozen
  schemas:
    resourceSchema:
      ref: cerbos:///record.json
"""


def _plain_policy(number: int) -> str:
    return f"""\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: {_name(number)}
  version: default
  rules:
    - actions: ["read"]
      effect: EFFECT_ALLOW
      roles: ["employee"]
    - actions: ["approve"]
      effect: EFFECT_ALLOW
      roles: ["lead"]
"""


def _suite(number: int, assertions: int, allowed: Set[tuple[str, str]]) -> str:
    """Exactly `assertions` assertions: whole rows of principals x one action, then what is left of the last row."""
    name = _name(number)
    cases = []
    for first in range(0, assertions, 5):
        rows = [_ORDER[n % len(_ORDER)] for n in range(first, min(first + 5, assertions))]
        action, turn = rows[0][1], first // len(_ORDER)
        principals = ", ".join(principal for principal, _ in rows)
        expected = "".join(
            f"      - principal: {principal}\n        resource: open\n"
            f"        actions: {{{action}: {'EFFECT_ALLOW' if (principal, action) in allowed else 'EFFECT_DENY'}}}\n"
            for principal, _ in rows
        )
        cases.append(
            f"  - name: {action} {turn}\n    input:\n      principals: [{principals}]\n"
            f"      resources: [open]\n      actions: [{action}]\n    expected:\n{expected}"
        )
    return f"""\
name: {name}
description: Who may work on {name}.
resources:
  open:
    id: {name}-1
    kind: {name}
    attr: {{tenant: north, team: alpha, owner: owner, status: open, amount: {100 + number % 9}}}
tests:
{"".join(cases)}"""
