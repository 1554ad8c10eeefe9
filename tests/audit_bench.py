"""How fast an audit log is verified and searched: what `bench.py` shows of it."""

import time
from collections.abc import Callable
from pathlib import Path

from policyloop.audit.canonical import canonical
from policyloop.audit.entry import Draft, Entry, Form
from policyloop.audit.grown import Grown
from policyloop.audit.note import Checkpoint, Signer
from policyloop.audit.record import Record, Who, moment
from policyloop.audit.store import Query, Row, open_reader, open_writable
from policyloop.audit.tree import leaf_hash
from policyloop.audit.verify import verify
from policyloop.shape import to_json


def verifying(folder: Path, count: int) -> tuple[tuple[float, ...], float]:
    """Microseconds a record, three times, and the most that it may be: 5 are 200,000 records a second."""
    store, log = filled_log(folder, count)
    with open_reader(store) as reader:
        key = dict(reader.logs())[log]
        took = [seconds(lambda: verify(reader, log, None, key=key)) for _ in range(3)]
    return tuple(each / count * 1_000_000 for each in took), 5


def searching(folder: Path, count: int) -> tuple[tuple[float, ...], float]:
    """Milliseconds for the newest hundred denials of one person, nine times, and the most that it may be."""
    store, _ = filled_log(folder, count)
    asked = Query(who="person17@example.com", decision="deny", limit=100)
    found: list[Entry] = []
    took = []
    for _ in range(9):
        with open_reader(store) as reader:
            took.append(seconds(lambda: found.extend(reader.search(asked))))
    assert len(found) == 9 * 100
    return tuple(each * 1000 for each in took), 50


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def filled_log(folder: Path, count: int) -> tuple[str, str]:
    """A log with so many records, put in without the writer's thread, which would redact each."""
    folder.mkdir()
    signer = Signer("policyloop/bench/1", bytes(32))
    store = open_writable(str(folder / "audit.db"), lambda: (signer.name, signer.verifier().line()))
    grown, form = Grown((), (), 0), Form(signer.name)
    for first in range(0, count, 5_000):
        rows = []
        for seq in range(first, min(first + 5_000, count)):
            made = Record(
                id=f"call-{seq}",
                time=moment(1_790_000_000 + seq),
                event="PreToolUse",
                tool=("Bash", "Read", "Write")[seq % 3],
                decision="deny" if seq % 23 == 0 else "allow",
                who=Who(subject=f"person{seq % 200}@example.com", roles=("engineer",), verified="token"),
                session=f"session-{seq // 100}",
                input={"command": f"git status part{seq}"},
                effects={"programs": ["git"], "reads": [f"/srv/app/{seq % 5000}/config.yaml"], "hosts": []},
                reason="engineers may look",
                rule="look",
            )
            draft = Draft.of(canonical(to_json(made)))
            body = form.entry(draft.record, seq)
            rows.append(Row(seq, draft.time, body, leaf_hash(body), draft.words, draft.places))
        grown, whole = grown.with_leaves([row.leaf for row in rows])
        note = signer.sign(Checkpoint(signer.name, grown.size, grown.root()))
        store.add(rows, whole, (grown.size, note))
    store.close()
    return str(folder / "audit.db"), signer.name
