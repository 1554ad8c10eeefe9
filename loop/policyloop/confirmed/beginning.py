"""Where the loop begins once a spec is confirmed: its suites beside what is there, locked but for what was released."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from policyloop.bundle import Bundle
from policyloop.confirmed.letting_go import LetGo, let_go
from policyloop.errors import PersonNeeded, UsageError
from policyloop.guard import Assertion, Lock, Release
from policyloop.specification import FOLDER, Spec, suites_from
from policyloop.specification.suites import EARLIER, RELEASED, earlier_suite, is_ours, released_suite


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the loop begins: the person's bundle with the suites of the spec, all locked but what is released."""

    bundle: Bundle
    lock: Lock
    released: tuple[LetGo, ...]


def beginning(spec: Spec, bundle: Bundle, more: Sequence[Release] = ()) -> Beginning:
    """The bundle with the spec's suites in it, and its lock.

    Suites that an earlier version of the spec left are written anew; what they demanded besides, and what nobody
    released, goes on being demanded. What takes the place of released tests is a suite of its own. Raises `UsageError`
    for a file in the place of a suite that is not ours.
    """
    before = Lock.of(bundle)
    before.release(more)
    released = let_go(spec, before, more)
    suites = suites_from(spec)
    old = {path for path, text in bundle.files.items() if path.startswith(f"{FOLDER}/") and is_ours(text)}
    kept = before.without(gone.id for gone in released)
    # What took the place of a test in an earlier run stays where it is, so that nothing moves when nothing changes.
    standing = f"{FOLDER}/{RELEASED}"
    earlier = [one for one in kept if one.id.file == standing and standing in old and one.known]
    replaced = _undecided((*earlier, *filter(None, (gone.replacement for gone in released))), suites)
    if replaced:
        suites = {**suites, standing: released_suite(replaced)}
    for path in suites:
        if path in bundle and not is_ours(bundle[path]):
            raise UsageError(f"{path} stands where a suite of the spec belongs.", "Move or rename it.")
    start = _with_suites(bundle, old, suites, kept)
    _check_nothing_lost(start, suites, kept)
    # A suite of ours is written anew without what was released; in a person's own suite the released test still stands.
    outside = [gone.id for gone in released if gone.id.file not in old]
    lock = Lock.of(start).without(outside)
    return Beginning(start, lock, released)


def _undecided(replacements: Sequence[Assertion], suites: Mapping[str, str]) -> list[Assertion]:
    """What takes the place of released tests and is no decision of the spec anyway."""
    decided = {assertion.demand for assertion in Lock.of(Bundle(suites))}
    return [one for one in replacements if one.demand not in decided]


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
