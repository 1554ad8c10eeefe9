"""What a session keeps on the disk: how it was opened, and what the controller was told since.

The ledger holds a record `opened` and a record `told` for each step, and beside them the events that `policyloop show`
renders. What is large, or must not be redacted, lies beside the ledger in a file named after its SHA-256, which the
record holds. So a `State` is never stored: it is made anew from what was told, and a changed byte anywhere is noticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from policyloop.budget import Budget
from policyloop.config import CerbosConfig
from policyloop.findings import AssertionId, CompilerInfo, Report
from policyloop.ledger import Chain
from policyloop.session.store import Store, broken
from policyloop.shape import to_json

T = TypeVar("T")

OPENED = "opened"
TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a session was opened. Nothing of it can change until it ends: not the budget, not the compiler."""

    run: str
    policies: str
    spec: str | None
    spec_text: str | None
    spec_plain: dict[str, Any] | None
    """The same as data: reading it anew would be the slowest part of a hook."""
    claude: str | None
    request: str
    budget: Budget
    cerbos: CerbosConfig
    require_tests: bool
    compiler: CompilerInfo
    began: float
    """Seconds since the epoch."""
    before: str
    """The digest of the bundle as the person had it."""
    start: str
    """The digest of the bundle with the suites of the spec in it."""
    dropped: tuple[AssertionId, ...] = ()
    """What the lock on `start` lacks, since a person released it."""
    released: tuple[AssertionId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one step told the controller: the directory as it was, or why it could not be read, or a dispute.

    `bundle` and `report` are digests of snapshots. `asked` and `judged` are seconds since the session began. The first
    one tells of the opening validation.
    """

    bundle: str | None = None
    malformed: str | None = None
    dispute: str | None = None
    asked: float = 0.0
    report: str | None = None
    judged: float = 0.0


class Snapshots(Store):
    """What else a session keeps: its opening, and what the compiler said."""

    def keep_report(self, report: Report) -> str:
        """Keep a report, without the compiler's own words, which the ledger holds."""
        fields = {"compiler": report.compiler, "findings": report.findings}
        return self.keep(to_json({**fields, "ran": report.ran, "ran_strict": report.ran_strict}))

    def report(self, digest: str) -> Report:
        """A report that was kept."""
        return _validated(Report, self.value(digest))

    def opening(self, digest: str) -> Opening:
        """How the session was opened."""
        return _validated(Opening, self.value(digest))


def tolds(chain: Chain) -> tuple[str, tuple[Told, ...]]:
    """The digest of the opening, and all that was told. Raises `PersonNeeded` for a ledger that is not one of ours."""
    opened = [record.data.get("opening") for record in chain.records if record.kind == OPENED]
    if len(opened) != 1 or not isinstance(opened[0], str):
        raise broken("its ledger does not say how it was opened")
    return opened[0], tuple(_validated(Told, record.data) for record in chain.records if record.kind == TOLD)


def _validated(cls: type[T], data: Mapping[str, Any]) -> T:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(cls).validate_python(data)
    except ValidationError:
        raise broken(f"what is kept is no {cls.__name__.lower()}") from None
