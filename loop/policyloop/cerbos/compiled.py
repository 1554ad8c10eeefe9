"""`compileErrors`: what the compiler found while it put the policies together. The second of its three stages."""

import json
import re
from collections.abc import Iterator

from policyloop.cerbos.outline import Place, nearest
from policyloop.cerbos.shape import Misshapen, Object, obj, place, text, whole
from policyloop.cerbos.sources import Sources
from policyloop.findings import ErrorClass, Finding
from policyloop.layout import SCHEMAS

ERRORS = frozenset(
    {
        "ambiguous derived role",
        "constant redefined",
        "cyclical variable definitions",
        "empty output",
        "import not found",
        "invalid compilation unit",
        "invalid constant name",
        "invalid resource rule",
        "invalid variable name",
        "missing policy definition",
        "undefined constant",
        "undefined variable",
        "unexpected error",
        "unknown derived role",
        "variable redefined",
    }
)
"""The errors whose code is their own name. Source: internal/compile of Cerbos; the rest is below."""

_NAMED_PLACE = re.compile(r"\(([^()\s][^()]*?):(\d{1,7}):(\d{1,7})\)")
_IMPORTED_AT = re.compile(r"\(imported as \".*?\" at (\d{1,7}):(\d{1,7})\)")
_SCHEMA = re.compile(r'Failed to load (?:principal|resource) schema "(?P<ref>[^"]*)": (?P<reason>.*)', re.DOTALL)
_LOCAL = re.compile(r"(?:cerbos:///|/)?([^#]+)")
_BAD_JSON = re.compile(r"invalid json (\S+): ")
_INVALID = re.compile(r"compilation failed: (?:'([^']*)' does not validate with |(\S+) not found\Z)")
_REFERENCED_BY = re.compile(r"schema .* referenced by (\S+) doesn't exist\Z")


def compile_findings(data: Object, sources: Sources) -> Iterator[Finding]:
    """One finding for every error; shapes that are new come whole, as `other`."""
    entries = data.get("errors")
    strange = {key: value for key, value in data.items() if key != "errors" and value}
    if strange:
        yield sources.finding(ErrorClass.COMPILE, "other", f"compileErrors: {whole(strange)}")
    for entry in entries if isinstance(entries, list) else [entries] if entries else []:
        try:
            yield _finding(obj(entry, "compileErrors"), sources)
        except Misshapen as misshapen:
            yield sources.finding(ErrorClass.COMPILE, "other", str(misshapen))


def _finding(entry: Object, sources: Sources) -> Finding:
    error, description = text(entry.get("error"), "error"), text(entry.get("description"), "description")
    file, context = text(entry.get("file"), "file"), text(entry.get("context"), "context")
    at = place(entry.get("position")) or _described(description, file)
    if error == "invalid schema":
        return _schema(description or error, file, at, context, sources)
    error_class, code = _class_and_code(error, description)
    message = description or error or whole(entry)
    if error and error.casefold() not in message.casefold():
        message = f"{message} ({error})"
    return sources.finding(error_class, code, message, file, at, context=context)


def _class_and_code(error: str, description: str) -> tuple[ErrorClass, str]:
    if error == "invalid expression":
        parsed = "`: [Syntax error" not in description
        return (ErrorClass.COMPILE, "cel-check") if parsed else (ErrorClass.SYNTAX, "cel-syntax")
    if error == "scripts in conditions are no longer supported":
        return ErrorClass.COMPILE, "script-condition"
    return ErrorClass.COMPILE, error.replace(" ", "-") if error in ERRORS else "other"


def _described(description: str, file: str) -> Place | None:
    """The first place in `file` that a description names, for the errors that come without a position."""
    for name, line, column in _NAMED_PLACE.findall(description):
        if name == file:
            return Place(int(line) or 1, int(column) or 1, None)
    if found := _IMPORTED_AT.search(description):
        return Place(int(found[1]) or 1, int(found[2]) or 1, None)
    return None


def _schema(description: str, file: str, at: Place | None, context: str, sources: Sources) -> Finding:
    """A schema that is no JSON is `syntax`, one that is no JSON Schema is `schema`, one that is not there `compile`.

    The finding points into the schema's own file where the bundle holds it, and names the policy.
    """
    match = _SCHEMA.match(description)
    ref, reason = (match["ref"], match["reason"]) if match else ("", description)
    used = f"{description} (used by {file}{f':{at.line}' if at else ''})"
    if bad := _BAD_JSON.search(reason):
        schema_file = _schema_file(bad[1], sources)
        if schema_file:
            return sources.finding(
                ErrorClass.SYNTAX, "bad-json", used, schema_file, _json_break(sources.bundle[schema_file])
            )
        return sources.finding(ErrorClass.SYNTAX, "bad-json", description, file, at, context=context)
    if invalid := _INVALID.search(reason):
        schema_file = _schema_file(invalid[2] or ref, sources)
        if schema_file:
            places = sources.outline(schema_file)
            where = nearest(places, _pointer(invalid[1] or "")) or places.get(())
            return sources.finding(ErrorClass.SCHEMA, "invalid-schema", used, schema_file, where)
        return sources.finding(ErrorClass.SCHEMA, "invalid-schema", description, file, at, context=context)
    if (by := _REFERENCED_BY.search(reason)) and (schema_file := _schema_file(by[1], sources)):
        places = sources.outline(schema_file)
        missing = (p for p, found in places.items() if p and p[-1] == "$ref" and _names(reason, found.value))
        where = places.get(next(missing, ()))
        return sources.finding(ErrorClass.COMPILE, "missing-schema", used, schema_file, where)
    code = "missing-schema" if reason.endswith("doesn't exist") else "unreadable-schema"
    return sources.finding(ErrorClass.COMPILE, code, description, file, at, context=context)


def _schema_file(ref: str, sources: Sources) -> str | None:
    match = _LOCAL.match(ref)
    path = f"{SCHEMAS}/{match[1]}" if match else ""
    return path if path in sources.bundle else None


def _names(reason: str, ref: str | None) -> bool:
    return bool(ref) and str(ref).rpartition("/")[2].partition("#")[0] in reason


def _pointer(pointer: str) -> tuple[str | int, ...]:
    steps = pointer.strip("/").split("/") if pointer.strip("/") else []
    return tuple(int(step) if step.isdecimal() and len(step) < 7 else step for step in steps)


def _json_break(whole_text: str) -> Place:
    """Where a text stops being JSON; its start when it is JSON after all."""
    try:
        json.loads(whole_text)
    except json.JSONDecodeError as error:
        return Place(error.lineno, error.colno, None)
    except (RecursionError, ValueError):
        pass
    return Place(1, 1, None)
