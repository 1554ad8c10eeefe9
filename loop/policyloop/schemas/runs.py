"""The documents of `run` and `report`, and what a model's program reads and writes."""

from policyloop.outcome import Ending
from policyloop.schemas.access import access
from policyloop.schemas.judged import ASSERTION, ASSERTIONS, CERBOS, CLASS, FINDING, STAGE, WEAKENED
from policyloop.schemas.shapes import COUNT, FLAG, NUMBER, TEXT, Schema, about, many, one_of, or_null, shape
from policyloop.schemas.specs import AGAINST, QUESTION, RULE, SPEC_USED

USAGE = shape(
    "What model calls cost.",
    {
        "input_tokens": COUNT,
        "output_tokens": COUNT,
        "cache_read_tokens": COUNT,
        "cache_write_tokens": COUNT,
        "usd": NUMBER,
    },
)
DISPUTE = shape("A test that the model says contradicts a rule.", {**ASSERTION, "reason": TEXT}, tuple(ASSERTION))
EDIT: Schema = {
    "anyOf": [
        shape("Give the file this whole text.", {"path": TEXT, "content": TEXT}),
        shape("Replace a text that stands in the file exactly once.", {"path": TEXT, "old": TEXT, "new": TEXT}),
        shape("Delete the file.", {"path": TEXT, "delete": one_of(True)}),
    ]
}


def run() -> Schema:
    attempt = shape(
        "One turn of the loop. `class` is null when there was nothing to fix but the request.",
        {
            "number": COUNT,
            "stage": STAGE,
            "class": or_null(CLASS),
            "findings": many(FINDING),
            "edits": many(EDIT),
            "note": TEXT,
            "refusal": or_null(TEXT),
            "weakened": many(WEAKENED),
            "dispute": or_null(DISPUTE),
            "progress": FLAG,
            "usage": USAGE,
            "seconds": NUMBER,
        },
    )
    return shape(
        "What `policyloop run --format json` prints.",
        {
            "outcome": one_of(*(e.value for e in Ending)),
            "exit_code": one_of(0, 2, 3, 4, 5, 6, 7, 8, 130),
            "stopped_by": or_null(TEXT),
            "message": TEXT,
            "run": TEXT,
            "cycles": COUNT,
            "attempts": many(attempt),
            "findings": many(FINDING),
            "diff": TEXT,
            "files_changed": many(TEXT),
            "patch": or_null(TEXT),
            "released": many(TEXT),
            "spec": or_null(SPEC_USED),
            "questions": many(QUESTION),
            "assumptions": many(TEXT),
            "changes": about(many(TEXT), "What the run changed in a spec that was there, in sentences."),
            "contradictions": many(AGAINST),
            "access": or_null(shape("What changed in access, compared once after green.", access())),
            "rules": many(RULE),
            "assertions": ASSERTIONS,
            "usage": USAGE,
            "cerbos": CERBOS,
        },
    )


def report() -> Schema:
    return shape(
        "What `policyloop report --format json` prints. `markdown`: the review itself, when no file was asked for.",
        {
            "outcome": one_of("written", "person"),
            "exit_code": one_of(0, 5),
            "run": or_null(TEXT),
            "ledger": TEXT,
            "broken": about(or_null(TEXT), "What is wrong with the ledger; null when it is whole."),
            "missing": about(many(TEXT), "What could not be measured, and why."),
            "written": many(TEXT),
            "markdown": or_null(TEXT),
        },
    )


def task() -> Schema:
    past = shape("An earlier attempt.", {"attempt": COUNT, "class": TEXT, "edits": many(TEXT), "result": TEXT})
    files: Schema = {"type": "object", "additionalProperties": TEXT}
    existing = shape("Some of them whole, and what else there is.", {"files": files, "index": many(TEXT)})
    return shape(
        "What `--model-command` reads on standard input.",
        {
            "version": one_of(1),
            "stage": about(STAGE, "Whether the spec is drafted, or policies are made."),
            "request": about(TEXT, "What the person asked for in plain words; empty: repair what is there."),
            "spec": about(or_null({"type": "object"}), "What a person confirmed; null when nothing was."),
            "error_class": or_null(CLASS),
            "findings": many(FINDING),
            "refusal": about(or_null(TEXT), "Why the last proposal was not taken."),
            "files": about(files, "Path to text: what matters to the findings. A cut file says so in its lines."),
            "index": about(many(TEXT), "What else there is: files, and folders with counts; ask for them in `read`."),
            "existing": about(or_null(existing), "Policies that are there while the spec is drafted: never edited."),
            "history": about(many(past), "The latest attempts and what came of each."),
            "budget": shape("What is left.", {"attempts_left": COUNT, "cycles_left": COUNT}),
        },
    )


def proposal() -> Schema:
    usage = shape(
        "What the program's own model calls cost.",
        {"input_tokens": COUNT, "output_tokens": COUNT, "usd": NUMBER},
        ("input_tokens", "output_tokens", "usd"),
    )
    return shape(
        "What `--model-command` writes on standard output.",
        {"edits": many(EDIT), "note": TEXT, "dispute": or_null(DISPUTE), "read": many(TEXT), "usage": usage},
        ("edits", "note", "dispute", "read", "usage"),
    )
