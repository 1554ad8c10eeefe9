"""Two readings of the same YAML, ours and the compiler's: where ours is certain, they may not differ.

Ours may be the stricter one: what it refuses costs a proposal. What it misreads would cost the lock.
"""

import random
from typing import Any

import pytest

from guard_oracle import SUITE, attributes, same
from guard_yaml import Writer
from policyloop.cerbos.run import Runner
from policyloop.guard.canon import Unusable, value_of
from policyloop.yaml_text.certainty import doubt
from policyloop.yaml_text.parse import Unreadable, read

DOCUMENTS = 400


def certain_reading(text: str) -> Any:
    """The attributes as we read them, `...` when we do not read them or are not certain."""
    try:
        found = read(text)
        tree: Any = found.tree
        value = value_of(tree["resources"]["r"]["attr"])
    except (Unreadable, Unusable, KeyError, TypeError):
        return ...
    return ... if found.problems or "tests" not in tree or doubt(text) else value


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_certain_reading_is_the_compilers_reading(cerbos: Runner, depth: int) -> None:
    bodies = [Writer(random.Random(f"{depth} {n}")).text(depth) for n in range(DOCUMENTS)]
    compared = 0
    for body, theirs in zip(bodies, attributes(cerbos, bodies), strict=True):
        ours = certain_reading(SUITE % body)
        if ours is not ... and theirs is not ...:
            assert same(ours, theirs), body
            compared += 1
    assert compared > DOCUMENTS / 10


ODD = {
    "an empty block of text takes in the quotes of the next key": '      a: |\n\n      "k": 1',
    "a pair without a space": "      a: {b:1}",
    "a question mark in a list": "      a: [b,?c]",
    "a space at the end of text": "      a: |-\n        b ",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_corners_in_which_the_two_readings_differ(cerbos: Runner, body: str) -> None:
    """Each is a way to make a test look like another; each is in doubt, so a changed file may not hold it."""
    text = SUITE % body
    tree: Any = read(text).tree
    assert not same(value_of(tree["resources"]["r"]["attr"]), attributes(cerbos, [body])[0])
    assert doubt(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: !!str 1",
        "%YAML 1.2\n---\na: 1",
        "a: 1\n...\n",
        "? a\n: b",
        "a: 'b\r\n  c'",
        "a: 'b\n  ''c'",
        "a: 'b\n \n  c'",
        'a: "b\\ \n  c"',
        'a: "b \\\n\n  c"',
        "a: b\n\n  c",
        "a: b\n  - c",
        "a: b\n  c\n   d",
        "a: {b: c\n  d}",
        "a: [?b]",
        "a: {b:c: d}",
        "a:\tb",
        "a: \x85",
        "a: b\u2028c",
        "a: 1\rb: 2",
        "a: [b: c]",
        "a: |2\n    b",
    ],
)
def test_what_is_in_doubt(text: str) -> None:
    assert doubt(text)


@pytest.mark.parametrize(
    "text",
    [
        "# yaml-language-server: $schema=x\n---\na: 1\n",
        'a: &x {b: 1}\nc:\n  <<: *x\n  d: "e" # f\n',
        '{"a":1,"b":[true,null,"\\u00e9"]}',
        '{\n\t"a": 1\n}\n',
        "a: |\n  b\n  c\nd: >-\n  e\n",
        "a:\r\n  - b\r\n  - c: d\r\n",
        "now: 2026-03-01T08:00:00Z\na: {now: 2026-03-01T08:00:00Z}\n",
        "a: é и 中\n",
        "a: b - c, d & e!\n",
        "a: 'b\n  c'\nd: b \n  c\n  d\n",
        'a: "b \\\n  \\ c\n\n  d"\n',
        "a: [jo's own, a&b, 50%, why?, a#b, a:b, b\n  c]\n",
        "a: {b: jo's own, c: a&b, d: x:y}\n",
    ],
)
def test_what_is_not_in_doubt(text: str) -> None:
    assert doubt(text) == ""
