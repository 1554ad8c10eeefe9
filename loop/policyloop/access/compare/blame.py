"""Which rule decided a request: read off the trace of the compiler's own engine."""

from collections.abc import Iterator, Mapping, Sequence

from policyloop.access.ask.questions import Question, Questionnaire
from policyloop.access_report import Deciding
from policyloop.bundle import Bundle
from policyloop.cerbos.broken import spoken
from policyloop.cerbos.policy_places import policy_place, rule_place
from policyloop.cerbos.run import Runner
from policyloop.cerbos.shape import Misshapen, Object
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.suites import details_of
from policyloop.cerbos.trace import Decision, Rule, decision
from policyloop.effects import ALLOW, DENY


def deciding(
    runner: Runner, bundle: Bundle, questions: Sequence[Question], *, strict: bool, schemas: bool
) -> tuple[Deciding, ...]:
    """The rule of `bundle` that decides each question; an empty `Deciding` where the trace does not tell.

    Raises `Unavailable` when the compiler cannot be run.
    """
    if not questions:
        return ()
    asked = Questionnaire(questions)
    whole = asked.bundle(bundle, schemas=schemas)
    with runner.stage(whole) as staged:
        data = spoken(staged.compile(strict=strict, verbose=True), Sources(whole))
    if isinstance(data, tuple):
        return tuple(Deciding() for _ in questions)
    told = dict(_numbered(data))
    sources = Sources(bundle)
    return tuple(_deciding(told.get(n), one.request.action, sources) for n, one in enumerate(questions))


def _numbered(data: Object) -> Iterator[tuple[int, Object]]:
    for assertion, details in details_of(data):
        if assertion.test.isdigit():
            yield int(assertion.test), details


def _deciding(details: Mapping[str, object] | None, action: str, sources: Sources) -> Deciding:
    if details is None:
        return Deciding()
    try:
        told = decision(details, action)
    except Misshapen:
        return Deciding()
    policy = told.policy.removeprefix("cerbos.")
    for rule, place in _applied(told, sources):
        if place.effect == (told.effect or DENY):
            return Deciding(policy, rule.name, place.file, place.line, place.effect)
    if told.effect == ALLOW:
        # Only a role policy's rules have no name.
        return Deciding(policy, effect=ALLOW)
    file, at = policy_place(sources, policy)
    return Deciding(policy, "", file, at.line if at else None, None)


def _applied(told: Decision, sources: Sources) -> Iterator[tuple[Rule, Deciding]]:
    for rule in told.rules:
        place = None if rule.skipped else rule_place(sources, rule.policy, rule.scope, rule.name)
        if place is not None:
            yield rule, Deciding(rule.policy, rule.name, place.file, place.line, place.effect)
