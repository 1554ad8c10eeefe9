"""`audit prune`: retention by hand, where no server does it."""

import getpass
from pathlib import Path

from policyloop.audit.ages import moment_of
from policyloop.audit.log import Log
from policyloop.audit.store import StoreError


def prune_store(store: str, keep: str, key: Path | None) -> int:
    """Take out what is older than `keep`. Returns how many entries went. Raises `StoreError`, `UsageError`."""
    before = moment_of(keep, "--keep")
    if "://" not in store and not Path(store).is_file():
        raise StoreError("gone", f"There is no audit store {store}.", "Name it with --store.")
    with Log.opened(store, key) as log:
        return log.prune(before, f"kept for {keep}", _by())


def _by() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
