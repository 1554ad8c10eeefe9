"""A document and its schema come from one class: what the class can hold fits, and nothing else does.

The published schemas stand in fixtures/schemas, so that a change to a class is seen as a change to them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
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

from goldens import Golden
from policyloop.documents.published import DOCUMENTS, NAMES, schema_of
from policyloop.models.tally import MAX_COUNT, usage_from_json
from policyloop.protocol import ProposalJson, proposal_from_json, proposal_to_json
from policyloop.shape import Given, OneOf, to_json
from policyloop.task import Malformed
from source_tree import ROOT
from specs import GOOD, load

PUBLISHED = ROOT / "fixtures" / "schemas"
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    bool: st.booleans(),
    int: st.integers(min_value=0, max_value=MAX_COUNT),
    float: st.floats(min_value=0, max_value=MAX_COUNT),
    type(None): st.none(),
}
SPEC = load(GOOD[0] / "spec.yaml").plain()


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_the_one_that_is_published(name: str, golden: Golden) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    recorded = PUBLISHED / f"{name}.json"
    golden(recorded, schema)
    # What stands in the JSON in this order is read in this order.
    assert list(schema.get("properties", ())) == list(json.loads(recorded.read_text()).get("properties", ()))


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


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_proposal_that_fits_its_schema_is_read(data: st.DataObject) -> None:
    """What a program may write is said once: the schema promises nothing that the reader refuses."""
    written = data.draw(values(ProposalJson))
    assert validator_of("proposal").is_valid(written)
    usage = usage_from_json(written.pop("usage", None))
    proposal = proposal_from_json(written)
    # And what is written of it is the same proposal, in the same shape.
    again = proposal_to_json(proposal)
    assert validator_of("proposal").is_valid(again)
    assert proposal_from_json(again) == proposal
    assert usage_from_json(asdict(usage)) == usage


@pytest.mark.parametrize(
    "broken",
    [
        {"edits": [{"path": "a.yaml"}]},
        {"edits": [{"path": "a.yaml", "delete": False}]},
        {"edits": [{"path": "a.yaml", "content": "x", "old": "y"}]},
        {"dispute": {"suite": "s"}},
        {"dispute": {"reason": ""}},
        {"read": [1]},
        {"note": 1},
        {"another": 1},
        {"usage": {"input_tokens": -1}},
        {"usage": {"usd": -0.1}},
        {"usage": {"another": 1}},
    ],
)
def test_a_proposal_that_does_not_fit_is_refused(broken: dict[str, Any]) -> None:
    assert not validator_of("proposal").is_valid(broken)
    with pytest.raises(Malformed):  # noqa: PT012  (either reader)
        usage_from_json(broken.get("usage"))
        proposal_from_json({name: value for name, value in broken.items() if name != "usage"})


@cache
def validator_of(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(name))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The object itself and those below it which are closed: not attributes, claims, files, a record or a spec."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in {"attr", "jwt", "files", "record", "spec"}:
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
