"""The append-only, hash-chained record of a run, and where the records of all runs lie."""

from policyloop.ledger.chain import CLOSED, Chain, Record, read
from policyloop.ledger.writer import Ledger
from policyloop.runs import find_run, latest_run, list_runs, new_run_id, run_directory

__all__ = [
    "CLOSED",
    "Chain",
    "Ledger",
    "Record",
    "find_run",
    "latest_run",
    "list_runs",
    "new_run_id",
    "read",
    "run_directory",
]
