"""Documents held against the schemas that we publish. Each schema is read, and is itself looked at, once a process."""

import functools
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from policyloop.documents.published import schema_of


def validator_of(schema: dict[str, Any]) -> Validator:
    """What holds a document against it. Raises `SchemaError` for what is no JSON Schema."""
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@functools.cache
def _published(name: str) -> Validator:
    return validator_of(schema_of(name))


def hold_to_schema(document: object, name: str) -> None:
    """Raises `jsonschema.ValidationError` where the document does not fit the schema of that name."""
    _published(name).validate(document)
