"""What goes wrong around the server: nothing is let go without a record, and everything comes back by itself."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import postgres
from decision_point import Server, bash, event, lets_go, serving, started, until

MOMENTS = int(os.environ.get("POLICYLOOP_SERVE_KILLS", "4"))
ROUNDS = int(os.environ.get("POLICYLOOP_SERVE_OUTAGES", "1"))
SEED = int(os.environ.get("POLICYLOOP_KILL_SEED") or time.time_ns() % 10**6)
CLIENTS = 4
LONGEST = 8.0
"""Seconds after which a client that waits for ten would not have been answered in time."""

ALLOWING = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: PreToolUse
  version: default
  rules: [{name: all, actions: ["*"], roles: ["*"], effect: EFFECT_ALLOW}]
"""
CONFIG = """\
serve: {mode: enforce, pdp: {policies: tool-policies}, audit: {anchors: [{file: anchor.jsonl}]}}
"""
OBSERVING = "serve: {mode: observe, pdp: {policies: tool-policies}}\n"

pytestmark = [pytest.mark.compiler, pytest.mark.sweep]


@dataclass
class Load:
    """What clients were answered, call by call."""

    allowed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    unheard: int = 0
    slowest: float = 0.0
    odd: list[str] = field(default_factory=list)


@contextmanager
def load(server: Server) -> Iterator[Load]:
    """Clients that ask one call after the other, until the block ends."""
    seen, ended = Load(), threading.Event()

    def client(number: int) -> None:
        count = 0
        while not ended.is_set():
            count += 1
            name = f"toolu_{number}_{count}_{os.urandom(4).hex()}"
            began = time.monotonic()
            try:
                status, said = server.send(json.dumps(bash("git status") | {"tool_use_id": name}).encode())
            except OSError:
                seen.unheard += 1
                time.sleep(0.05)
                continue
            seen.slowest = max(seen.slowest, time.monotonic() - began)
            answer = json.loads(said) if status == 200 else {}
            if lets_go(answer):
                seen.allowed.add(name)
            elif answer.get("hookSpecificOutput", {}).get("permissionDecision") == "deny":
                seen.denied.add(name)
            else:
                seen.odd.append(f"{status} {said!r}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


def goes_on(seen: Load) -> None:
    """Wait until some more calls were let go."""
    enough = len(seen.allowed) + 5
    until(lambda: len(seen.allowed) > enough)


def recorded(server: Server, decision: str = "allow") -> set[str]:
    """The calls that the store has with this decision."""
    return {record["call"] for record in server.records() if record["decision"] == decision}


def laid(folder: Path) -> Path:
    policies = folder / "project" / "tool-policies"
    policies.mkdir(parents=True)
    (policies / "tools.yaml").write_text(ALLOWING)
    return folder


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    allowed: set[str] = set()
    for moment in range(MOMENTS):
        server = started(tmp_path, "--observe")
        with load(server) as seen:
            until(lambda seen=seen: len(seen.allowed) > 5)
            time.sleep(draw.uniform(0, 0.6))
            server.kill()
        allowed |= seen.allowed
        words = f"seed {SEED}, moment {moment}"
        assert (seen.denied, seen.odd) == (set(), []), words
        done = server.policyloop("audit", "verify", "--index")
        assert done.returncode == 0 or "nobody has signed" in done.stdout, (words, done.stdout)
        assert allowed <= recorded(server), words
    with serving(tmp_path, "--observe") as server:
        server.stop()
        server.verify()


def children(process: int, name: str) -> list[int]:
    """The processes below this one, by their program's name."""
    below: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text()
        except OSError:
            continue
        program, rest = words[words.index("(") + 1 : words.rindex(")")], words[words.rindex(")") + 2 :].split()
        if int(rest[1]) == process:
            pid = int(folder.name)
            below.extend(children(pid, name))
            if program == name:
                below.append(pid)
    return below


Outage = Callable[[Server], Callable[[], None]]
"""Brings it about; what is given back ends it."""


def locked(server: Server) -> Callable[[], None]:
    other = sqlite3.connect(server.project / ".policyloop/audit.db", isolation_level=None, check_same_thread=False)
    until(lambda: _locks(other))
    return other.close


def _locks(other: sqlite3.Connection) -> bool:
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


def moved(server: Server) -> Callable[[], None]:
    place = server.project / ".policyloop/audit.db"
    place.rename(place.with_name("elsewhere"))
    return lambda: place.with_name("elsewhere").replace(place)


def full(server: Server) -> Callable[[], None]:
    """No file of the server grows any more."""
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4_096, before[1]))
    return lambda: resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before) and None


def pdp_killed(server: Server) -> Callable[[], None]:
    for pid in children(server.process.pid, "cerbos"):
        os.kill(pid, signal.SIGKILL)
    return lambda: None


def pdp_hung(server: Server) -> Callable[[], None]:
    stopped = children(server.process.pid, "cerbos")
    assert stopped
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)

    def on() -> None:
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue

    return on


OUTAGES: dict[str, Outage] = {
    "locked": locked,
    "moved": moved,
    "full": full,
    "pdp killed": pdp_killed,
    "pdp hung": pdp_hung,
}
OF_STORE = ("locked", "moved", "full")


def test_while_something_is_gone_nothing_is_let_go_and_it_comes_back_by_itself(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    with serving(laid(tmp_path), config=CONFIG) as server, load(server) as seen:
        for number in range(ROUNDS):
            for name, outage in OUTAGES.items():
                words = f"seed {SEED}, round {number}, {name}"
                goes_on(seen)
                time.sleep(draw.uniform(0, 0.2))
                unrecorded = server.metric("policyloop_unrecorded_total")
                before = len(seen.denied)
                end = outage(server)
                try:
                    if name != "pdp killed":  # it is started again faster than a call may notice
                        until(lambda before=before: len(seen.denied) > before)
                finally:
                    end()
                goes_on(seen)
                until(lambda: server.get("/readyz")[0] == 200)
                assert (server.metric("policyloop_unrecorded_total") > unrecorded) == (name in OF_STORE), words
                assert (seen.odd, seen.unheard) == ([], 0), words
    assert seen.slowest < LONGEST
    server_log = server.log()
    assert "Traceback" not in server_log
    assert seen.allowed <= recorded(server)


def test_gaps_are_on_record_and_the_log_is_whole_after_outages(tmp_path: Path) -> None:
    """While observing a call is let go although it could not be recorded: how many were, is recorded then."""
    with serving(laid(tmp_path), config=OBSERVING) as server:
        end = moved(server)
        for _ in range(3):
            assert lets_go(server.ask(bash("git status")))
        assert server.metric("policyloop_unrecorded_total") == 3
        assert server.get("/readyz")[0] == 503
        end()
        until(lambda: server.get("/readyz")[0] == 200)
        assert lets_go(server.ask(event("Stop")))
        (gap,) = [record for record in server.records() if record["event"] == "AuditGap"]
        assert gap["effects"]["let_go"] == 3
        assert "moved away" in gap["reason"]
        # A PDP that is gone lets go as well, and the record says that nothing was decided.
        for pid in children(server.process.pid, "cerbos"):
            os.kill(pid, signal.SIGSTOP)
        assert lets_go(server.ask(bash("git status")))
        *_, last = (record for record in server.records() if record["event"] == "PreToolUse")
        assert (last["decision"], last["would_be"], bool(last["trouble"])) == ("allow", "deny", True)
        server.stop()
        server.verify()


def test_policies_that_change_are_on_record_and_those_that_do_not_compile_are_refused(tmp_path: Path) -> None:
    with serving(laid(tmp_path), config=CONFIG) as server:
        file = server.project / "tool-policies" / "tools.yaml"
        assert lets_go(server.ask(bash("git status")))
        first = server.records()[-1]["policy"]["version"]
        file.write_text(ALLOWING.replace("EFFECT_ALLOW", "EFFECT_PERHAPS"))
        until(lambda: json.loads(server.get("/readyz")[1])["pdp"]["refused"])
        assert lets_go(server.ask(bash("git status")))
        assert server.metric("policyloop_policies_refused") == 1
        file.write_text(ALLOWING.replace("EFFECT_ALLOW", "EFFECT_DENY"))
        until(lambda: not lets_go(server.ask(bash("git status"))))
        second = server.records()[-1]["policy"]["version"]
        assert len({first, second, ""}) == 3
        server.stop()
        told = [record["event"] for record in server.records() if record["front"] == "serve"]
        assert told == ["ServerStart", "PolicyRefused", "PolicyChanged", "ServerStop"]


def test_undecided_may_be_a_question_and_what_cannot_be_recorded_is_not(tmp_path: Path) -> None:
    config = "serve: {mode: enforce, undecided: ask, seconds: 2, pdp: {policies: tool-policies, seconds: 0.3}}\n"
    with serving(laid(tmp_path), config=config) as server:
        for pid in children(server.process.pid, "cerbos"):
            os.kill(pid, signal.SIGSTOP)
        said = server.ask(bash("git status"))["hookSpecificOutput"]
        assert said["permissionDecision"] == "ask"
        shutil.move(server.project / ".policyloop/audit.db", server.project / "away")
        denied = server.ask(bash("git status"))["hookSpecificOutput"]
        assert denied["permissionDecision"] == "deny"


@pytest.mark.postgres
def test_two_servers_on_one_database_and_an_outage_of_it(tmp_path: Path) -> None:
    with postgres.cluster() as cluster:
        url = cluster.database()
        config = f"serve: {{audit: {{store: '{url}'}}}}\n"
        with serving(tmp_path / "a", config=config) as one, serving(tmp_path / "b", config=config) as other:
            for server in (one, other):
                for number in range(10):
                    assert lets_go(server.ask(bash(f"echo {number}")))
            cluster.stop("immediate")
            assert lets_go(one.ask(bash("git status")))
            assert one.get("/readyz")[0] == 503
            cluster.start()
            until(lambda: one.get("/readyz")[0] == 200)
            for server in (one, other):
                assert lets_go(server.ask(bash("echo again")))
                server.stop()
            done = one.policyloop("audit", "verify", "--store", url)
            assert (done.returncode, done.stdout.count("whole: ")) == (0, 2), done.stdout
            records = one.records("--store", url)
            events = Counter(record["event"] for record in records)
            # The other server notices at its first call that its connection is gone: that is a gap as well.
            let_go = sum(record["effects"]["let_go"] for record in records if record["event"] == "AuditGap")
            assert (events["PreToolUse"] + let_go, events["ServerStart"]) == (23, 2)
            assert 1 <= let_go <= 2
