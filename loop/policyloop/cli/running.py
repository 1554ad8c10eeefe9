"""One run from the person's words to the exit code: hold the directory, lock its tests, drive, write back, tell."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from policyloop import outcome
from policyloop.cerbos_loop import Judge, State, begin
from policyloop.cli.booking import Booking
from policyloop.cli.clarifying import clarify
from policyloop.cli.clarity import Known, Room
from policyloop.cli.comparing import Comparison, compared
from policyloop.cli.ending import check_junit, ended_in_any_case, finish, interrupts, keep_junit, recorded
from policyloop.cli.options import compiler, settings
from policyloop.cli.releases import read_releases
from policyloop.cli.request import Request
from policyloop.cli.resuming import GOES_ON, Past, read_past
from policyloop.cli.stages import about, check_fits, policies_after, wishes_of
from policyloop.config import Config
from policyloop.controller import end
from policyloop.drive import INTERRUPTED, Replaying, Stopwatch, drive
from policyloop.errors import Exit, PersonNeeded, Unavailable, UsageError
from policyloop.events import Event, Started, encode
from policyloop.findings import CompilerInfo
from policyloop.guard import Lock, Release
from policyloop.ledger import Ledger, new_run_id, run_directory
from policyloop.models.select import open_model
from policyloop.task import Model, Usage
from policyloop.validators.judge import validate
from policyloop.validators.settling import settling
from policyloop.view import View
from policyloop.workspace import Workspace

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a run's parts come from, as its first record tells."""

    policies: str
    compiler: CompilerInfo
    model: str
    releases: tuple[Release, ...]
    resumes: Past | None
    spec: Known | None


def run_loop(asked: Request, view: View) -> Exit:
    """Run it and answer the exit code. Raises `PolicyloopError` for what stops it before it begins."""
    past = read_past(asked.resume, asked.state, asked.policies) if asked.resume else None
    policies = _policies(asked, past)
    config = settings(
        policies, asked.config, asked.profile, asked.flags, uses=("cerbos", "model", "budget", "guard", "access")
    )
    releases = past.releases if past and not asked.release else read_releases(asked.release)
    check_junit(asked.junit)
    with interrupts() as ignore_interrupts, ExitStack() as stack:
        hold = stack.enter_context(Workspace.open(policies, state=asked.state))
        words, known = about(asked, policies, past)
        wishes = wishes_of(asked)
        _check_start(hold, words, past)
        check_fits(words, known, wishes, past)
        model = _model(config)
        stack.callback(model.close)
        runner = compiler(config)
        stack.callback(runner.close)
        if past:
            _check_model(asked, model, past)
        lock, released = Lock.of(hold.start, settling(runner)).release(releases)
        carried = past.carried if past else Usage()
        state = begin(hold.start, lock, config.budget, words, (one.id for one in released))
        state = replace(state, spent=replace(state.spent, usage=carried))
        run_id = new_run_id()
        folder = run_directory(hold.state, run_id)
        ledger = stack.enter_context(Ledger.create(folder))
        emit = _emitter(ledger, view)
        source = Source(str(policies), runner.info, model.name, releases, past, known)
        with ended_in_any_case(state, hold, run_id, ledger):
            notes = chain(_notes(asked, hold, config, model), _changed(past, config, runner.info))
            _begun(view, notes, emit, _started(run_id, state, config, source))
        clock = Stopwatch(past.elapsed if past else 0.0)
        booking = Booking(model, ledger, clock, (answer.usage for answer in past.answers) if past else ())
        speaker: Model = Replaying(past.answers, booking) if past else booking
        run, clarity = partial(_driven, model=speaker, clock=clock, emit=emit), None
        if known:
            room = Room(
                request=words,
                wishes=wishes,
                known=known,
                bundle=hold.start,
                releases=releases,
                budget=config.budget,
                folder=folder,
                info=runner.info,
                run=run,
                emit=emit,
                view=view,
                clock=clock,
                carried=carried,
            )
            with ended_in_any_case(state, hold, run_id, ledger):
                clarity = clarify(room, past)
                state = policies_after(clarity, state, hold.start, releases)
        judge = partial(validate, runner, require_tests=config.guard.require_tests)
        state = run(state, booking.timed(lambda bundle, lock: judge(bundle, lock=lock)))
        by = Comparison(
            start=hold.start,
            policies=source.policies,
            runner=runner,
            config=config,
            spec=clarity.spec if clarity else None,
            interactive=asked.interactive,
            clock=clock,
            emit=emit,
            view=view,
        )
        state, access = compared(state, by)
        ignore_interrupts()
        ended = recorded(replace(finish(state, hold, run_id, clarity), access=access), ledger)
        view.event(ended)
        if asked.junit and state.report and not (clarity and clarity.how):
            keep_junit(asked.junit, state, view)
        if ended.ending.value in GOES_ON and not ended.files_changed:
            view.note(f"To go on, give the same flags and: --resume {run_id}")
    return Exit(ended.exit_code)


def _policies(asked: Request, past: Past | None) -> Path:
    if asked.policies:
        return asked.policies
    if past is None:
        raise UsageError("Which policy directory?", "Give --policies DIR.")
    policies = Path(past.started.policies)
    if not policies.is_dir():
        raise UsageError(f"Run {past.started.run} was over {policies}, which is not here.", "Give --policies DIR.")
    return policies


def _begun(view: View, notes: Iterable[str], emit: Emit, started: Started) -> None:
    """Say what a person should know, then that the run has begun."""
    for note in notes:
        view.note(note)
    emit(started)


def _notes(asked: Request, hold: Workspace, config: Config, model: Model) -> Iterator[str]:
    """What a person should know before anything is spent."""
    if hold.recovered:
        yield f"An interrupted write-back of {hold.recovered.time} was finished first."
    if config.model.kind == "command" and not _chosen(asked):
        yield f"The configuration names a program as the model; it will be run: {config.model.command}"
    if model.note:
        yield model.note


def _changed(past: Past | None, config: Config, info: CompilerInfo) -> Iterator[str]:
    """What is other than in the run that is resumed. Its answers are judged by what holds now."""
    if past is None:
        return
    before = past.started
    if before.compiler != info:
        old = f"{before.compiler.version} ({before.compiler.runner})"
        yield f"Run {before.run} was judged by Cerbos {old}; now {info.version} ({info.runner}) judges."
    for cap in fields(config.budget):
        old_cap, new_cap = getattr(before.budget, cap.name), getattr(config.budget, cap.name)
        if old_cap != new_cap:
            yield f"budget.{cap.name} is {new_cap} now; in run {before.run} it was {old_cap}."
    if before.require_tests != config.guard.require_tests:
        yield f"guard.require_tests is {config.guard.require_tests} now, other than in run {before.run}."


def _chosen(asked: Request) -> bool:
    """Whether the person named the model on the command line."""
    return any(asked.flags.get("model", {}).values())


def _model(config: Config) -> Model:
    model = config.model
    return open_model(
        model.kind,
        name=model.name,
        max_output_tokens=model.max_output_tokens,
        command=model.command,
        replay=model.replay,
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


def _check_model(asked: Request, model: Model, past: Past) -> None:
    """Nobody goes on with another model, and pays for it, by leaving a flag out."""
    if model.name != past.started.model and not _chosen(asked):
        raise UsageError(
            f"Run {past.started.run} was made with the model {past.started.model}, not with {model.name}.",
            "Say which one shall go on: --model-command, --replay or --model.",
        )


def _emitter(ledger: Ledger, view: View) -> Emit:
    def emit(event: Event) -> None:
        ledger.append(*encode(event))
        view.event(event)

    return emit


def _started(run_id: str, state: State, config: Config, source: "Source") -> Started:
    return Started(
        run=run_id,
        request=state.request,
        policies=source.policies,
        bundle=state.start.digest,
        files=len(state.start),
        compiler=source.compiler,
        model=source.model,
        budget=config.budget,
        require_tests=config.guard.require_tests,
        locked=len(state.lock),
        released=tuple(str(name) for name in state.released),
        releases=tuple(asdict(r) for r in source.releases),
        resumes=source.resumes.started.run if source.resumes else None,
        carried=state.spent.usage,
        already=source.resumes.elapsed if source.resumes else 0.0,
        spec=str(source.spec.path.absolute()) if source.spec else None,
        spec_digest=source.spec.spec.digest if source.spec and source.spec.spec else None,
        policyloop=version("policyloop"),
    )


def _driven(state: State, judge: Judge, model: Model, clock: Callable[[], float], emit: Emit) -> State:
    """The state at the end of the loop. An interrupt or a full disk between two steps counts as one within a step."""
    try:
        for step in drive(state, model, judge, clock):
            state = step.state
            for event in step.events:
                emit(event)
    except KeyboardInterrupt:
        state = end(state, INTERRUPTED)
    except Unavailable as error:
        state = end(state, outcome.unavailable(error))
    return state
