"""What a spec brings along, and the documents of `spec show`, `spec check`, questions and answers."""

from policyloop.schemas.judged import ASSERTION
from policyloop.schemas.shapes import COUNT, FLAG, TEXT, Schema, many, one_of, or_null, shape

OPTION = shape("One possible answer.", {"id": TEXT, "text": TEXT, "recommended": FLAG})
QUESTION = shape("Something that only a person can say.", {"id": TEXT, "text": TEXT, "options": many(OPTION)})
ANSWERS: Schema = {
    "description": "What `--answers FILE` holds: the id of a question, and the id of an option or an answer in words.",
    "type": "object",
    "additionalProperties": {"type": "string", "minLength": 1},
}
SPEC_USED = shape(
    "The spec of a run.",
    {"path": TEXT, "digest": TEXT, "confirmed_by": or_null(TEXT), "confirmed_at": or_null(TEXT)},
)
AGAINST = shape(
    "A locked assertion, the effect that it demands, and the rule and decision which now say otherwise.",
    {
        "file": TEXT,
        **ASSERTION,
        "demands": TEXT,
        "rule": TEXT,
        "decision": TEXT,
        "likely": FLAG,
        "differs": many(TEXT),
    },
)
RULE = shape(
    "A rule of the spec: where it lives, and what tests it.",
    {
        "rule": TEXT,
        "file": or_null(TEXT),
        "line": or_null(COUNT),
        "tested": FLAG,
        "decisions": many(
            shape(
                "A decision and its assertions.",
                {
                    "decision": TEXT,
                    "assertions": many(
                        shape(
                            "An assertion and what it gave.",
                            {
                                "file": TEXT,
                                **ASSERTION,
                                "result": one_of("passed", "failed", "errored", "skipped", "not run"),
                                "effect": or_null(TEXT),
                            },
                        )
                    ),
                },
            )
        ),
    },
)


def spec_show() -> Schema:
    from policyloop.spec import spec_schema

    form = spec_schema()
    shown = shape(
        "What `policyloop spec show --format json` prints.",
        {
            "outcome": one_of("shown"),
            "exit_code": one_of(0),
            "path": TEXT,
            "confirmed": FLAG,
            "digest": TEXT,
            "spec": {key: form[key] for key in ("type", "properties", "required", "additionalProperties")},
        },
    )
    return {**shown, "$defs": form["$defs"]}


def spec_check() -> Schema:
    gap = shape(
        "One thing that is missing or contradicts itself. `line` counts from 1.",
        {
            "code": TEXT,
            "where": TEXT,
            "message": TEXT,
            "add": TEXT,
            "contradiction": FLAG,
            "line": or_null(COUNT),
        },
    )
    return shape(
        "What `policyloop spec check --format json` prints.",
        {
            "outcome": one_of("complete", "person", "gaps"),
            "exit_code": one_of(0, 2, 5),
            "path": TEXT,
            "confirmed": FLAG,
            "gaps": many(gap),
        },
    )
