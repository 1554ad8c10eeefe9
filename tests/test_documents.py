"""The published schemas, as they were published: what changes in them is seen in fixtures/schemas."""

import json

import jsonschema
import pytest
from policyloop.schemas import NAMES, schema_of
from source_tree import ROOT

PUBLISHED = ROOT / "fixtures" / "schemas"


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_the_one_that_is_published(name: str, request: pytest.FixtureRequest) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    golden = PUBLISHED / f"{name}.json"
    if request.config.getoption("--regenerate"):
        golden.write_text(json.dumps(schema, indent=2) + "\n")
    assert schema == json.loads(golden.read_text())
    assert len(list(PUBLISHED.iterdir())) == len(NAMES)
