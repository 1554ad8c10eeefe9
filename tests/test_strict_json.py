"""What two readers of JSON could take for two things, is none: for the server, for its PDP and for the shim."""

import json

import pytest

from policyloop.forward.forms import FORMS, Unclear
from policyloop.strict_json import read_strictly

DOUBTFUL = (
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b"[-Infinity]",
    '{"a":1}'.encode("utf-16"),
    b'\xff{"a":1}',
    b'{"x":{"b":1,"b":1}}',
)


@pytest.mark.parametrize("data", DOUBTFUL)
def test_what_is_read_in_two_ways_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"twice|no JSON|decode"):
        read_strictly(data)


def test_everything_else_is_read_as_it_stands() -> None:
    value = {"a": [1, 2.5, None, True, "ü\n"], "b": {"a": {}}}
    assert read_strictly(json.dumps(value).encode()) == value


@pytest.mark.parametrize("client", sorted(FORMS))
def test_the_shim_sends_nothing_of_what_is_none(client: str) -> None:
    with pytest.raises(Unclear, match="no JSON"):
        FORMS[client].events(b'{"hook_event_name":"PreToolUse","tool_input":{"timeout":NaN}}')
