"""A confirmed spec and a bundle that is there: what contradicts it, what is released, and where the loop begins."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from policyloop.bundle import Bundle
from policyloop.confirmed.believed import unconfirmed
from policyloop.errors import PersonNeeded, UsageError
from policyloop.events import Against
from policyloop.guard import Assertion, Lock, Release
from policyloop.specification import FOLDER, Contradiction, Spec, contradicted, releases_of, suites_from
from policyloop.specification.model import ReleasedTest
from policyloop.specification.suites import EARLIER, earlier_suite, is_ours


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the loop begins: the person's bundle with the suites of the spec, all locked but what is released."""

    bundle: Bundle
    lock: Lock
    released: tuple[Assertion, ...]


def unreleased(spec: Spec, bundle: Bundle, more: Sequence[Release] = ()) -> tuple[Against, ...]:
    """The locked tests of `bundle` that contradict the spec, and that neither it nor `more` releases."""
    lock = Lock.of(bundle)
    known = {one.id: one for one in lock}
    releases = (*releases_of(spec), *more)
    found = contradicted(spec, lock)
    return tuple(_against(one) for one in found if not any(r.names(known[one.assertion]) for r in releases))


def with_releases(spec: Spec, ones: Sequence[Against]) -> Spec:
    """The spec that releases these too, each replaced by the rule that contradicts it. It has to be confirmed anew."""
    if not ones:
        return spec
    new = tuple(
        ReleasedTest(
            suite=one.suite,
            test=one.test,
            principal=one.principal,
            resource=one.resource,
            action=one.action,
            replaced_by=one.rule,
        )
        for one in ones
    )
    changed: Spec = spec.model_copy(update={"releases": (*spec.releases, *new)})
    return changed


def pinned(before: Spec | None, new: Spec, bundle: Bundle) -> Spec:
    """`new`, releasing no more than `before` did: each release is for the tests that it let go of then, and no others.

    Else a `*` that a person wrote for one change would let go of what the next change contradicts.
    """
    if before is None or not new.releases or unconfirmed(before) == new:
        return new
    lock = Lock.of(bundle)
    known = {one.id: one for one in lock}
    let_go = [
        _against(one)
        for one in contradicted(before, lock)
        if any(release.names(known[one.assertion]) for release in releases_of(before))
    ]
    bare: Spec = new.model_copy(update={"releases": ()})
    return with_releases(bare, let_go)


def beginning(spec: Spec, bundle: Bundle, more: Sequence[Release] = ()) -> Beginning:
    """The bundle with the spec's suites in it, and its lock.

    Suites that an earlier version of the spec left are written anew; what they demanded besides, and what nobody
    released, goes on being demanded. Raises `UsageError` for a file in the place of a suite that is not ours.
    """
    suites = suites_from(spec)
    for path in suites:
        if path in bundle and not is_ours(bundle[path]):
            raise UsageError(f"{path} stands where a suite of the spec belongs.", "Move or rename it.")
    old = {path for path, text in bundle.files.items() if path.startswith(f"{FOLDER}/") and is_ours(text)}
    before = Lock.of(bundle)
    released = _released(spec, before, more)
    kept = before.without(assertion.id for assertion in released)
    start = _with_suites(bundle, old, suites, kept)
    _check_nothing_lost(start, suites, kept)
    # A suite of ours is written anew without what was released; in a person's own suite the released test still stands.
    outside = [assertion.id for assertion in released if assertion.id.file not in old]
    lock = Lock.of(start).without(outside)
    return Beginning(start, lock, released)


def _with_suites(bundle: Bundle, old: Set[str], suites: Mapping[str, str], kept: Lock) -> Bundle:
    """The bundle with the spec's suites for the `old` ones, and one more for what those demanded besides."""
    files = {path: text for path, text in bundle.files.items() if path not in old} | dict(suites)
    lost = kept.lost_in(Bundle(files))
    if not lost:
        return Bundle(files)
    for assertion in lost:
        if not assertion.known:
            raise UsageError(f"{assertion.id.file} cannot be read whole, so it cannot be kept.", "Repair it first.")
    files[f"{FOLDER}/{EARLIER}"] = earlier_suite(lost)
    return Bundle(files)


def _check_nothing_lost(start: Bundle, suites: Mapping[str, str], kept: Lock) -> None:
    """Neither a test that was there nor one of the spec's own demands something else in `start`."""
    if left := kept.lost_in(start):
        raise PersonNeeded(f"The spec's suites would drop a locked test: {left[0].id}.", "Release it by name.")
    if lost := Lock.of(Bundle(suites)).lost_in(start):
        what = f"what stands beside the spec's suites in {FOLDER} makes `{lost[0].id}` demand something else"
        raise UsageError(f"The decisions would not be tested: {what}.", "Move or rename it; fixtures there are ours.")


def _released(spec: Spec, lock: Lock, more: Sequence[Release]) -> tuple[Assertion, ...]:
    """What a person lets go of. The spec releases only what it contradicts: a release does not outlive its reason."""
    against = {one.assertion for one in contradicted(spec, lock)}
    listed = releases_of(spec)
    gone = {one.id for one in lock if one.id in against and any(r.names(one) for r in listed)}
    gone |= {one.id for one in lock.release(more)[1]}
    return tuple(one for one in lock if one.id in gone)


def _against(one: Contradiction) -> Against:
    ids = one.assertion
    return Against(
        file=ids.file,
        suite=ids.suite,
        test=ids.test,
        principal=ids.principal,
        resource=ids.resource,
        action=ids.action,
        demands=one.demands,
        rule=one.rule,
        decision=one.decision,
        likely=one.likely,
        differs=one.differs,
    )
