"""What the README names is there: files, tests, numbers, commands, exit codes, settings. Each was found untrue once."""

import ast
import importlib
import json
import pkgutil
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from claude_client import VERSION as CLAUDE_CODE
from command import policyloop
from policyloop import documents
from policyloop.access.compare.engine import MOST_PROOFS
from policyloop.config import Config
from policyloop.documents.published import DOCUMENTS
from policyloop.errors import Exit
from policyloop.run.compare import MOST_PROOFS as IN_A_RUN
from policyloop.validators.pinned import VERSION as CERBOS
from source_tree import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [*(ROOT / name for name in ("README.md", "SKILL.md", "CONTRIBUTING.md", "docs/architecture.md"))]
PAGES += sorted((ROOT / "skill" / "references").glob("*.md"))
OURS = ("loop/", "tests/", "fixtures/", "prompts/", "skill/", "docs/")
WRITTEN_LATER = ("tests/spec/",)
"""What policyloop writes into a policy directory."""


def code_in(text: str) -> list[str]:
    """What stands in backquotes, outside of blocks of code."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_are_named_are_there(page: Path) -> None:
    words = [word for word in code_in(page.read_text()) if not set(word) & set("<>*")]
    named = [word for word in words if word.startswith(OURS) and word not in WRITTEN_LATER]
    assert named or page.parent.name == "references"
    assert [word for word in named if not (ROOT / word).exists()] == []


def test_the_tests_that_are_named_are_there() -> None:
    named = {word for word in code_in(README) if re.fullmatch(r"test_\w+", word)}
    trees = [ast.parse(path.read_text()) for path in (ROOT / "tests").glob("test_*.py")]
    known = {one.name for tree in trees for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    assert named
    assert named - known == set()


def test_the_numbers_of_the_weakened_pairs() -> None:
    folders = sorted((ROOT / "fixtures" / "guard" / "weakened").iterdir())
    said = [json.loads((folder / "expected.json").read_text())["compile"] for folder in folders]
    both = [one for one in said if one == {"baseline": 0, "candidate": 0}]
    told = re.search(r"of the (\d+) weakened pairs.*?\n?0 on both sides of (\d+)", README, re.DOTALL)
    assert told
    assert (int(told[1]), int(told[2])) == (len(said), len(both))


def test_the_versions_and_bounds_that_are_named() -> None:
    assert f"Claude Code (tried with {CLAUDE_CODE})" in README
    assert f"Cerbos is pinned to {CERBOS}" in README
    assert f"up to {MOST_PROOFS} questions in `diff` and {IN_A_RUN} in a run" in " ".join(README.split())


def test_the_settings_are_the_defaults() -> None:
    block = re.search(r"```yaml\n(cerbos:.*?)```", README, re.DOTALL)
    assert block
    told = yaml.safe_load(block[1])
    defaults = json.loads(json.dumps(asdict(Config())))
    defaults["access"]["unproved"] = Config().access.about_unproved
    del told["profiles"]
    for section, values in told.items():
        assert values == {key: defaults[section][key] for key in values}, section


def test_the_exit_codes_are_all_there() -> None:
    section = README[README.index("### Exit codes") :]
    codes = re.findall(r"^\| (\d+) \|", section[: section.index("\n### ", 1)], re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in Exit]


def test_the_commands_are_known() -> None:
    blocks = "\n".join(re.findall(r"(?ms)^```(?:sh)?\n(.*?)^```", README))
    named = set(re.findall(r"\bpolicyloop ([a-z]+)\b", blocks + "\n" + "\n".join(code_in(README)))) - {"demo"}
    listed = set(re.findall(r"(?m)^  ([a-z]+) ", policyloop("--help").out.partition("Commands:")[2]))
    assert len(named) > 10
    assert named - listed == set()


def test_every_document_that_is_described_is_published() -> None:
    files = [f"policyloop.documents.{found.name}" for found in pkgutil.iter_modules(documents.__path__)]
    described = [
        kind
        for file in files
        for kind in vars(importlib.import_module(file)).values()
        if getattr(kind, "__module__", "") == file and (kind.__doc__ or "").startswith("What `policyloop ")
    ]
    assert len(described) > 10
    assert [kind for kind in described if kind not in DOCUMENTS.values()] == []
