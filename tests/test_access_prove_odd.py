"""Random CEL, type-correct or not, through the prover: it never ends with an exception, and no request contradicts."""

import json
import os
from contextlib import ExitStack
from random import Random

import pytest

from cel_compiler import text_of, verdicts
from conditions import PRINCIPALS, thrown
from drawing import drawn
from policyloop.access.ask.request import Batch, Resource
from policyloop.access.cel import parse
from policyloop.access.pdp import Settings, serving_all
from policyloop.access.prove import Asked, NotProved, Proved, proving
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from test_cel_compiler import expressions

NATIVE = Settings(runner="native")
MANY = int(os.environ.get("POLICYLOOP_PAIRS", "20"))
ODD = (
    *(
        '["a"] in R.attr.tags',
        '["a"] in R.attr.tags || R.attr.n == 1',
        '{"a": 1} in R.attr.tags',
        "[[1]] == R.attr.tags",
    ),
    *("R.attr.tags in R.attr.tags", "R.attr == R.attr", "R.attr in [R.attr]", "{} in [{}]", "size(R) == 1", "R == P"),
    *("-R.attr.n == --R.attr.n", 'R.attr["n"]["x"] == 1', "R.attr[R.attr.a] == 1", "R.attr.tags[R.attr.n] == 1"),
    *(
        "now() == now()",
        "timestamp(R.attr.n) > now()",
        "duration(R.attr.s) > duration('1s')",
        "R.attr.t + R.attr.t == 1",
    ),
    *(
        "runtime == runtime",
        "G.x == 1",
        "globals.x == G.x",
        "V == V",
        "dyn([])[0] == 1",
        "[].all(x, x)",
        "[].exists(x, x)",
    ),
    *("1.0 / 0.0 == 1.0", "1 / 0 == 1", "9223372036854775807 + 1 == 0", "R.attr.n + 9007199254740993.0 == R.attr.n"),
    *("R.attr.s.matches(R.attr.a)", '"\\u0000" in R.attr.tags', "R.id + R.id == P.id", "has(R.attr.o.x.y.z)"),
    *(
        "cel.bind(x, R.attr, x.n == 1)",
        "[1].map(x, [2].map(x, x)) == [[2]]",
        "R.attr.?n.orValue(1.0) == 1.0",
        "!!R.attr.b",
    ),
    *(" && ".join(f"R.attr.k{n} == {n}" for n in range(300)), "(" * 50 + "true" + ")" * 50, "!" * 59 + "R.attr.b"),
)


def bundle(conditions: list[str]) -> Bundle:
    files = {}
    for at, condition in enumerate(conditions):
        rule = {
            "actions": ["view"],
            "roles": ["user"],
            "effect": "EFFECT_ALLOW",
            "condition": {"match": {"expr": condition}},
        }
        body = {"resource": f"k{at}", "version": "default", "rules": [rule]}
        files[f"k{at}.json"] = json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})
    return Bundle(files)


@pytest.mark.parametrize("number", range(max(2, MANY // 10)))
def test_any_condition_has_a_verdict_that_no_request_contradicts(cerbos: Runner, number: int) -> None:
    dice = Random(number)
    some = list(dict.fromkeys(drawn(expressions, 40, number)))
    drawn_ones = [f"({one}) == ({dice.choice(['true', 'R.attr.n', '1'])})" for one in some]
    every = [*ODD, *drawn_ones] if number == 0 else drawn_ones
    taken = [one for one, said in zip(every, verdicts(cerbos, every), strict=True) if said == "taken"]
    after = [text_of(parse(one)) if at % 2 and len(one) < 500 else dice.choice(taken) for at, one in enumerate(taken)]
    sure = [said == "taken" for said in verdicts(cerbos, after)]
    after = [new if good else old for old, new, good in zip(taken, after, sure, strict=True)]
    old, new = bundle(taken), bundle(after)
    proved = 0
    with ExitStack() as stack:
        pdps = stack.enter_context(serving_all((old, new), NATIVE))
        prover = stack.enter_context(proving(old, new, *pdps, NATIVE))
        for at in range(len(taken)):
            asked = [Asked(PRINCIPALS[0], f"k{at}", "view", anybody=bool(at % 3))]
            resources = tuple(Resource(f"k{at}", "x", thrown(dice)) for _ in range(30))
            batch = Batch(PRINCIPALS[0], resources, ("view",))
            was, now = ([one for _, part in pdp.effects([batch]) for one in part] for pdp in pdps)
            for verdict in prover.compare(asked):
                if isinstance(verdict, NotProved):
                    assert "the prover failed" not in verdict.because, (verdict, taken[at], after[at])
                if isinstance(verdict, Proved):
                    proved += 1
                    less, more = (was, now) if verdict.direction == "wider" else (now, was)
                    assert not any(b and not a for a, b in zip(less, more, strict=True)), (taken[at], after[at])
    assert proved > 5


@pytest.mark.compiler
def test_variables_that_are_nested_too_deep_are_not_proved() -> None:
    variables = {"v0": "R.attr.a == 1", **{f"v{n}": f"!(V.v{n - 1}) || V.v{n - 1}" for n in range(1, 400)}}
    rule = {
        "actions": ["view"],
        "roles": ["user"],
        "effect": "EFFECT_ALLOW",
        "condition": {"match": {"expr": "V.v399"}},
    }
    texts = []
    for first in ("R.attr.a == 1", "R.attr.a == 2"):
        body = {
            "resource": "doc",
            "version": "default",
            "rules": [rule],
            "variables": {"local": {**variables, "v0": first}},
        }
        texts.append(json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body}))
    old, new = (Bundle({"doc.json": text}) for text in texts)
    with serving_all((old, new), NATIVE) as pdps, proving(old, new, *pdps, NATIVE) as prover:
        found = list(prover.compare([Asked(PRINCIPALS[0], "doc", "view")]))
    assert all(isinstance(one, NotProved) for one in found), found
