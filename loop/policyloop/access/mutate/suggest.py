"""Survivors' witnesses as a suite, ready to be added: what the policies say today, as tests that the mutants fail."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from policyloop.access.ask.questions import DEFAULT_NOW
from policyloop.access.ask.request import canonical
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.search import Witness
from policyloop.effects import ALLOW
from policyloop.yaml_text.writing import block

_HEAD = "# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json\n"
_SAYS = (
    "# Written by policyloop mutate: each test holds what the policies decide today. See that it is what you want.\n"
)


def suite_of(found: Sequence[tuple[Mutant, Witness]], name: str) -> str:
    """The suite `name` in which each witness is a test that expects the effect of the policies as they are."""
    principals, resources, claims = _Fixtures(), _Fixtures(), _Fixtures()
    tests: dict[str, dict[str, Any]] = {}
    for mutant, witness in found:
        question, request = witness.question, witness.question.request
        who = principals.named(request.principal.id, request.principal.to_json())
        what = resources.named(request.resource.id, request.resource.to_json())
        verb = "may" if witness.effect == ALLOW else "may not"
        title = f"{who} {verb} {request.action} {what}"
        given: dict[str, Any] = {"principals": [who], "resources": [what], "actions": [request.action]}
        if request.claims:
            given["auxData"] = claims.named("token", {"jwt": dict(request.claims)})
            title += f" with {given['auxData']}"
        options: dict[str, Any] = {} if question.now == DEFAULT_NOW else {"now": question.now}
        if options:
            title += f" at {question.now}"
        if witness.strict:
            options["strictEvaluation"] = True
            title += ", strictly"
        row = {"principal": who, "resource": what, "actions": {request.action: witness.effect}}
        fails = f"Fails when, at {mutant.file}:{mutant.line}, in {mutant.where}: {mutant.words}."
        if title in tests:
            tests[title]["description"] += f" {fails}"
            continue
        tests[title] = {
            "name": title,
            "description": fails,
            "input": given,
            **({"options": options} if options else {}),
            "expected": [row],
        }
    fixtures = {"principals": principals.written, "resources": resources.written, "auxData": claims.written}
    whole = {
        "name": name,
        "options": {"now": DEFAULT_NOW},
        **{key: written for key, written in fixtures.items() if written},
        "tests": list(tests.values()),
    }
    return _HEAD + _SAYS + "\n".join(block(whole, open_levels=2)) + "\n"


class _Fixtures:
    """Names for values: what they are called themselves, numbered where two that differ are called the same."""

    def __init__(self) -> None:
        self.written: dict[str, Mapping[str, Any]] = {}
        self._names: dict[str, str] = {}

    def named(self, wish: str, value: Mapping[str, Any]) -> str:
        key = canonical(value)
        if key not in self._names:
            base = re.sub(r"[^A-Za-z0-9_]+", "_", wish).strip("_")[:40] or "one"
            name, number = base, 2
            while name in self.written:
                name, number = f"{base}_{number}", number + 1
            self._names[key] = name
            self.written[name] = value
        return self._names[key]
