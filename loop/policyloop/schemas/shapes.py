"""The few shapes that all schemas are made of."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number", "minimum": 0}
FLAG: Schema = {"type": "boolean"}


def shape(about: str, properties: Mapping[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    return {
        "description": about,
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def about(schema: Schema, description: str) -> Schema:
    return {"description": description, **schema}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*values: object) -> Schema:
    return {"enum": list(values)}
