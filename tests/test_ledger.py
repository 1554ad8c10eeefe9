"""A ledger says which record is not as it was written, and how; a crash or a full disk never spoils it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.ledger import Ledger, find_run, latest_run, list_runs, new_run_id, read, run_directory
from policyloop.ledger.chain import Record
from policyloop.redact import MARK


def written(directory: Path, count: int = 5, *, finish: bool = False) -> Path:
    with Ledger.create(directory) as ledger:
        for number in range(1, count + 1):
            ledger.append("note", {"number": number})
        if finish:
            ledger.finish()
    return ledger.path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "run", finish=True)
    chain = read(path)
    assert chain.broken is None
    assert chain.closed
    assert [r.seq for r in chain.records] == [1, 2, 3, 4, 5, 6]
    assert [r.kind for r in chain.records] == ["note"] * 5 + ["closed"]
    assert chain.records[-1].data == {"records": 6}
    assert chain.records[0].prev == "0" * 64
    assert all(a.hash == b.prev for a, b in zip(chain.records, chain.records[1:], strict=False))
    assert path.stat().st_mode & 0o777 == 0o600
    line = json.loads(path.read_text().splitlines()[0])
    assert set(line) == {"seq", "time", "kind", "data", "prev", "hash"}
    assert datetime.fromisoformat(line["time"]).tzinfo == UTC


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.dictionaries(st.text(), json_like, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_json_comes_back(tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]) -> None:
    with Ledger.create(tmp_path_factory.mktemp("run")) as ledger:
        record = ledger.append("note", data)
    chain = read(ledger.path)
    assert chain.broken is None
    assert chain.records == (record,)


def test_a_lone_surrogate_and_a_line_separator_come_back(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        ledger.append("note", {"text": "\udc80\u2028\x85\n\r"})
    assert read(ledger.path).records[0].data == {"text": "\udc80\u2028\x85\n\r"}


def _lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(line + "\n" for line in change(path.read_text().splitlines())))


def _resealed(line: str) -> str:
    record = json.loads(line.replace('"number":5', '"number":55').replace('"number":3', '"number":33'))
    return Record(**record).sealed().line().decode()


TAMPERINGS: dict[str, tuple[Callable[[list[str]], list[str]], str, int]] = {
    "edited": (lambda ls: [*ls[:2], ls[2].replace('"number":3', '"number":4'), *ls[3:]], "record 3 was edited", 2),
    "spaced": (lambda ls: [*ls[:2], ls[2].replace(":", ": ", 1), *ls[3:]], "record 3 was edited", 2),
    "a key twice": (lambda ls: [*ls[:2], '{"kind":"x",' + ls[2][1:], *ls[3:]], "record 3 was edited", 2),
    "no record": (lambda ls: [*ls[:2], "[]", *ls[3:]], "record 3 was edited", 2),
    "empty line": (lambda ls: [*ls[:2], "", *ls[2:]], "record 3 was edited", 2),
    "missing": (lambda ls: [*ls[:2], *ls[3:]], "record 3 is missing", 2),
    "two missing": (lambda ls: [*ls[:1], *ls[3:]], "records 2 to 3 are missing", 1),
    "first missing": (lambda ls: ls[1:], "record 1 is missing", 0),
    "swapped": (lambda ls: [ls[0], ls[2], ls[1], *ls[3:]], "record 2 was moved", 1),
    "twice": (lambda ls: [*ls[:2], ls[1], *ls[2:]], "record 3 was moved or put in", 2),
    "edited and hashed": (lambda ls: [*ls[:2], _resealed(ls[2]), *ls[3:]], "record 3 was replaced", 3),
    "the last edited and hashed": (lambda ls: [*ls[:4], _resealed(ls[4])], "record 5 was replaced", 5),
    "end cut off": (lambda ls: ls[:3], "the end is missing: record 4 to 5", 3),
    "last cut off": (lambda ls: ls[:4], "the end is missing: record 5", 4),
    "all cut off": (lambda ls: [], "the end is missing: record 1 to 5", 0),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_named(tmp_path: Path, how: str) -> None:
    change, told, whole = TAMPERINGS[how]
    path = written(tmp_path)
    _lines(path, change)
    chain = read(path)
    assert chain.broken is not None
    assert chain.broken.startswith(told)
    assert len(chain.records) == whole
    assert not chain.closed
    with pytest.raises(PersonNeeded, match="not whole"):
        Ledger.reopen(path)


def test_no_single_byte_can_be_changed_unseen(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert read(path).broken, at


def test_every_cut_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert read(path).broken, size


def test_a_torn_last_line_is_set_aside_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    with path.open("ab") as file:
        file.write(b'{"data":{"half')
    chain = read(path)
    assert chain.broken == "record 3 is torn: the last line, 14 bytes, was never finished"
    assert chain.torn == 14
    with Ledger.reopen(path) as ledger:
        ledger.append("note", {"number": 4})
    chain = read(path)
    assert chain.broken is None
    assert [r.kind for r in chain.records] == ["note", "note", "torn", "note"]
    assert chain.records[2].data["bytes"] == 14
    assert (tmp_path / "ledger.jsonl.torn").read_bytes() == b'{"data":{"half\n'


def test_an_interrupted_run_goes_on_and_a_finished_one_does_not(tmp_path: Path) -> None:
    path = written(tmp_path / "a", 2)
    with Ledger.reopen(path) as ledger:
        ledger.append("note", {})
    assert [r.seq for r in read(path).records] == [1, 2, 3]
    with pytest.raises(UsageError, match="came to its end"):
        Ledger.reopen(written(tmp_path / "b", finish=True))


def test_the_head_may_lag_by_one_record(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        ledger.append("note", {})
        head = (tmp_path / "ledger.jsonl.head").read_bytes()
        ledger.append("note", {})
    (tmp_path / "ledger.jsonl.head").write_bytes(head)
    assert read(ledger.path).broken is None


@pytest.mark.parametrize("left", [None, b"", b"x y", b"-1 " + b"0" * 64, b"9" * 5000 + b" x", b"\xff\xff"])
@pytest.mark.parametrize("kept", [1, 3, 5])
def test_records_without_a_head_are_not_whole(tmp_path: Path, left: bytes | None, kept: int) -> None:
    path = written(tmp_path)
    _lines(path, lambda lines: lines[:kept])
    head = path.with_name(path.name + ".head")
    head.unlink() if left is None else head.write_bytes(left)
    assert "head is missing or unreadable" in str(read(path).broken)
    with pytest.raises(PersonNeeded, match="not whole"):
        Ledger.reopen(path)


def test_a_ledger_has_a_head_before_its_first_record(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        assert ledger.path.with_name("ledger.jsonl.head").read_text().split() == ["0" * 12, "0" * 64]
        assert read(ledger.path).broken is None


def test_secrets_do_not_reach_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "correct horse battery")
    with Ledger.create(tmp_path) as ledger:
        record = ledger.append("note", {"correct horse battery": ["Bearer correct horse battery", "sk-ant-0123456789"]})
    assert record.data == {MARK: [f"Bearer {MARK}", MARK]}
    assert b"horse" not in ledger.path.read_bytes()


def test_what_is_not_json_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        for data in ({"x": object()}, {1: 2}, {"x": float("inf")}, {"x": b""}):
            with pytest.raises(ValueError, match=r"JSON|text"):
                ledger.append("note", data)  # type: ignore[arg-type]
        ledger.append("note", {})
    assert len(read(ledger.path).records) == 1


def test_there_is_one_writer(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        with pytest.raises(Unavailable, match="there already"):
            Ledger.create(tmp_path)
        with pytest.raises(Unavailable, match="another process"):
            Ledger.reopen(ledger.path)
        ledger.append("note", {})
    Ledger.reopen(ledger.path).close()


FULL = """
import resource, signal, sys
from pathlib import Path
from policyloop.errors import Unavailable
from policyloop.ledger import Ledger

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Ledger.create(Path(sys.argv[1])) as ledger:
    ledger.append("note", {"text": "x" * 1000})
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    try:
        ledger.append("note", {"text": "x" * 5000})
    except Unavailable as error:
        print(error)
    ledger.append("note", {"text": "short"})
"""


def test_a_write_that_fails_half_way_is_taken_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == (
        f"{tmp_path / 'ledger.jsonl'} cannot be written: File too large. Free some space, or give another --state."
    )
    chain = read(tmp_path / "ledger.jsonl")
    assert chain.broken is None
    assert [len(r.data["text"]) for r in chain.records] == [1000, 5]


KILLED = """
import os, signal, sys
from pathlib import Path
from policyloop.ledger import Ledger

left = int(sys.argv[2])

def watch(frame, event, arg):
    global left
    if event in ("c_call", "c_return") and getattr(arg, "__module__", "") == "posix":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

ledger = Ledger.create(Path(sys.argv[1]))
sys.setprofile(watch)
for number in range(3):
    ledger.append("note", {"number": number})
sys.setprofile(None)
"""


@pytest.mark.sweep
def test_killed_anywhere_it_goes_on(tmp_path: Path) -> None:
    kept = []
    for point in range(1, 60):
        directory = tmp_path / str(point)
        done = subprocess.run([sys.executable, "-c", KILLED, str(directory), str(point)], check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        path = directory / "ledger.jsonl"
        kept.append(len(read(path).records))
        with Ledger.reopen(path) as ledger:
            ledger.append("note", {"number": "again"})
        assert read(path).broken is None
    else:
        pytest.fail("it was killed at every point and never came to its end")
    assert kept == sorted(kept)
    assert set(kept) == {0, 1, 2, 3}


def test_after_an_interrupt_in_the_middle_the_next_record_follows(tmp_path: Path) -> None:
    """Control-C between the write and its acknowledgement must not make one number stand twice."""

    def interrupt(frame: object, event: str, arg: object) -> None:
        if event == "c_return" and getattr(arg, "__name__", "") == "fsync":
            sys.setprofile(None)
            raise KeyboardInterrupt

    with Ledger.create(tmp_path) as ledger:
        ledger.append("note", {"number": 1})
        sys.setprofile(interrupt)
        with pytest.raises(KeyboardInterrupt):
            ledger.append("note", {"number": 2})
        ledger.append("note", {"number": 3})
    chain = read(ledger.path)
    assert chain.broken is None
    assert [r.data["number"] for r in chain.records] == [1, 3]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"cannot be written: .*--state"):
        Ledger.create(tmp_path / "file" / "run")
    with pytest.raises(UsageError, match="no ledger"):
        read(tmp_path / "ledger.jsonl")


def test_run_ids_sort_by_time() -> None:
    earlier, later = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert new_run_id(earlier).startswith("20260102-030405-")
    assert new_run_id(earlier) < new_run_id(later)
    # The latest run is the latest also where both began within one second.
    moments = [earlier.replace(microsecond=micro) for micro in range(0, 1_000_000, 9_973)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(set(ids))


def test_runs_are_listed_and_found(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == ()
    with pytest.raises(UsageError, match="no runs"):
        latest_run(tmp_path)
    ids = ["20260101-000000-aaaa", "20260101-000000-bbbb", "20260102-000000-cccc"]
    paths = [written(run_directory(tmp_path, i), 1) for i in ids]
    (tmp_path / "runs" / "20270101-000000-dddd").mkdir()
    (tmp_path / "runs" / "notes").mkdir()
    assert list_runs(tmp_path) == tuple(ids)
    assert latest_run(tmp_path) == paths[2]
    assert find_run(tmp_path, "20260102") == paths[2]
    assert find_run(tmp_path, ids[0]) == paths[0]
    for wrong in ("2025", "", "../x", "note"):
        with pytest.raises(UsageError, match="no run"):
            find_run(tmp_path, wrong)
    with pytest.raises(UsageError, match="2 runs: 20260101-000000-aaaa, 20260101-000000-bbbb"):
        find_run(tmp_path, "20260101")
