"""The tables of a store in SQLite. What a record is found by is generated from its body, so it cannot say otherwise."""

TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE logs (origin TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        leaf BLOB NOT NULL,
        body TEXT NOT NULL,
        id TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.id')) VIRTUAL,
        time TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.time')) VIRTUAL,
        who TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.who.subject')) VIRTUAL,
        tool TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.tool')) VIRTUAL,
        decision TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.decision')) VIRTUAL,
        session TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.session')) VIRTUAL,
        event TEXT GENERATED ALWAYS AS (json_extract(body, '$.record.event')) VIRTUAL
    )""",
    "CREATE INDEX records_id ON records (id)",
    "CREATE INDEX records_time ON records (time)",
    "CREATE INDEX records_who ON records (who, tool, decision, time)",
    "CREATE INDEX records_session ON records (session, time)",
    "CREATE INDEX records_denied ON records (who, time) WHERE decision = 'deny'",
    "CREATE TABLE places (place TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (place, seq)) WITHOUT ROWID",
    "CREATE TABLE segments (first INTEGER PRIMARY KEY, node BLOB NOT NULL)",
    "CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL)",
    "CREATE TABLE pruned (first INTEGER PRIMARY KEY, leaves BLOB NOT NULL)",
    "CREATE VIRTUAL TABLE words USING fts5 "
    "(text, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 0')",
)

_KEPT = ("records", "segments", "checkpoints", "pruned", "logs")


def _triggers() -> tuple[str, ...]:
    refused = "SELECT RAISE(ABORT, 'the audit log is append-only')"
    made = [f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN {refused}; END" for table in _KEPT]
    for table in _KEPT:
        # A record may go only once its segment's hashes stand among the pruned.
        allowed = (
            " WHEN NOT EXISTS (SELECT 1 FROM pruned WHERE OLD.seq >= first AND OLD.seq < first + length(leaves) / 32)"
            if table == "records"
            else ""
        )
        made.append(f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}{allowed} BEGIN {refused}; END")
    # `INSERT OR REPLACE` would take a row out without asking the trigger above.
    made.append(
        "CREATE TRIGGER records_insert BEFORE INSERT ON records "
        f"WHEN EXISTS (SELECT 1 FROM records WHERE seq = NEW.seq) BEGIN {refused}; END"
    )
    return tuple(made)


MADE = (*TABLES, *_triggers())
