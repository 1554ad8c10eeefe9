"""The JSON Schema of a document, read from its class: types, docstrings, and what `Annotated` says of a value.

Nothing may stand in a document that its schema does not name, and nothing that it names may be left out, but where a
`TypedDict` says `NotRequired`.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import pairwise
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from annotated_types import MinLen

from policyloop.shape import SPREAD, AtLeast, Given, OneOf, key

Schema = dict[str, Any]

_SCALARS: Mapping[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
}


def described(kind: object) -> Schema:
    """The schema of a type. Raises `TypeError` for one that JSON does not know."""
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if is_typeddict(kind):
        return _mapping(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _document(kind)
    return _generic(kind)


def _generic(kind: object) -> Schema:
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin in (Required, NotRequired):
        return described(arguments[0])
    if origin is Annotated:
        return _annotated(*arguments)
    if origin is Literal:
        return {"enum": [value.value if isinstance(value, Enum) else value for value in arguments]}
    if origin in (Union, UnionType):
        return {"anyOf": [described(alternative) for alternative in arguments]}
    if origin in (tuple, list):
        return {"type": "array", "items": described(arguments[0])}
    if origin is Mapping:
        _, value = arguments
        return {"type": "object"} if value is Any else {"type": "object", "additionalProperties": described(value)}
    raise TypeError(f"{kind} is nothing that JSON knows")


def _annotated(kind: object, *marks: object) -> Schema:
    """What `Annotated` says beside the type; a text is its description."""
    schema = described(kind)
    for mark in marks:
        match mark:
            case str():
                schema = {"description": mark, **schema}
            case AtLeast(least):
                schema["minimum"] = least
            case MinLen(least):
                schema["minLength"] = least
            case OneOf(values):
                schema = {"enum": list(values)}
            case Given(made):
                schema = made()
    return schema


def _document(kind: type) -> Schema:
    """A dataclass: every field is required, those of a field that is spread out among them."""
    hints = get_type_hints(kind, include_extras=True)
    told = _field_docstrings(kind)
    properties: dict[str, Schema] = {}
    for member in fields(kind):
        schema = described(hints[member.name])
        if member.metadata == SPREAD:
            properties.update(schema["properties"])
        elif member.name in told:
            properties[key(member.name)] = {**schema, "description": told[member.name]}
        else:
            properties[key(member.name)] = schema
    return _object(kind, properties, list(properties))


def _mapping(kind: Any) -> Schema:
    """A `TypedDict`: what comes as JSON and stays so."""
    hints = get_type_hints(kind, include_extras=True)
    properties = {name: described(hint) for name, hint in hints.items()}
    return _object(kind, properties, [name for name in properties if name in kind.__required_keys__])


def _object(kind: type, properties: dict[str, Schema], required: list[str]) -> Schema:
    """An object with these keys and no others. What its parts refer to by `$defs` moves up to it."""
    shared: Schema = {}
    for schema in properties.values():
        shared.update(schema.pop("$defs", {}))
    whole: Schema = {
        "description": _text(kind.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {**whole, "$defs": shared} if shared else whole


def _field_docstrings(kind: type) -> dict[str, str]:
    """The texts below the fields, which Python itself does not keep."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    told: dict[str, str] = {}
    for line, following in pairwise(body.body):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    told[line.target.id] = _text(text)
    return told


def _text(docstring: str) -> str:
    return " ".join(docstring.split())
