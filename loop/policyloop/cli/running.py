"""One run from the person's words to the exit code: hold the directory, lock its tests, drive, write back, tell."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from policyloop import outcome
from policyloop.cli.options import compiler, settings
from policyloop.cli.releases import read_releases
from policyloop.cli.resuming import Past, read_past
from policyloop.config import Config
from policyloop.controller import State, begin, end
from policyloop.drive import Replaying, drive, stopwatch
from policyloop.errors import Exit, PersonNeeded, Unavailable, UsageError
from policyloop.events import Ended, Event, Started, encode
from policyloop.findings import Tally
from policyloop.guard import Lock, Release
from policyloop.ledger import Ledger, new_run_id, run_directory
from policyloop.models.select import open_model
from policyloop.outcome import Ending, Outcome
from policyloop.task import Model
from policyloop.validators.judge import validate
from policyloop.view import View
from policyloop.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked of `policyloop run`."""

    words: str = ""
    policies: Path | None = None
    release: Path | None = None
    config: Path | None = None
    profile: str | None = None
    state: Path | None = None
    resume: str | None = None
    junit: Path | None = None
    flags: dict[str, dict[str, object]] = field(default_factory=dict)
    model: Model | None = None


def run_loop(asked: Request, view: View) -> Exit:
    """Run it and answer the exit code. Raises `PolicyloopError` for what stops it before it begins."""
    past = read_past(asked.resume, asked.state) if asked.resume else None
    policies = asked.policies or (Path(past.started.policies) if past else None)
    if policies is None:
        raise UsageError("Which policy directory?", "Give --policies DIR.")
    config = settings(policies, asked.config, asked.profile, asked.flags)
    releases = past.releases if past and not asked.release else read_releases(asked.release)
    with ExitStack() as stack:
        hold = stack.enter_context(Workspace.open(policies, state=asked.state))
        words = asked.words or (past.started.request if past else "")
        _check_start(hold, words, past)
        model = asked.model or _model(config)
        stack.callback(model.close)
        runner = compiler(config)
        stack.callback(runner.close)
        if past:
            model = Replaying(past.answers, model)
        lock, released = Lock.of(hold.start).release(releases)
        state = begin(hold.start, lock, config.budget, words, released)
        run_id = new_run_id()
        ledger = stack.enter_context(Ledger.create(run_directory(hold.state, run_id)))
        emit = _emitter(ledger, view)
        emit(_started(run_id, state, config, policies, releases, past, runner.info, model.name))
        clock = stopwatch(past.elapsed if past else 0.0)
        state = _drive(
            state,
            model,
            lambda bundle, lock: validate(runner, bundle, lock=lock, require_tests=config.guard.require_tests),
            clock,
            emit,
        )
        ended = _finish(state, hold, run_id)
        emit(ended)
        if asked.junit and state.report:
            _write_junit(asked.junit, state)
    return Exit(ended.exit_code)


def _model(config: Config) -> Model:
    model = config.model
    return open_model(
        model.kind,
        name=model.name,
        max_output_tokens=model.max_output_tokens,
        command=model.command,
        replay=Path(model.replay) if model.replay else None,
    )


def _check_start(hold: Workspace, words: str, past: Past | None) -> None:
    if not len(hold.start) and not words.strip():
        raise UsageError(
            f"{hold.policies} holds no policies, so there is nothing to repair.",
            'Say what you want: policyloop run "Managers may ..." --policies DIR.',
        )
    if past and past.started.bundle != hold.start.digest:
        raise PersonNeeded(
            f"{hold.policies} is not what it was when run {past.started.run} began, so it cannot be resumed.",
            "Start a new run.",
        )


def _emitter(ledger: Ledger, view: View) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        ledger.append(*encode(event))
        view.event(event)

    return emit


def _started(
    run_id: str,
    state: State,
    config: Config,
    policies: Path,
    releases: tuple[Release, ...],
    past: Past | None,
    compiler_info,  # type: ignore[no-untyped-def]
    model: str,
) -> Started:
    return Started(
        run=run_id,
        request=state.request,
        policies=str(policies),
        bundle=state.start.digest,
        files=len(state.start),
        compiler=compiler_info,
        model=model,
        budget=config.budget,
        require_tests=config.guard.require_tests,
        locked=len(state.lock),
        released=tuple(str(a.id) for a in state.released),
        releases=tuple(r.to_json() for r in releases),
        resumes=past.started.run if past else None,
        policyloop=version("policyloop"),
    )


def _drive(state: State, model: Model, judge, clock: Callable[[], float], emit: Callable[[Event], None]) -> State:  # type: ignore[no-untyped-def]
    try:
        for step in drive(state, model, judge, clock):
            state = step.state
            for event in step.events:
                emit(event)
    except KeyboardInterrupt:
        words = "Interrupted; nothing was written to the policy directory."
        state = end(state, Outcome(Ending.INTERRUPTED, Exit.INTERRUPTED, "interrupt", words))
    return state


def _finish(state: State, hold: Workspace, run_id: str) -> Ended:
    """Write back when green, else keep the best attempt as a patch; then say how it ended."""
    how = state.todo
    assert isinstance(how, Outcome)
    changed: tuple[str, ...] = ()
    patch: Path | None = None
    with _undisturbed():
        if how.ending is Ending.GREEN:
            try:
                changed = hold.write_back(state.current)
            except PersonNeeded as error:
                how, patch = outcome.person("changed", str(error)), hold.keep_patch(run_id, state.current)
            except Unavailable as error:
                how = Outcome(Ending.UNAVAILABLE, error.exit_code, "environment", str(error))
                patch = _patch_if_possible(hold, run_id, state)
        elif state.best != state.start:
            patch = _patch_if_possible(hold, run_id, state)
    report = state.report if how.ending is Ending.GREEN else state.best_report
    return Ended(
        ending=how.ending,
        exit_code=int(how.exit_code),
        stopped_by=how.stopped_by,
        message=how.message,
        cycles=state.cycles,
        spent=state.spent,
        diff=state.start.diff(state.best),
        files_changed=changed,
        patch=str(patch) if patch else None,
        released=tuple(str(a.id) for a in state.released),
        findings=report.findings if report else (),
        tally=report.tally if report else Tally(),
        locked=len(state.lock),
    )


def _patch_if_possible(hold: Workspace, run_id: str, state: State) -> Path | None:
    try:
        return hold.keep_patch(run_id, state.best)
    except Unavailable:
        return None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back interrupts: a write-back is short, and is either not begun or finished."""
    waiting = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write_junit(path: Path, state: State) -> None:
    from policyloop.view.junit import write_junit

    assert state.report is not None
    try:
        write_junit(path, state.report)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Give --junit another path.") from None
