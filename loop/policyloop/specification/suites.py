"""The text of the suites and fixtures that lock the decisions of a spec; it depends on the spec's content alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from policyloop.effects import DECISIONS
from policyloop.guard import Assertion
from policyloop.guard.canon import decode
from policyloop.guard.demand import NOTHING
from policyloop.specification.arrange import FOLDER, Suite, Test, arranged, ids_of, sound
from policyloop.specification.cases import Case
from policyloop.specification.examples import Person, Thing
from policyloop.specification.model import Rule, Spec
from policyloop.specification.times import moment, written
from policyloop.specification.vocabulary import DEFAULT_NOW
from policyloop.suite_document import Asked, SuiteDocument
from policyloop.yaml_text.writing import block, ordered, quoted, scalar

_SCHEMA = "# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/{}.schema.json\n"
_WRITTEN = "# Written by policyloop from policyloop.spec.yaml. Change the spec, not this file.\n"
EARLIER = "earlier_spec_test.yaml"
"""The suite of decisions that an earlier version of the spec made and that still hold."""
RELEASED = "released_spec_test.yaml"
"""The suite of what takes the place of tests that a person let go of."""
_EARLIER_NAME = "spec: earlier decisions"
_RELEASED_NAME = "spec: in the place of released tests"
_EFFECTS = {decision: effect for effect, decision in DECISIONS.items()}


def suites_from(spec: Spec, folder: str = FOLDER) -> Mapping[str, str]:
    """Path -> text of the suites and their fixtures. Raises `UsageError` when no sound suite can come of it."""
    cases = sound(spec)
    files = {path: _suite_text(suite, spec) for path, suite in arranged(spec, cases, folder).items()}
    examples = cases.examples
    used = {
        "principals": {case.decision.principal for case in cases},
        "resources": {case.decision.resource for case in cases},
        "auxData": {case.decision.claims for case in cases if case.decision.claims},
    }
    fixtures: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("principals", "Principals", {n: _principal(examples.principals[n]) for n in sorted(used["principals"])}),
        ("resources", "Resources", {n: _resource(examples.resources[n]) for n in sorted(used["resources"])}),
        ("auxData", "AuxData", {n: {"jwt": ordered(examples.claims[n])} for n in sorted(used["auxData"])}),
    )
    for key, schema, entries in fixtures:
        if entries:
            lines = block({key: entries}, open_levels=2)
            text = _SCHEMA.format(f"TestFixture/{schema}") + _WRITTEN + "\n".join(lines) + "\n"
            files[f"{folder}/testdata/{key.lower()}.yaml"] = text
    return dict(sorted(files.items()))


def is_ours(text: str) -> bool:
    """Whether policyloop wrote this suite or fixture file, and may write it anew."""
    return _WRITTEN in text[: len(_SCHEMA) + len(_WRITTEN) + 40]


def effect_named(decision: str) -> str:
    """The effect of Cerbos that a spec calls `decision`."""
    return _EFFECTS[decision]


def earlier_suite(assertions: Sequence[Assertion]) -> str:
    """The suite of locked assertions that no decision of the spec makes any more, though none speaks against them.

    All of them must be known (see `Assertion.known`). Each keeps its names and says exactly what it said.
    """
    about = "What earlier versions of policyloop.spec.yaml decided, and what still holds."
    return _standing_suite(_EARLIER_NAME, about, assertions)


def released_suite(assertions: Sequence[Assertion]) -> str:
    """The suite of what takes the place of released tests: the same requests, with the effect that they must get now.

    All of them must be known (see `Assertion.known`).
    """
    about = "What the requests of released tests must get now."
    return _standing_suite(_RELEASED_NAME, about, assertions)


def _standing_suite(name: str, about: str, assertions: Sequence[Assertion]) -> str:
    suite = SuiteDocument(name, str, decode, description=about)
    for assertion in {assertion.demand: assertion for assertion in assertions}.values():
        inputs = assertion.demand.inputs
        asked = Asked(
            principal=suite.principals.named(inputs.principal),
            resource=suite.resources.named(inputs.resource),
            effects={inputs.action: assertion.demand.effect},
            aux_data=suite.aux_data.named(inputs.aux_data) if inputs.aux_data != NOTHING else None,
            outputs=_outputs(assertion),
            options=decode(inputs.options) or {},
        )
        ours = assertion.id.suite in (_EARLIER_NAME, _RELEASED_NAME)
        title = base = assertion.id.test if ours else str(assertion.id)
        number = 2
        while title in suite:
            title, number = f"{base} ({number})", number + 1
        suite.put(title, asked)
    return _SCHEMA.format("TestSuite") + _WRITTEN + "\n".join(block(suite.to_json(), open_levels=2)) + "\n"


def _outputs(assertion: Assertion) -> list[dict[str, Any]]:
    demand = assertion.demand
    expected = [{"src": src, **({"val": decode(val)} if val else {})} for src, val in sorted(demand.outputs)]
    return [{"action": demand.inputs.action, "expected": expected}] if expected else []


def _suite_text(suite: Suite, spec: Spec) -> str:
    when = moment(spec.now or DEFAULT_NOW)
    assert when is not None
    now = written(when)
    lines = [
        f"name: {quoted(suite.name)}",
        f"description: {quoted('What policyloop.spec.yaml decides about ' + suite.kind + '.')}",
        "options:",
        f"  now: {quoted(now)}",
        "tests:",
    ]
    last = None
    for test in suite.tests:
        if last is not None:
            lines.append("")
        if test.rule is not last:
            lines.extend(_rule_comment(test.rule))
            last = test.rule
        lines.extend(_test_lines(test, now))
    return _SCHEMA.format("TestSuite") + _WRITTEN + "\n".join(lines) + "\n"


def _rule_comment(rule: Rule) -> list[str]:
    who = ", ".join(filter(None, (rule.person, *rule.subject)))
    said = f"{who}: {rule.decision} {', '.join(rule.actions)} on {rule.resource}"
    texts = (f"Rule {rule.id}", said, f"Condition: {rule.condition}", f"Purpose: {rule.purpose}")
    return [f"  # {_one_line(text)}" for text in texts]


def _one_line(text: str) -> str:
    """Text as it may stand in a comment."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))


def _test_lines(test: Test, suite_now: str) -> list[str]:
    first = test.cases[0]
    claims = first.decision.claims
    given: dict[str, Any] = {
        "principals": list(dict.fromkeys(case.decision.principal for case in test.cases)),
        "resources": list(dict.fromkeys(case.decision.resource for case in test.cases)),
        "actions": list(dict.fromkeys(case.action for case in test.cases)),
    }
    if claims:
        given["auxData"] = claims
    description = f"Rule {test.rule.id}; decisions {ids_of(test.cases)}"
    lines = [
        f"  - name: {quoted(test.name)}",
        f"    description: {quoted(description)}",
        *block({"input": given}, 4, open_levels=1),
    ]
    options: dict[str, Any] = {"now": first.request.now}
    if first.decision.globals:
        options["globals"] = ordered(first.decision.globals)
    if options != {"now": suite_now}:
        lines.extend(block({"options": options}, 4, open_levels=1))
    lines.append("    expected:")
    for row in _rows(test.cases):
        lines.extend(_row_lines(row, test.rule))
    return lines


def _rows(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases of one principal and resource each."""
    rows: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        rows.setdefault((case.decision.principal, case.decision.resource), []).append(case)
    return list(rows.values())


def _row_lines(row: Sequence[Case], rule: Rule) -> list[str]:
    one = row[0].decision
    lines = [f"      # {_one_line(note)}" for note in dict.fromkeys(_note(case) for case in row)]
    effects = {case.action: _EFFECTS[case.decision.expect] for case in row}
    lines += [f"      - principal: {scalar(one.principal)}", f"        resource: {scalar(one.resource)}"]
    lines += block({"actions": effects}, 8)
    outputs = [_output(case, rule) for case in row if case.decision.outputs]
    if outputs:
        lines += block({"outputs": outputs}, 8, open_levels=2)
    return lines


def _note(case: Case) -> str:
    one = case.decision
    control = f", where control {one.control} is allowed" if one.control else ""
    shows = f": shows {one.shows}{control}" if one.shows else ""
    return f"Decision {one.id}{shows}"


def _output(case: Case, rule: Rule) -> dict[str, Any]:
    request = case.request
    scope = f"/{request.resource_scope}" if request.resource_scope else ""
    source = f"resource.{request.kind}.v{request.resource_version or 'default'}{scope}#{rule.id}"
    expected = [{"src": out.src or source, "val": ordered(out.value)} for out in case.decision.outputs]
    return {"action": case.action, "expected": expected}


def _principal(person: Person) -> dict[str, Any]:
    return _fixture({"id": person.id, "roles": list(person.roles)}, person)


def _resource(thing: Thing) -> dict[str, Any]:
    return _fixture({"kind": thing.kind, "id": thing.id}, thing)


def _fixture(fields: dict[str, Any], one: Person | Thing) -> dict[str, Any]:
    more = {"policyVersion": one.version, "scope": one.scope, "attr": ordered(one.attr)}
    return {**fields, **{key: value for key, value in more.items() if value}}
