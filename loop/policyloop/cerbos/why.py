"""Why an assertion failed: which runs to ask for a trace, and what the trace says, a line each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from policyloop.bundle import Bundle
from policyloop.cerbos.broken import spoken
from policyloop.cerbos.policy_places import rule_place
from policyloop.cerbos.run import CompilerRun
from policyloop.cerbos.shape import Misshapen, Object
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.suites import Failure, details_of, read_failure
from policyloop.cerbos.text import one_line
from policyloop.cerbos.trace import Decision, Evaluated, Rule, decision
from policyloop.effects import ALLOW
from policyloop.errors import Unavailable
from policyloop.findings import AssertionId, Finding, Report

MAX_LINES = 40
"""The most lines of one explanation; how many more there were is the last of them."""

_DIMENSIONS = ("suite", "test", "principal", "resource", "action")
_MOST_FILTER_CHARACTERS = 65_536
_PLAIN = re.compile(r"[^A-Za-z0-9_./@:#=+ -]")
_WIDTH = 400
_ERROR_IS_FALSE = "without strict evaluation an error counts as false"
_ERROR_DENIES = "strict evaluation turns an error into a denial"


def filters_for(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Values for `--test-filter` under which every assertion of `findings` runs, and few others.

    Each dimension of a filter is a set of globs of its own, so the filter lets through the cross product. A character
    that has a meaning in the filter, in a glob or on the command line is written as `?`, any one character; a comma
    above all: cerbos 0.55.0 documents `a,b`, and its command line splits the flag there. No filter at all, which lets
    everything run, when there is no assertion or too many for a command line.
    """
    assertions = [finding.assertion for finding in findings if finding.assertion is not None]
    parts: list[str] = []
    for dimension in _DIMENSIONS:
        globs = sorted({_glob(getattr(assertion, dimension)) for assertion in assertions})
        part = ";".join(f"{dimension}={glob}" for glob in globs)
        if globs and all(globs) and len(part) + sum(len(other) for other in parts) < _MOST_FILTER_CHARACTERS:
            parts.append(part)
    return (";".join(parts),) if parts else ()


def _glob(name: str) -> str:
    """A glob of ASCII that matches `name`: literal where that is safe. The compiler trims spaces at both ends."""
    glob = _PLAIN.sub("?", name)
    inner = glob.strip(" ")
    return inner.rjust(len(glob.rstrip(" ")), "?").ljust(len(glob), "?")


def explain(
    report: Report, normal_verbose: CompilerRun | None, strict_verbose: CompilerRun | None, bundle: Bundle
) -> Report:
    """`report` with `why` filled for every finding about an assertion, from runs made with `--verbose`.

    The runs may have been narrowed with `filters_for`, and may be missing or broken: then `why` says less. The strict
    run tells which condition failed also for an assertion that fails in both passes.
    """
    wanted = frozenset(finding.assertion for finding in report.findings if finding.assertion is not None)
    if not wanted:
        return report
    sources = Sources(bundle)
    normal, strict = (_details(run, wanted, sources) for run in (normal_verbose, strict_verbose))
    findings = tuple(
        replace(finding, why=_why(finding, finding.assertion, normal, strict, sources))
        if finding.assertion
        else finding
        for finding in report.findings
    )
    return replace(report, findings=findings)


def _details(run: CompilerRun | None, wanted: frozenset[AssertionId], sources: Sources) -> Mapping[AssertionId, Object]:
    """The details of the `wanted` assertions; none from a run that broke, for its verdict does not rest on it."""
    if run is None:
        return {}
    try:
        data = spoken(run, sources)
    except Unavailable:
        return {}
    return {} if isinstance(data, tuple) else {one: found for one, found in details_of(data) if one in wanted}


def _why(
    finding: Finding,
    one: AssertionId,
    normal: Mapping[AssertionId, Object],
    strict: Mapping[AssertionId, Object],
    sources: Sources,
) -> tuple[str, ...]:
    try:
        in_normal, in_strict = (decision(details.get(one, {}), one.action) for details in (normal, strict))
        details = (strict if finding.code == "strict-only" else normal).get(one)
        failure = read_failure(details) if details is not None else Failure()
    except Misshapen as strange:
        return (*finding.why, one_line(f"the trace cannot be read: {strange}", _WIDTH))
    if details is None:
        return finding.why
    shown = in_strict if finding.code == "strict-only" else in_normal
    lines = [*finding.why, *_lines(finding.code, one, shown, in_strict.errors(), failure, sources)]
    cut = [one_line(line, _WIDTH) for line in lines[:MAX_LINES]]
    return (*cut, *([f"... ({len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []))


def _lines(
    code: str, one: AssertionId, told: Decision, errors: Mapping[str, str], failure: Failure, sources: Sources
) -> Iterator[str]:
    if code == "strict-only":
        yield f"fails in the strict pass only: {_ERROR_DENIES}"
    elif code == "normal-only":
        yield f"fails in the normal pass only: {_ERROR_IS_FALSE}, and {_ERROR_DENIES}"
    if not told.policy:
        yield "no policy was found for the kind, version and scope of this resource, or for this principal"
        return
    expected = f" where {failure.expected} is expected" if failure.expected not in (None, told.effect) else ""
    yield f"{told.policy.removeprefix('cerbos.')} gave {told.effect or 'no effect'}{expected}"
    if told.rejected:
        yield f"a JSON Schema rejected the input: {told.rejected.removeprefix('Validation errors: ')}"
        return
    shared = [rule for rule in told.elsewhere if _covers(rule, one.action, sources)]
    if not told.rules and not shared:
        yield _no_rule(told, one.action)
    for rule in (*told.rules, *shared):
        place = rule_place(sources, rule.policy, rule.scope, rule.name)
        where = f" ({', '.join(filter(None, (place.effect, f'{place.file}:{place.line}')))})" if place else ""
        scope = f" in scope {rule.scope}" if rule.scope else ""
        name = f"rule {rule.name}" if rule.name else "a rule of a role policy"
        yield f"{name}{where}{scope} {_outcome(rule)}"
        yield from _evaluations(rule.conditions, errors)
    yield from _background(told, errors)


def _covers(rule: Rule, action: str, sources: Sources) -> bool:
    """Whether a rule that is traced under another action is, by the sources, about this one too.

    cerbos 0.55.0 tells a rule with a star under the first action of a test only.
    """
    place = rule_place(sources, rule.policy, rule.scope, rule.name)
    return place is not None and place.covers(action)


def _no_rule(told: Decision, action: str) -> str:
    if told.effect == ALLOW:
        return f'the trace names no rule for the action "{action}", although it is allowed'
    return f'no rule covers the action "{action}" for the roles of this principal'


def _outcome(rule: Rule) -> str:
    if rule.skipped:
        return f"did not apply: {rule.skipped[:1].lower()}{rule.skipped[1:]}"
    if not rule.name:
        return "applied: what a role policy does not list is denied"
    return "applied: its condition holds" if rule.conditions else "applied: it has no condition"


def _background(told: Decision, errors: Mapping[str, str]) -> Iterator[str]:
    """The derived roles and variables that the rules rest on."""
    shown = [condition.expression for rule in told.rules for condition in rule.conditions]
    needs_roles = any("derived role" in rule.skipped for rule in told.rules)
    if needs_roles or any("effectiveDerivedRoles" in expression for expression in shown):
        for role in told.roles:
            holds = not role.skipped and all(c.value == "true" and not c.error for c in role.conditions[-1:])
            reason = f": {role.skipped[:1].lower()}{role.skipped[1:]}" if role.skipped else ""
            yield f"derived role {role.name} is {'given' if holds else 'not given'}{reason}"
            yield from _evaluations(role.conditions, errors)
            shown += [condition.expression for condition in role.conditions]
    for name, variable in reversed(told.variables.items()):
        if any(re.search(rf"\b(V|variables)\.{re.escape(name)}\b", expression) for expression in shown):
            shown.append(variable.expression)
            yield from _evaluations([replace(variable, expression=f"V.{name} = {variable.expression}")], errors)


def _evaluations(conditions: Iterable[Evaluated], errors: Mapping[str, str]) -> Iterator[str]:
    for one in conditions:
        within = f"{one.within} of: " if one.within else ""
        shown = f"  {within}{one_line(one.expression, _WIDTH // 2)}"
        if one.error:
            yield f"{shown} failed: {one.error}; {_ERROR_DENIES}"
        elif one.value != "true" and one.expression in errors:
            yield f"{shown} failed: {errors[one.expression]}; {_ERROR_IS_FALSE}"
        elif one.value == "null":
            yield f"{shown} has no value"
        else:
            yield f"{shown} gave {one.value}"
