"""Reformatting is not weakening: every suite of the fixtures, as the usual YAML writers write it, is kept.

What a writer makes of a suite and Cerbos cannot load is no reformatting: it must not count as kept without a word.
"""

import io
import json
import os
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bundles import FIXTURES
from guard_cases import pairs
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard import Lock
from policyloop.layout import Kind, kind

EACH = int(os.environ.get("POLICYLOOP_REWRITINGS", "2"))
"""In how many of the 24 ways each folder's tests are written anew; another few for each folder. 24 is all of them."""
WIDTHS = (40, 60, 80, None)
STYLES = (None, True, False)


class Texts(yaml.SafeLoader):
    """YAML in which a time stays the text that it is to Cerbos."""


Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def suites() -> dict[str, dict[str, str]]:
    """Folder -> the suites and fixture files in it, of every folder of the fixtures that holds a suite."""
    folders: dict[str, dict[str, str]] = {}
    for path in sorted(FIXTURES.rglob("*_test.yaml")):
        if {"weakened", "redteam"} & set(path.parts):
            continue
        beside = [path, *sorted((path.parent / "testdata").glob("*.yaml"))]
        files = {str(one.relative_to(path.parent)): one.read_text("utf-8") for one in beside}
        folders[str(path.relative_to(FIXTURES))] = files
    return folders


WAYS = [(width, style, writer) for width in WIDTHS for style in STYLES for writer in ("pyyaml", "ruamel")]


def rewriting(text: str, way: int) -> str:
    """`text` as PyYAML or ruamel.yaml writes it in one width and style; as it is when they cannot read it."""
    width, style, writer_name = WAYS[way % len(WAYS)]
    try:
        value = yaml.load(text, Texts)
        if not isinstance(value, dict):
            return text
        if writer_name == "pyyaml":
            flow: dict[str, Any] = {"default_flow_style": style, "sort_keys": False, "allow_unicode": True}
            return yaml.safe_dump(value, width=width or 80, **flow)
        writer, out = YAML(), io.StringIO()
        writer.width = width
        writer.default_flow_style = style
        writer.dump(writer.load(text), out)
        return out.getvalue()
    except (yaml.YAMLError, YAMLError, ValueError):
        return text


def rewritten() -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Name, files before, files after: every folder in each of its rewritings, all files of it at once."""
    cases = []
    for name, files in suites().items():
        if not Lock.of(Bundle(files)):
            continue
        for way in range(EACH):
            number = len(cases) + way if len(WAYS) > EACH else way
            cases.append((name, files, {path: rewriting(text, number) for path, text in files.items()}))
    return cases


def unloadable(runner: Runner, bundles: list[dict[str, str]]) -> set[int]:
    """The bundles with a suite that the compiler itself cannot load."""
    files = {f"d{n}/{path}": text for n, bundle in enumerate(bundles) for path, text in bundle.items()}
    policy = {"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": {"resource": "x", "version": "default"}}
    with runner.stage(Bundle({**files, "p.json": json.dumps(policy)})) as staged:
        run = staged.compile()
    loaded: dict[str, Any] = json.loads(run.stdout)
    return {int(suite["file"].split("/")[0][1:]) for suite in loaded["suites"] if suite.get("error")}


def test_every_rewriting_is_kept(cerbos: Runner) -> None:
    kept, refused = 0, []
    for name, before, after in rewritten():
        weakened = Lock.of(Bundle(before)).weakened_by(Bundle(after))
        if weakened:
            refused.append((name, after, weakened[0]))
        else:
            kept += 1
    broken = unloadable(cerbos, [after for _, after, _ in refused])
    loaded = [(name, why) for number, (name, _, why) in enumerate(refused) if number not in broken]
    assert loaded == []
    assert kept > len(refused)


MENDED = {"auxdata-on-for-true", "byte-order-mark", "empty-block-of-text"}
"""Pairs whose candidate the writers read as the baseline: what they write of it is the baseline again."""
PAIRS = [pair for pair in pairs("weakened") if pair.folder.name not in MENDED]


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[pair.folder.name for pair in PAIRS])
def test_no_weakening_slips_through_in_another_format(number: int) -> None:
    """The candidate of each weakened pair, written anew, is still refused; each pair in other ways than the last."""
    pair = PAIRS[number]
    lock = Lock.of(pair.baseline)
    for way in range(number, number + max(EACH // 2, 1)):
        after = {
            path: rewriting(text, way) if kind(path) in (Kind.SUITE, Kind.FIXTURE) else text
            for path, text in pair.candidate.files.items()
        }
        assert lock.weakened_by(Bundle(after)), WAYS[way % len(WAYS)]
