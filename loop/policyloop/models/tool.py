"""The tool `propose`: the shape of a proposal as a strict JSON Schema, the same that `proposal_from_json` takes.

Strict schemas know no bounds on numbers or lengths, and every object closes itself with `additionalProperties: false`
(https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations, read 2026-10).
"""

from typing import Any

NAME = "propose"


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_TEXT = {"type": "string"}
_PATH = {"type": "string", "description": "Relative to the policy directory, separated by /."}
_EDIT = {
    "anyOf": [
        _object(
            {
                "path": _PATH,
                "old": {"type": "string", "description": "Text that stands in the file exactly once."},
                "new": {"type": "string", "description": "What is put in its place."},
            }
        ),
        _object({"path": _PATH, "content": {"type": "string", "description": "The whole text of the file."}}),
        _object({"path": _PATH, "delete": {"const": True}}),
    ]
}
_DISPUTE = {
    **_object(dict.fromkeys(("suite", "test", "principal", "resource", "action", "reason"), _TEXT)),
    "description": "Only when a test contradicts the request or another test. Stops the run for a person.",
}
INPUT_SCHEMA: dict[str, Any] = _object(
    {
        "edits": {"type": "array", "items": _EDIT, "description": "Made in this order. Empty when asking to read."},
        "note": {"type": "string", "description": "One line: why these edits."},
        "read": {"type": "array", "items": _PATH, "description": "Files or folders to see first. Mostly empty."},
        "dispute": _DISPUTE,
    },
    optional=("dispute",),
)
PROPOSE: dict[str, Any] = {
    "name": NAME,
    "description": "Propose edits to the policy directory, or ask to read files first. Call it exactly once a turn.",
    "input_schema": INPUT_SCHEMA,
    "strict": True,
}
