"""Where entries are kept: SQLite by a path, PostgreSQL by a URL. Both have the same tables and pass the same tests."""

from policyloop.audit.store.kinds import Kind, Query, Reader, Row, Segment, StoreError, Tail, Writable
from policyloop.audit.store.opened import open_reader, open_writable

__all__ = [
    "Kind",
    "Query",
    "Reader",
    "Row",
    "Segment",
    "StoreError",
    "Tail",
    "Writable",
    "open_reader",
    "open_writable",
]
