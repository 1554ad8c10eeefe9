"""A store by its name: a path, or the URL of a PostgreSQL database."""

from collections.abc import Callable
from pathlib import Path

from policyloop.audit.store.kinds import Reader, Writable
from policyloop.audit.store.sqlite import SqliteLog
from policyloop.audit.store.sqlite_reader import SqliteReader

_URLS = ("postgresql://", "postgres://")


def is_url(store: str) -> bool:
    """Whether a store is a database server's."""
    return store.startswith(_URLS)


def open_reader(store: str) -> Reader:
    """The store to look at. Raises `StoreError`."""
    if is_url(store):
        from policyloop.audit.store.postgres_reader import PostgresReader

        return PostgresReader(store)
    return SqliteReader(Path(store))


def open_writable(store: str, begun: Callable[[], tuple[str, str]]) -> Writable:
    """The log to write. `begun` makes origin and public key of one that begins. Raises `StoreError`."""
    if is_url(store):
        from policyloop.audit.store.postgres import PostgresLog

        return PostgresLog(store, begun)
    return SqliteLog(Path(store), begun)
