"""A document and its schema come from one class: what the class can hold fits, and nothing else does.

The published schemas stand in fixtures/schemas, so that a change to a class is seen as a change to them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from annotated_types import MinLen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import is_typeddict

from policyloop.documents.published import DOCUMENTS, NAMES, schema_of
from policyloop.shape import Given, OneOf, to_json
from source_tree import ROOT
from specs import GOOD, load

PUBLISHED = ROOT / "fixtures" / "schemas"
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    bool: st.booleans(),
    int: st.integers(min_value=0),
    float: st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}
SPEC = load(GOOD[0] / "spec.yaml").plain()


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_the_one_that_is_published(name: str, request: pytest.FixtureRequest) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    golden = PUBLISHED / f"{name}.json"
    if request.config.getoption("--regenerate"):
        golden.write_text(json.dumps(schema, indent=2) + "\n")
    assert schema == json.loads(golden.read_text())
    # What stands in the JSON in this order is read in this order.
    assert list(schema.get("properties", ())) == list(json.loads(golden.read_text()).get("properties", ()))


def test_no_schema_is_kept_that_is_not_published() -> None:
    assert {file.stem for file in PUBLISHED.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_document_can_hold_fits_its_schema_and_nothing_else_does(name: str, data: st.DataObject) -> None:
    written = json.loads(json.dumps(to_json(data.draw(values(DOCUMENTS[name])))))
    validator = validator_of(name)
    validator.validate(written)
    for place in list(objects(written)) if name != "answers" else []:
        if data.draw(st.booleans()):
            place["another"] = None
            assert not validator.is_valid(written), place
            del place["another"]
    for key in validator.schema.get("required", []):
        assert not validator.is_valid({other: value for other, value in written.items() if other != key}), key


@cache
def validator_of(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(name))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The object itself and those below it which are closed: not attributes, claims, files or a spec."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in {"attr", "jwt", "files", "spec"}:
                yield from objects(item)
    if isinstance(value, list):
        for item in value:
            yield from objects(item)


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Everything that the type says a value may be."""
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        members = {name: values(hint) for name, hint in hints.items()}
        needed = {name: members[name] for name in kind.__required_keys__}
        return st.fixed_dictionaries(needed, optional={n: v for n, v in members.items() if n not in needed})
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{member.name: values(hints[member.name]) for member in fields(kind)})
    return made(get_origin(kind), get_args(kind))


def made(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is Annotated:
        for mark in arguments[1:]:
            match mark:
                case OneOf(names):
                    return st.sampled_from(names)
                case Given():
                    return st.just(SPEC)
                case MinLen(least):
                    return st.text(min_size=least)
        return values(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if origin in (Required, NotRequired):
        return values(arguments[0])
    if origin in (tuple, list):
        return st.lists(values(arguments[0]), max_size=2).map(origin)
    assert origin is Mapping, origin
    inner = st.none() | st.text() if arguments[1] is Any else values(arguments[1])
    return st.dictionaries(st.text(max_size=3), inner, max_size=2)
