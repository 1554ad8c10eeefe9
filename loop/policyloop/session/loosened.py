"""Which locked assertions a change would weaken, of those that are still whole in the directory."""

from collections.abc import Callable
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.findings import AssertionId, Weakened
from policyloop.guard import Lock
from policyloop.session import home
from policyloop.session.home import Entry
from policyloop.session.store import Store
from policyloop.workspace.read import read_bundle


def loosened(entry: Entry, change: Callable[[Bundle], Bundle]) -> tuple[str, ...]:
    """A line for each. What is weaker already does not count again, so that it can be mended step by step.

    Raises `PolicyloopError` when the session or the directory cannot be read.
    """
    lock = _lock(entry)
    now = read_bundle(Path(entry.policies))
    after = lock.weakened_by(change(now))
    if not after:
        return ()
    before = {_names(one) for one in lock.weakened_by(now)}
    return tuple(_line(one) for one in after if _names(one) not in before)


def _lock(entry: Entry) -> Lock:
    """The lock as the last step left it, without telling the whole session anew: people wait for this."""
    kept = Store(Path(home.kept(entry)))
    parts = kept.value(entry.lock)
    dropped, joined = (frozenset(AssertionId(**one) for one in parts[name]) for name in ("dropped", "joined"))
    return Lock.of(kept.bundle(parts["start"])).without(dropped).joined_by(kept.bundle(parts["current"]), joined)


def _line(one: Weakened) -> str:
    suite, test, principal, resource, action = _names(one)
    return f"{suite} / {test}: {principal} {action} {resource}: {one.how} ({one.before} -> {one.after})"


def _names(one: Weakened) -> tuple[str, ...]:
    return (one.suite, one.test, one.principal, one.resource, one.action)
