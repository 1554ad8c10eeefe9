"""Every code that can be emitted has a section in docs/codes, no section is for one that cannot, and examples are true.

The codes are drawn from the code itself: constants where a code is handed over, tables, and what fixtures recorded of
the real compiler. That a fixture gives its code is shown where the fixture is run (`Shown by` in the table below).
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import policyloop
from compiler_cases import CASES
from policyloop.access.lint import CODES as LINT
from policyloop.access.mutate import OPERATORS
from policyloop.cerbos.compiled import ERRORS
from policyloop.codes import KINDS, Code, codes, meanings
from source_tree import ROOT
from specs import GAPS

PACKAGE = ROOT / "loop" / "policyloop"
ROOMS = {"compiler": ["cerbos", "asked_tests.py"], "lock": ["guard"], "spec": ["specification", "cli/spec.py"]}
"""Where findings of a kind are made."""

HYPHENATED = re.compile(r"[a-z]+(-[a-z]+)+")
"""A text of this form in one of these rooms is a code: nothing else in them is written so."""

HANDED_OVER = {"finding": 1, "_broken": 1, "_missing": 0, "_contradicts": 1, "Flaw": 0, "Gap": 0, "_refused": 2}
HANDED_OVER |= {"_unusable": 2, "_weakened": 1, "Weakened": 5, "Finding": 1}
"""Functions that are handed a code, and which of their arguments it is."""

PREFIXED = {"_known": "unknown-", "_unknown": "unknown-", "_twice": "duplicate-"}
"""Functions that put a word before their first argument."""
COMPOSED = {
    "compiler": {error.replace(" ", "-") for error in ERRORS},
    "spec": {f"missing-{part}" for part in ("subject", "actions", "resource", "condition", "decision", "purpose")},
    "lock": {f"{part} changed" for part in ("principal", "resource", "auxData", "options")},
}
"""Codes that are put together from a table: names of the compiler's errors, elements of a rule, parts of a request."""


def trees(kind: str) -> Iterator[ast.AST]:
    for room in ROOMS[kind]:
        path = PACKAGE / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield ast.parse(file.read_text())


def text_of(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def constants(kind: str) -> set[str]:
    """Every text of a room, and those that a function puts together."""
    found = set()
    for tree in trees(kind):
        for node in ast.walk(tree):
            found.add(text_of(node))
            if isinstance(node, ast.Call) and node.args and called(node) in PREFIXED:
                found.add(PREFIXED[called(node)] + text_of(node.args[0]))
    return found | COMPOSED[kind]


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def handed_over(kind: str) -> Iterator[str]:
    for tree in trees(kind):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                place = HANDED_OVER.get(called(node))
                arguments = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                arguments += node.args[place : place + 1] if place is not None else []
                yield from filter(None, map(text_of, arguments))


def looks_like_a_code(kind: str) -> set[str]:
    words = {text for text in constants(kind) if HYPHENATED.fullmatch(text)}
    return words | set(handed_over(kind))


def gaps_of(file: Path) -> list[str]:
    return [gap.rstrip("!") for gap in file.read_text().split("\n# gaps: ", 1)[1].split("\n", 1)[0].split()]


def sections(kind: str) -> list[str]:
    return [code.name for code in codes() if code.kind == kind]


@pytest.mark.parametrize("kind", ROOMS)
def test_every_code_that_can_be_emitted_has_a_section_and_no_section_is_for_nothing(kind: str) -> None:
    assert looks_like_a_code(kind) - set(sections(kind)) == set()
    assert set(sections(kind)) - constants(kind) == set()


def test_every_lint_and_every_operator_has_a_section_and_no_section_is_for_nothing() -> None:
    assert set(sections("lint")) == set(LINT)
    assert set(sections("mutate")) == set(OPERATORS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_code_has_two_sections_on_a_page(kind: str) -> None:
    assert len(sections(kind)) == len(set(sections(kind)))


def test_what_the_real_compiler_was_made_to_say_is_among_them() -> None:
    """The other way round: codes that fixtures recorded, whatever the code that made them looks like."""
    known = set(sections("compiler"))
    recorded = [json.loads(golden.read_text())["findings"] for golden in CASES.glob("*/expected.json")]
    assert {finding["code"] for findings in recorded for finding in findings} <= known
    assert {gap for file in GAPS for gap in gaps_of(file)} <= set(sections("spec"))


# --- sections ---------------------------------------------------------------------------------------------------------

SECTION = re.compile(
    r"(?P<title>[^\n].*?)\n\n(?P<why>.+?)\n\n"
    r"(?:```(?P<language>yaml|json|diff)\n(?P<example>.*?)\n```\n\nFrom \[`(?P<path>[^`]+)`\]\(\.\./\.\./(?P=path)\)\."
    r"|Shown by \[`(?P<test>tests/test_\w+\.py)`\]\(\.\./\.\./(?P=test)\)\.)\n\n"
    r"\*\*Mend\.\*\* (?P<mend>.+)",
    re.DOTALL,
)


def names(code: Code) -> str:
    return f"{code.kind}/{code.name}"


@pytest.mark.parametrize("code", codes(), ids=names)
def test_a_section_says_what_why_an_example_and_the_mend(code: Code) -> None:
    section = SECTION.fullmatch(code.text)
    assert section, code.text
    assert "```" not in section["title"] + section["why"] + section["mend"]
    if section["test"]:
        words = (ROOT / section["test"]).read_text()
        assert code.name in words or code.name.split()[0] in words
        return
    file = ROOT / section["path"]
    lines = [line.strip() for line in file.read_text().split("\n")]
    shown = section["example"].split("\n")
    if section["language"] == "diff":
        assert any(line.startswith(("+", "-")) for line in shown)
        shown = [line[1:] for line in shown if not line.startswith("-")]
    if file.name == "expected.json":
        message = json.loads(shown[0])
        assert [message] == [f["message"] for f in json.loads(file.read_text())["findings"] if f["message"] == message]
    else:
        assert consecutive([line.strip() for line in shown], lines), shown


def consecutive(few: list[str], many: list[str]) -> bool:
    """Whether `few` stand in `many` one after the other."""
    return any(many[start : start + len(few)] == few for start in range(len(many) - len(few) + 1))


@pytest.mark.parametrize("code", codes(), ids=names)
def test_an_example_gives_its_code(code: Code) -> None:
    """By what the fixture's own test recorded of the real compiler, or holds against it on every run."""
    section = SECTION.fullmatch(code.text)
    assert section
    if section["test"]:
        return
    parts = Path(section["path"]).parts
    match parts[:2]:
        case ("fixtures", "compiler"):  # run on the real compiler by test_compiler_cases.py
            golden = json.loads((CASES / parts[2] / "expected.json").read_text())
            assert code.name in {finding["code"] for finding in golden["findings"]}
        case ("fixtures", "guard"):  # by test_guard_pairs.py
            golden = json.loads((ROOT / "fixtures" / "guard" / "weakened" / parts[3] / "expected.json").read_text())
            assert code.name in golden["how"]
        case ("fixtures", "spec"):  # by test_spec_check.py
            assert code.name in gaps_of(ROOT / section["path"])
        case ("fixtures", "lint") | ("fixtures", "mutate"):  # by test_lint.py and test_mutate.py, on the real Cerbos
            assert (code.kind, code.name) == (parts[1], parts[2])
        case other:
            pytest.fail(f"no test is known to run {other}")


# --- the command ------------------------------------------------------------------------------------------------------


def test_explain_prints_every_section_of_a_name() -> None:
    done = policyloop("explain", "wrong-type")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines() if line.startswith(("compiler/", "spec/"))] == [
        "compiler/wrong-type",
        "spec/wrong-type",
    ]
    for section in meanings("wrong-type"):
        assert section.title in " ".join(done.out.split())
    assert "](" not in done.out


def test_explain_lists_every_code_and_takes_a_code_as_a_finding_prints_it() -> None:
    listed = policyloop("explain").out.splitlines()
    assert [line.partition(": ")[0] for line in listed] == [names(code) for code in codes()]
    assert "lint/deny-defeated" in policyloop("explain", "lint/deny-defeated").out
    wrong = policyloop("explain", "unknown-feld")
    assert (wrong.code, "Did you mean unknown-field?" in wrong.err) == (2, True)
