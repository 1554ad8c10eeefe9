"""The work of `policyloop session`: find the session, look at the directory, tell the controller, answer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import Judge
from policyloop.config import Config
from policyloop.configured import compiler
from policyloop.errors import Exit, PersonNeeded, UsageError
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.guided.answering import answer_of
from policyloop.layout import Kind, kind
from policyloop.next_command import Next, policyloop
from policyloop.outcome import Outcome
from policyloop.session import home
from policyloop.session.answer import Answer
from policyloop.session.home import Entry, HomeError
from policyloop.session.live import RecordedSession, Session, chain_of, entry_of, load, phase_of, put
from policyloop.session.record import Opening
from policyloop.session.steps import DONE, STOP, Seen
from policyloop.validators.judge import validate
from policyloop.view.pages.session import text_of
from policyloop.workspace import Workspace, read_bundle
from policyloop.workspace.lock import key_of

CLAUDE_VARIABLE = "CLAUDE_CODE_SESSION_ID"
"""What Claude Code (seen: 2.1.329) sets to its session's id for the commands that it runs."""


def end_of(policies: object) -> str:
    """The whole command with which a person ends the session over this directory."""
    return policyloop("session", "end", policies=policies)


def ending(policies: object) -> Next:
    """The same, as what can be typed next."""
    return Next(end_of(policies), "a person, to end it")


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
            "A person ends it, and then starts anew from here.",
            [ending(entry.policies)],
        )
    return entry


def _found(policies: Path | None, claude: str | None) -> Entry:
    if policies:
        entry = home.of_directory(key_of(policies.resolve()))
        if entry is None:
            start = Next(policyloop("session", "start", policies=policies), "to start one")
            raise UsageError(f"There is no session over {policies}.", "", [start])
        return entry
    entries = home.all_entries()
    meant = [entry for entry in entries if claude and entry.claude == claude] or _near(entries, Path.cwd())
    guarded = [entry for entry in meant if entry.phase in home.GUARDED]
    if not guarded:
        # None is open: the last one can still be looked at.
        guarded = sorted(meant, key=lambda entry: entry.run)[-1:]
    if len(guarded) != 1:
        count = "There is no session that is" if not guarded else f"There are {len(guarded)} sessions that are"
        onward = [Next(policyloop("session", "status", policies=entry.policies)) for entry in guarded]
        start = Next(policyloop("session", "start"), "to start one")
        raise UsageError(f"{count} found from here.", "Give --policies DIR.", onward or [start])
    return guarded[0]


def _near(entries: Sequence[Entry], here: Path) -> list[Entry]:
    """The sessions over a directory above or below `here`; those that still lock tests, if any do."""
    near = [entry for entry in entries if _lies_around(here, Path(entry.policies))]
    return [entry for entry in near if entry.phase in home.GUARDED] or near


def _lies_around(here: Path, policies: Path) -> bool:
    return here.is_relative_to(policies) or policies.is_relative_to(here)


def settled(entry: Entry) -> Entry:
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


def take_step(entry: Entry, dispute: str | None = None) -> Answer:
    """One step. A session that stopped says so again, and is not judged."""
    entry = settled(entry)
    if entry.phase != home.OPEN:
        return as_of_now(load(entry))
    with Session.resume(entry) as session:
        if not isinstance(session.state.todo, Outcome) and dispute is not None:
            session.step(Seen(None, dispute=dispute), _never)
        elif not isinstance(session.state.todo, Outcome):
            with _compiler(session.opening) as judge:
                session.step(_look(session.opening), judge)
        answer = told(session)
    return as_of_now(load(_found(Path(entry.policies), None))) if answer.next == DONE else answer


def status_of(entry: Entry) -> Answer:
    """Where it stands; nothing is written."""
    answer = replace(as_of_now(load(entry)), exit_code=Exit.GREEN)
    return replace(answer, phase=home.ACCEPTED) if entry.phase == home.ACCEPTED else answer


def as_of_now(past: RecordedSession) -> Answer:
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
    """Write the tests and fixtures as they were last accepted, all or nothing.

    Raises `UsageError` after green: what a person has changed in the tests since is theirs.
    """
    past = load(entry)
    if phase_of(past.state) == home.GREEN:
        raise UsageError(
            f"Session {entry.run} ended green and locks nothing any more, so nothing is brought back.",
            "Older files are in your version control.",
        )
    accepted = past.state.current
    with Workspace.open(Path(past.opening.policies)) as hold:
        tests = {path: text for path, text in accepted.files.items() if _is_test(path)}
        target = Bundle({**hold.start.files, **tests})
        if past.state.lock.weakened_by(target):
            # A new file, such as a second file of the same fixtures, stands in the way; the others stay.
            new = {path: text for path, text in target.files.items() if path not in tests and _is_test(path)}
            target = Bundle({path: text for path, text in target.files.items() if path not in new})
            for path, text in new.items():
                more = Bundle({**target.files, path: text})
                target = target if past.state.lock.weakened_by(more) else more
        restored = hold.write_back(target)
    return replace(answer_of(past.opening, past.state), exit_code=Exit.GREEN, restored=restored)


def end_session(entry: Entry) -> tuple[Answer | None, tuple[str, ...]]:
    """End it, whatever state it is in: the answer, None when its record is not whole, and what a person must know."""
    try:
        entry = settled(entry)
        if entry.phase in {home.ACCEPTED, home.ENDED}:
            return status_of(entry), (f"Session {entry.run} had ended before.",)
        if entry.phase == home.OPEN:
            with Session.resume(entry) as session:
                if not isinstance(session.state.todo, Outcome):
                    session.end()
                told(session)
        past = load(home.of_directory(key_of(Path(entry.policies))) or entry)
    except PersonNeeded as error:
        put(entry._replace(phase=home.ENDED))
        return None, (f"{error.message} It is ended now.",)
    # What was green stays so: a person has taken over, and a new session needs no --anew.
    phase = home.ACCEPTED if phase_of(past.state) == home.GREEN else home.ENDED
    answer = replace(as_of_now(past), phase=phase, exit_code=Exit.GREEN)
    head = past.chain.records[-1].hash
    put(entry_of(past.opening, past.state, head, text_of(answer))._replace(phase=phase))
    return answer, tuple(_weaker_now(past))


# --- hands ------------------------------------------------------------------------------------------------------------


def told(session: Session) -> Answer:
    """The answer to a step, and the entry that holds it for the hooks."""
    answer = answer_of(session.opening, session.state)
    session.entry(text_of(answer))
    return answer


def _look(opening: Opening) -> Seen:
    """The directory as it is. What cannot be read as a bundle (a link, a name that is not UTF-8) is the agent's.

    Raises `UsageError`, and nothing is counted, when the directory itself is gone: renamed, or on another branch.
    """
    if not Path(opening.policies).is_dir():
        raise UsageError(
            f"The policy directory {opening.policies} of session {opening.run} is gone.",
            "Put it back; or a person ends the session.",
            [ending(opening.policies)],
        )
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
                "A person sees to it, or ends the session.",
                [ending(opening.policies)],
            )
        yield partial(judged_by, runner, opening.require_tests)
    finally:
        runner.close()


def judged_by(runner: Runner, require_tests: bool, bundle: Bundle, lock: Lock) -> Report:  # noqa: FBT001
    return validate(runner, bundle, lock=lock, require_tests=require_tests)


def _never(_bundle: Bundle, _lock: Lock) -> Report:
    raise AssertionError("a dispute is not compiled")


def _is_test(path: str) -> bool:
    return kind(path) in {Kind.SUITE, Kind.FIXTURE}


def _weaker_now(past: RecordedSession) -> Iterator[str]:
    """What a person must know who ends a session that is not green."""
    try:
        weaker = past.state.lock.weakened_by(read_bundle(Path(past.opening.policies)))
    except UsageError:
        return
    if weaker:
        yield (
            f"{len(weaker)} tests in {past.opening.policies} are weaker than the locked ones; "
            f"{policyloop('session', 'restore', policies=past.opening.policies)} brings them back."
        )
