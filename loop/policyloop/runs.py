"""Where runs are kept and what they are called: `<state>/runs/<run id>/`.

A run id is `YYYYMMDD-HHMMSS-xxxx`: the time in UTC, and its fraction of a second in four hexadecimal digits (units of
15 microseconds). So ids sort by time, also of two runs within one second.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from policyloop.errors import Unavailable, UsageError
from policyloop.next_command import Next, policyloop

LEDGER = "ledger.jsonl"
"""The name of a run's ledger in the run's folder."""

_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}\Z")


def new_run_id(now: datetime | None = None) -> str:
    """A new run id. `Ledger.create` refuses one that is taken."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond * 0x10000 // 1_000_000:04x}"


def run_directory(state: Path, run_id: str) -> Path:
    """The folder of one run. It need not exist yet."""
    return state / "runs" / run_id


def list_runs(state: Path) -> tuple[str, ...]:
    """The ids of all runs that have a ledger, oldest first. Raises `Unavailable` when they cannot be listed."""
    try:
        names = sorted(entry.name for entry in (state / "runs").iterdir() if _RUN_ID.match(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise Unavailable(f"The runs in {state} cannot be listed: {error.strerror}.") from None
    return tuple(name for name in names if (run_directory(state, name) / LEDGER).is_file())


def latest_run(state: Path) -> Path:
    """The ledger of the latest run. Raises `UsageError` when there is none."""
    runs = list_runs(state)
    if not runs:
        raise UsageError(
            f"There are no runs in {state}.",
            "Start one, or give --state. Sessions are kept in ~/.local/state/policyloop.",
            [Next(policyloop("run"), "to have what is there repaired")],
        )
    return run_directory(state, runs[-1]) / LEDGER


def find_run(state: Path, prefix: str) -> Path:
    """The ledger of the one run whose id begins with `prefix`. Raises `UsageError` when it is none or several."""
    found = [run for run in list_runs(state) if run.startswith(prefix)] if prefix else []
    if len(found) == 1:
        return run_directory(state, found[0]) / LEDGER
    if not found:
        raise UsageError(
            f"There is no run {prefix!r} in {state}.",
            "",
            [Next(policyloop("show", state=state), "to see the latest one")],
        )
    shown = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
    raise UsageError(f"{prefix!r} is the beginning of {len(found)} runs: {shown}.", "Give more of the id.")
