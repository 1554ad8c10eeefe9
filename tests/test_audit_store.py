"""What a store owes to who waits for an entry: it is durable, or there is an error that becomes a denial."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
from audit_logs import bodies, looked_at, record, secrets_in, waited_for
from policyloop.audit.anchors import CommandAnchor, FileAnchor, read_anchors
from policyloop.audit.keys import Secrets
from policyloop.audit.log import Log
from policyloop.audit.of_call import Circumstances, record_of
from policyloop.audit.record import Who, encoded, moment
from policyloop.audit.store import Query, StoreError, open_reader
from policyloop.audit.summary import summed
from policyloop.decide.call import Call, Identity
from policyloop.decide.decision import Decision
from policyloop.decide.effects import Effects
from policyloop.redact import MARK


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Cluster]:
    with postgres.cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "audit.db")
    return str(request.getfixturevalue("server").database())


def opened(store: str, folder: Path, **settings: object) -> Log:
    return Log(store, secrets_in(folder), **settings)  # type: ignore[arg-type]


def test_what_was_acknowledged_is_there_in_its_order(store: str, tmp_path: Path):
    with opened(store, tmp_path) as log:
        assert [log.append(record(number)) for number in range(3)] == [0, 1, 2]
    with opened(store, tmp_path) as log:
        assert log.append(record(3)) == 3
    with open_reader(store) as reader:
        kept = list(reader.search(Query(limit=None, oldest_first=True)))
    assert [entry.seq for entry in kept] == [0, 1, 2, 3]
    assert [entry.record()["id"] for entry in kept] == [f"call-{number}" for number in range(4)]
    verified = looked_at(store, tmp_path, head=True)
    assert verified.bad is None
    assert (verified.entries, verified.unsigned) == (4, 0)


def test_many_at_once_share_commits_and_each_gets_its_number(store: str, tmp_path: Path):
    numbers: list[int] = []
    with opened(store, tmp_path) as log:

        def ask(first: int) -> None:
            for number in range(first, first + 20):
                numbers.append(log.append(record(number), patience=30))

        threads = [threading.Thread(target=ask, args=(start * 100,)) for start in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == list(range(320))
    assert looked_at(store, tmp_path).bad is None


def test_a_checkpoint_comes_after_so_many_records_and_after_a_while(store: str, tmp_path: Path):
    with opened(store, tmp_path, every_records=10, every_seconds=0.2) as log:
        for done in [log.submit(record(number)) for number in range(25)]:
            done.result(20)
        assert log.signed >= 10
        waited_for(lambda: log.signed == 25)


def test_search_by_each_thing_and_by_all(store: str, tmp_path: Path):
    with opened(store, tmp_path) as log:
        for done in [log.submit(record(number)) for number in range(60)]:
            done.result(20)
        log.submit(record(60, reason="The secret tip: Grüße, Ümläut. no_underscore")).result(20)
    with open_reader(store) as reader:

        def ids(**asked: object) -> set[int]:
            found = reader.search(Query(**{"limit": None, **asked}))  # type: ignore[arg-type]
            return {int(entry.record()["id"].removeprefix("call-")) for entry in found}

        assert ids() == set(range(61))
        assert ids(who="person3@example.com") == set(range(3, 61, 5))
        assert ids(tool="Read") == set(range(1, 61, 3))
        assert ids(decision="deny") == set(range(0, 61, 7))
        assert ids(decision="deny", who="person0@example.com", tool="Bash") == {0}
        assert ids(session="session-2") == set(range(20, 30))
        assert ids(since=moment(1_790_000_050), until=moment(1_790_000_055)) == set(range(50, 55))
        assert ids(place="/srv/app/7") == {7}
        assert ids(place="/srv/app") == set(range(61))
        assert ids(place="/srv/ap") == set()
        assert ids(text="part17") == {17}
        assert ids(text="status PART17 git") == {17}
        assert ids(text="/srv/app/9/.env.production") == {9}
        assert ids(text="production.env") == set()
        assert ids(text="grüße ümläut") == {60}
        assert ids(text="ünderscore") == set()
        assert ids(text="underscore") == {60}
        assert ids(text='" OR NOT (*') == set()
        newest = [entry.seq for entry in reader.search(Query(limit=3))]
        assert newest == [60, 59, 58]
        assert [entry.seq for entry in reader.by_id("call-5")] == [5]


def test_append_only(store: str, tmp_path: Path):
    with opened(store, tmp_path) as log:
        log.append(record(1))
    statements = [
        "UPDATE records SET body = '{}'",
        "DELETE FROM records",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
        "DELETE FROM logs",
    ]
    if "://" in store:
        import psycopg

        for statement in [*statements, "TRUNCATE records"]:
            with psycopg.connect(store) as db, pytest.raises(psycopg.Error, match="append-only"):
                db.execute(statement)
    else:
        for statement in [*statements, "INSERT OR REPLACE INTO records (seq, leaf, body) VALUES (0, x'00', '{}')"]:
            with contextlib.closing(sqlite3.connect(store)) as db, pytest.raises(sqlite3.Error, match="append-only"):
                db.execute(statement)
    assert looked_at(store, tmp_path, head=True).bad is None


def test_a_second_writer_of_one_log_is_refused_and_the_first_goes_on(store: str, tmp_path: Path):
    with opened(store, tmp_path) as log:
        with pytest.raises(StoreError, match="Another process writes") as refused:
            opened(store, tmp_path)
        assert refused.value.kind == "locked"
        assert log.append(record(1)) == 0
    with opened(store, tmp_path) as log:
        assert log.append(record(2)) == 1


def test_pruning_in_both(store: str, tmp_path: Path):
    with opened(store, tmp_path) as log:
        for done in [log.submit(record(number)) for number in range(1_100)]:
            done.result(30)
        assert log.prune(moment(1_790_000_000 + 1_024), "enough", "me") == 1_024
        assert log.append(record(1_100)) == 1_101
    verified = looked_at(store, tmp_path, head=True)
    assert verified.bad is None
    assert (verified.pruned, verified.entries) == (1_024, 78)
    with open_reader(store) as reader:
        assert not list(reader.search(Query(place="/srv/app/5")))
        assert not list(reader.search(Query(text="part5")))
        assert [entry.seq for entry in reader.search(Query(text="part1050"))] == [1_050]


def test_a_store_of_another_version_is_refused_with_one_sentence(store: str, tmp_path: Path):
    opened(store, tmp_path).close()
    change = "UPDATE meta SET value = '99' WHERE name = 'schema'"
    if "://" in store:
        import psycopg

        with psycopg.connect(store) as db:
            db.execute(change)
    else:
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as db:
            db.execute(change)
    for opening in (lambda: opened(store, tmp_path), lambda: open_reader(store)):
        with pytest.raises(StoreError, match="schema 99") as refused:
            opening()
        assert refused.value.kind == "version"


def test_the_key_of_another_log_is_refused(tmp_path: Path):
    store = str(tmp_path / "audit.db")
    opened(store, tmp_path).close()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(StoreError, match="belongs to the log"):
        Log(store, Secrets(other))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    store = str(tmp_path / "audit.db")
    opened(store, tmp_path).close()
    key = secrets_in(tmp_path).key
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(mode)
    with pytest.raises(StoreError, match="alone"):
        opened(store, tmp_path)


def denied(log: Log) -> StoreError:
    with pytest.raises(StoreError) as refused:
        log.append(record(9), patience=10)
    return refused.value


def test_a_locked_database_denies_and_comes_back_by_itself(tmp_path: Path):
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path) as log:
        log.append(record(1))
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert denied(log).kind == "locked"
            other.execute("ROLLBACK")
        assert log.append(record(2)) == 1
        assert log.failures == 1
    assert looked_at(store, tmp_path).bad is None


def test_a_full_database_denies_and_comes_back_by_itself(tmp_path: Path):
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path) as log:
        log.append(record(1))
        pages = log._store._db.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
        log._store._db.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]
        kinds = set()
        with contextlib.suppress(StopIteration):
            for _ in range(200):
                try:
                    log.append(record(2))
                except StoreError as error:
                    kinds.add(error.kind)
                    break
        assert kinds == {"full"}
        before = log.size
        log._store._db.execute("PRAGMA max_page_count = 1000000")  # type: ignore[attr-defined]
        assert log.append(record(3)) >= before - 1
    assert looked_at(store, tmp_path).bad is None


def test_a_read_only_store_is_refused(tmp_path: Path):
    store = str(tmp_path / "folder" / "audit.db")
    (tmp_path / "folder").mkdir()
    opened(store, tmp_path).close()
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("PRAGMA query_only = ON")
    with opened(store, tmp_path) as log:
        log._store._db.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]  (root may write everything)
        assert denied(log).kind == "read-only"
        log._store._db.execute("PRAGMA query_only = OFF")  # type: ignore[attr-defined]
        assert log.append(record(1)) == 0


@pytest.mark.parametrize("content", [b"no database at all" * 500, b"SQLite format 3\x00" + bytes(4080)])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes):
    store = tmp_path / "audit.db"
    store.write_bytes(content)
    for opening in (lambda: opened(str(store), tmp_path), lambda: open_reader(str(store))):
        with pytest.raises(StoreError) as refused:
            opening()
        assert refused.value.kind in {"corrupt", "version"}
    assert store.read_bytes() == content


def test_another_database_is_refused(tmp_path: Path):
    store = tmp_path / "audit.db"
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="no audit store"):
        opened(str(store), tmp_path)


@pytest.mark.parametrize("page", [1, 3, 8, 12])
def test_a_database_of_which_a_page_is_destroyed_denies_or_verify_tells(tmp_path: Path, page: int):
    store = tmp_path / "audit.db"
    with opened(str(store), tmp_path) as log:
        for done in [log.submit(record(number)) for number in range(100)]:
            done.result(20)
    with store.open("r+b") as file:
        file.seek(page * 4096)
        file.write(os.urandom(4096))
    kinds = set()
    try:
        with opened(str(store), tmp_path) as log:
            log.append(record(100))
    except StoreError as error:
        kinds.add(error.kind)
    try:
        told = looked_at(str(store), tmp_path, head=True).bad is not None
    except StoreError as error:
        kinds.add(error.kind)
        told = True
    assert told
    assert kinds <= {"corrupt", "refused"}


def test_more_than_can_wait_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("policyloop.audit.log.MOST_WAITING", 5)
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path) as log:
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = []
            with pytest.raises(StoreError, match="wait for the audit store already"):
                waiting += [log.submit(record(number)) for number in range(50)]
            other.execute("ROLLBACK")
        waited_for(log._waiting.empty)
        assert log.append(record(1), patience=30) >= 0


def test_who_has_no_patience_is_told_and_what_did_not_begin_is_not_recorded(tmp_path: Path):
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path) as log:
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = log.submit(record(1))
            waited_for(first.running)
            with pytest.raises(StoreError, match="durable within") as refused:
                log.append(record(2), patience=0.05)
            assert refused.value.kind == "busy"
            other.execute("ROLLBACK")
        assert log.append(record(3), patience=30) >= 0
    with open_reader(store) as reader:
        assert all(b'"call-2"' not in body for body in bodies(reader))


def test_a_closed_log_refuses(tmp_path: Path):
    log = opened(str(tmp_path / "audit.db"), tmp_path)
    log.close()
    log.close()
    assert denied(log).kind == "closed"


def test_anchors_are_told_and_one_that_fails_holds_nobody_up(tmp_path: Path):
    anchors = [
        FileAnchor(tmp_path / "nowhere" / "anchor"),
        CommandAnchor(["false"]),
        CommandAnchor(["tee", str(tmp_path / "said")]),
        FileAnchor(tmp_path / "anchor"),
    ]
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path, anchors=anchors) as log:
        log.append(record(1))
    assert log.anchor_failures == 2
    (note,) = read_anchors(tmp_path / "anchor")
    assert (tmp_path / "said").read_text() == note
    assert read_anchors(tmp_path / "said") == [note]
    verified = looked_at(store, tmp_path, (note,))
    assert (verified.bad, verified.anchors) == (None, 1)
    with (tmp_path / "anchor").open("a") as file:
        file.write('{"check')  # a machine that fell over
    assert read_anchors(tmp_path / "anchor") == [note]


HOSTILE = {
    "content": "x" * 50,
    "command": "export API_TOKEN=" + "ghp_" + "a1B2" * 9,
    "password": "correct-horse-battery",
    "half": "\ud800",
    "path": "/tmp/\ud83d",
    "number": 10**30,
    "not": float("nan"),
    "\udfff": {"deep": [1, None, True]},
    "description": "y" * 200_000,
}


def test_whatever_a_client_sends_is_recorded_without_secrets_and_without_content(store: str, tmp_path: Path):
    deep: object = "end"
    for _ in range(400):
        deep = [deep]
    with opened(store, tmp_path) as log:
        log.append(record(0, input=HOSTILE, tool="mcp__x\ud800__y", who=Who(subject="a\x00b")))
        log.append(record(1, input={"command": deep}))
        log.append(record(2, input={"content": "the text", "password": "hunter2-hunter2"}), keep_content=True)
    with open_reader(store) as reader:
        first, second, third = (entry.record() for entry in reader.search(Query(oldest_first=True)))
    assert first["input"]["content"] == {"characters": 50}
    assert "ghp_" not in str(first)
    assert MARK in first["input"]["command"]
    assert "horse" not in str(first)
    assert first["input"]["path"] == "/tmp/\\ud83d"
    assert first["input"]["number"] == str(10**30)
    assert len(first["input"]["description"]) < 100_100
    assert first["who"]["subject"] == "a\\u0000b"
    assert "nested deeper" in str(second["input"])
    assert third["input"] == {"content": "the text", "password": MARK}
    assert looked_at(store, tmp_path).bad is None


def test_a_record_has_one_form():
    assert encoded(record(1)) == encoded(record(1))
    assert encoded(record(1)).startswith(b'{"agent":{"kind":"","version":""},"call":"","cwd":"","decision":"allow",')


@pytest.mark.postgres
def test_two_nodes_write_one_database(server: postgres.Cluster, tmp_path: Path):
    store = server.database()
    places = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        places.append(tmp_path / name)
    with opened(store, places[0]) as one, opened(store, places[1]) as other:
        for done in [log.submit(record(number)) for number in range(40) for log in (one, other)]:
            done.result(20)
    with open_reader(store) as reader:
        assert len(reader.logs()) == 2
        assert len(list(reader.search(Query(limit=None)))) == 80
        assert len(list(reader.search(Query(limit=None, decision="deny", who="person0@example.com")))) == 4
    from policyloop.audit.checking import checked_logs

    assert [verified.bad for verified, _ in checked_logs(store, None, [])] == [None, None]


@pytest.mark.postgres
def test_records_lie_by_month_whatever_the_clock_says(server: postgres.Cluster, tmp_path: Path):
    store = server.database()
    times = [0.0, 1_790_000_000.0, -60_000_000_000.0, 250_000_000_000.0, 1e20, 1_790_000_001.0]
    with opened(store, tmp_path) as log:
        for number, at in enumerate(times):
            assert log.append(record(number, time=moment(at)), patience=20) == number
    assert looked_at(store, tmp_path, head=True).bad is None
    with open_reader(store) as reader:
        assert len(list(reader.search(Query(limit=None)))) == len(times)


@pytest.mark.postgres
def test_a_server_that_goes_denies_and_comes_back_by_itself(tmp_path: Path):
    with postgres.cluster() as server:
        store = server.database()
        with opened(store, tmp_path) as log:
            log.append(record(1))
            server.stop("immediate")
            assert denied(log).kind == "gone"
            server.start()
            end = time.monotonic() + 30
            while True:
                try:
                    log.append(record(2), patience=20)
                    break
                except StoreError:
                    assert time.monotonic() < end
                    time.sleep(0.2)
        assert looked_at(store, tmp_path, head=True).bad is None


def test_a_call_and_what_was_decided_become_a_record(tmp_path: Path):
    call = Call(
        event="PreToolUse",
        tool="Bash",
        input={"command": "cat .env"},
        id="toolu_1",
        session="s",
        cwd="/srv/app",
        identity=Identity(subject="alex", roles=("engineer",), verified="token", reported={"team": "x"}),
        received=1_790_000_000.25,
    )
    decided = Decision(effect="deny", reason="no secrets", rule="secrets", pdp_call="01ABC")
    made = record_of(
        call, Effects(reads=("/srv/app/.env",), does=("secret-read",)), decided, Circumstances(mode="observe")
    )
    store = str(tmp_path / "audit.db")
    with opened(store, tmp_path) as log:
        log.append(made)
    with open_reader(store) as reader:
        (entry,) = reader.search(Query(place="/srv/app"))
    kept = entry.record()
    assert (kept["call"], kept["would_be"], kept["time"]) == ("toolu_1", "deny", "2026-09-21T14:13:20.250000Z")
    assert kept["who"] == {"subject": "alex", "roles": ["engineer"], "verified": "token"}
    assert kept["effects"]["does"] == ["secret-read"]
    summary = summed([entry])
    assert (summary.unenforced, summary.secrets.allow, summary.people["alex"].calls) == (1, 1, 1)
