"""Records and logs for the tests of the audit, in a home of their own."""

import time
from pathlib import Path
from typing import Any

from policyloop.audit.keys import Secrets
from policyloop.audit.log import Log
from policyloop.audit.record import Record, Who, moment
from policyloop.audit.store import Reader, open_reader
from policyloop.audit.verify import Verified, verify


def record(number: int, **more: Any) -> Record:
    """A decision; every seventh is a denial."""
    given = {
        "id": f"call-{number}",
        "time": moment(1_790_000_000 + number),
        "event": "PreToolUse",
        "tool": ("Bash", "Read", "Write")[number % 3],
        "decision": "deny" if number % 7 == 0 else "allow",
        "who": Who(subject=f"person{number % 5}@example.com", roles=("engineer",), verified="token"),
        "session": f"session-{number // 10}",
        "input": {"command": f"git status part{number}", "file_path": f"/srv/app/{number}/.env.production"},
        "effects": {"programs": ["git"], "reads": [f"/srv/app/{number}/.env.production"], "hosts": []},
        "reason": "because of rule x",
    }
    return Record(**{**given, **more})


def secrets_in(folder: Path) -> Secrets:
    """A folder for the key, beside the store."""
    place = folder / "secrets"
    place.mkdir(exist_ok=True)
    return Secrets(place)


def filled(folder: Path, count: int, **settings: Any) -> str:
    """A log with so many records, closed."""
    store = str(folder / "audit.db")
    with Log(store, secrets_in(folder), **settings) as log:
        waited = [log.submit(record(number)) for number in range(log.size, log.size + count)]
        assert [done.result(30) for done in waited]
    return store


def looked_at(store: str, folder: Path, anchors: tuple[str, ...] = (), *, head: bool = False) -> Verified:
    """The log verified, by the key in the folder."""
    from policyloop.audit.keys import kept_head, known_signer

    signer = known_signer(secrets_in(folder))
    kept = kept_head(secrets_in(folder)) if head else None
    with open_reader(store) as reader:
        ((log, key),) = reader.logs()
        notes = [*anchors, *([kept] if kept else [])]
        return verify(reader, log, signer.verifier() if signer else None, notes, key, index=True)


def bodies(reader: Reader) -> list[bytes]:
    ((log, _),) = reader.logs()
    return [body for _, body, _ in reader.entries(log)]


def waited_for(true: Any, seconds: float = 20) -> None:
    """Until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
