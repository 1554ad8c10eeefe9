"""The controller under arbitrary models and reports: no budget is ever exceeded, and only green ends green."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.budget import Budget
from policyloop.bundle import Bundle, Delete, Replace, Write
from policyloop.cerbos_loop import State, begin
from policyloop.controller import READS_PER_ATTEMPT, advance
from policyloop.errors import Exit
from policyloop.findings import AssertionId, CompilerInfo, ErrorClass, Finding, Ran, Report, Result
from policyloop.guard import Lock
from policyloop.outcome import Ending, Outcome
from policyloop.state import Propose, Proposed, Validate, Validated
from policyloop.task import Dispute, Proposal, Reply
from policyloop.usage import Usage

INFO = CompilerInfo("0.55.0", "native", "0" * 64)
SUITE = """\
name: Docs
principals: {alice: {id: alice, roles: [user]}}
resources: {one: {kind: doc, id: one}}
tests:
  - name: reads
    input: {principals: [alice], resources: [one], actions: [read, write]}
    expected:
      - {principal: alice, resource: one, actions: {read: EFFECT_ALLOW, write: EFFECT_DENY}}
"""
START = Bundle({"doc.yaml": "text: 0\n", "doc_test.yaml": SUITE})
IDS = tuple(AssertionId("doc_test.yaml", "Docs", "reads", "alice", "one", action) for action in ("read", "write"))


def report(error_class: ErrorClass | None, count: int = 1) -> Report:
    findings = ()
    if error_class:
        findings = tuple(
            Finding(error_class=error_class, code="c", message=f"m{n}", file="doc.yaml", line=1) for n in range(count)
        )
    ran = tuple(Ran(i, Result.PASSED, "EFFECT_ALLOW") for i in IDS)
    return Report(INFO, findings, ran, ran)


def start(budget: Budget | None = None, request: str = "") -> State:
    return begin(START, Lock.of(START), budget or Budget(), request)


def write(n: int) -> Proposal:
    return Proposal(edits=(Write("doc.yaml", f"text: {n}\n"),))


def propose(state: State, proposal: Proposal | None, usage: Usage | None = None, elapsed: float = 0.0) -> State:
    malformed = None if proposal else "nonsense"
    return advance(state, Proposed(Reply(proposal, malformed, usage or Usage()), 0.0, elapsed))


def judge(state: State, what: Report, elapsed: float = 0.0) -> State:
    return advance(state, Validated(what, elapsed))


def outcome(state: State) -> Outcome:
    assert isinstance(state.todo, Outcome)
    return state.todo


# --- the rules, one by one ------------------------------------------------------------------------------------------


def test_a_green_bundle_ends_at_once_without_asking_anyone():
    state = judge(start(), report(None))
    assert outcome(state).exit_code is Exit.GREEN
    assert state.attempts == ()


def test_a_request_on_a_green_bundle_still_asks_the_model():
    state = judge(start(request="let auditors read"), report(None))
    assert isinstance(state.todo, Propose)
    assert state.todo.task.error_class is None
    state = judge(propose(state, write(1)), report(None))
    assert outcome(state).ending is Ending.GREEN


def test_green_stops_the_loop():
    state = judge(propose(judge(start(), report(ErrorClass.TEST)), write(1)), report(None))
    assert outcome(state).ending is Ending.GREEN
    assert state.current == START.apply([Write("doc.yaml", "text: 1\n")])


def test_only_the_first_class_is_shown():
    mixed = report(ErrorClass.TEST).with_findings(report(ErrorClass.SYNTAX).findings)
    state = judge(start(), mixed)
    assert isinstance(state.todo, Propose)
    assert {f.error_class for f in state.todo.task.findings} == {ErrorClass.SYNTAX}


def test_a_model_that_never_improves_is_stopped_at_exactly_three_attempts():
    state = judge(start(), report(ErrorClass.COMPILE))
    for n in range(1, 4):
        assert isinstance(state.todo, Propose), f"stopped before attempt {n}"
        state = judge(propose(state, write(n)), report(ErrorClass.COMPILE))
    assert outcome(state).exit_code is Exit.COMPILE
    assert outcome(state).stopped_by == "attempts_per_class"
    assert len(state.attempts) == 3


def test_nonsense_for_ever_is_stopped_at_exactly_three_attempts():
    state = judge(start(), report(ErrorClass.TEST))
    for _ in range(3):
        state = propose(state, None)
    assert outcome(state).exit_code is Exit.TESTS
    assert len(state.attempts) == 3


def test_progress_starts_the_count_anew():
    state = judge(start(), report(ErrorClass.COMPILE, 4))
    for n, left in enumerate((4, 4, 3, 3, 3, 3), 1):
        state = judge(propose(state, write(n)), report(ErrorClass.COMPILE, left))
    assert outcome(state).stopped_by == "attempts_per_class"
    assert [a.progress for a in state.attempts] == [False, False, True, False, False, False]


def test_falling_back_and_coming_again_is_no_progress():
    state = judge(start(), report(ErrorClass.TEST, 2))
    for n, what in enumerate((report(ErrorClass.SYNTAX), report(ErrorClass.TEST, 2), report(ErrorClass.SYNTAX)), 1):
        state = judge(propose(state, write(n)), what)
    assert outcome(state).stopped_by == "attempts_per_class"
    assert outcome(state).exit_code is Exit.TESTS


def test_after_two_failures_the_conversation_starts_afresh_from_the_best():
    state = judge(start(), report(ErrorClass.TEST, 2))
    state = judge(propose(state, write(1)), report(ErrorClass.SYNTAX))
    assert isinstance(state.todo, Propose)
    assert not state.todo.task.afresh
    state = judge(propose(state, write(2)), report(ErrorClass.SYNTAX))
    assert isinstance(state.todo, Propose)
    task = state.todo.task
    assert task.afresh
    assert task.error_class is ErrorClass.TEST
    assert task.files["doc.yaml"] == "text: 0\n"
    assert [p.attempt for p in task.history] == [1, 2]


@pytest.mark.parametrize(
    "edits",
    [
        (Delete("doc_test.yaml"),),
        (Replace("doc_test.yaml", "write: EFFECT_DENY", "write: EFFECT_ALLOW"),),
        (Replace("doc_test.yaml", "  - name: reads\n", "  - name: reads\n    skip: true\n"),),
        (Delete("doc_test.yaml"), Write("testdata/doc_test.yaml", SUITE)),
    ],
)
def test_a_weakened_lock_is_refused_undone_and_counted(edits):
    state = propose(judge(start(), report(ErrorClass.TEST)), Proposal(edits=edits))
    assert isinstance(state.todo, Propose)
    assert state.current == START
    assert state.spent.refusals == 1
    assert "Docs / reads" in (state.todo.task.refusal or "")


def test_refusals_end_the_run_with_their_own_exit_code():
    state = judge(start(), report(ErrorClass.TEST))
    state = propose(state, Proposal(edits=(Delete("doc_test.yaml"),)))
    state = propose(state, Proposal(edits=(Delete("doc_test.yaml"), Write("a.yaml", "x: 1"))))
    assert outcome(state).exit_code is Exit.WEAKENED
    assert outcome(state).stopped_by == "refusals"


def test_a_refused_proposal_made_again_is_stuck_and_says_why():
    state = judge(start(Budget(refusals=9)), report(ErrorClass.TEST))
    state = propose(state, Proposal(edits=(Delete("doc_test.yaml"),)))
    state = propose(state, Proposal(edits=(Delete("doc_test.yaml"),)))
    assert outcome(state).exit_code is Exit.WEAKENED
    assert outcome(state).stopped_by == "stuck"


def test_the_same_bundle_again_is_stuck():
    state = judge(propose(judge(start(), report(ErrorClass.TEST)), write(1)), report(ErrorClass.TEST))
    state = propose(state, Proposal(edits=(Replace("doc.yaml", "1", "0"),)))
    assert outcome(state).stopped_by == "stuck"
    assert outcome(state).exit_code is Exit.TESTS


@pytest.mark.parametrize(
    "path", ["../x.yaml", "/etc/x.yaml", ".git/config.yaml", "a/../../x.yaml", "C:/x.yaml", "x.sh"]
)
def test_an_edit_out_of_bounds_changes_nothing_and_is_told(path):
    state = propose(judge(start(), report(ErrorClass.TEST)), Proposal(edits=(Write(path, "x"), Write("doc.yaml", "y"))))
    assert isinstance(state.todo, Propose)
    assert state.current == START
    assert path.split("/")[-1] in (state.todo.task.refusal or "")


def test_a_dispute_stops_the_run_for_a_person_and_changes_nothing():
    dispute = Dispute(suite="Docs", test="reads", principal="alice", resource="one", action="read", reason="rule 3")
    state = propose(judge(start(), report(ErrorClass.TEST)), Proposal(edits=write(1).edits, dispute=dispute))
    assert outcome(state).exit_code is Exit.PERSON
    assert state.current == START


def test_reading_is_bounded():
    state = judge(start(), report(ErrorClass.TEST))
    for _ in range(READS_PER_ATTEMPT):
        state = propose(state, Proposal(read=("doc.yaml",)))
        assert state.attempts == ()
    state = propose(state, Proposal(read=("doc.yaml",)))
    assert len(state.attempts) == 1
    assert state.spent.tries == 1


def test_an_accepted_test_joins_the_lock_once_it_passed():
    more = (
        SUITE.replace("name: Docs", "name: More").replace("[read, write]", "[read]").replace(", write: EFFECT_DENY", "")
    )
    more = more.replace("id: one", "id: two")
    state = judge(start(), report(ErrorClass.TEST))
    state = propose(state, Proposal(edits=(Write("more_test.yaml", more),)))
    passed = Ran(AssertionId("more_test.yaml", "More", "reads", "alice", "one", "read"), Result.PASSED, "EFFECT_ALLOW")
    what = report(ErrorClass.TEST)
    state = judge(state, Report(INFO, what.findings, (*what.ran, passed), (*what.ran, passed)))
    assert len(state.lock) == 3
    state = propose(state, Proposal(edits=(Delete("more_test.yaml"),)))
    assert state.spent.refusals == 1


def test_a_mark_for_a_secret_is_never_written():
    state = judge(start(), report(ErrorClass.TEST))
    state = propose(state, Proposal(edits=(Write("doc.yaml", "password: '[redacted]'\n"),)))
    assert state.current == START
    assert state.attempts[0].refusal


def test_events_must_answer_what_was_asked():
    with pytest.raises(ValueError, match="does not answer"):
        advance(start(), Proposed(Reply(None), 0.0, 0.0))


# --- no budget is ever exceeded -------------------------------------------------------------------------------------

REPORTS = st.one_of(
    st.just(report(None)),
    st.builds(report, st.sampled_from(list(ErrorClass)), st.integers(1, 4)),
)
PROPOSALS = st.one_of(
    st.none(),
    st.builds(write, st.integers(0, 30)),
    st.just(Proposal(edits=(Delete("doc_test.yaml"),))),
    st.builds(lambda n: Proposal(edits=(Delete("doc_test.yaml"), *write(n).edits)), st.integers(0, 30)),
    st.just(Proposal(read=("doc.yaml", "nowhere/"))),
    st.just(Proposal()),
    st.builds(lambda p: Proposal(edits=(Write(p, "x"),)), st.text(max_size=12)),
)
USAGES = st.builds(
    Usage, input_tokens=st.integers(0, 400), output_tokens=st.integers(0, 400), usd=st.floats(0, 1, allow_nan=False)
)
BUDGETS = st.builds(
    Budget,
    attempts_per_class=st.integers(1, 5),
    compile_cycles=st.integers(1, 12),
    tokens=st.integers(1, 4000),
    usd=st.floats(0.01, 5),
    wall_seconds=st.floats(1, 60),
    refusals=st.integers(1, 4),
)


@settings(max_examples=400, deadline=None)
@given(budget=BUDGETS, request=st.sampled_from(["", "let auditors read"]), data=st.data())
def test_no_budget_is_ever_exceeded(budget: Budget, request: str, data: st.DataObject):
    state = start(budget, request)
    elapsed, validations, calls, last_cost = 0.0, 0, 0, Usage()
    while not isinstance(state.todo, Outcome):
        elapsed += data.draw(st.floats(0, 20))
        # Whatever is asked for, it is asked for only while every cap still has room.
        if validations:
            assert state.spent.usage.tokens < budget.tokens
            assert state.spent.usage.usd < budget.usd
            assert state.spent.seconds < budget.wall_seconds
            assert state.spent.refusals < budget.refusals
            assert state.spent.tries < budget.attempts_per_class
            assert state.spent.cycles < budget.compile_cycles
        if isinstance(state.todo, Validate):
            validations += 1
            state = judge(state, data.draw(REPORTS), elapsed)
        else:
            task = state.todo.task
            assert {f.error_class for f in task.findings} <= {task.error_class}
            calls += 1
            last_cost = data.draw(USAGES)
            state = propose(state, data.draw(PROPOSALS), last_cost, elapsed)
        assert not state.lock.weakened_by(state.current)
    assert validations <= budget.compile_cycles
    assert calls <= budget.compile_cycles * budget.attempts_per_class * (READS_PER_ATTEMPT + 1) + 1
    assert state.spent.refusals <= budget.refusals
    assert (state.todo.exit_code is Exit.GREEN) == (state.todo.ending is Ending.GREEN)
    if state.todo.ending is Ending.GREEN:
        assert state.report is not None
        assert state.report.green


def test_a_model_that_would_change_nothing_for_a_request_leaves_it_to_a_person():
    state = judge(start(request="let owners read"), report(None))
    state = propose(state, Proposal(note="owners may read already"))
    assert outcome(state).exit_code is Exit.PERSON
    assert "owners may read already" in outcome(state).message


def test_green_never_claims_that_a_request_is_met():
    state = judge(propose(judge(start(request="let auditors read"), report(None)), write(1)), report(None))
    assert "read the diff" in outcome(state).message


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(0, 900),
    usd=st.floats(0, 2),
    elapsed=st.floats(0, 200),
    over=st.sampled_from([None, "tokens", "usd", "wall_seconds"]),
)
def test_what_is_said_to_be_spent_was_spent(tokens: int, usd: float, elapsed: float, over: str | None):
    state = judge(start(Budget(tokens=500, usd=1.0, wall_seconds=100)), report(ErrorClass.COMPILE))
    reply = Reply(None if over else write(1), None, Usage(input_tokens=tokens, usd=usd), over_budget=over)
    state = advance(state, Proposed(reply, 0.0, elapsed))
    state = state if isinstance(state.todo, Outcome) else judge(state, report(ErrorClass.COMPILE), elapsed)
    if not isinstance(state.todo, Outcome):
        return
    spent = state.spent
    true = {
        "tokens": f"{spent.usage.tokens} of 500 tokens were used",
        "usd": f"{spent.usage.usd:.4f} of 1.0 US dollars were spent",
        "wall_seconds": f"{spent.seconds:.0f} of 100 seconds went by",
    }
    said = state.todo.message
    assert spent.usage.tokens == tokens
    assert spent.usage.usd == usd
    named = [cap for cap in true if f"(budget.{cap})" in said]
    assert all(true[cap] in said for cap in named)
    assert not named or "does not cover" not in said or over == named[0]


def test_nothing_spent_is_said_to_be_nothing():
    state = judge(start(Budget(usd=0.05)), report(ErrorClass.COMPILE))
    state = advance(state, Proposed(Reply(None, None, Usage(), over_budget="usd"), 0.0, 0.0))
    assert "0.0000 of 0.05 US dollars were spent, and what is left does not cover" in outcome(state).message
