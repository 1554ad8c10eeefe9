"""Where readers of YAML may differ, the compiler says what a suite asks: doubt goes where it agrees, and only there."""

import json
import os
import random
from collections.abc import Callable, Mapping

import pytest

from guard_cases import pairs
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard import Lock
from policyloop.guard.settled import settled
from policyloop.guard.suite_demands import BundleDemands
from policyloop.validators.settling import settling, settling_if_there

SUITE = """\
name: Docs
description: owners
options: {now: "2026-01-01T00:00:00Z", globals: {limit: 3}}
principals:
  alice: {id: alice, roles: [user, admin], attr: {level: 3, tags: [a, {b: null}], big: 12345678901234567890}}
  bob: {id: bob, roles: [user], policyVersion: default}
resources:
  hers:
    kind: doc
    id: d1
    attr:
      title: "it is 'hers'"
  his: {kind: note, id: n1, policyVersion: v2}
auxData:
  token: {jwt: {aud: [x], level: 1.5}}
tests:
  - name: owners
    description: all of them
    input: {principals: [alice, bob], resources: [hers, his], actions: [read, "a:*"], auxData: token}
    expected:
      - {principal: alice, resource: hers, actions: {read: EFFECT_ALLOW, "a:*": EFFECT_ALLOW}}
  - name: later
    options: {globals: {limit: 4}}
    input: {principals: [bob], resources: [his], actions: [read]}
    expected: [{principal: bob, resource: his, actions: {read: EFFECT_DENY}}]
"""
FILE = "docs_test.yaml"

HARMLESS: dict[str, Callable[[str], str]] = {
    "spaces at the end of a line": lambda text: text.replace(": owners\n", ": |\n  owners \n  and others\n", 1),
    "a line that begins with a quote": lambda text: text.replace(": owners\n", ": 'owners\n  ''all'\n", 1),
    "lines of different indentation": lambda text: text.replace("all of them", "all\n        of\n      them"),
    "an empty block": lambda text: text.replace(": owners\n", ": |\n\n", 1),
    "a tag": lambda text: text.replace(": owners\n", ": !!str owners\n", 1),
    "a folded value": lambda text: text.replace("\"it is 'hers'\"", "'it\n        is ''hers'''"),
    "a block with spaces around it": lambda text: text.replace("all of them", "|2-\n      all \n"),
}
"""Doubtful ways of writing what stands there; Cerbos reads them as we do, or they can change no demand."""


def bundle(text: str) -> Bundle:
    return Bundle({FILE: text})


def each_in_a_folder(texts: Mapping[str, str]) -> Bundle:
    """Many suites in one bundle, so that the compiler, which is asked four times, is asked so once for all."""
    return Bundle({f"{name}/{FILE}": text for name, text in texts.items()})


def test_what_the_compiler_reads_alike_is_no_weakening(cerbos: Runner) -> None:
    """Each suite asks about documents of its own, so that what one demands keeps nothing of another."""
    own = {name: SUITE.replace("id: d1", f"id: d{number}").replace("id: n1", f"id: n{number}")
           for number, name in enumerate(HARMLESS)}  # fmt: skip
    written = {name: HARMLESS[name](text) for name, text in own.items()}
    assert all(written[name] != text for name, text in own.items())
    before, after = each_in_a_folder(own), each_in_a_folder(written)
    assert Lock.of(before, settling(cerbos)).weakened_by(after) == ()
    # Without a compiler each is in doubt, or can change no demand.
    assert f"a tag/{FILE}" in {lost.id.file for lost in Lock.of(before).lost_in(after)}


def test_without_a_compiler_what_is_in_doubt_is_refused() -> None:
    doubtful = bundle(HARMLESS["a tag"](SUITE))
    assert {one.how for one in Lock.of(bundle(SUITE)).weakened_by(doubtful)} == {"ambiguous"}

    def none() -> Runner:
        from policyloop.errors import Unavailable

        raise Unavailable("there is none")

    with settling_if_there(none) as settle:
        lock = Lock.of(bundle(SUITE), settle)
        assert {one.how for one in lock.weakened_by(doubtful)} == {"ambiguous"}


READ_OTHERWISE = {
    "a quote alone after an empty line": ('"a\\n\' c"', "'a\n\n        ''\n        c'"),
    "a quote begins a line": ('"a \'b"', "'a\n        ''b'"),
    "spaces in an empty line": (r'"a\n\nb"', '"a\n   \n\n        b"'),
}
"""Cerbos reads the first otherwise and the second alike; of the third the test finds out, as of all."""


@pytest.mark.parametrize("name", READ_OTHERWISE)
def test_a_value_that_cerbos_reads_otherwise_stays_refused(name: str, cerbos: Runner) -> None:
    """Our reader takes both for the same; the compiler, asked, decides, whatever it says."""
    plain, odd = READ_OTHERWISE[name]
    before, after = SUITE.replace("\"it is 'hers'\"", plain), SUITE.replace("\"it is 'hers'\"", odd)
    policy = {"resource": "doc", "version": "default", "rules": [
        {"actions": ["*"], "roles": ["*"], "effect": "EFFECT_ALLOW",
         "condition": {"match": {"expr": f"R.attr.title == {json.dumps(value(before))}"}}}]}  # fmt: skip
    text = json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy})
    with cerbos.stage(Bundle({FILE: after, "p.json": text})) as staged:
        alike = '"expected":  "EFFECT_ALLOW"' not in staged.compile().stdout.decode()
    refused = Lock.of(bundle(before), settling(cerbos)).weakened_by(bundle(after)) != ()
    assert refused is not alike


def value(text: str) -> str:
    (title,) = {json.loads(one.demand.inputs.resource)["attr"]["title"] for one in Lock.of(bundle(text))
                if one.id.resource == "hers"}  # fmt: skip
    return title


MISREAD = {
    "an id": ("{id: alice,", "{id: alicf,"),
    "a role more": ("[user, admin]", "[user, admin, root]"),
    "roles in another order": ("[user, admin]", "[admin, user]"),
    "an attribute": ("level: 3,", "level: 4,"),
    "an attribute as text": ("level: 3,", 'level: "3",'),
    "an attribute gone": ("level: 3, ", ""),
    "an attribute more": ("level: 3,", "level: 3, root: true,"),
    "null for nothing": ("{b: null}", "{b: ''}"),
    "a large number": ("12345678901234567890", "12345678901234569999"),
    "who asks in another version": ("policyVersion: default", "policyVersion: v3"),
    "who asks in a scope": ("policyVersion: default}", "policyVersion: default, scope: a}"),
    "a kind": ("kind: doc", "kind: note"),
    "a version": ("policyVersion: v2", "policyVersion: default"),
    "no version": (", policyVersion: v2", ""),
    "a resource's id": ("id: n1", "id: n2"),
    "a resource in a scope": ("id: n1,", "id: n1, scope: a,"),
    "a claim": ("level: 1.5", "level: 2.5"),
    "no claims": (", auxData: token", ""),
    "a moment": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
    "no moment": ('now: "2026-01-01T00:00:00Z", ', ""),
    "a moment for one test": ("{globals: {limit: 4}}", '{globals: {limit: 4}, now: "2026-01-01T00:00:00Z"}'),
    "a global": ("limit: 3", "limit: 5"),
    "globals of one test": ("limit: 4", "limit: 3"),
    "strict": ("{globals: {limit: 4}}", "{globals: {limit: 4}, strictEvaluation: true}"),
    "lenient, in a scope": ("{limit: 4}}", "{limit: 4}, lenientScopeSearch: true, defaultScope: a}"),
    "in a scope": ("{globals: {limit: 4}}", "{globals: {limit: 4}, defaultScope: a}"),
    "another version": ("limit: 3}}", "limit: 3}, defaultPolicyVersion: v9}"),
    "another version that is there": ("limit: 3}}", "limit: 3}, defaultPolicyVersion: v2}"),
    "an effect": ('"a:*": EFFECT_ALLOW', '"a:*": EFFECT_DENY'),
    "an effect the other way": ("read: EFFECT_DENY", "read: EFFECT_ALLOW"),
    "an action": ("actions: [read]", "actions: [read, write]"),
    "an action less": ('[read, "a:*"], aux', "[read], aux"),
    "a test skipped": ("name: later", "name: later\n    skip: true"),
    "all skipped": ("name: Docs", "name: Docs\nskip: true"),
    "another name": ("name: later", "name: Later"),
    "an output": ("actions: {read: EFFECT_DENY}", "actions: {read: EFFECT_DENY}, outputs: [{action: read, expected: "
                  "[{src: x, val: 1}]}]"),
    "who asks left out": ("[alice, bob]", "[alice]"),
    "no YAML": ("tests:", "tests: ["),
}  # fmt: skip


def test_what_the_compiler_reads_as_we_do_is_settled(cerbos: Runner) -> None:
    readings = list(BundleDemands(bundle(SUITE)))
    assert settled(bundle(SUITE), readings, settling(cerbos)) == {FILE}


def test_any_other_reading_is_not_settled(cerbos: Runner) -> None:
    """As if we had read `SUITE`, and Cerbos something else: each part of a demand is told, and missed.

    Beside them stands one suite that it reads as we do, and that alone is settled.
    """
    written = {"as it stands": SUITE}
    for name, (old, new) in MISREAD.items():
        assert old in SUITE
        written[name] = SUITE.replace(old, new, 1)
    readings = list(BundleDemands(each_in_a_folder(dict.fromkeys(written, SUITE))))
    assert settled(each_in_a_folder(written), readings, settling(cerbos)) == {f"as it stands/{FILE}"}


PAIRS = pairs("weakened")
ALL = len(PAIRS) if os.environ.get("POLICYLOOP_SETTLED") else 10
"""How many of the weakened pairs are tried; the others stand in `tests/test_guard_pairs.py` without a compiler."""


def test_weakenings_stay_refused_with_a_compiler(cerbos: Runner) -> None:
    """Each with a doubt added to every suite of the candidate that has room for a description."""
    for pair in random.Random(0).sample(PAIRS, ALL):
        lock = Lock.of(pair.baseline, settling(cerbos))
        assert lock.weakened_by(pair.candidate), pair.folder.name
        assert lock.weakened_by(doubted(pair.candidate)), pair.folder.name


def doubted(side: Bundle) -> Bundle:
    texts = dict(side.files)
    for path, text in texts.items():
        if path.endswith("_test.yaml") and "\ndescription:" not in text and "\ntests:\n" in text:
            texts[path] = text.replace("\ntests:\n", "\ndescription: |\n  text \ntests:\n", 1)
    return Bundle(texts)
