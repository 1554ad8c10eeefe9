"""The JSON Schemas that `policyloop schema NAME` prints: the documents that scripts may rely on."""

import difflib

from policyloop.errors import UsageError
from policyloop.schemas import access, judged, machine, runs, sessions, specs
from policyloop.schemas.shapes import Schema, many

NAMES = (
    *("config", "check", "guard", "run", "session", "doctor", "harden", "report", "recover", "error", "task"),
    *("proposal", "diff", "lint", "mutate", "spec", "spec-show", "spec-check", "questions", "answers"),
)


def schema_of(name: str) -> Schema:
    """The schema of that name. Raises `UsageError` for an unknown one."""
    if name == "config":
        from policyloop.config import json_schema

        return json_schema()
    if name == "spec":
        from policyloop.spec import spec_schema

        return spec_schema()
    documents = {
        "spec-show": specs.spec_show,
        "spec-check": specs.spec_check,
        "questions": lambda: many(specs.QUESTION),
        "answers": lambda: specs.ANSWERS,
        "check": judged.check,
        "guard": judged.guard,
        "diff": access.diff,
        "lint": access.lint,
        "mutate": access.mutate,
        "run": runs.run,
        "session": sessions.session,
        "doctor": machine.doctor,
        "harden": machine.harden,
        "report": runs.report,
        "recover": machine.recover,
        "error": machine.error,
        "task": runs.task,
        "proposal": runs.proposal,
    }
    if name not in documents:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(NAMES)}."
        raise UsageError(f"There is no schema {name!r}.", hint)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"policyloop {name}"}
    return {**head, **documents[name]()}
