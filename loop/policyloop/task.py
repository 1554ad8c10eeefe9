"""What the loop asks of a model, and what it gets back: the seam between the loop and any model.

`policyloop.protocol` has both as JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from policyloop.bundle import Edit
from policyloop.findings import ErrorClass, Finding
from policyloop.usage import Left, Usage

Stage = Literal["spec", "policies"]
"""What a task is about: the spec that people confirm, or the policies made from it."""


MAX_SAID = 2_000
"""Characters of a note, of a reason and of any sentence about a reply; a model's own words are cut there."""
MAX_READS = 1_000
"""Files that one reply may ask for."""


class Malformed(ValueError):
    """A reply that is not a proposal; the text says what is wrong with it, in at most `MAX_SAID` characters."""

    def __init__(self, what: str) -> None:
        super().__init__(cut(what))


def cut(text: str, most: int = MAX_SAID) -> str:
    """`text`, or its first `most` characters with a mark. A ledger keeps what a model says."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A model's word that a test contradicts a rule: changes nothing, and stops the run for a person."""

    suite: str
    test: str
    principal: str
    resource: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The edits a model makes in one go, a line of why, perhaps a dispute, perhaps files it wants to read first."""

    edits: tuple[Edit, ...] = ()
    note: str = ""
    dispute: Dispute | None = None
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """One earlier attempt, as told to the model: what it edited, and what came of it."""

    attempt: int
    error_class: str
    edits: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Selection:
    """`files`: path -> text, most important first, secrets marked, cut where `policyloop.shown.is_cut` says so.

    `index`: what else there is.
    """

    files: Mapping[str, str]
    index: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Existing:
    """Policies that are there already, to be read and never edited: some of them whole, and an index of the rest."""

    files: Mapping[str, str]
    index: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One turn for a model. `files` matter to the findings; `index` names the rest, which it may ask to read."""

    request: str
    error_class: ErrorClass | None
    findings: tuple[Finding, ...]
    files: Mapping[str, str]
    left: Left
    stage: Stage = "policies"
    spec: Mapping[str, Any] | None = None
    """The confirmed spec, in the stage `policies` of a run that has one."""
    existing: Existing | None = None
    """In the stage `spec`: the policies beside which the spec is drafted."""
    index: tuple[str, ...] = ()
    refusal: str | None = None
    released: tuple[str, ...] = ()
    """The assertions that a person let go of: they may be changed to what is asked for now."""
    history: tuple[PastAttempt, ...] = ()
    afresh: bool = False
    """The conversation starts anew: what came before is only in `history`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered: a proposal, or why its answer is none (`malformed`), and what it cost.

    `over_budget` names the cap (`tokens`, `usd`, `wall_seconds`) under which another call does not fit: none was made.
    `replayed`: it was answered, and paid for, in the run that this one resumes.
    """

    proposal: Proposal | None
    malformed: str | None = None
    usage: Usage = field(default_factory=Usage)
    over_budget: str | None = None
    replayed: bool = False


class Model(Protocol):
    """Anything that can propose. Raises `Unavailable` when it cannot be reached; a bad answer is a `Reply`.

    It keeps within `task.left`: no call may cost more tokens, dollars or seconds than are left. `note` is for the
    person, before the run: None when there is nothing to say.
    """

    name: str
    note: str | None

    def propose(self, task: Task) -> Reply: ...

    def close(self) -> None: ...


@runtime_checkable
class Foretelling(Protocol):
    """A model that can say what its next call will cost at most."""

    def most(self, task: Task) -> Usage: ...
