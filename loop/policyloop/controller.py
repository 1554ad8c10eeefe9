"""The loop, without any I/O: told what the model proposed and what the compiler said, it answers what to do next.

    state = begin(bundle, lock, budget, choose, request)
    while not isinstance(state.todo, Outcome):
        ... do what state.todo asks, and tell it: state = advance(state, Validated(...) or Proposed(...))

A `State` is immutable and depends on nothing but what it was told, so a run can be replayed from its ledger, and the
same code serves a headless run and an agent that edits files by itself.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from policyloop import budget as budgets
from policyloop import outcome
from policyloop.budget import Budget, Spent
from policyloop.bundle import MAX_EDITS, MAX_PATH_BYTES, Bundle, Edit, EditRejected, Write
from policyloop.findings import ErrorClass, Report, Weakened
from policyloop.outcome import Outcome
from policyloop.protocol import edit_to_json
from policyloop.redact import holds_mark
from policyloop.shown import blind_rewrite
from policyloop.state import Attempt, Choose, L, Measure, Propose, Proposed, State, Validate, Validated
from policyloop.task import Existing, PastAttempt, Proposal, Task, cut
from policyloop.usage import Usage

AFRESH_AFTER = 2
"""Failed attempts at one class after which the model's conversation starts anew, from the best bundle so far."""
READS_PER_ATTEMPT = 3
"""Turns of one attempt in which a model may ask for files instead of editing; one more is a failed attempt."""
HISTORY = 8
"""How many past attempts a task tells of, the latest."""
MAX_EXISTING_BYTES = 24_000
"""The most text of the policies that are there which a model is shown while it drafts a spec."""


def begin(
    bundle: Bundle,
    lock: L,
    budget: Budget,
    choose: Choose,
    request: str = "",
    released: tuple[str, ...] = (),
) -> State[L]:
    """A run at its start: the first thing to do is to validate the bundle as it is.

    A later stage of a run says so with `dataclasses.replace`: its `stage` and `spec`, and what was `spent` before it.
    """
    return State(
        budget=budget,
        request=request,
        lock=lock,
        choose=choose,
        released=released,
        start=bundle,
        current=bundle,
        best=bundle,
        todo=Validate(bundle, lock),
        seen_bundles=frozenset({bundle.digest}),
    )


def advance(state: State[L], event: Validated | Proposed) -> State[L]:
    """The state after `event`, which must be the answer to `state.todo`. Raises `ValueError` otherwise."""
    match state.todo, event:
        case Validate(), Validated():
            return _judged(state, event)
        case Propose(), Proposed():
            return _answered(state, event)
    raise ValueError(f"{type(event).__name__} does not answer {type(state.todo).__name__}")


def go_on(state: State[L], spent: Spent, earlier: int) -> State[L]:
    """The next stage of a run, which has spent so much and made so many attempts before: nothing is granted twice."""
    state = replace(state, spent=replace(spent, tries=0), earlier=earlier)
    cap = budgets.reached(state.budget, state.spent)
    return _stop(state, cap) if cap else state


def end(state: State[L], how: Outcome) -> State[L]:
    """The run is over for a reason from outside: an interrupt, no model, no compiler, files changed meanwhile."""
    return replace(state, todo=how, pending=None)


# --- after the compiler ---------------------------------------------------------------------------------------------


def _judged(state: State[L], event: Validated) -> State[L]:
    report = event.report
    spent = replace(state.spent, cycles=state.spent.cycles + 1, seconds=event.elapsed)
    measure = _measure(report)
    candidate = state.pending.after if state.pending else state.start
    opening = state.pending is None
    progress = not opening and (state.best_measure is None or measure > state.best_measure)
    if state.pending:
        spent = replace(spent, tries=0 if progress else spent.tries + 1)
        attempt = replace(state.pending, report=report, progress=progress)
        state = replace(state, attempts=(*state.attempts, attempt), pending=None)
        state = replace(state, lock=state.lock.joined_by(candidate, report.passed_in_both()))
    state = replace(state, spent=spent, current=candidate, report=report)
    if opening or progress:
        # A request on a green bundle: whatever the first proposal reaches is the mark to beat.
        mark = None if opening and report.green and state.request else measure
        state = replace(state, best=candidate, best_report=report, best_measure=mark)
    if report.green and (not opening or not state.request or state.spec is not None):
        return replace(state, todo=outcome.green(_green_words(state)))
    return _next_task(state)


def _measure(report: Report) -> Measure:
    """Greater is closer to green: a later class first, then fewer findings of it."""
    rank = report.next_class.rank if report.next_class else len(ErrorClass)
    return rank, -len(report.first)


def _green_words(state: State[L]) -> str:
    count = len(state.attempts)
    if state.stage == "spec":
        return "The spec is drafted."
    made = f"after {count} {'attempt' if count == 1 else 'attempts'}" if count else "as it was"
    words = f"Green {made}: the judge has nothing left to find, and no locked test got weaker."
    if state.request:
        words += " No compiler can tell whether the request is met: read the diff."
    return words


# --- after the model ------------------------------------------------------------------------------------------------


def _answered(state: State[L], event: Proposed) -> State[L]:
    reply, proposal = event.reply, event.reply.proposal
    spent = replace(state.spent, usage=state.spent.usage + reply.usage, seconds=event.elapsed)
    state = replace(state, spent=spent)
    if reply.over_budget:
        return _stop(state, reply.over_budget, fits=False)
    if proposal and proposal.read and not proposal.edits and not proposal.dispute and state.reads < READS_PER_ATTEMPT:
        state = replace(
            state,
            reads=state.reads + 1,
            wanted=_merged(state.wanted, proposal.read),
            usage_of_reads=state.usage_of_reads + reply.usage,
            seconds_of_reads=state.seconds_of_reads + event.seconds,
        )
        return _next_task(state)
    attempt = _new_attempt(state, proposal, event)
    state = replace(state, reads=0, wanted=(), usage_of_reads=Usage(), seconds_of_reads=0.0)
    if proposal is None:
        return _failed(state, attempt, reply.malformed or "the model gave no proposal")
    if proposal.dispute and proposal.dispute in state.settled:
        return _settled(state, attempt, state.settled[proposal.dispute])
    if proposal.dispute:
        words = f"The model disputes a test instead of fixing the policy: {proposal.dispute.reason}"
        return replace(state, attempts=(*state.attempts, attempt), todo=outcome.person("dispute", words))
    if not proposal.edits and state.stage == "spec" and state.report and state.report.green:
        # A person answered, and the model has nothing to change for it.
        attempt = replace(attempt, progress=True)
        return replace(state, attempts=(*state.attempts, attempt), todo=outcome.green(_green_words(state)))
    if not proposal.edits and not attempt.findings and attempt.note:
        words = f"The model would change nothing for this request: {attempt.note}"
        return replace(state, attempts=(*state.attempts, attempt), todo=outcome.person("nothing-to-do", words))
    if not proposal.edits:
        return _failed(state, attempt, "the proposal holds no edits")
    return _considered(state, attempt)


def _settled(state: State[L], attempt: Attempt, words: str) -> State[L]:
    """A dispute that a person has answered: the edits that came with it are taken up; without any it goes on."""
    if attempt.edits:
        return _considered(state, attempt)
    return _next_task(replace(state, attempts=(*state.attempts, replace(attempt, refusal=words))))


def _new_attempt(state: State[L], proposal: Proposal | None, event: Proposed) -> Attempt:
    report = state.report
    return Attempt(
        number=state.next_number,
        error_class=report.next_class if report else None,
        findings=report.first if report else (),
        edits=proposal.edits if proposal else (),
        note=proposal.note if proposal else "",
        dispute=proposal.dispute if proposal else None,
        before=state.current,
        after=state.current,
        usage=state.usage_of_reads + event.reply.usage,
        seconds=state.seconds_of_reads + event.seconds,
    )


def _considered(state: State[L], attempt: Attempt) -> State[L]:
    """A proposal with edits: seen before, out of bounds, weaker than the lock, or worth compiling."""
    digest = _digest(attempt.edits)
    if digest in state.seen_proposals:
        return _stuck(state, attempt, "the model made the same proposal twice")
    state = replace(state, seen_proposals=state.seen_proposals | {digest})
    try:
        _check_knowing(attempt.edits, state)
        candidate = state.current.apply(attempt.edits)
    except EditRejected as error:
        return _failed(state, attempt, str(error))
    weakened = state.lock.weakened_by(candidate)
    if weakened:
        return _refused(state, attempt, weakened)
    if candidate.digest in state.seen_bundles:
        return _stuck(state, attempt, "the proposal leads back to a bundle that was already tried")
    if cap := budgets.reached(state.budget, state.spent):
        # Out of tokens, money or time: the proposal is kept in the record, but nothing more is spent on it.
        state = replace(state, attempts=(*state.attempts, replace(attempt, refusal="the budget was reached")))
        return _stop(state, cap)
    return replace(
        state,
        seen_bundles=state.seen_bundles | {candidate.digest},
        pending=replace(attempt, after=candidate),
        todo=Validate(candidate, state.lock),
    )


def _check_knowing(edits: Sequence[Edit], state: State[L]) -> None:
    """What a model was not shown it cannot write: a file that was cut, or a secret that was hidden behind a mark."""
    files = state.current.files
    if blind := blind_rewrite(edits, state.shown, files):
        raise EditRejected(f"{blind} was not shown whole, so it cannot be written whole: use old/new, or read it")
    for edit in edits:
        text = edit.content if isinstance(edit, Write) else getattr(edit, "new", "")
        if holds_mark(text) and not holds_mark(files.get(edit.path, "")):
            raise EditRejected(f"{edit.path}: the text holds the mark that stands for a hidden secret; edit around it")


def _failed(state: State[L], attempt: Attempt, why: str) -> State[L]:
    """An attempt that changed nothing; it counts as a try without progress."""
    spent = replace(state.spent, tries=state.spent.tries + 1)
    return _next_task(replace(state, spent=spent, attempts=(*state.attempts, replace(attempt, refusal=cut(why)))))


def _refused(state: State[L], attempt: Attempt, weakened: tuple[Weakened, ...]) -> State[L]:
    spent = replace(state.spent, tries=state.spent.tries + 1, refusals=state.spent.refusals + 1)
    attempt = replace(attempt, refusal=refusal_words(weakened), weakened=weakened)
    return _next_task(replace(state, spent=spent, attempts=(*state.attempts, attempt)))


def refusal_words(weakened: Sequence[Weakened], most: int = 10) -> str:
    """Why a proposal is refused, for the model and for people: each weakened assertion and how, `most` of them."""
    lines = [
        cut(f"- {w.suite} / {w.test}: {w.principal} {w.action} {w.resource}: {w.how} ({w.before} -> {w.after})")
        for w in weakened[:most]
    ]
    if len(weakened) > most:
        lines.append(f"- and {len(weakened) - most} more")
    return "Refused and undone: locked tests would get weaker. Change the policies instead.\n" + "\n".join(lines)


def _stuck(state: State[L], attempt: Attempt, why: str) -> State[L]:
    again = next((a for a in state.attempts if a.weakened and a.edits == attempt.edits), None)
    attempt = replace(attempt, refusal=f"Stopped: {why}.")
    state = replace(state, attempts=(*state.attempts, attempt), spent=replace(state.spent, tries=state.spent.tries + 1))
    if again:
        words = f"Stopped: {why}, although it was refused for weakening locked tests."
        return replace(state, todo=outcome.weakened("stuck", words))
    return replace(state, todo=outcome.stopped("stuck", state.best_report, f"Stopped: {why}."))


def _digest(edits: Sequence[Edit]) -> str:
    return hashlib.sha256(json.dumps([edit_to_json(e) for e in edits]).encode()).hexdigest()


def _merged(known: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


# --- what to ask next -----------------------------------------------------------------------------------------------


def _next_task(state: State[L]) -> State[L]:
    if cap := budgets.reached(state.budget, state.spent):
        return _stop(state, cap)
    last = state.attempts[-1] if state.attempts else None
    afresh = not state.reads and state.spent.tries > 0 and state.spent.tries % AFRESH_AFTER == 0
    if afresh and state.best_report:
        state = replace(state, current=state.best, report=state.best_report)
    report = state.report
    findings = report.first if report else ()
    selection = state.choose(state.current, findings, request=state.request, wanted=state.wanted)
    existing = None
    if state.existing:
        found = state.choose(state.existing, (), request=state.request, wanted=state.wanted, most=MAX_EXISTING_BYTES)
        existing = Existing(found.files, found.index)
    task = Task(
        request=state.request,
        stage=state.stage,
        spec=state.spec,
        error_class=report.next_class if report else None,
        findings=findings,
        files=selection.files,
        index=selection.index,
        existing=existing,
        left=budgets.left(state.budget, state.spent),
        refusal=last.refusal if last else None,
        released=state.released,
        history=tuple(_past(a) for a in state.attempts[-HISTORY:]),
        afresh=afresh,
    )
    return replace(state, todo=Propose(task), shown={**state.shown, **selection.files})


def _past(attempt: Attempt) -> PastAttempt:
    if attempt.refusal:
        result = attempt.refusal.splitlines()[0]
    elif attempt.report is None or attempt.report.green:
        result = "green"
    else:
        report = attempt.report
        assert report.next_class is not None
        result = f"{len(report.first)} findings of class {report.next_class.value}: {report.first[0].message}"
    return PastAttempt(
        attempt=attempt.number,
        error_class=attempt.error_class.value if attempt.error_class else "request",
        edits=tuple(f"{type(e).__name__.lower()} {e.path[:MAX_PATH_BYTES]}" for e in attempt.edits[:MAX_EDITS]),
        result=result[:500],
    )


_CAPS = {
    "attempts_per_class": "{n} attempts in a row brought no progress",
    "compile_cycles": "{n} compile cycles were used",
    "refusals": "{n} proposals would have weakened locked tests",
}


# What was spent, not what might have been: a call can end above a cap, and another below it is not made.
_REST = {
    "tokens": "{used} of {n} tokens were used",
    "usd": "{used:.4f} of {n} US dollars were spent",
    "wall_seconds": "{used:.0f} of {n} seconds went by",
}


def _stop(state: State[L], cap: str, *, fits: bool = True) -> State[L]:
    """The end at a cap. Without `fits`: it is not reached, but another call could go beyond it, so none is made."""
    most = getattr(state.budget, cap)
    used = {"tokens": state.spent.usage.tokens, "usd": state.spent.usage.usd, "wall_seconds": state.spent.seconds}
    spent = _REST[cap].format(used=used[cap], n=most) if cap in used else _CAPS[cap].format(n=most)
    if not fits and used[cap] < most:
        spent += ", and what is left does not cover another call to the model"
    words = f"Stopped: {spent} (budget.{cap})."
    last = state.attempts[-state.budget.attempts_per_class :]
    if cap == "refusals" or (cap == "attempts_per_class" and all(a.weakened for a in last)):
        return replace(state, todo=outcome.weakened(cap, words))
    return replace(state, todo=outcome.stopped(cap, state.best_report, words))
