"""Holes that the compiler allows: found in the texts, and shown by a request wherever there can be one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from policyloop.access.lint.asked import defeated, fails_open, grants_nothing, shadowed, unenforced, wildcards
from policyloop.access.lint.confirm import confirmed
from policyloop.access.lint.hole import CODES, Hole, Level, Shown
from policyloop.access.lint.written import has_schemas, schemas, untested, unused
from policyloop.access.pdp import Settings
from policyloop.access.pool import Pool
from policyloop.access.source import Policy, Rule, policies_of
from policyloop.access.together import side_by_side
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo

__all__ = ["CODES", "Enforcement", "FailOn", "Hole", "Level", "LintResult", "Shown", "lint"]

FailOn = Literal["never", "warning", "note"]
Enforcement = Literal["none", "warn", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """What was found, in the order of files and lines."""

    policies: str
    holes: tuple[Hole, ...]
    compiler: CompilerInfo
    asked: int
    seed: int
    fail_on: FailOn = "never"

    @property
    def exit_code(self) -> Exit:
        """4 when something of the level that shall fail was found, else 0."""
        bad = {"never": (), "warning": ("warning",), "note": ("warning", "note")}[self.fail_on]
        return Exit.TESTS if any(one.level in bad for one in self.holes) else Exit.GREEN

    @property
    def outcome(self) -> str:
        """`clean`, or `holes`."""
        return "holes" if self.holes else "clean"

    def to_json(self) -> dict[str, Any]:
        """The document of `lint --format json`."""
        return {
            "outcome": self.outcome,
            "exit_code": int(self.exit_code),
            "fail_on": self.fail_on,
            "findings": [one.to_json() for one in self.holes],
            "asked": self.asked,
            "seed": self.seed,
            "cerbos": asdict(self.compiler),
        }


def lint(
    runner: Runner,
    bundle: Bundle,
    policies: str,
    *,
    seed: int = 0,
    settings: Settings | None = None,
    enforcement: str | None = None,
    fail_on: FailOn = "never",
) -> LintResult:
    """Every hole of a bundle that compiles. `enforcement`: of schemas, as the server's configuration has it.

    `settings` are those of the server that confirms the requests. Raises `Unavailable`, and `UsageError` for suites too
    large to be read.
    """
    read = policies_of(bundle)
    pool = Pool(runner, bundle, seed=seed)
    holes = [*unused(bundle, read), *untested(bundle, read), *schemas(bundle, read, enforcement)]
    jobs = list(_jobs(pool, read, enforcement))
    _prepare(pool, read)
    for _, found in side_by_side(runner, lambda job: list(job()), jobs):
        holes += found
    holes = list(confirmed(bundle, read, holes, settings or Settings()))
    return LintResult(
        policies=policies,
        holes=tuple(sorted(holes, key=lambda one: (one.file, one.line or 0, one.code, one.message))),
        compiler=runner.info,
        asked=sum(len(pool.questions(kind)) for kind in pool.kinds),
        seed=seed,
        fail_on=fail_on,
    )


_Job = Callable[[], Iterator[Hole]]


def _jobs(pool: Pool, read: Sequence[Policy], enforcement: str | None) -> Iterator[_Job]:
    parents = {one.name: frozenset(one.parent_roles) for policy in read for one in policy.definitions}
    for policy in read:
        if policy.what == "role":
            yield from (_job(grants_nothing, pool, policy, rule) for rule in policy.rules)
        if policy.what != "resource":
            continue
        scoped = len(
            [one for one in read if (one.what, one.name, one.version) == (policy.what, policy.name, policy.version)]
        )
        if enforcement is not None:
            yield _job(unenforced, pool, policy, enforcement)
        for rule in policy.rules:
            about = frozenset(rule.roles).union(*(parents.get(d, frozenset("*")) for d in rule.derived_roles))
            yield _job(fails_open, pool, rule)
            yield _job(defeated, pool, rule, about)
            yield _several(pool, rule)
            if scoped == 1:
                yield _job(shadowed, pool, policy, rule, parents)


def _job(work: Callable[..., Hole | None], *arguments: Any) -> _Job:
    def job() -> Iterator[Hole]:
        found = work(*arguments)
        if found is not None:
            yield found

    return job


def _several(pool: Pool, rule: Rule) -> _Job:
    return lambda: wildcards(pool, rule)


def _prepare(pool: Pool, read: Sequence[Policy]) -> None:
    """The bundle's own answers, before they are wanted from several threads."""
    for policy in read:
        if policy.what != "resource" or policy.name not in pool.kinds:
            continue
        pool.prepare(policy.name)
        if any(rule.denies and rule.conditional for rule in policy.rules):
            pool.prepare(policy.name, strict=True)
        if has_schemas([policy]):
            for strict in (False, True):
                pool.prepare(policy.name, strict=strict, schemas=False)
