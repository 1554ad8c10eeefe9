"""`policyloop.spec.yaml` -> `Spec`, with errors that say file, line, what is wrong and what was probably meant."""

import difflib
import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from policyloop.errors import UsageError
from policyloop.specification.document import Document, read_document
from policyloop.specification.model import FILE_NAME, Spec
from policyloop.specification.vocabulary import Path

Schema = dict[str, Any]

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}


def parse_spec(text: str, name: str = FILE_NAME) -> Spec:
    """The spec in `text`, a file called `name`. Raises `UsageError` for anything that has no place in it."""
    document = read_document(text, name)
    return spec_of(document.data, name, document)


def spec_of(data: object, name: str = FILE_NAME, document: Document | None = None) -> Spec:
    """The spec in JSON-like data. Raises `UsageError`; lines are told when `document` is where the data is from."""
    lines = document.lines if document else {}
    if not isinstance(data, dict):
        raise UsageError(f"{name}:{lines.get((), 1)}: a spec is a mapping of keys and values.", _START)
    try:
        spec = Spec.model_validate_json(json.dumps(data, allow_nan=False))
    except ValidationError as error:
        raise _first(error, data, name, lines) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{name}: this is not data that a spec can hold: {error}.") from None
    spec._lines = lines
    return spec


def spec_schema() -> Schema:
    """The JSON Schema (2020-12) of the file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Spec.model_json_schema(),
        "title": FILE_NAME,
    }


_START = "It begins with `version: 1` and `request: ...`; `policyloop schema spec` prints its shape."


def _first(error: ValidationError, data: Any, name: str, lines: dict[Path, int]) -> UsageError:
    """The first thing in the file that is wrong."""
    found = [(_line(path := _path(one, data), lines), n, path, one) for n, one in enumerate(error.errors())]
    line, _, path, first = min(found, key=lambda item: item[:2])
    what, hint = _wording(first, path)
    where = f"{name}:{line}" if lines else name
    return UsageError(f"{where}: {what}.", hint)


def _line(path: Path, lines: dict[Path, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _path(one: ErrorDetails, data: Any) -> Path:
    """The place in the file. That a key is meant, or which branch of a union was tried, is no part of it."""
    path: Path = ()
    for part in one["loc"]:
        inside = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        if inside:
            path, data = (*path, part), data[part]
    return (*path, one["loc"][-1]) if one["type"] == "missing" else path


def _wording(one: ErrorDetails, path: Path) -> tuple[str, str]:
    kind = one["type"]
    shown = show(path) or "the spec"
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, 1, 0.5)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        return f"unknown key `{path[-1]}`{_inside(path[:-1])}", hint
    if kind == "missing":
        return f"{show(path[:-1]) or 'the spec'} has no `{path[-1]}`", _START if len(path) == 1 else ""
    if kind in _KINDS:
        given = _given(one["input"])
        quotes = "Put it in quotes." if kind == "string_type" and not isinstance(one["input"], dict | list) else ""
        return f"{shown}: {_KINDS[kind]} belongs here, not {given}", quotes
    if kind == "literal_error":
        expected = str(one.get("ctx", {}).get("expected", ""))
        return f"{shown}: {_given(one['input'])} is not one of {expected}", _nearest(one["input"], expected)
    if kind == "string_pattern_mismatch":
        return f"{shown}: {_given(one['input'])} is not a name that can stand here", _name_hint(path)
    message = one["msg"].removeprefix("Value error, ")
    return f"{shown}: {message}", ""


def _name_hint(path: Path) -> str:
    if any(part in ("looks_at", "field", "than", "absent") for part in path):
        return "Fields are principal.id, principal.attr.NAME, resource.attr.NAME, claims.NAME, globals.NAME and now."
    return "An id begins with a letter and goes on with letters, digits, `.`, `_` and `-`."


def _nearest(given: object, expected: str) -> str:
    known = [word.strip("' ") for word in expected.replace(" or ", ", ").split(",")]
    near = difflib.get_close_matches(str(given), known, 1, 0.5)
    return f"Did you mean `{near[0]}`?" if near else ""


def _given(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _inside(path: Path) -> str:
    return f" in {show(path)}" if path else ""


def show(path: Path) -> str:
    """A path as people write it; entries of a list count from 1, as in `rules[1].subject`."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(path: Path) -> list[str]:
    """The keys that may stand at `path`, off the schema."""
    schema = Spec.model_json_schema()
    node: Schema = schema
    for part in path:
        node = _resolved(node, schema)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_resolved(node, schema).get("properties", {}))


def _resolved(node: Schema, schema: Schema) -> Schema:
    for choice in node.get("anyOf", []):
        if "$ref" in choice:
            node = choice
    reference = str(node.get("$ref", ""))
    found: Schema = schema["$defs"][reference.rsplit("/", 1)[-1]] if reference else node
    return found
