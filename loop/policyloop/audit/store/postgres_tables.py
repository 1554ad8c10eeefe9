"""The tables of a store in PostgreSQL: those of SQLite with the log beside each number, records by month."""

MADE = (
    "CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL)",
    "CREATE TABLE logs (origin text PRIMARY KEY, key text NOT NULL)",
    """CREATE TABLE records (
        log text NOT NULL, seq bigint NOT NULL, time text COLLATE "C" NOT NULL, leaf bytea NOT NULL, body text NOT NULL,
        id text GENERATED ALWAYS AS (body::json #>> '{record,id}') STORED,
        who text GENERATED ALWAYS AS (body::json #>> '{record,who,subject}') STORED,
        tool text GENERATED ALWAYS AS (body::json #>> '{record,tool}') STORED,
        decision text GENERATED ALWAYS AS (body::json #>> '{record,decision}') STORED,
        session text GENERATED ALWAYS AS (body::json #>> '{record,session}') STORED,
        event text GENERATED ALWAYS AS (body::json #>> '{record,event}') STORED,
        words text[] NOT NULL,
        PRIMARY KEY (log, seq, time)
    ) PARTITION BY RANGE (time)""",
    "CREATE INDEX records_id ON records (id)",
    "CREATE INDEX records_time ON records (time)",
    "CREATE INDEX records_who ON records (who, tool, decision, time)",
    "CREATE INDEX records_session ON records (session, time)",
    "CREATE INDEX records_denied ON records (who, time) WHERE decision = 'deny'",
    "CREATE INDEX records_words ON records USING gin (words)",
    """CREATE TABLE places (
        place text COLLATE "C" NOT NULL, log text NOT NULL, seq bigint NOT NULL, PRIMARY KEY (place, log, seq))""",
    "CREATE TABLE segments (log text, first bigint, node bytea NOT NULL, PRIMARY KEY (log, first))",
    "CREATE TABLE checkpoints (log text, size bigint, note text NOT NULL, PRIMARY KEY (log, size))",
    "CREATE TABLE pruned (log text, first bigint, leaves bytea NOT NULL, PRIMARY KEY (log, first))",
    """CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE FUNCTION refused_unless_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM pruned WHERE log = OLD.log AND OLD.seq >= first
                       AND OLD.seq < first + length(leaves) / 32) THEN RETURN OLD; END IF;
            RAISE EXCEPTION 'the audit log is append-only';
        END $$""",
    "CREATE TRIGGER records_update BEFORE UPDATE ON records FOR EACH ROW EXECUTE FUNCTION refused()",
    "CREATE TRIGGER records_delete BEFORE DELETE ON records FOR EACH ROW EXECUTE FUNCTION refused_unless_pruned()",
    "CREATE TRIGGER records_truncate BEFORE TRUNCATE ON records FOR EACH STATEMENT EXECUTE FUNCTION refused()",
    *(
        f"CREATE TRIGGER {table}_{kind.lower()} BEFORE {kind} ON {table} "
        f"FOR EACH {'STATEMENT' if kind == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION refused()"
        for table in ("segments", "checkpoints", "pruned", "logs")
        for kind in ("UPDATE", "DELETE", "TRUNCATE")
    ),
)


def month_of(time: str) -> tuple[str, str, str]:
    """The name of the partition for a record's time, and between which times it lies."""
    year, month = int(time[:4]), int(time[5:7])
    # Times are texts: the thirteenth month begins after all of December, also in the last year that there is.
    return f"records_{year:04d}_{month:02d}", f"{year:04d}-{month:02d}", f"{year:04d}-{month + 1:02d}"
