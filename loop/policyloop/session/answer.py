"""What `policyloop session` answers: one next action, the findings of one class, and what is left of each budget."""

from dataclasses import dataclass

from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State
from policyloop.compose import compose
from policyloop.errors import Exit
from policyloop.events import RuleProof
from policyloop.findings import ErrorClass, Finding, Tally, Weakened
from policyloop.outcome import Outcome
from policyloop.session.steps import DONE, FIX, REFUSED, STOP, UNCHANGED, next_action

MAX_FINDINGS = 20
"""How many findings of the one class are spelled out."""
MAX_FILES = 12
"""How many files are named as worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of a session. `next` is the next action; `findings` are those of one class, the first ones."""

    session: str
    phase: str
    policies: str
    spec: str | None
    request: str
    claude: str | None
    next: str
    message: str
    exit_code: Exit
    stopped_by: str | None
    error_class: ErrorClass | None
    findings: tuple[Finding, ...]
    more: int
    refusal: str | None
    weakened: tuple[Weakened, ...]
    look_at: tuple[str, ...]
    spent: Spent
    budget: Budget
    tally: Tally
    locked: int
    released: tuple[str, ...]
    files_changed: tuple[str, ...]
    changed_since: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    rules: tuple[RuleProof, ...] = ()
    restored: tuple[str, ...] = ()
    record: str = ""


def message_of(state: State) -> str:
    """One sentence on what the last step came to."""
    action = next_action(state)
    if isinstance(state.todo, Outcome):
        return state.todo.message
    last = state.attempts[-1] if state.attempts else None
    if action == REFUSED and last and last.weakened:
        return "Refused: locked tests would get weaker. Bring them back: policyloop session restore."
    if action == REFUSED and last:
        return f"Refused, nothing was compiled: {last.refusal}."
    again = "Nothing was changed since the last step. " if last and last.refusal == UNCHANGED else ""
    if state.report is None or state.report.next_class is None:
        return f"{again}The compiler is satisfied with the policies as they are: carry out the request."
    return f"{again}Fix these findings of the class {state.report.next_class.value}, and nothing else."


def exit_code_of(state: State) -> Exit:
    """0 green; 3, 4, 8 by what is to be fixed; 6 weakened tests; 2 nothing that could be judged; else as it stopped."""
    if isinstance(state.todo, Outcome):
        return state.todo.exit_code
    last = state.attempts[-1] if state.attempts else None
    if next_action(state) == REFUSED:
        return Exit.WEAKENED if last and last.weakened else Exit.USAGE
    if state.report is None or state.report.next_class is None:
        return Exit.USAGE
    return state.report.exit_code


def shown_of(state: State) -> tuple[tuple[Finding, ...], int]:
    """The findings that are spelled out now, all of one class, and how many more there are of it."""
    if next_action(state) in {DONE, REFUSED} or state.report is None:
        return (), 0
    first = state.report.first
    return first[:MAX_FINDINGS], max(0, len(first) - MAX_FINDINGS)


def look_at(state: State, bundle: Bundle) -> tuple[str, ...]:
    """The files that matter to those findings, nearest first."""
    if next_action(state) not in {FIX, STOP}:
        return ()
    findings, _ = shown_of(state)
    return tuple(compose(bundle, findings, request=state.request).files)[:MAX_FILES] if findings else ()
