"""The whole files that CONTRIBUTING.md shows are ones: each is run as it stands there."""

import re
from typing import Any

from policyloop.access.ask.parts import Parts
from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.lint.check import Target
from policyloop.bundle import Bundle
from source_tree import ROOT

SHOWN = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text())
POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - {actions: [read], effect: EFFECT_ALLOW, roles: [user], condition: {match: {expr: "true"}}}
    - {actions: [edit], effect: EFFECT_ALLOW, roles: [user], condition: {match: {expr: R.attr.open}}}
"""


def run(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(SHOWN[number], f"CONTRIBUTING.md, block {number + 1}", "exec"), names)
    return names


def test_the_check_that_is_shown_finds_its_hole() -> None:
    bundle = Bundle({"doc.yaml": POLICY})
    parts = Parts(bundle)
    found = list(run(0)["CHECK"].written(Target(bundle, parts.policies, Pool(parts))))
    assert [(one.code, one.level, one.line) for one in found] == [("condition-always-true", "note", 6)]


def test_the_operator_that_is_shown_makes_its_mistake() -> None:
    made = run(1)["OPERATOR"].in_expression('R.attr.tags.exists(t, t == "a") && all.size() > 0')
    assert [rewrite.text for rewrite in made] == ['R.attr.tags.all(t, t == "a") && all.size() > 0']
