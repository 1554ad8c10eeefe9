"""Holes that the compiler allows: found in the texts, and shown by a request wherever there can be one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from policyloop.access.ask.parts import Parts
from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Rounds
from policyloop.access.lint.check import Target
from policyloop.access.lint.checks import CHECKS, CODES
from policyloop.access.lint.confirm import confirmed
from policyloop.access.lint.hole import Code, Hole, Level, Shown
from policyloop.access.lint.requests import Looked, NotLookedAt
from policyloop.access.pdp import Settings
from policyloop.access.source import unread
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo

__all__ = ["CODES", "Code", "Enforcement", "FailOn", "Hole", "Level", "LintResult", "Shown", "lint"]

FailOn = Literal["never", "warning", "note"]
Enforcement = Literal["none", "warn", "reject"]

MOST_ALWAYS = 1_000
"""The most questions about one kind near its tests and rules; how many more there would be is said. Lint looks at every
policy, `mutate` at few: so it asks less about each."""
MOST_FURTHER = 250
"""After these, the most questions about one kind from each of two sources: two changes at once, and the universe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """What was found, in the order of files and lines. `unasked`: what was not looked at, a line each."""

    policies: str
    holes: tuple[Hole, ...]
    compiler: CompilerInfo
    asked: int
    unasked: tuple[str, ...] = ()
    fail_on: FailOn = "never"

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.TESTS]:
        """4 when something of the level that shall fail was found, else 0."""
        bad = {"never": (), "warning": ("warning",), "note": ("warning", "note")}[self.fail_on]
        return Exit.TESTS if any(one.level in bad for one in self.holes) else Exit.GREEN

    @property
    def outcome(self) -> Literal["clean", "holes"]:
        """In a word."""
        return "holes" if self.holes else "clean"

    @property
    def warnings(self) -> int:
        """How many holes open something, or may."""
        return sum(one.level == "warning" for one in self.holes)


def lint(
    runner: Runner,
    bundle: Bundle,
    policies: str,
    *,
    settings: Settings | None = None,
    enforcement: str | None = None,
    fail_on: FailOn = "never",
    told: Callable[[str], None] = lambda _: None,
) -> LintResult:
    """Every hole of a bundle whose policies compile. `enforcement`: of schemas, as the server's configuration has it.

    `settings` are those of the servers that answer. `told` hears how it goes on. The same bundle gives the same result.
    To be called from the main thread. Raises `Unavailable`, and `UsageError` for suites too large to be read.
    """
    settings = settings or Settings()
    parts = Parts(bundle)
    pool = Pool(parts, always=MOST_ALWAYS, most=MOST_FURTHER)
    target = Target(bundle, parts.policies, pool, enforcement)
    holes = [found for check in CHECKS for found in check.written(target)]
    unasked = [str(place) for place in unread(bundle)]
    rounds = Rounds(runner, pool, settings)
    jobs = [_guarded(work, what, unasked) for check in CHECKS for what, work in check.asked(target)]

    def progress(done: int) -> None:
        told(f"{done} of {len(jobs)} suspicions looked at, {rounds.asked} requests asked")

    for _, found in rounds.results(jobs, progress):
        holes += found
    holes = list(confirmed(parts, holes, settings))
    unasked += (f"about {kind}, {left} or more requests near its tests and rules" for kind, left in pool.left)
    return LintResult(
        policies=policies,
        holes=tuple(sorted(holes, key=lambda one: (one.file, one.line or 0, one.code, one.message))),
        compiler=runner.info,
        asked=rounds.asked,
        unasked=tuple(sorted(unasked)),
        fail_on=fail_on,
    )


def _guarded(work: Looked, what: str, unasked: list[str]) -> Looked:
    """The investigation; where the compiler does not take what would tell, that is said."""
    try:
        return (yield from work)
    except NotLookedAt:
        unasked.append(f"{what} was not looked at: the policies do not compile with the change that would tell")
        return ()
