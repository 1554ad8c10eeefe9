"""The older tests that a draft calls wrong from now on: each must name one that is there and demands otherwise.

A model names them, a person decides. What a draft's own rules say as the test does is none of them.
"""

import difflib
from collections.abc import Iterator, Sequence

from policyloop.effects import DECISIONS
from policyloop.guard import Assertion, Release
from policyloop.specification.model import Outdated, Spec
from policyloop.specification.sayings import Sayings


def named_by(outdated: Outdated, lock: Sequence[Assertion]) -> tuple[Assertion, ...]:
    """The assertions that a draft calls outdated and that demand otherwise than it says they must."""
    return tuple(one for one in _by_name(outdated, lock) if DECISIONS.get(one.demand.effect) != outdated.instead)


def not_outdated(spec: Spec, lock: Sequence[Assertion]) -> Iterator[tuple[int, str, str]]:
    """What is wrong with each entry of `outdated` that lets no test go: its number from 0, a code, and the words."""
    sayings = Sayings(spec)
    for number, outdated in enumerate(spec.outdated):
        names = f"{outdated.suite} / {outdated.test}: {outdated.principal} {outdated.action} {outdated.resource}"
        if not _by_name(outdated, lock):
            yield number, "no-such-test", f"`{names}` is no test that is there{_nearest(names, lock)}"
            continue
        otherwise = named_by(outdated, lock)
        if not otherwise:
            yield number, "not-outdated", f"`{names}` demands {outdated.instead} already; leave it out"
            continue
        said = [sayings.about(assertion) for assertion in otherwise]
        against = next((words for words in said if words and words.effect != outdated.instead), None)
        if against and all(words and words.effect != outdated.instead for words in said):
            by = against.decision or f"rule {against.rule}"
            words = f"`{names}` is right as it is: `{by}` of this draft says {against.effect}, too; leave it out"
            yield number, "not-outdated", words


def _by_name(outdated: Outdated, lock: Sequence[Assertion]) -> tuple[Assertion, ...]:
    release = Release(outdated.suite, outdated.test, outdated.principal, outdated.resource, outdated.action)
    return tuple(assertion for assertion in lock if release.names(assertion))


def _nearest(names: str, lock: Sequence[Assertion]) -> str:
    near = difflib.get_close_matches(names, list(dict.fromkeys(str(one.id) for one in lock)), 1, cutoff=0.0)
    return f"; the nearest is `{near[0]}`" if near else ""
