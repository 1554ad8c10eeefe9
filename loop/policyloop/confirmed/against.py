"""A spec and the tests that are there: which it contradicts, by its decisions, its rules or the draft's word."""

from collections.abc import Iterator, Mapping, Sequence

from policyloop.bundle import Bundle
from policyloop.confirmed.believed import unconfirmed
from policyloop.confirmed.letting_go import let_go
from policyloop.effects import DECISIONS
from policyloop.events import Against
from policyloop.guard import Assertion, Lock, Release
from policyloop.guard.demand import Inputs
from policyloop.specification import Spec, releases_of
from policyloop.specification.model import ReleasedTest
from policyloop.specification.outdated import named_by
from policyloop.specification.sayings import Said, Sayings
from policyloop.specification.vocabulary import Effect


def unreleased(spec: Spec, bundle: Bundle, more: Sequence[Release] = ()) -> tuple[Against, ...]:
    """The locked tests of `bundle` that contradict the spec, and that neither it nor `more` releases."""
    lock = tuple(Lock.of(bundle))
    sayings = Sayings(spec)
    releases = (*releases_of(spec), *more)
    instead = _replaced(spec, lock, more)
    against = (_against(assertion, sayings, instead, spec) for assertion in lock)
    return tuple(
        one
        for assertion, one in zip(lock, against, strict=True)
        if one is not None and not any(release.names(assertion) for release in releases)
    )


def with_releases(spec: Spec, ones: Sequence[Against]) -> Spec:
    """The spec that releases these too, each by its exact name, and that calls nothing outdated any more.

    It has to be confirmed anew where that changes anything.
    """
    if not ones and not spec.outdated:
        return spec
    new = tuple(_released(one) for one in ones)
    changed: Spec = spec.model_copy(update={"releases": (*spec.releases, *new), "outdated": ()})
    return changed


def pinned(before: Spec | None, new: Spec, bundle: Bundle) -> Spec:
    """`new`, releasing no more than `before` did: each release is for the tests that it lets go of now, and no others.

    Else a `*` that a person wrote for one change would let go of what the next change contradicts.
    """
    if before is None or not new.releases or unconfirmed(before) == new:
        return new
    exact = tuple(
        ReleasedTest(
            suite=gone.id.suite,
            test=gone.id.test,
            principal=gone.id.principal,
            resource=gone.id.resource,
            action=gone.id.action,
            replaced_by=gone.rule or _naming(before, gone.assertion),
            demanded=gone.demanded,
            instead=gone.instead,
            file=gone.id.file,
        )
        for gone in let_go(before, Lock.of(bundle))
    )
    changed: Spec = new.model_copy(update={"releases": exact})
    return changed


def _naming(spec: Spec, assertion: Assertion) -> str:
    """The rule of the release that names an assertion."""
    listed = zip(releases_of(spec), spec.releases, strict=True)
    return next(written.replaced_by for release, written in listed if release.names(assertion))


def _replaced(spec: Spec, lock: Sequence[Assertion], more: Sequence[Release]) -> Mapping[Inputs, Said]:
    """What takes the place of released tests, by request: another test that asks the same must not say otherwise."""
    return {
        gone.assertion.demand.inputs: Said(gone.instead, gone.rule)
        for gone in let_go(spec, lock, more)
        if gone.instead is not None and gone.replacement is not None
    }


def _against(assertion: Assertion, sayings: Sayings, replaced: Mapping[Inputs, Said], spec: Spec) -> Against | None:
    demands = DECISIONS.get(assertion.demand.effect)
    if demands is None:
        return None
    said = sayings.about(assertion) or replaced.get(assertion.demand.inputs)
    by_model = said is None
    if said is None:
        said = next(_called_outdated(assertion, spec), None)
    if said is None or said.effect == demands:
        return None
    ids = assertion.id
    return Against(
        file=ids.file,
        suite=ids.suite,
        test=ids.test,
        principal=ids.principal,
        resource=ids.resource,
        action=ids.action,
        demands=demands,
        rule=said.rule,
        decision=said.decision,
        likely=said.likely or by_model,
        differs=said.differs,
        by_model=by_model,
    )


def _called_outdated(assertion: Assertion, spec: Spec) -> Iterator[Said]:
    for outdated in spec.outdated:
        if named_by(outdated, (assertion,)):
            yield Said(outdated.instead, outdated.rule)


def _released(one: Against) -> ReleasedTest:
    demanded, instead = _effects(one.demands)
    return ReleasedTest(
        suite=one.suite,
        test=one.test,
        principal=one.principal,
        resource=one.resource,
        action=one.action,
        replaced_by=one.rule,
        demanded=demanded,
        instead=instead,
        file=one.file,
    )


def _effects(demands: str) -> tuple[Effect, Effect]:
    return ("allow", "deny") if demands == "allow" else ("deny", "allow")
