"""What a verdict consists of, and the documents of `check` and `guard`."""

from policyloop.findings import ErrorClass
from policyloop.schemas.shapes import COUNT, TEXT, Schema, about, many, one_of, or_null, shape

STAGE = one_of("spec", "policies")
CLASS = one_of(*(c.value for c in ErrorClass))
ASSERTION = dict.fromkeys(("suite", "test", "principal", "resource", "action"), TEXT)
ASSERTION_ID = shape("The names under which the compiler reports an assertion.", {"file": TEXT, **ASSERTION})
FINDING = shape(
    "One thing the compiler said. Lines and columns count from 1.",
    {
        "class": CLASS,
        "code": TEXT,
        "file": or_null(TEXT),
        "line": or_null(COUNT),
        "column": or_null(COUNT),
        "message": TEXT,
        "excerpt": or_null(TEXT),
        "why": many(TEXT),
        "assertion": or_null(ASSERTION_ID),
    },
)
WEAKENED = shape("A locked assertion that would get weaker.", {**ASSERTION, "how": TEXT, "before": TEXT, "after": TEXT})
ASSERTIONS = shape(
    "Counts of the normal pass, and the size of the lock.",
    {"ran": COUNT, "passed": COUNT, "skipped": COUNT, "locked": COUNT},
)
CERBOS = shape("Which compiler judged.", {"version": TEXT, "runner": one_of("docker", "native"), "digest": TEXT})


def check() -> Schema:
    return shape(
        "What `policyloop check --format json` prints.",
        {
            "outcome": one_of("green", "red", "weakened"),
            "exit_code": one_of(0, 3, 4, 6),
            "next_class": or_null(CLASS),
            "findings": many(FINDING),
            "assertions": ASSERTIONS,
            "weakened": many(WEAKENED),
            "luck": about(many(TEXT), "Why a test that passes may be luck."),
            "cerbos": CERBOS,
        },
    )


def guard() -> Schema:
    return shape(
        "What `policyloop guard --format json` prints.",
        {
            "outcome": one_of("kept", "weakened"),
            "exit_code": one_of(0, 6),
            "locked": COUNT,
            "weakened": many(WEAKENED),
            "released": many(TEXT),
        },
    )
