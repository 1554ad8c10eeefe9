"""The work of `policyloop session start`: what stands against a session, what it locks, and its first validation."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.configured import compiler, settings
from policyloop.confirmed.against import unreleased
from policyloop.confirmed.beginning import Beginning, beginning
from policyloop.confirmed.believed import believed, not_confirmed
from policyloop.confirmed.specfile import read_text, spec_path
from policyloop.errors import Exit, PersonNeeded, Unavailable, UsageError
from policyloop.findings import AssertionId
from policyloop.guard import Lock
from policyloop.guided.steps import CLAUDE_VARIABLE, ending, judged_by, settled, told
from policyloop.ledger import new_run_id
from policyloop.next_command import Next, policyloop
from policyloop.session import home
from policyloop.session.answer import Answer
from policyloop.session.earlier import weaker_than
from policyloop.session.home import Entry, HomeError
from policyloop.session.live import Session
from policyloop.session.record import Opening
from policyloop.specification import Spec, check_spec, parse_spec
from policyloop.view.pages.spec import against_line
from policyloop.workspace import Workspace
from policyloop.workspace.lock import key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What was asked of `policyloop session start`."""

    words: str
    policies: Path
    spec: Path | None
    claude: str | None
    hooks_home: Path | None
    """Where the hook that saw this command looks for sessions; nobody types it."""
    anew: bool
    tests_as_they_are: bool
    unguarded: bool
    runner: str | None


def again(asked: Start, **changed: object) -> str:
    """The whole command that asks for the same, but for what is `changed`, by the options' names."""
    given = {
        "policies": asked.policies,
        "spec": asked.spec,
        "anew": asked.anew,
        "tests_as_they_are": asked.tests_as_they_are,
        "unguarded": asked.unguarded,
        "runner": asked.runner,
    }
    return policyloop("session", "start", **{**given, **changed}, named=" ".join(asked.words.split()) or None)


def start_session(asked: Start) -> Answer:
    """Open a session. Raises `PolicyloopError` for what stands against it; then nothing was opened."""
    _check_place(asked)
    _check_person(asked)
    claude = asked.claude or os.environ.get(CLAUDE_VARIABLE) or None
    _check_others(asked, claude)
    config = settings(
        asked.policies, None, None, {"cerbos": {"runner": asked.runner}}, uses=("cerbos", "budget", "guard")
    )
    with Workspace.open(asked.policies) as hold:
        given_up = _given_up(asked, claude, hold.start)
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
                released=(*(one.id for one in first.released), *given_up),
            )
            judge = partial(judged_by, runner, config.guard.require_tests)
            with Session.begin(opening, hold.start, first.bundle, judge) as session:
                return replace(told(session), exit_code=Exit.GREEN)
        finally:
            runner.close()


def _check_place(asked: Start) -> None:
    """The hooks find the session where it is kept, and the agent cannot get at it."""
    place = Path(os.path.realpath(home.home()))
    if os.environ.get("CLAUDECODE") and not asked.hooks_home and not asked.unguarded:
        raise Unavailable(
            "No hook of policyloop saw this command, so nothing would hold the agent to the session.",
            "Load the policyloop skill or plugin with its hooks, or give --unguarded to go on without them.",
        )
    if asked.hooks_home and Path(os.path.realpath(asked.hooks_home)) != place:
        raise Unavailable(
            f"The hooks look for sessions in {asked.hooks_home}, but this command keeps them in {place}, so nothing "
            "would hold the agent.",
            "XDG_STATE_HOME must be the same where Claude Code is started and in the shell profile that it reads.",
        )
    policies = asked.policies.resolve()
    if place.is_relative_to(policies) or policies.is_relative_to(place):
        raise UsageError(
            f"Sessions are kept in {place}, and the policies lie in {policies}: neither may hold the other.",
            "Set XDG_STATE_HOME to another folder.",
        )


def _check_person(asked: Start) -> None:
    """What only a person grants is either seen by a hook, which asks them, or typed at a terminal.

    Raises `PersonNeeded` where an agent's environment shows and neither is so.
    """
    granted = "--anew" if asked.anew else "--tests-as-they-are" if asked.tests_as_they_are else ""
    if not granted or asked.hooks_home or not os.environ.get("CLAUDECODE"):
        return
    if not (sys.stdin and sys.stdin.isatty()):
        session = asked.claude or os.environ.get(CLAUDE_VARIABLE) or "ID"
        raise PersonNeeded(
            f"{granted} is for a person, and this command runs in an agent's environment where nobody was asked.",
            "They run it in a terminal of their own.",
            [Next(again(asked, claude_session=session), "a person, in a terminal")],
        )


def _check_others(asked: Start, claude: str | None) -> None:
    """Raises `PersonNeeded` when a session before stands against a new one."""
    real = asked.policies.resolve()
    try:
        last = home.of_directory(key_of(real))
        other = home.guarding(claude) if claude else None
        entries = home.all_entries()
    except HomeError as error:
        raise PersonNeeded(f"{error}.", "Remove that file if no session is open.") from None
    last = settled(last) if last else None
    guarded = (entry for entry in entries if entry.phase in home.GUARDED)
    around = [settled(entry) for entry in guarded if _around(Path(entry.policies), real)]
    for entry in (last, other, *around):
        if entry:
            _check_closed(entry)
    if other and other.phase == home.GREEN:
        raise PersonNeeded(
            f"Session {other.run} over {other.policies} is green, and no person has taken over yet.",
            "Report to them; what they ask for next takes over, or they end it.",
            [ending(other.policies)],
        )
    if not asked.anew:
        _check_good_ends(asked, last, around)


def _check_closed(entry: Entry) -> None:
    if entry.phase == home.OPEN:
        raise PersonNeeded(
            f"Session {entry.run} is open over {entry.policies}.",
            "Go on with it; or a person ends it.",
            [Next(policyloop("session", "step", policies=entry.policies), "to go on"), ending(entry.policies)],
        )


def _check_good_ends(asked: Start, last: Entry | None, around: Sequence[Entry]) -> None:
    """A session that stopped without green leaves what comes next to a person, who says `--anew`."""
    for entry in around:
        if entry.phase == home.STOPPED:
            raise PersonNeeded(
                f"Session {entry.run} over {entry.policies} stopped, and it locks tests of {asked.policies} too.",
                "Report to the person; only they end it, or start anew.",
                [ending(entry.policies), Next(again(asked, anew=True), "a person, to start anew")],
            )
    if last and last.phase not in {home.GREEN, home.ACCEPTED}:
        raise PersonNeeded(
            f"The last session over {last.policies} ({last.run}) did not end green.",
            "Report to the person; only they start anew.",
            [Next(again(asked, anew=True), "a person, to start anew")],
        )


def _around(one: Path, other: Path) -> bool:
    """Whether one policy directory lies in another, so that their sessions would judge the same files."""
    return one != other and (one.is_relative_to(other) or other.is_relative_to(one))


def _given_up(asked: Start, claude: str | None, now: Bundle) -> tuple[AssertionId, ...]:
    """The tests that earlier sessions left locked and that are weaker now, which a person takes as they are.

    Raises `PersonNeeded` when there are some and no person said so.
    """
    try:
        weaker = weaker_than(home.all_entries(), asked.policies.resolve(), claude, now)
    except HomeError as error:
        raise PersonNeeded(f"{error}.", "Remove that file if no session is open.") from None
    except PersonNeeded as error:
        if asked.tests_as_they_are:
            return ()
        raise PersonNeeded(
            f"{error.message} So nobody can tell whether the tests that it locked still hold.",
            "A person takes them as they are.",
            [Next(again(asked, tests_as_they_are=True), "a person, to take them as they are")],
        ) from None
    if weaker and not asked.tests_as_they_are:
        first = weaker[0]
        one = first.weakened[0]
        names = f"{one.suite} / {one.test}: {one.principal} {one.action} {one.resource}: {one.how}"
        place = "" if first.entry.policies == str(asked.policies.resolve()) else f" over {first.entry.policies}"
        restore = Next(policyloop("session", "restore", policies=first.entry.policies), "to bring them back")
        as_they_are = Next(again(asked, tests_as_they_are=True), "a person, to take them as they are")
        raise PersonNeeded(
            f"{len(first.weakened)} tests are weaker than those that session {first.entry.run}{place} locked, "
            f"such as {names}.",
            "Bring them back; or a person takes them as they are.",
            [restore, as_they_are] if first.entry.phase == home.STOPPED else [as_they_are],
        )
    lost = [one for record in weaker for one in record.weakened]
    return tuple(
        AssertionId(file="", suite=one.suite, test=one.test, principal=one.principal, resource=one.resource,
                    action=one.action)
        for one in lost
    )  # fmt: skip


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
    spec: Spec = believed(parse_spec(content, str(path)), path)
    if gaps := check_spec(spec):
        check = Next(policyloop("spec", "check", policies=asked.policies, named=path), "to see every gap")
        raise PersonNeeded(f"{path} is not complete: {gaps[0]}", "", [check])
    if not spec.is_confirmed:
        raise not_confirmed(spec, path, asked.policies)
    if against := unreleased(spec, bundle):
        check = Next(policyloop("spec", "check", policies=asked.policies, named=path), "to see all of them")
        raise PersonNeeded(f"A locked test contradicts the spec: {against_line(against[0])}.", "", [check])
    return path, content, beginning(spec, bundle)
