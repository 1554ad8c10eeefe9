"""The document of `session`."""

from policyloop.schemas.judged import ASSERTIONS, CLASS, FINDING, WEAKENED
from policyloop.schemas.shapes import COUNT, FLAG, NUMBER, TEXT, Schema, about, many, one_of, or_null, shape


def session() -> Schema:
    rule = shape(
        "A rule of the spec: where it lives, and whether all of its assertions passed.",
        {"rule": TEXT, "file": or_null(TEXT), "line": or_null(COUNT), "tested": FLAG},
    )
    next_action = about(
        one_of("FIX", "REFUSED", "GREEN", "STOP"),
        "The one thing to do now: mend the findings; take back what is refused; nothing more; report to the person.",
    )
    return shape(
        "What `policyloop session start, step, status, restore` and `end` print with `--format json`.",
        {
            "next": next_action,
            "message": TEXT,
            "exit_code": one_of(0, 2, 3, 4, 5, 6, 8),
            "session": TEXT,
            "phase": one_of("open", "green", "accepted", "stopped", "ended"),
            "policies": TEXT,
            "spec": or_null(TEXT),
            "request": TEXT,
            "claude_session": or_null(TEXT),
            "class": about(or_null(CLASS), "The class of all `findings`."),
            "findings": many(FINDING),
            "more": about(COUNT, "Findings of the class that are not spelled out."),
            "refusal": or_null(TEXT),
            "weakened": many(WEAKENED),
            "look_at": about(many(TEXT), "Files that matter to the findings, nearest first."),
            "left": shape(
                "What is left of each budget. Tokens and dollars are the agent's own, and not counted here.",
                {"attempts": COUNT, "cycles": COUNT, "refusals": COUNT, "seconds": NUMBER},
            ),
            "assertions": ASSERTIONS,
            "stopped_by": or_null(TEXT),
            "released": many(TEXT),
            "files_changed": about(many(TEXT), "Between the person's bundle and the one that was judged last."),
            "changed_since": about(many(TEXT), "Between that and the directory as it is now."),
            "restored": many(TEXT),
            "assumptions": many(TEXT),
            "rules": many(rule),
            "record": about(TEXT, "The folder with the session's ledger and snapshots."),
        },
    )
