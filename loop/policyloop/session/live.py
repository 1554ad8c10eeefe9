"""A session out of its record, the steps that it takes, and what it leaves on the disk after each.

The order in which a step reaches the disk: its snapshots, the record `told` in the ledger, then the entry that the
hooks read. Killed before the record, it has not happened; killed after it, the next command finds it in the ledger.
One process at a time: the ledger's own lock.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import Judge, State
from policyloop.controller import end
from policyloop.drive import attempted, judged
from policyloop.errors import PolicyloopError, Unavailable
from policyloop.events import Event, encode
from policyloop.guard import Lock
from policyloop.ledger import Chain, Ledger, read, run_directory
from policyloop.outcome import Ending, Outcome
from policyloop.runs import LEDGER
from policyloop.session import home
from policyloop.session.home import Entry, HomeError
from policyloop.session.record import OPENED, TOLD, Opening, Snapshots, Told, tolds
from policyloop.session.recorded import ended_event, started_event
from policyloop.session.steps import Seen, Timed, next_action, opened, take
from policyloop.session.store import broken
from policyloop.shape import to_json
from policyloop.workspace.lock import key_of

MAX_ANSWER = 12_000
"""Characters of an answer that a hook repeats."""
HALF_MADE_SECONDS = 3600
"""For how long a start may have left nothing but a half-made record before that is litter."""
BY_A_PERSON = outcome.person("ended", "A person ended this session.")


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session as its record tells it."""

    opening: Opening
    state: State
    chain: Chain
    told: tuple[Told, ...]

    @property
    def elapsed(self) -> float:
        """The seconds that the session had lasted when it was told something last."""
        return max((max(one.asked, one.judged) for one in self.told), default=0.0)


def folder_of(run: str) -> Path:
    """Where the record of a session lies."""
    return run_directory(Path(home.home()), run)


def load(entry: Entry) -> RecordedSession:
    """The session of `entry`, every byte of its record verified. Raises `PersonNeeded` when it is not whole."""
    folder = folder_of(entry.run)
    chain = chain_of(entry)
    if chain.broken and not chain.torn:
        raise broken(chain.broken)
    if entry.head not in {record.hash for record in chain.records}:
        raise broken("its ledger is not the one that was written")
    digest, told = tolds(chain)
    kept = Snapshots(folder / "kept")
    opening = kept.opening(digest)
    if (opening.run, opening.policies, opening.claude) != (entry.run, entry.policies, entry.claude):
        raise broken("its entry is about another session")
    state = _told_anew(kept, opening, told)
    return RecordedSession(opening, end(state, BY_A_PERSON) if ended_by_person(chain) else state, chain, told)


def chain_of(entry: Entry) -> Chain:
    """The ledger of a session. Raises `PersonNeeded` when there is none."""
    try:
        return read(folder_of(entry.run) / LEDGER)
    except PolicyloopError as error:
        raise broken(error.message.rstrip(".")) from None


def _told_anew(kept: Snapshots, opening: Opening, told: tuple[Told, ...]) -> State:
    if not told or told[0].report is None:
        raise broken("it holds no first validation")
    state = opened(opening, kept.bundle(opening.start), kept.report(told[0].report), told[0].judged)
    for one in told[1:]:
        if isinstance(state.todo, Outcome):
            raise broken("it goes on after its end")
        seen = Seen(kept.bundle(one.bundle) if one.bundle else None, one.malformed, one.dispute)
        state, _ = take(state, seen, one.asked, partial(_kept_report, kept, one))
    return state


def _kept_report(kept: Snapshots, told: Told, _bundle: Bundle, _lock: Lock) -> Timed:
    if told.report is None:
        raise broken("it lacks a validation")
    return Timed(kept.report(told.report), told.judged)


class Session:
    """An open session in the hands of one process. A context manager."""

    def __init__(self, opening: Opening, state: State, ledger: Ledger, elapsed: float, head: str) -> None:
        self.opening = opening
        self.state = state
        self._ledger = ledger
        self._elapsed = elapsed
        self._kept = Snapshots(folder_of(opening.run) / "kept")
        self._head = head

    @classmethod
    def begin(cls, opening: Opening, before: Bundle, start: Bundle, judge: Judge) -> Self:
        """Open a session over `start`: validate it, and write the first records. Raises `Unavailable`."""
        sweep_runs(made_home() / "runs")
        kept = Snapshots(folder_of(opening.run) / "kept")
        opening = replace(opening, before=kept.keep_bundle(before), start=kept.keep_bundle(start))
        lock = Lock.of(start).without(opening.dropped)
        report = judge(start, lock)
        judged_at = max(0.0, time.time() - opening.began)
        state = opened(opening, start, report, judged_at)
        ledger = Ledger.create(folder_of(opening.run))
        session = cls(opening, state, ledger, judged_at, "")
        session._append(OPENED, {"opening": kept.keep(to_json(opening))})
        session._event(started_event(opening, start, state))
        session._told(Told(report=kept.keep_report(report), judged=judged_at))
        session._event(judged(state, report, start))
        session._settle()
        return session

    @classmethod
    def resume(cls, entry: Entry) -> Self:
        """Go on with a session that is open. Raises `PersonNeeded`, also when its record is not whole."""
        ledger = Ledger.reopen(folder_of(entry.run) / LEDGER)
        try:
            home.sweep(home.kept(entry))
            past = load(entry)
        except BaseException:
            ledger.close()
            raise
        head = past.chain.records[-1].hash
        session = cls(past.opening, past.state, ledger, past.elapsed, head)
        if isinstance(past.state.todo, Outcome):
            session._settle()  # killed between its last step and its end
        return session

    def step(self, seen: Seen, judge: Judge) -> None:
        """Tell the controller what the directory holds, and keep it. Raises `Unavailable`: then nothing happened."""
        before, asked = self.state, self.clock()

        def timed_judge(bundle: Bundle, lock: Lock) -> Timed:
            return Timed(judge(bundle, lock), self.clock())

        state, timed = take(before, seen, asked, timed_judge)
        judged_at = timed.at if timed else asked
        told = Told(
            bundle=self._kept.keep_bundle(seen.bundle) if seen.bundle is not None else None,
            malformed=seen.malformed,
            dispute=seen.dispute,
            asked=asked,
            report=self._kept.keep_report(timed.report) if timed else None,
            judged=judged_at,
        )
        self._told(told)
        self._elapsed = judged_at
        self.state = state
        for one in state.attempts[len(before.attempts) :]:
            self._event(attempted(one, state))
        if timed and seen.bundle is not None:
            self._event(judged(state, timed.report, seen.bundle))
        self._settle()

    def end(self) -> None:
        """A person ends it."""
        self.state = end(self.state, BY_A_PERSON)
        self._settle()

    def clock(self) -> float:
        """Seconds since the session began, the person's time included; a clock that is set back gains nothing."""
        self._elapsed = max(self._elapsed, time.time() - self.opening.began)
        return self._elapsed

    def entry(self, text: str) -> None:
        """Tell the hooks where the session stands, `text` being what the agent was answered. Raises `Unavailable`."""
        put(entry_of(self.opening, self.state, self._head, text))

    def close(self) -> None:
        """Let others in."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def _settle(self) -> None:
        """An end is written as such."""
        how = self.state.todo
        if isinstance(how, Outcome):
            self._event(ended_event(self.state, how, self.opening))
            self._head = self._ledger.finish({"phase": phase_of(self.state)}).hash

    def _told(self, told: Told) -> None:
        self._append(TOLD, to_json(told))

    def _event(self, event: Event) -> None:
        self._append(*encode(event))

    def _append(self, kind: str, data: dict[str, object]) -> None:
        self._head = self._ledger.append(kind, data).hash


def phase_of(state: State) -> str:
    """Where a session stands that no person ended."""
    how = state.todo
    if not isinstance(how, Outcome):
        return home.OPEN
    return home.GREEN if how.ending is Ending.GREEN else home.ENDED if how.stopped_by == "ended" else home.STOPPED


def ended_by_person(chain: Chain) -> bool:
    """Whether the last record says that a person ended the session."""
    return chain.closed and chain.records[-1].data.get("phase") == home.ENDED


def entry_of(opening: Opening, state: State, head: str, text: str) -> Entry:
    """What the hooks are to know; what the lock is made of is kept with the session first. Raises `Unavailable`."""
    draft = Entry(
        run=opening.run,
        phase=phase_of(state),
        policies=opening.policies,
        spec=opening.spec,
        claude=opening.claude,
        head=head,
        lock=_keep_lock(opening, state),
        next=next_action(state),
        answer=text if len(text) <= MAX_ANSWER else f"{text[:MAX_ANSWER]}\n... (all of it: policyloop session status)",
        most_blocks=opening.budget.compile_cycles,
        blocks_in_a_row=opening.budget.attempts_per_class,
        blocks_before=0,
    )
    return draft._replace(blocks_before=home.blocks(draft))


def _keep_lock(opening: Opening, state: State) -> str:
    kept = Snapshots(folder_of(opening.run) / "kept")
    parts = {"start": opening.start, "dropped": opening.dropped, "joined": [one.id for one in state.lock.joined]}
    return kept.keep(to_json({**parts, "current": kept.keep_bundle(state.current)}))


def put(entry: Entry) -> None:
    """Write an entry. Raises `Unavailable`."""
    try:
        home.put(key_of(Path(entry.policies)), entry)
    except HomeError as error:
        raise Unavailable(f"{error}.", "See to it, or set XDG_STATE_HOME.") from None


def made_home() -> Path:
    """The place of the sessions, made. Raises `Unavailable`."""
    try:
        return Path(home.made_home())
    except HomeError as error:
        raise Unavailable(f"{error}.", "See to it, or set XDG_STATE_HOME.") from None


def sweep_runs(runs: Path) -> None:
    """Remove what starts left there that were killed before they had opened anything: records that tell of no session.

    Only folders that nobody has touched for an hour, and whose ledger, if there is any, nobody holds. What cannot be
    removed stays.
    """
    import shutil

    for folder in runs.iterdir() if runs.is_dir() else ():
        with suppress(OSError, PolicyloopError):
            latest = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
            if time.time() - latest < HALF_MADE_SECONDS or folder.is_symlink() or not folder.is_dir():
                continue
            ledger = folder / LEDGER
            if ledger.exists() and any(record.kind == TOLD for record in read(ledger).records):
                continue
            if {path.name for path in folder.iterdir()} <= {"kept", LEDGER, f"{LEDGER}.head"}:
                shutil.rmtree(folder)
