"""The documents about this machine and its settings, and that of a command which cannot begin."""

from policyloop.schemas.shapes import COUNT, FLAG, TEXT, Schema, about, many, one_of, or_null, shape


def doctor() -> Schema:
    found = shape(
        "One thing that was looked for.",
        {"name": TEXT, "state": one_of("ok", "missing", "broken"), "detail": TEXT, "hint": TEXT},
    )
    return shape(
        "What `policyloop doctor --format json` prints.",
        {"outcome": one_of("ready", "missing"), "exit_code": one_of(0, 8), "found": many(found)},
    )


def harden() -> Schema:
    drift = shape(
        "One difference from hardened settings. `line` counts from 1; `mendable`: `policyloop harden` puts it right.",
        {"file": TEXT, "line": or_null(COUNT), "key": TEXT, "message": TEXT, "mendable": FLAG},
    )
    return shape(
        "What `policyloop harden --format json` prints.",
        {
            "outcome": one_of("in place", "hardened", "drift", "person"),
            "exit_code": one_of(0, 1, 5),
            "path": TEXT,
            "managed": FLAG,
            "written": FLAG,
            "diff": about(TEXT, "What is to be written, or was."),
            "drift": many(drift),
        },
    )


def recover() -> Schema:
    return shape(
        "What `policyloop recover --format json` prints. `files_changed`: what the write-back wrote.",
        {"outcome": one_of("recovered", "nothing"), "exit_code": one_of(0), "files_changed": many(TEXT)},
    )


def error() -> Schema:
    return shape(
        "What any command with `--format json` prints when it cannot begin.",
        {"outcome": one_of("error"), "exit_code": one_of(1, 2, 5, 8, 130), "message": TEXT},
    )
