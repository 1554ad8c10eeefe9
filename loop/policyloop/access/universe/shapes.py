"""What JSON Schemas say about attributes: a value that fits, and those at the edges of what fits."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.access.universe.fields import Path
from policyloop.access.universe.values import OTHER, around
from policyloop.bundle import Bundle

_MOST_DEPTH = 8
_ADDRESS = "cerbos:///"
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LENGTHS = ("minLength", "maxLength")
_COUNTS = ("minItems", "maxItems")
_MOST_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema: attributes that it should take, and values worth trying for each field."""

    fitting: dict[str, Any]
    values: Mapping[Path, Sequence[Any]]


def shape_of(bundle: Bundle, reference: str, root: Path) -> Shape | None:
    """The schema that `reference` (`cerbos:///doc.json`) names, fields below `root`; None where it is not plain."""
    if not reference.startswith(_ADDRESS):
        return None
    try:
        schema = json.loads(bundle.files.get(f"_schemas/{reference.removeprefix(_ADDRESS)}", ""))
    except (ValueError, RecursionError):
        return None
    values: dict[Path, list[Any]] = {}
    fitting = _fitting(schema, root, values, 0)
    return Shape(fitting, values) if isinstance(fitting, dict) else None


def _fitting(schema: Any, path: Path, values: dict[Path, list[Any]], depth: int) -> Any:
    """A value that the schema should take; what is worth trying is noted under its path."""
    if not isinstance(schema, dict) or depth > _MOST_DEPTH:
        return "x"
    noted = list(_noted(schema))
    if noted:
        values.setdefault(path, []).extend(noted)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties")
        held = properties if isinstance(properties, dict) else {}
        return {str(name): _fitting(inner, (*path, str(name)), values, depth + 1) for name, inner in held.items()}
    if kind == "array":
        least = _number(schema.get("minItems"), 1)
        return [_fitting(schema.get("items"), (*path, "[]"), {}, depth + 1)] * min(int(least), 20)
    return _scalar(kind, schema)


def _scalar(kind: Any, schema: Mapping[str, Any]) -> Any:
    if kind in ("number", "integer"):
        least = schema.get("minimum", _number(schema.get("exclusiveMinimum"), 0) + 1)
        return min(_number(least, 1), _number(schema.get("maximum"), _number(least, 1)))
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    formats = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "email": "a@b.example"}
    text = formats.get(str(schema.get("format")), "x")
    return text.ljust(min(int(_number(schema.get("minLength"), 0)), _MOST_LENGTH), "x")


def _noted(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name in _BOUNDS:
        if name in schema and not isinstance(schema[name], bool) and isinstance(schema[name], int | float):
            yield from around(schema[name])
    for name in _LENGTHS:
        if 0 < _number(schema.get(name), 0) < _MOST_LENGTH:
            yield from ("x" * (int(schema[name]) + step) for step in (-1, 0, 1))
    for name in _COUNTS:
        if 0 < _number(schema.get(name), 0) < _MOST_LENGTH:
            yield from (["x"] * (int(schema[name]) + step) for step in (-1, 0, 1))
    if isinstance(schema.get("enum"), list):
        yield from schema["enum"][:20]
        yield OTHER
    if "const" in schema:
        yield schema["const"]


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
