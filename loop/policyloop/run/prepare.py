"""The first stage: hold the directory, lock its tests, open compiler, model and ledger, and write the first record."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, fields, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from policyloop.asked_tests import AskedFor, asked_tests, missing_tests
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import Judge, begin
from policyloop.compose import compose
from policyloop.config import Config
from policyloop.configured import compiler, policy_directory, settings
from policyloop.drive import Replaying, Stopwatch
from policyloop.errors import PersonNeeded, UsageError
from policyloop.events import Started
from policyloop.findings import CompilerInfo, Report
from policyloop.guard import Assertion, Lock, Release
from policyloop.ledger import Ledger, new_run_id, run_directory
from policyloop.models.select import check_model, open_model
from policyloop.run.about import about, check_fits, wishes_of
from policyloop.run.asked import Asked
from policyloop.run.booking import Booking
from policyloop.run.disputed import settled
from policyloop.run.past import Past, read_past
from policyloop.run.people import Audience, Person
from policyloop.run.prepared import Known, Prepared
from policyloop.run.releases import read_releases
from policyloop.specification.suites import effect_named
from policyloop.task import Model
from policyloop.usage import Usage
from policyloop.validators.judge import validate
from policyloop.validators.settling import settling
from policyloop.workspace import Workspace
from policyloop.workspace.named import check_page


def prepare(asked: Asked, audience: Audience, person: Person | None, held: ExitStack) -> Prepared:
    """Open everything that the run needs, in the order in which a failure costs least; `held` closes it.

    Nothing is paid for here, and nothing is written but the run's empty ledger. Raises `PolicyloopError` for whatever
    stands against the run.
    """
    past = read_past(asked.resume, asked.state, asked.policies) if asked.resume else None
    policies = _policies(asked, past)
    uses = ("cerbos", "model", "budget", "guard", "access", "spec")
    config = settings(policies, asked.config, asked.profile, asked.flags, uses=uses)
    # What was released before stays released: the answer to a dispute adds to it.
    releases = tuple(dict.fromkeys((*(past.releases if past else ()), *read_releases(asked.release))))
    answered = settled(past.disputes if past else (), releases, keep=asked.keep)
    if asked.junit is not None:
        # Found out before the model is paid, not after.
        check_page(asked.junit, "--junit")
    hold = held.enter_context(Workspace.open(policies, state=asked.state))
    request, known = about(asked, policies, past)
    wishes = wishes_of(asked)
    _check_start(hold, request, past)
    check_fits(request, known, wishes, past)
    model = _model(config)
    held.callback(model.close)
    if past is None and _asks_first(request, known):
        check_model(model)
    runner = compiler(config)
    held.callback(runner.close)
    if past:
        _check_model(asked, model, past)
    lock, released = Lock.of(hold.start, settling(runner)).release(releases)
    state = begin(hold.start, lock, config.budget, request, (_told(assertion, releases) for assertion in released))
    if released:
        # What was let go of is to be corrected, so it is shown from the start.
        state = replace(state, choose=partial(compose, first=tuple({one.id.file: None for one in released})))
    state = replace(state, settled={one.dispute: one.words for one in answered})
    if past:
        state = replace(state, spent=replace(state.spent, usage=past.carried))
    run_id = new_run_id()
    folder = run_directory(hold.state, run_id)
    ledger = held.enter_context(Ledger.create(folder))
    clock = Stopwatch(past.elapsed if past else 0.0)
    booking = Booking(model, ledger, clock, _usages(past))
    return Prepared(
        run_id=run_id,
        asked=asked,
        policies=policies,
        request=request,
        wishes=wishes,
        known=known,
        releases=releases,
        past=past,
        junit=asked.junit,
        notes=(
            *_notes(asked, hold, config, model, asked_tests(request, policies.resolve().name).outside),
            *_changed(past, config, runner.info),
        ),
        config=config,
        state=state,
        hold=hold,
        runner=runner,
        model=Replaying(past.answers, booking) if past else booking,
        judge=booking.timed(_judge(runner, config, asked_tests(request, policies.resolve().name))),
        ledger=ledger,
        folder=folder,
        clock=clock,
        audience=audience,
        person=person,
    )


def tell_beginning(prepared: Prepared) -> None:
    """Say what a person should know, then write and tell that the run has begun."""
    for note in prepared.notes:
        prepared.audience.note(note)
    prepared.emit(_started(prepared))


def _started(prepared: Prepared) -> Started:
    state, known, past = prepared.state, prepared.known, prepared.past
    return Started(
        run=prepared.run_id,
        request=state.request,
        policies=str(prepared.policies),
        bundle=state.start.digest,
        files=len(state.start),
        compiler=prepared.runner.info,
        model=prepared.model.name,
        budget=prepared.config.budget,
        require_tests=prepared.config.guard.require_tests,
        locked=len(state.lock),
        released=tuple(str(name) for name in state.released),
        releases=tuple(asdict(release) for release in prepared.releases),
        resumes=past.started.run if past else None,
        carried=state.spent.usage,
        already=past.elapsed if past else 0.0,
        spec=str(known.path.absolute()) if known else None,
        spec_digest=known.spec.digest if known and known.spec else None,
        policyloop=version("policyloop"),
    )


def _told(assertion: Assertion, releases: Sequence[Release]) -> str:
    """A released assertion, and what the person's file says that it must be now."""
    now = next((release.instead for release in releases if release.instead and release.names(assertion)), "")
    return f"{assertion.id}; now it must be {effect_named(now)}" if now else str(assertion.id)


# --- what it is about -------------------------------------------------------------------------------------------------


def _policies(asked: Asked, past: Past | None) -> Path:
    if asked.policies:
        return asked.policies
    if past is None:
        return policy_directory(None, asked.config)
    policies = Path(past.started.policies)
    if not policies.is_dir():
        raise UsageError(f"Run {past.started.run} was over {policies}, which is not here.", "Give --policies DIR.")
    return policies


def _check_start(hold: Workspace, request: str, past: Past | None) -> None:
    if not len(hold.start) and not request.strip():
        raise UsageError(
            f"{hold.policies} holds no policies, so there is nothing to repair.",
            "Say what you want, or begin with a first policy in another folder: policyloop init FOLDER.",
        )
    if past and past.started.bundle != hold.start.digest:
        raise PersonNeeded(
            f"{hold.policies} is not what it was when run {past.started.run} began, so it cannot be resumed.",
            "Start a new run.",
        )


# --- what a person should know before anything is spent ---------------------------------------------------------------


def _notes(asked: Asked, hold: Workspace, config: Config, model: Model, tests: Sequence[str]) -> Iterator[str]:
    if hold.recovered:
        yield f"An interrupted write-back of {hold.recovered.time} was finished first."
    if config.model.kind == "command" and not _names_model(asked):
        yield f"The configuration names a program as the model; it will be run: {config.model.command}"
    if model.note:
        yield model.note
    for path in tests:
        yield f"The request asks for tests in {path}, outside of the policy directory; they are not written there."


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


# --- the model and the judge ------------------------------------------------------------------------------------------


def _model(config: Config) -> Model:
    model = config.model
    return open_model(
        model.kind,
        name=model.name,
        max_output_tokens=model.max_output_tokens,
        command=model.command,
        replay=model.replay,
    )


def _asks_first(request: str, known: Known | None) -> bool:
    """Whether the model is asked in any case: what is repaired, or confirmed, may be green as it stands."""
    settled = known is not None and known.spec is not None and known.spec.is_confirmed
    return bool(request.strip()) and not settled


def _judge(runner: Runner, config: Config, tests: AskedFor) -> Judge:
    """The real compiler, whose report the lock's assertions must all be in, and `tests` that the request asks for."""

    def judge(bundle: Bundle, lock: Lock) -> Report:
        report = validate(runner, bundle, lock=lock, require_tests=config.guard.require_tests)
        return report.with_findings(missing_tests(tests, bundle, report)) if report.green else report

    return judge


def _names_model(asked: Asked) -> bool:
    """Whether the person named the model on the command line."""
    return any(asked.flags.get("model", {}).values())


def _check_model(asked: Asked, model: Model, past: Past) -> None:
    """Nobody goes on with another model, and pays for it, by leaving a flag out."""
    if model.name != past.started.model and not _names_model(asked):
        raise UsageError(
            f"Run {past.started.run} was made with the model {past.started.model}, not with {model.name}.",
            "Say which one shall go on: --model-command, --replay or --model.",
        )


def _usages(past: Past | None) -> tuple[Usage, ...]:
    """What the calls of the run before cost: the dearest is booked for a model that cannot tell."""
    return tuple(answer.usage for answer in past.answers) if past else ()
