"""What somebody may do to a log that lies there, and what `verify` says of it."""

import contextlib
import shutil
import sqlite3
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_logs import bodies, filled, looked_at, record, secrets_in
from policyloop.audit.anchors import FileAnchor, read_anchors
from policyloop.audit.entry import Draft, Form
from policyloop.audit.keys import kept_head
from policyloop.audit.log import Log
from policyloop.audit.record import encoded, moment
from policyloop.audit.store import Query, StoreError, open_reader
from policyloop.audit.tree import leaf_hash

COUNT = 2_500
"""More than two segments, with checkpoints between."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that nobody touches: `copied` gives one to whoever does."""
    folder = tmp_path_factory.mktemp("log")
    anchor = FileAnchor(folder / "anchor.jsonl")
    filled(folder, COUNT, every_records=400, anchors=[anchor])
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def attacked(folder: Path, *statements: str, **functions: Callable[..., object]) -> None:
    """What who has the file can do: every trigger goes first."""
    db = sqlite3.connect(folder / "audit.db", isolation_level=None)
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, function in functions.items():
        db.create_function(name, -1, function)
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    try:
        for statement in statements:
            db.execute(statement)
    finally:
        for _, sql in triggers:
            db.execute(sql)
        db.close()


def found(folder: Path, anchors: tuple[str, ...] = (), *, head: bool = False):
    return looked_at(str(folder / "audit.db"), folder, anchors, head=head)


def test_a_log_that_nobody_touched_is_whole(copied: Path):
    anchors = read_anchors(copied / "anchor.jsonl")
    verified = found(copied, tuple(anchors), head=True)
    assert verified.bad is None
    assert (verified.entries, verified.unsigned, verified.pruned) == (COUNT, 0, 0)
    assert verified.checkpoints >= COUNT // 656
    assert verified.anchors == len(anchors) + 1 >= 2


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seq=st.integers(0, COUNT - 1), data=st.data())
def test_one_byte_changed_is_named(copied: Path, seq: int, data):
    db = sqlite3.connect(copied / "audit.db")
    (body,) = db.execute("SELECT body FROM records WHERE seq = ?", (seq,)).fetchone()
    db.close()
    at = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.sampled_from([sign for sign in 'aZ0 "{,' if sign != body[at]]))
    changed = (body[:at] + other + body[at + 1 :]).replace("'", "''")
    try:
        # Index and all, as SQLite itself would change it; a body that is no JSON it refuses to index.
        attacked(copied, f"UPDATE records SET body = '{changed}' WHERE seq = {seq}")
    except sqlite3.OperationalError:
        return
    try:
        bad = found(copied).bad
        assert bad is not None
        assert (bad.first, bad.last) == (seq, seq)
    finally:
        attacked(copied, "UPDATE records SET body = '{}' WHERE seq = {}".format(body.replace("'", "''"), seq))


def test_one_byte_changed_with_its_hash_is_told_by_the_next_checkpoint(copied: Path):
    attacked(
        copied,
        "UPDATE records SET body = replace(body, 'rule x', 'rule y') WHERE seq = 700",
        "UPDATE records SET leaf = leaf(body) WHERE seq = 700",
        leaf=lambda body: leaf_hash(body.encode()),
    )
    bad = found(copied).bad
    assert bad is not None
    assert "signed for other ones" in bad.what
    assert bad.first <= 700 <= bad.last


@pytest.mark.parametrize("seq", [0, 1, 1023, 1024, COUNT - 1])
def test_one_record_removed_is_named(copied: Path, seq: int):
    attacked(copied, f"DELETE FROM records WHERE seq = {seq}")
    bad = found(copied).bad
    assert bad is not None
    assert bad.first == seq
    assert "missing" in bad.what or "cut off" in bad.what


def test_one_record_removed_and_the_rest_moved_up_is_named(copied: Path):
    attacked(
        copied,
        "DELETE FROM records WHERE seq = 900",
        "UPDATE records SET seq = seq - 1000000 WHERE seq > 900",
        "UPDATE records SET seq = seq + 999999 WHERE seq < 0",
    )
    bad = found(copied).bad
    assert bad is not None
    assert (bad.first, bad.last) == (900, 900)
    assert "it says that it is entry 901" in bad.what


def test_two_records_swapped_are_named(copied: Path):
    attacked(
        copied,
        "UPDATE records SET seq = -1 WHERE seq = 1100",
        "UPDATE records SET seq = 1100 WHERE seq = 1500",
        "UPDATE records SET seq = 1500 WHERE seq = -1",
    )
    bad = found(copied).bad
    assert bad is not None
    assert (bad.first, bad.last) == (1100, 1100)
    assert "it says that it is entry 1500" in bad.what


def test_the_tail_cut_is_told_by_the_last_checkpoint(copied: Path):
    attacked(copied, "DELETE FROM records WHERE seq >= 2300")
    bad = found(copied).bad
    assert bad is not None
    assert "cut off" in bad.what
    assert bad.first == 2300


def test_the_tail_cut_with_its_checkpoints_is_told_by_an_anchor_and_by_this_machine(copied: Path):
    attacked(
        copied,
        "DELETE FROM records WHERE seq >= (SELECT max(size) FROM checkpoints WHERE size < 2300)",
        "DELETE FROM segments WHERE first + 1024 > (SELECT max(size) FROM checkpoints WHERE size < 2300)",
        "DELETE FROM checkpoints WHERE size >= 2300",
    )
    assert found(copied).bad is None  # nothing that is left says otherwise
    for bad in (found(copied, tuple(read_anchors(copied / "anchor.jsonl"))).bad, found(copied, head=True).bad):
        assert bad is not None
        assert "cut off" in bad.what
    with pytest.raises(StoreError, match="that were signed for are gone"):
        Log(str(copied / "audit.db"), secrets_in(copied))


def test_a_whole_log_replaced_is_told_by_an_anchor(copied: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    filled(other, 50)
    anchors = tuple(read_anchors(copied / "anchor.jsonl"))
    shutil.copy(other / "audit.db", copied / "audit.db")
    bad = found(copied, anchors).bad  # by this machine's key
    assert bad is not None
    shutil.copytree(other / "secrets", copied / "secrets", dirs_exist_ok=True)  # ... which was replaced, too
    assert found(copied).bad is None
    bad = found(copied, anchors).bad
    assert bad is not None
    assert "not of this log" in bad.what


def test_a_log_made_anew_with_the_same_key_is_told_by_an_anchor(copied: Path, tmp_path: Path):
    anchors = tuple(read_anchors(copied / "anchor.jsonl"))
    (copied / "audit.db").unlink()
    (copied / "secrets" / "head").unlink()
    with Log(str(copied / "audit.db"), secrets_in(copied)) as log:
        for number in range(COUNT):
            log.submit(record(number + 1))
    assert found(copied).bad is None
    bad = found(copied, anchors).bad
    assert bad is not None
    assert "anchored checkpoint" in bad.what


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER records_update",
        "CREATE TABLE more (x)",
        "DROP INDEX records_denied",
        "UPDATE logs SET origin = 'other'",
        "UPDATE checkpoints SET note = replace(note, 'A', 'B')",
        "DELETE FROM segments",
    ],
)
def test_a_table_that_was_changed_is_told_or_of_no_effect(copied: Path, statement: str):
    db = sqlite3.connect(copied / "audit.db", isolation_level=None)
    if statement.startswith(("UPDATE", "DELETE")):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
        return
    db.execute(statement)
    db.close()
    bad = found(copied).bad
    assert bad is not None
    assert "not as it was made" in bad.what


def test_an_index_that_hides_denials_is_told_with_index(copied: Path):
    """Its definition is changed, it is made anew, and its definition put back: no table looks changed afterwards."""
    for old, new in (("deny", "nobody"), ("nobody", "deny")):
        with contextlib.closing(sqlite3.connect(copied / "audit.db", isolation_level=None)) as db:
            db.execute("PRAGMA writable_schema = ON")
            where = "WHERE name = 'records_denied'"
            db.execute(f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') {where}")
        if new == "nobody":
            with contextlib.closing(sqlite3.connect(copied / "audit.db", isolation_level=None)) as db:
                db.execute("REINDEX records_denied")
    with open_reader(str(copied / "audit.db")) as reader:
        assert not list(reader.search(Query(decision="deny", who="person0@example.com")))
        assert not reader.faults(index=False)
    bad = found(copied).bad
    assert bad is not None
    assert "records_denied" in bad.what


def test_what_is_pruned_leaves_its_hashes_and_a_record(tmp_path: Path):
    store = filled(tmp_path, COUNT)
    with open_reader(store) as reader:
        before = bodies(reader)
    with Log(store, secrets_in(tmp_path)) as log:
        assert log.prune(moment(1_790_000_000 + 1_023), "kept for a day", "me") == 0
        assert log.prune(moment(1_790_000_000 + 1_024), "kept for a day", "me") == 1024
    verified = found(tmp_path, head=True)
    assert verified.bad is None
    assert (verified.pruned, verified.entries) == (1024, COUNT + 1 - 1024)
    with open_reader(store) as reader:
        assert bodies(reader)[: COUNT - 1024] == before[1024:]
        assert reader.faults(index=True) == []
        ((log_name, _),) = reader.logs()
        assert reader.leaves(log_name, 1000, 1030) == [sha256(b"\x00" + body).digest() for body in before[1000:1030]]


def test_who_prunes_without_a_record_is_told(copied: Path):
    attacked(
        copied,
        "INSERT INTO pruned SELECT 0, joined(group_concat(hex(leaf), '')) FROM records WHERE seq < 1024",
        "DELETE FROM records WHERE seq < 1024",
        joined=bytes.fromhex,
    )
    bad = found(copied).bad
    assert bad is not None
    assert "no record says that they were pruned" in bad.what
    assert bad.first == 0


def test_a_record_of_pruning_that_nobody_signed_for_is_none(copied: Path):
    with open_reader(str(copied / "audit.db")) as reader:
        ((log, _),) = reader.logs()
    segments = {"before": "2026", "segments": [0]}
    said = Draft.of(encoded(record(COUNT, event="AuditPrune", front="audit", effects=segments)))
    body = Form(log).entry(said.record, COUNT)
    attacked(
        copied,
        "INSERT INTO pruned SELECT 0, joined(group_concat(hex(leaf), '')) FROM records WHERE seq < 1024",
        "DELETE FROM records WHERE seq < 1024",
        f"INSERT INTO records (seq, leaf, body) SELECT {COUNT}, made(0), written(0)",
        joined=bytes.fromhex,
        made=lambda _: leaf_hash(body),
        written=lambda _: body.decode(),
    )
    bad = found(copied).bad
    assert bad is not None
    assert "no record says that they were pruned" in bad.what


def test_a_log_of_which_all_checkpoints_are_gone_is_not_called_whole(copied: Path):
    attacked(copied, "DELETE FROM checkpoints", "UPDATE records SET leaf = leaf")
    bad = found(copied).bad
    assert bad is not None
    assert "nobody has signed" in bad.what


def test_memory_stays_flat(made: Path, tmp_path: Path):
    filled(tmp_path, 100)
    peaks = []
    for folder in (tmp_path, made):
        tracemalloc.start()
        assert found(folder).bad is None
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 25 times as many entries.
    assert peaks[1] < peaks[0] + 100_000


def test_the_head_of_this_machine_is_the_last_checkpoint(copied: Path):
    head = kept_head(secrets_in(copied))
    assert head is not None
    assert head.split("\n")[1] == str(COUNT)
