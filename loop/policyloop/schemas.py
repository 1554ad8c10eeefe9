"""The JSON Schemas that `policyloop schema NAME` prints: the documents that scripts may rely on."""

import difflib
from collections.abc import Mapping
from typing import Any

from policyloop.errors import UsageError
from policyloop.findings import ErrorClass
from policyloop.outcome import Ending

Schema = dict[str, Any]

NAMES = (
    *("config", "check", "guard", "run", "session", "doctor", "harden", "report", "error", "task", "proposal"),
    *("diff", "lint", "mutate", "spec", "spec-show", "spec-check", "questions", "answers"),
)


def schema_of(name: str) -> Schema:
    """The schema of that name. Raises `UsageError` for an unknown one."""
    if name == "config":
        from policyloop.config import json_schema

        return json_schema()
    if name == "spec":
        from policyloop.spec import spec_schema

        return spec_schema()
    schemas = {
        "spec-show": _spec_show,
        "spec-check": _spec_check,
        "questions": lambda: _list(_QUESTION),
        "answers": lambda: _ANSWERS,
        "check": _check,
        "guard": _guard,
        "diff": _diff,
        "lint": _lint,
        "mutate": _mutate,
        "run": _run,
        "session": _session,
        "doctor": _doctor,
        "harden": _harden,
        "report": _report,
        "error": _error,
        "task": _task,
        "proposal": _proposal,
    }
    if name not in schemas:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(NAMES)}."
        raise UsageError(f"There is no schema {name!r}.", hint)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"policyloop {name}"}
    return {**head, **schemas[name]()}


# --- the few shapes they are made of ----------------------------------------------------------------------------------

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def _object(about: str, properties: Mapping[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    return {
        "description": about,
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _about(schema: Schema, description: str) -> Schema:
    return {"description": description, **schema}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(*values: object) -> Schema:
    return {"enum": list(values)}


_STAGE = _one_of("spec", "policies")
_CLASS = _one_of(*(c.value for c in ErrorClass))
_NAMES = dict.fromkeys(("suite", "test", "principal", "resource", "action"), TEXT)
_ASSERTION_ID = _object("The names under which the compiler reports an assertion.", {"file": TEXT, **_NAMES})
_FINDING = _object(
    "One thing the compiler said. Lines and columns count from 1.",
    {
        "class": _CLASS,
        "code": TEXT,
        "file": _or_null(TEXT),
        "line": _or_null(COUNT),
        "column": _or_null(COUNT),
        "message": TEXT,
        "excerpt": _or_null(TEXT),
        "why": _list(TEXT),
        "assertion": _or_null(_ASSERTION_ID),
    },
)
_WEAKENED = _object("A locked assertion that would get weaker.", {**_NAMES, "how": TEXT, "before": TEXT, "after": TEXT})
_ASSERTIONS = _object(
    "Counts of the normal pass, and the size of the lock.",
    {"ran": COUNT, "passed": COUNT, "skipped": COUNT, "locked": COUNT},
)
_CERBOS = _object("Which compiler judged.", {"version": TEXT, "runner": _one_of("docker", "native"), "digest": TEXT})
_USAGE = _object(
    "What model calls cost.",
    {
        "input_tokens": COUNT,
        "output_tokens": COUNT,
        "cache_read_tokens": COUNT,
        "cache_write_tokens": COUNT,
        "usd": NUMBER,
    },
)
_DISPUTE = _object("A test that the model says contradicts a rule.", {**_NAMES, "reason": TEXT}, tuple(_NAMES))
_EDIT: Schema = {
    "anyOf": [
        _object("Give the file this whole text.", {"path": TEXT, "content": TEXT}),
        _object("Replace a text that stands in the file exactly once.", {"path": TEXT, "old": TEXT, "new": TEXT}),
        _object("Delete the file.", {"path": TEXT, "delete": _one_of(True)}),
    ]
}

_OPTION = _object("One possible answer.", {"id": TEXT, "text": TEXT, "recommended": FLAG})
_QUESTION = _object("Something that only a person can say.", {"id": TEXT, "text": TEXT, "options": _list(_OPTION)})
_ANSWERS: Schema = {
    "description": "What `--answers FILE` holds: the id of a question, and the id of an option or an answer in words.",
    "type": "object",
    "additionalProperties": {"type": "string", "minLength": 1},
}
_SPEC_USED = _object(
    "The spec of a run.",
    {"path": TEXT, "digest": TEXT, "confirmed_by": _or_null(TEXT), "confirmed_at": _or_null(TEXT)},
)
_AGAINST = _object(
    "A locked assertion, the effect that it demands, and the rule and decision which now say otherwise.",
    {
        "file": TEXT,
        **_NAMES,
        "demands": TEXT,
        "rule": TEXT,
        "decision": TEXT,
        "likely": FLAG,
        "differs": _list(TEXT),
    },
)
_RULE = _object(
    "A rule of the spec: where it lives, and what proves it.",
    {
        "rule": TEXT,
        "file": _or_null(TEXT),
        "line": _or_null(COUNT),
        "proven": FLAG,
        "decisions": _list(
            _object(
                "A decision and its assertions.",
                {
                    "decision": TEXT,
                    "assertions": _list(
                        _object(
                            "An assertion and what it gave.",
                            {
                                "file": TEXT,
                                **_NAMES,
                                "result": _one_of("passed", "failed", "errored", "skipped", "not run"),
                                "effect": _or_null(TEXT),
                            },
                        )
                    ),
                },
            )
        ),
    },
)


def _spec_show() -> Schema:
    from policyloop.spec import spec_schema

    shape = spec_schema()
    shown = _object(
        "What `policyloop spec show --format json` prints.",
        {
            "outcome": _one_of("shown"),
            "exit_code": _one_of(0),
            "path": TEXT,
            "confirmed": FLAG,
            "digest": TEXT,
            "spec": {key: shape[key] for key in ("type", "properties", "required", "additionalProperties")},
        },
    )
    return {**shown, "$defs": shape["$defs"]}


def _spec_check() -> Schema:
    gap = _object(
        "One thing that is missing or contradicts itself. `line` counts from 1.",
        {
            "code": TEXT,
            "where": TEXT,
            "message": TEXT,
            "add": TEXT,
            "contradiction": FLAG,
            "line": _or_null(COUNT),
        },
    )
    return _object(
        "What `policyloop spec check --format json` prints.",
        {
            "outcome": _one_of("complete", "person", "gaps"),
            "exit_code": _one_of(0, 2, 5),
            "path": TEXT,
            "confirmed": FLAG,
            "gaps": _list(gap),
        },
    )


def _check() -> Schema:
    return _object(
        "What `policyloop check --format json` prints.",
        {
            "outcome": _one_of("green", "red", "weakened"),
            "exit_code": _one_of(0, 3, 4, 6),
            "next_class": _or_null(_CLASS),
            "findings": _list(_FINDING),
            "assertions": _ASSERTIONS,
            "weakened": _list(_WEAKENED),
            "cerbos": _CERBOS,
        },
    )


def _guard() -> Schema:
    return _object(
        "What `policyloop guard --format json` prints.",
        {
            "outcome": _one_of("kept", "weakened"),
            "exit_code": _one_of(0, 6),
            "locked": COUNT,
            "weakened": _list(_WEAKENED),
            "released": _list(TEXT),
        },
    )


_EFFECT = _one_of("EFFECT_ALLOW", "EFFECT_DENY")
_ATTRIBUTES: Schema = {"type": "object"}
_REQUEST = _object(
    "What the PDP is asked, as it takes it.",
    {
        "principal": _object(
            "Who asks.",
            {"id": TEXT, "roles": _list(TEXT), "attr": _ATTRIBUTES, "policyVersion": TEXT, "scope": TEXT},
            ("attr", "policyVersion", "scope"),
        ),
        "resource": _object(
            "What is asked for.",
            {"kind": TEXT, "id": TEXT, "attr": _ATTRIBUTES, "policyVersion": TEXT, "scope": TEXT},
            ("attr", "policyVersion", "scope"),
        ),
        "action": TEXT,
        "auxData": _object("The claims of a token.", {"jwt": _ATTRIBUTES}),
    },
    ("auxData",),
)


def _mutate() -> Schema:
    mutant = {"operator": TEXT, "file": TEXT, "line": COUNT, "where": TEXT, "change": TEXT}
    witness = _object(
        "The request that shows it, its moment, and what the bundle and the mutant say.",
        {"request": _REQUEST, "now": TEXT, "strict": FLAG, "effect": _EFFECT, "mutated": _EFFECT},
    )
    survivor = _object(
        "A mutant that no test noticed; without a witness it is like the original, proved or after many requests.",
        {
            **mutant,
            "witness": _or_null(witness),
            "alike": _or_null(_one_of("proved", "asked")),
            "asked": COUNT,
            "proved": _about(COUNT, "For so many principals with an action no resource whatsoever tells them apart."),
            "test": _about(_or_null(TEXT), "A suite with the test that would have noticed it."),
        },
    )
    return _object(
        "What `policyloop mutate --format json` prints; for a bundle that is not green, what `check` prints.",
        {
            "outcome": _one_of("done", "below"),
            "exit_code": _one_of(0, 4),
            "score": _about(_or_null(COUNT), "Killed, in percent of those that a request tells from the original."),
            "min_score": _or_null(COUNT),
            "mutants": _object(
                "How many there were.",
                {"made": COUNT, "killed": COUNT, "survived": COUNT, "alike": COUNT, "invalid": COUNT},
            ),
            "survivors": _list(survivor),
            "invalid": _list(_object("A mutant that is no bundle.", mutant)),
            "seed": COUNT,
            "cerbos": _CERBOS,
        },
    )


def _access() -> dict[str, Schema]:
    decided = {
        "effect": _EFFECT,
        "policy": _or_null(TEXT),
        "rule": _or_null(TEXT),
        "file": _or_null(TEXT),
        "line": _or_null(COUNT),
    }
    reason = _object(
        "One change in access, with the smallest request found that shows it, confirmed on both PDPs.",
        {
            "direction": _one_of("wider", "narrower"),
            "resource": TEXT,
            "action": TEXT,
            "roles": _list(TEXT),
            "request": _REQUEST,
            "before": _object("The decision before, and the rule that made it.", decided),
            "after": _object("The decision after, and the rule that makes it.", decided),
            "engine": _one_of("decisions", "clock", "proof"),
            "strict": FLAG,
            "schemas": _one_of("none", "reject"),
            "now": _about(_or_null(TEXT), "The moment at which it shows, where that is not now."),
            "asked_for": _about(_or_null(TEXT), "The rule that accepts it: of the spec, or named by a person."),
        },
    )
    proofs = _object(
        "Questions for which there is no resource whatsoever that gets in now, and the others.",
        {"proved": COUNT, "refuted": COUNT, "unproved": COUNT, "because": _list(TEXT)},
    )
    return {
        "result": _or_null(_one_of("PASS", "FAIL")),
        "reasons": _list(reason),
        "requests": _about(COUNT, "How many requests both bundles answered."),
        "complete": _about(FLAG, "Whether all that were planned fitted into the bound."),
        "seed": {"type": "integer"},
        "moment": TEXT,
        "proofs": _or_null(proofs),
        "notes": _list(TEXT),
        "skipped": _about(_or_null(TEXT), "Why nothing was compared."),
    }


def _diff() -> Schema:
    return _object(
        "What `policyloop diff --format json` prints; for a bundle that does not compile, what `check` prints.",
        {
            "outcome": _one_of("kept", "wider"),
            "exit_code": _one_of(0, 7),
            "old": TEXT,
            "new": TEXT,
            **_access(),
            "cerbos": _CERBOS,
        },
    )


def _lint() -> Schema:
    from policyloop.access.lint import CODES

    witness = _object(
        "A request that shows it, its moment, the answer, and who gave that answer.",
        {
            "request": _REQUEST,
            "now": TEXT,
            "effect": _EFFECT,
            "because": TEXT,
            "confirmed_by": _one_of("engine", "server"),
        },
    )
    finding = _object(
        "One thing that compiles and that people rarely mean. Lines and columns count from 1.",
        {
            "level": _one_of("warning", "note"),
            "code": _one_of(*CODES),
            "file": TEXT,
            "line": _or_null(COUNT),
            "column": _or_null(COUNT),
            "message": TEXT,
            "excerpt": _or_null(TEXT),
            "why": _list(TEXT),
            "witness": _or_null(witness),
            "asked": COUNT,
        },
    )
    return _object(
        "What `policyloop lint --format json` prints; for a bundle that does not compile, what `check` prints.",
        {
            "outcome": _one_of("clean", "holes"),
            "exit_code": _one_of(0, 4),
            "fail_on": _one_of("never", "warning", "note"),
            "findings": _list(finding),
            "asked": COUNT,
            "seed": COUNT,
            "cerbos": _CERBOS,
        },
    )


def _run() -> Schema:
    attempt = _object(
        "One turn of the loop. `class` is null when there was nothing to fix but the request.",
        {
            "number": COUNT,
            "stage": _STAGE,
            "class": _or_null(_CLASS),
            "findings": _list(_FINDING),
            "edits": _list(_EDIT),
            "note": TEXT,
            "refusal": _or_null(TEXT),
            "weakened": _list(_WEAKENED),
            "dispute": _or_null(_DISPUTE),
            "progress": FLAG,
            "usage": _USAGE,
            "seconds": NUMBER,
        },
    )
    return _object(
        "What `policyloop run --format json` prints.",
        {
            "outcome": _one_of(*(e.value for e in Ending)),
            "exit_code": _one_of(0, 2, 3, 4, 5, 6, 7, 8, 130),
            "stopped_by": _or_null(TEXT),
            "message": TEXT,
            "run": TEXT,
            "cycles": COUNT,
            "attempts": _list(attempt),
            "findings": _list(_FINDING),
            "diff": TEXT,
            "files_changed": _list(TEXT),
            "patch": _or_null(TEXT),
            "released": _list(TEXT),
            "spec": _or_null(_SPEC_USED),
            "questions": _list(_QUESTION),
            "assumptions": _list(TEXT),
            "changes": _about(_list(TEXT), "What the run changed in a spec that was there, in sentences."),
            "contradictions": _list(_AGAINST),
            "access": _or_null(_object("What changed in access, compared once after green.", _access())),
            "rules": _list(_RULE),
            "assertions": _ASSERTIONS,
            "usage": _USAGE,
            "cerbos": _CERBOS,
        },
    )


def _session() -> Schema:
    rule = _object(
        "A rule of the spec: where it lives, and whether all of its assertions passed.",
        {"rule": TEXT, "file": _or_null(TEXT), "line": _or_null(COUNT), "proven": FLAG},
    )
    next_action = _about(
        _one_of("FIX", "REFUSED", "GREEN", "STOP"),
        "The one thing to do now: mend the findings; take back what is refused; nothing more; report to the person.",
    )
    return _object(
        "What `policyloop session start, step, status, restore` and `end` print with `--format json`.",
        {
            "next": next_action,
            "message": TEXT,
            "exit_code": _one_of(0, 2, 3, 4, 5, 6, 8),
            "session": TEXT,
            "phase": _one_of("open", "green", "stopped", "ended"),
            "policies": TEXT,
            "spec": _or_null(TEXT),
            "request": TEXT,
            "claude_session": _or_null(TEXT),
            "class": _about(_or_null(_CLASS), "The class of all `findings`."),
            "findings": _list(_FINDING),
            "more": _about(COUNT, "Findings of the class that are not spelled out."),
            "refusal": _or_null(TEXT),
            "weakened": _list(_WEAKENED),
            "look_at": _about(_list(TEXT), "Files that matter to the findings, nearest first."),
            "left": _object(
                "What is left of each budget. Tokens and dollars are the agent's own, and not counted here.",
                {"attempts": COUNT, "cycles": COUNT, "refusals": COUNT, "seconds": NUMBER},
            ),
            "assertions": _ASSERTIONS,
            "stopped_by": _or_null(TEXT),
            "released": _list(TEXT),
            "files_changed": _about(_list(TEXT), "Between the person's bundle and the one that was judged last."),
            "changed_since": _about(_list(TEXT), "Between that and the directory as it is now."),
            "restored": _list(TEXT),
            "assumptions": _list(TEXT),
            "rules": _list(rule),
            "record": _about(TEXT, "The folder with the session's ledger and snapshots."),
        },
    )


def _doctor() -> Schema:
    found = _object(
        "One thing that was looked for.",
        {"name": TEXT, "state": _one_of("ok", "missing", "broken"), "detail": TEXT, "hint": TEXT},
    )
    return _object(
        "What `policyloop doctor --format json` prints.",
        {"outcome": _one_of("ready", "missing"), "exit_code": _one_of(0, 8), "found": _list(found)},
    )


def _harden() -> Schema:
    drift = _object(
        "One difference from hardened settings. `line` counts from 1; `mendable`: `policyloop harden` puts it right.",
        {"file": TEXT, "line": _or_null(COUNT), "key": TEXT, "message": TEXT, "mendable": FLAG},
    )
    return _object(
        "What `policyloop harden --format json` prints.",
        {
            "outcome": _one_of("in place", "hardened", "drift", "person"),
            "exit_code": _one_of(0, 1, 5),
            "path": TEXT,
            "managed": FLAG,
            "written": FLAG,
            "diff": _about(TEXT, "What is to be written, or was."),
            "drift": _list(drift),
        },
    )


def _report() -> Schema:
    return _object(
        "What `policyloop report --format json` prints. `markdown`: the review itself, when no file was asked for.",
        {
            "outcome": _one_of("written", "person"),
            "exit_code": _one_of(0, 5),
            "run": _or_null(TEXT),
            "ledger": TEXT,
            "broken": _about(_or_null(TEXT), "What is wrong with the ledger; null when it is whole."),
            "missing": _about(_list(TEXT), "What could not be measured, and why."),
            "written": _list(TEXT),
            "markdown": _or_null(TEXT),
        },
    )


def _error() -> Schema:
    return _object(
        "What any command with `--format json` prints when it cannot begin.",
        {"outcome": _one_of("error"), "exit_code": _one_of(1, 2, 5, 8, 130), "message": TEXT},
    )


def _task() -> Schema:
    past = _object("An earlier attempt.", {"attempt": COUNT, "class": TEXT, "edits": _list(TEXT), "result": TEXT})
    files: Schema = {"type": "object", "additionalProperties": TEXT}
    existing = _object("Some of them whole, and what else there is.", {"files": files, "index": _list(TEXT)})
    return _object(
        "What `--model-command` reads on standard input.",
        {
            "version": _one_of(1),
            "stage": _about(_STAGE, "Whether the spec is drafted, or policies are made."),
            "request": _about(TEXT, "What the person asked for in plain words; empty: repair what is there."),
            "spec": _about(_or_null({"type": "object"}), "What a person confirmed; null when nothing was."),
            "error_class": _or_null(_CLASS),
            "findings": _list(_FINDING),
            "refusal": _about(_or_null(TEXT), "Why the last proposal was not taken."),
            "files": _about(files, "Path to text: what matters to the findings. A cut file says so in its lines."),
            "index": _about(_list(TEXT), "What else there is: files, and folders with counts; ask for them in `read`."),
            "existing": _about(_or_null(existing), "Policies that are there while the spec is drafted: never edited."),
            "history": _about(_list(past), "The latest attempts and what came of each."),
            "budget": _object("What is left.", {"attempts_left": COUNT, "cycles_left": COUNT}),
        },
    )


def _proposal() -> Schema:
    usage = _object(
        "What the program's own model calls cost.",
        {"input_tokens": COUNT, "output_tokens": COUNT, "usd": NUMBER},
        ("input_tokens", "output_tokens", "usd"),
    )
    return _object(
        "What `--model-command` writes on standard output.",
        {"edits": _list(_EDIT), "note": TEXT, "dispute": _or_null(_DISPUTE), "read": _list(TEXT), "usage": usage},
        ("edits", "note", "dispute", "read", "usage"),
    )
