"""Reformatting is not weakening: every suite of the fixtures, as the usual YAML writers write it, is kept.

What a writer makes of a suite and Cerbos cannot load is no reformatting: it must not count as kept without a word.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from bundles import FIXTURES
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard import Lock
from policyloop.layout import Kind, kind

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


def rewritings(text: str) -> Iterator[str]:
    """`text` as PyYAML and ruamel.yaml write it, in every width and style; nothing for what they cannot read."""
    try:
        value = yaml.load(text, Texts)
        kept = YAML().load(text)
    except Exception:  # noqa: BLE001 - a broken fixture
        return
    if not isinstance(value, dict):
        return
    for width in WIDTHS:
        for style in STYLES:
            yield yaml.safe_dump(
                value, width=width or 80, allow_unicode=True, default_flow_style=style, sort_keys=False
            )
            writer, out = YAML(), io.StringIO()
            writer.width = width
            writer.default_flow_style = style
            writer.dump(kept, out)
            yield out.getvalue()


def rewritten() -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Name, files before, files after: every folder in each of its rewritings, all files of it at once."""
    cases = []
    for name, files in suites().items():
        if not Lock.of(Bundle(files)):
            continue
        versions = [list(rewritings(text)) or [text] for text in files.values()]
        for number in range(max(map(len, versions))):
            texts = [version[number % len(version)] for version in versions]
            cases.append((name, files, dict(zip(files, texts, strict=True))))
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
    assert kept > 2_000


@pytest.mark.parametrize("folder", sorted((FIXTURES / "guard" / "weakened").iterdir()), ids=lambda path: path.name)
def test_no_weakening_slips_through_in_another_format(folder: Path) -> None:
    """The candidate of each weakened pair, written anew, is still refused."""
    sides = []
    for side in ("baseline", "candidate"):
        paths = [path for path in (folder / side).rglob("*") if path.is_file()]
        sides.append({str(path.relative_to(folder / side)): path.read_text("utf-8") for path in paths})
    lock = Lock.of(Bundle(sides[0]))
    for number in (0, 1, 4, 9):
        after = {}
        for path, text in sides[1].items():
            versions = list(rewritings(text)) if kind(path) in (Kind.SUITE, Kind.FIXTURE) else []
            after[path] = versions[number] if versions else text
        assert lock.weakened_by(Bundle(after)), number
