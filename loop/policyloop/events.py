"""What happens in a run, as values: appended to the ledger as they occur, and rendered by every view.

A live run and `policyloop show` render the same events, so what a person saw is what the ledger holds.
`encode` and `decode` are each other's inverse over JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from policyloop.access_report import AccessReport
from policyloop.budget import Budget, Spent
from policyloop.findings import CompilerInfo, ErrorClass, Finding, Tally, Weakened
from policyloop.next_command import Next
from policyloop.outcome import Ending
from policyloop.shape import to_json
from policyloop.task import Dispute, Stage
from policyloop.usage import Usage


@dataclass(frozen=True, slots=True)
class AskedOption:
    """One possible answer."""

    id: str
    text: str
    recommended: bool


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """Something that only a person can say, and that nobody has said yet."""

    id: str
    text: str
    options: tuple[AskedOption, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """A locked assertion that a confirmed rule contradicts. `likely`: not to the letter; it `differs` in these fields.

    `action` and the names before it are what a release in the spec holds.
    """

    file: str
    suite: str
    test: str
    principal: str
    resource: str
    action: str
    demands: str
    rule: str
    decision: str
    likely: bool
    differs: tuple[str, ...]
    by_model: bool = False
    """Only the model says so: no decision is like it, and the rules do not state it."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Something that no decision of the spec says, as a mistake in the policies showed that no test noticed.

    `question` is in plain words; `allowed` says what the policies answer now; `request` is the whole request.
    """

    question: str
    allowed: bool
    request: str


@dataclass(frozen=True, slots=True)
class LookedFor:
    """How it was looked for what nobody said: `tried` mistakes of `made`; `cut` says why not all, "" where all were."""

    made: int
    tried: int
    unnoticed: int
    cut: str = ""


Gave = Literal["passed", "failed", "errored", "skipped", "not run"]
"""What an assertion gave."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One assertion that tests a decision, and what it gave."""

    file: str
    suite: str
    test: str
    principal: str
    resource: str
    action: str
    result: Gave
    effect: str | None


@dataclass(frozen=True, slots=True)
class DecisionProof:
    """A decision of a rule and the assertions that test it."""

    decision: str
    assertions: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class RuleProof:
    """A rule of the spec: where it lives in the policies (None: nowhere), and what tests it."""

    rule: str
    file: str | None
    line: int | None
    decisions: tuple[DecisionProof, ...]

    @property
    def assertions(self) -> tuple[Proof, ...]:
        """Those of all its decisions."""
        return tuple(one for decision in self.decisions for one in decision.assertions)

    @property
    def tested(self) -> bool:
        """Whether it has assertions and all of them passed."""
        return bool(self.assertions) and all(one.result == "passed" for one in self.assertions)


@dataclass(frozen=True, slots=True)
class SpecUsed:
    """The spec of a run: where it is kept, its digest, and who confirmed it, if anybody did."""

    path: str
    digest: str
    confirmed_by: str | None
    confirmed_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run began: what was asked, over which bundle, with which compiler and budget."""

    run: str
    request: str
    policies: str
    bundle: str
    files: int
    compiler: CompilerInfo
    model: str
    budget: Budget
    require_tests: bool
    locked: int
    released: tuple[str, ...] = ()
    releases: tuple[dict[str, str], ...] = ()
    resumes: str | None = None
    spec: str | None = None
    """Where the spec is looked for; None for a run without one."""
    spec_digest: str | None = None
    """What it was then; None without a file."""
    policyloop: str = ""
    carried: Usage = field(default_factory=Usage)
    """What calls of the runs that it resumes may have cost, that no answer of theirs tells."""
    already: float = 0.0
    """Seconds on the clock of the runs that it resumes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The compiler spoke. `cycle` counts from 1; `seconds` is what this validation took."""

    cycle: int
    findings: tuple[Finding, ...]
    tally: Tally
    locked: int
    bundle: str
    seconds: float
    spent: Spent
    output: tuple[str, ...] = ()
    stage: str = "policies"

    @property
    def next_class(self) -> ErrorClass | None:
        """The class to fix first, None when green."""
        return min((f.error_class for f in self.findings), key=lambda c: c.rank, default=None)

    @property
    def first(self) -> tuple[Finding, ...]:
        """The findings of that class."""
        return tuple(f for f in self.findings if f.error_class is self.next_class)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A task went to the model; `task` is its JSON as in `policyloop schema task`."""

    attempt: int
    task: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The model answered; `proposal` is its JSON as in `policyloop schema proposal`, None when it was none.

    `elapsed` is the run's time when the answer came, so that a resumed run goes on counting from there.
    """

    attempt: int
    proposal: dict[str, Any] | None
    malformed: str | None
    over_budget: str | None
    usage: Usage
    seconds: float
    elapsed: float
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One attempt came to its end: compiled, refused, or no proposal at all."""

    number: int
    error_class: ErrorClass | None
    findings: tuple[Finding, ...]
    edits: tuple[dict[str, Any], ...]
    note: str
    diff: str
    refusal: str | None
    weakened: tuple[Weakened, ...]
    dispute: Dispute | None
    progress: bool
    usage: Usage
    seconds: float
    spent: Spent
    stage: Stage = "policies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarified:
    """The spec of a run after the model drafted it or a person had a say; `text` is the file, whole.

    `earlier` counts the attempts until here. Only once it is `agreed` are policies made from it.
    """

    text: str
    used: SpecUsed
    agreed: bool
    rules: int
    decisions: int
    questions: tuple[AskedQuestion, ...] = ()
    assumptions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    spent: Spent = field(default_factory=Spent)
    earlier: int = 0
    due: bool = False
    """There are answers in it that the model has not taken in yet."""
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """After green: access under the bundle at the start and under the green one, and what wider access leads to."""

    access: AccessReport
    wider: Literal["report", "ask", "fail"]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the run ended. `diff` is from the person's bundle to the green one, or to the best one that was reached.

    `files_changed` are the paths written back to the policy directory; empty unless green. `patch` is where the result
    was kept instead, when it was not written back.
    """

    ending: Ending
    exit_code: int
    stopped_by: str | None
    message: str
    cycles: int
    spent: Spent
    diff: str
    files_changed: tuple[str, ...] = ()
    patch: str | None = None
    released: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    tally: Tally = field(default_factory=Tally)
    locked: int = 0
    spec: SpecUsed | None = None
    questions: tuple[AskedQuestion, ...] = ()
    assumptions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    """What the run changed in a spec that was there."""
    contradictions: tuple[Against, ...] = ()
    rules: tuple[RuleProof, ...] = ()
    access: AccessReport | None = None
    """What changed in access since the run began; None where nothing got green, or nobody asked."""
    unsaid: tuple[Unsaid, ...] = ()
    """What nobody said, as far as it was looked for."""
    looked_for: LookedFor | None = None
    """None where it was not looked for what nobody said."""
    next: tuple[Next, ...] = ()
    """What a person can type now."""


Event = Started | Judged | Asked | Answered | Attempted | Clarified | Compared | Ended

_KINDS: Mapping[str, type[Event]] = {
    "started": Started,
    "judged": Judged,
    "asked": Asked,
    "answered": Answered,
    "attempted": Attempted,
    "clarified": Clarified,
    "compared": Compared,
    "ended": Ended,
}


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind and the JSON data of `event`, as the ledger keeps them."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(event, cls))
    data = to_json(event)
    assert isinstance(data, dict)
    return kind, data


def decode(kind: str, data: Mapping[str, Any]) -> Event | None:
    """The event out of a ledger record; None for a kind that is not an event. Raises `ValueError` for a bad record."""
    cls = _KINDS.get(kind)
    if cls is None:
        return None
    from pydantic import TypeAdapter

    event: Event = TypeAdapter(cls).validate_python(dict(data))
    return event
