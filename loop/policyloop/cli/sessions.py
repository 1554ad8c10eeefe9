"""The work of `policyloop session`: find the session, look at the directory, tell the controller, answer."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.cli.against import Beginning, beginning, unreleased
from policyloop.cli.answering import answer_of
from policyloop.cli.options import compiler, settings
from policyloop.cli.specfile import read_text, spec_path
from policyloop.config import Config
from policyloop.errors import Exit, PersonNeeded, Unavailable, UsageError
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.layout import Kind, kind
from policyloop.ledger import new_run_id
from policyloop.outcome import Outcome
from policyloop.session import home
from policyloop.session.answer import Answer
from policyloop.session.home import Entry, HomeError
from policyloop.session.live import Judge, Past, Session, chain_of, entry_of, load, put
from policyloop.session.record import Opening
from policyloop.session.steps import DONE, STOP, Seen
from policyloop.spec import Spec, check_spec, parse_spec
from policyloop.validators.judge import validate
from policyloop.view.sessions import text_of
from policyloop.view.specs import against_line
from policyloop.workspace import Workspace, read_bundle
from policyloop.workspace.lock import key_of

CLAUDE_VARIABLE = "CLAUDE_CODE_SESSION_ID"
"""What Claude Code (seen: 2.1.329) sets to its session's id for the commands that it runs."""
_END = "policyloop session end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What was asked of `policyloop session start`."""

    words: str
    policies: Path
    spec: Path | None
    claude: str | None
    anew: bool
    tests_as_they_are: bool
    unguarded: bool
    runner: str | None


# --- start ------------------------------------------------------------------------------------------------------------


def start_session(asked: Start) -> Answer:
    """Open a session. Raises `PolicyloopError` for what stands against it; then nothing was opened."""
    if not asked.claude and os.environ.get("CLAUDECODE") and not asked.unguarded:
        raise Unavailable(
            "No hook of policyloop saw this command, so nothing would hold the agent to the session.",
            "Load the policyloop skill or plugin with its hooks, or give --unguarded to go on without them.",
        )
    claude = asked.claude or os.environ.get(CLAUDE_VARIABLE) or None
    last = _last(asked, claude)
    config = settings(asked.policies, None, None, {"cerbos": {"runner": asked.runner}})
    with Workspace.open(asked.policies) as hold:
        if last and not asked.tests_as_they_are:
            _check_not_weaker(last, hold.start)
        path, spec_text, first = _first(asked, hold.start)
        spec = parse_spec(spec_text, str(path)) if spec_text is not None else None
        words = asked.words or (spec.request if spec else "")
        if not len(first.bundle) and not words:
            raise UsageError(f"{hold.policies} holds no policies, so there is nothing to repair.", "Give a REQUEST.")
        runner = compiler(config)
        try:
            hold.write_back(first.bundle)
            opening = Opening(
                run=new_run_id(),
                policies=str(hold.policies),
                spec=os.path.realpath(path),
                spec_text=spec_text,
                spec_plain=spec.plain() if spec else None,
                claude=claude,
                request=words,
                budget=config.budget,
                cerbos=config.cerbos,
                require_tests=config.guard.require_tests,
                compiler=runner.info,
                began=time.time(),
                before="",
                start="",
                dropped=tuple(one.id for one in Lock.of(first.bundle) if one.id not in {a.id for a in first.lock}),
                released=tuple(one.id for one in first.released),
            )
            judge = partial(_judge, runner, config.guard.require_tests)
            with Session.begin(opening, hold.start, first.bundle, judge) as session:
                return replace(_told(session), exit_code=Exit.GREEN)
        finally:
            runner.close()


def _last(asked: Start, claude: str | None) -> Entry | None:
    """The session before, when it did not end green. Raises `PersonNeeded` when it stands against a new one."""
    try:
        last = home.of_directory(key_of(asked.policies.resolve()))
        other = home.guarding(claude) if claude else None
    except HomeError as error:
        raise PersonNeeded(f"{error}.", "Remove that file if no session is open.") from None
    last = _settled(last) if last else None
    for open_one in (last, other):
        if open_one and open_one.phase == home.OPEN:
            raise PersonNeeded(
                f"Session {open_one.run} is open over {open_one.policies}.",
                f"Go on with policyloop session step; a person ends it with {_END} --policies {open_one.policies}.",
            )
    if last is None or last.phase == home.GREEN:
        return None
    if not asked.anew:
        raise PersonNeeded(
            f"The last session over {last.policies} ({last.run}) did not end green.",
            "Report to the person; only they start anew: policyloop session start --anew, with the same options.",
        )
    return last


def _settled(entry: Entry) -> Entry:
    """The entry as its ledger has it: a kill may have come between the two."""
    if entry.phase != home.OPEN:
        return entry
    if not chain_of(entry).closed:
        return entry
    past = load(entry)
    answer = answer_of(past.opening, past.state)
    entry = entry_of(past.opening, past.state, past.chain.records[-1].hash, text_of(answer))
    put(entry)
    return entry


def _check_not_weaker(last: Entry, now: Bundle) -> None:
    """The tests that the last session locked still hold, or a person says that they need not."""
    try:
        weaker = load(last).state.lock.weakened_by(now)
    except PersonNeeded as error:
        raise PersonNeeded(
            f"{error.message} So nobody can tell whether the tests that it locked still hold.",
            "--tests-as-they-are takes them as they are.",
        ) from None
    if weaker:
        one = weaker[0]
        names = f"{one.suite} / {one.test}: {one.principal} {one.action} {one.resource}: {one.how}"
        raise PersonNeeded(
            f"{len(weaker)} tests are weaker than those that session {last.run} locked, such as {names}.",
            "policyloop session restore brings them back; --tests-as-they-are takes them as they are.",
        )


def _first(asked: Start, bundle: Bundle) -> tuple[Path, str | None, Beginning]:
    """The spec's path and text, and where the loop begins. Raises `PersonNeeded` for a spec that is not confirmed."""
    path = spec_path(asked.spec, asked.policies)
    if path.resolve().is_relative_to(asked.policies.resolve()):
        raise UsageError(f"The spec {path} lies in the policy directory.", "Keep it beside it.")
    if not path.exists():
        if asked.spec:
            raise UsageError(f"There is no spec {path}.", "Name another --spec, or leave it out.")
        return path, None, Beginning(bundle, Lock.of(bundle), ())
    content = read_text(path)
    spec: Spec = parse_spec(content, str(path))
    if gaps := check_spec(spec):
        raise PersonNeeded(f"{path} is not complete: {gaps[0]}", "policyloop spec check names every gap.")
    if not spec.is_confirmed:
        raise PersonNeeded(
            f"{path} is not confirmed as it is now.",
            "Show it to the person; only they confirm it: policyloop spec confirm.",
        )
    if against := unreleased(spec, bundle):
        raise PersonNeeded(
            f"A locked test contradicts the spec: {against_line(against[0])}.", "policyloop spec check names all."
        )
    return path, content, beginning(spec, bundle)


# --- the session that is there ----------------------------------------------------------------------------------------


def find(policies: Path | None, claude: str | None, *, anybody: bool = False) -> Entry:
    """The session that is meant. `anybody`: a person may, whichever Claude Code session it belongs to.

    Raises `UsageError` when there is none or several, `PersonNeeded` when it belongs to another Claude Code session.
    """
    claude = None if anybody else claude or os.environ.get(CLAUDE_VARIABLE) or None
    try:
        entry = _found(policies, claude)
    except HomeError as error:
        raise PersonNeeded(f"{error}.", "Remove that file if no session is open.") from None
    if claude and entry.claude != claude:
        owner = f"Claude Code session {entry.claude}" if entry.claude else "nobody in Claude Code"
        raise PersonNeeded(
            f"Session {entry.run} over {entry.policies} belongs to {owner}, not to this one ({claude}).",
            f"A person ends it with {_END}, and then starts anew from here.",
        )
    return entry


def _found(policies: Path | None, claude: str | None) -> Entry:
    if policies:
        entry = home.of_directory(key_of(policies.resolve()))
        if entry is None:
            raise UsageError(f"There is no session over {policies}.", "Start one: policyloop session start.")
        return entry
    entries = home.all_entries()
    mine = [entry for entry in entries if claude and entry.claude == claude]
    if not mine:
        here = Path.cwd()
        near = [e for e in entries if here.is_relative_to(e.policies) or Path(e.policies).is_relative_to(here)]
        mine = [e for e in near if e.phase in home.GUARDED] or near
    held = [e for e in mine if e.phase in home.GUARDED] or mine[-1:]
    if len(held) != 1:
        what = "There is no session" if not held else f"There are {len(held)} sessions"
        raise UsageError(f"{what} that is found from here.", "Give --policies DIR.")
    return held[0]


def take_step(entry: Entry, dispute: str | None = None) -> Answer:
    """One step. A session that stopped says so again, and is not judged."""
    entry = _settled(entry)
    if entry.phase != home.OPEN:
        return as_of_now(load(entry))
    with Session.resume(entry) as session:
        if not isinstance(session.state.todo, Outcome) and dispute is not None:
            session.step(Seen(None, dispute=dispute), _never)
        elif not isinstance(session.state.todo, Outcome):
            with _compiler(session.opening) as judge:
                session.step(_look(session.opening), judge)
        answer = _told(session)
    return as_of_now(load(_found(Path(entry.policies), None))) if answer.next == DONE else answer


def status_of(entry: Entry) -> Answer:
    """Where it stands; nothing is written."""
    return replace(as_of_now(load(entry)), exit_code=Exit.GREEN)


def as_of_now(past: Past) -> Answer:
    """The answer, and what was changed since. Green is only what is green as it lies there now."""
    answer = answer_of(past.opening, past.state)
    try:
        changed = past.state.current.changed(read_bundle(Path(past.opening.policies)))
    except UsageError as error:
        changed = (str(error),)
    answer = replace(answer, changed_since=changed)
    if answer.next != DONE or not changed:
        return answer
    words = "This session ended green, but the policies were changed since: start a new one."
    return replace(answer, next=STOP, stopped_by="changed", exit_code=Exit.PERSON, message=words)


def restore_tests(entry: Entry) -> Answer:
    """Write the tests and fixtures as they were last accepted, all or nothing."""
    past = load(entry)
    accepted = past.state.current
    with Workspace.open(Path(past.opening.policies)) as hold:
        tests = {path: text for path, text in accepted.files.items() if _is_test(path)}
        target = Bundle({**hold.start.files, **tests})
        if past.state.lock.weakened_by(target):
            # A new test file, such as a second suite of the same name, stands in the way.
            kept = {path: text for path, text in target.files.items() if path in tests or not _is_test(path)}
            target = Bundle(kept)
        restored = hold.write_back(target)
    return replace(answer_of(past.opening, past.state), exit_code=Exit.GREEN, restored=restored)


def end_session(entry: Entry) -> tuple[Answer | None, tuple[str, ...]]:
    """End it, whatever state it is in: the answer, None when its record is not whole, and what a person must know."""
    try:
        entry = _settled(entry)
        if entry.phase in {home.GREEN, home.ENDED}:
            return status_of(entry), (f"Session {entry.run} had ended before.",)
        if entry.phase == home.OPEN:
            with Session.resume(entry) as session:
                if not isinstance(session.state.todo, Outcome):
                    session.end()
                _told(session)
        past = load(home.of_directory(key_of(Path(entry.policies))) or entry)
    except PersonNeeded as error:
        put(entry._replace(phase=home.ENDED))
        return None, (f"{error.message} It is ended now.",)
    answer = replace(answer_of(past.opening, past.state), phase=home.ENDED, exit_code=Exit.GREEN)
    head = past.chain.records[-1].hash
    put(entry_of(past.opening, past.state, head, text_of(answer))._replace(phase=home.ENDED))
    return answer, tuple(_weaker_now(past))


# --- hands ------------------------------------------------------------------------------------------------------------


def _told(session: Session) -> Answer:
    """The answer to a step, and the entry that holds it for the hooks."""
    answer = answer_of(session.opening, session.state)
    session.entry(text_of(answer))
    return answer


def _look(opening: Opening) -> Seen:
    """The directory as it is. What cannot be read as a bundle (a link, a name that is not UTF-8) is the agent's."""
    try:
        with Workspace.open(Path(opening.policies)) as hold:
            return Seen(hold.start)
    except UsageError as error:
        return Seen(None, str(error))


@contextmanager
def _compiler(opening: Opening) -> Iterator[Judge]:
    """The compiler of the session's start. Raises `PersonNeeded` when that is not the one that is here."""
    runner = compiler(Config(cerbos=opening.cerbos))
    try:
        if runner.info != opening.compiler:
            raise PersonNeeded(
                f"The compiler is not that of the session's start: {runner.info.runner} {runner.info.digest[:19]}.",
                f"A person sees to it, or ends the session with {_END}.",
            )
        yield partial(_judge, runner, opening.require_tests)
    finally:
        runner.close()


def _judge(runner: Runner, require_tests: bool, bundle: Bundle, lock: Lock) -> Report:  # noqa: FBT001
    return validate(runner, bundle, lock=lock, require_tests=require_tests)


def _never(_bundle: Bundle, _lock: Lock) -> Report:
    raise AssertionError("a dispute is not compiled")


def _is_test(path: str) -> bool:
    return kind(path) in {Kind.SUITE, Kind.FIXTURE}


def _weaker_now(past: Past) -> Iterator[str]:
    """What a person must know who ends a session that is not green."""
    try:
        weaker = past.state.lock.weakened_by(read_bundle(Path(past.opening.policies)))
    except UsageError:
        return
    if weaker:
        yield (
            f"{len(weaker)} tests in {past.opening.policies} are weaker than the locked ones; "
            "policyloop session restore brings them back."
        )
