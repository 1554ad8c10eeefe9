"""Green is for what is good: a hole, an unnoticed mistake and what was not looked at are amber in every view."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from policyloop.access.lint import CODES, Hole, LintResult
from policyloop.access.mutate import CutOff, Mutant, MutateResult, Survivor
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo
from policyloop.review import Review
from policyloop.view.html import html
from policyloop.view.markdown import markdown
from policyloop.view.pages.lint import lint_mark, lint_page
from policyloop.view.pages.mutate import mutate_page, score_mark
from policyloop.view.pages.review import facts, review_page
from policyloop.view.rich import RichView

INFO = CompilerInfo("0.55.0", "native", "sha256:0")
MUTANT = Mutant("boundary", "doc.yaml", 3, "rule one", "`<` became `<=`", "")
GREEN, AMBER, RED = "\x1b[1;7;32m", "\x1b[1;7;33m", "\x1b[1;7;31m"
SHOWN = {"good": GREEN, "warn": AMBER, "bad": RED}


def linted(*codes: str, unasked: tuple[str, ...] = (), fail: bool = False) -> LintResult:
    holes = tuple(Hole(code=code, level=CODES[code], message="something", file="doc.yaml", line=1) for code in codes)
    fail_on = "note" if fail else "never"
    return LintResult(policies="p", holes=holes, compiler=INFO, asked=5, unasked=unasked, fail_on=fail_on)


def mutated(killed: int, *survivors: Survivor, **more: object) -> MutateResult:
    given = {"made": killed + len(survivors), "min_score": None, "cut_off": None, **more}
    return MutateResult(policies="p", killed=killed, invalid=(), survivors=survivors, compiler=INFO, seed=0, **given)


LINTED = [
    (linted(), "good"),
    (linted(unasked=("about doc, 7 or more requests",)), "warn"),
    *((linted(code), "warn") for code in CODES),
    *((linted(code, fail=True), "bad") for code in CODES),
]
MUTATED = [
    (mutated(3), "good"),
    (mutated(3, Survivor(MUTANT, None, asked=9, proved=4)), "good"),
    (mutated(3, Survivor(MUTANT, None, asked=9)), "warn"),
    (mutated(3, Survivor(MUTANT, None)), "warn"),
    (mutated(0), "warn"),
    (mutated(3, made=9), "warn"),
    (mutated(3, Survivor(MUTANT, None, asked=9), min_score=100), "bad"),
    (mutated(3, made=9, cut_off=CutOff(Exit.INTERRUPTED, "interrupted")), "bad"),
]


def shown(what: LintResult | MutateResult) -> str:
    out = io.StringIO()
    view = RichView(Console(file=out, force_terminal=True, color_system="standard", width=200, highlight=False))
    view.show(lint_page(what) if isinstance(what, LintResult) else mutate_page(what))
    return out.getvalue()


def review_of(lint: LintResult, mutation: MutateResult) -> Review:
    return Review(events=(), ledger="l", records=0, broken=None, against="", lint=lint, mutation=mutation)


@pytest.mark.parametrize(("result", "mark"), [*LINTED, *MUTATED])
def test_the_colour_on_a_terminal(result: LintResult | MutateResult, mark: str) -> None:
    made = lint_mark(result) if isinstance(result, LintResult) else score_mark(result)
    assert made == mark
    last = [line for line in shown(result).splitlines() if line.strip()][-1]
    assert [code for code in SHOWN.values() if code in last] == [SHOWN[mark]]


@pytest.mark.parametrize(("lint", "of_lint"), LINTED[:3])
@pytest.mark.parametrize(("mutation", "of_mutation"), MUTATED[:6])
def test_the_marks_of_a_review(lint: LintResult, of_lint: str, mutation: MutateResult, of_mutation: str) -> None:
    review = review_of(lint, mutation)
    said = {name: mark for name, _, mark in facts(review)}
    assert (said["Holes"], said["Mistakes noticed"]) == (of_lint, of_mutation)
    signs = {"good": "✅", "warn": "⚠️", "bad": "❌"}
    rows = {
        name: line
        for line in markdown(review_page(review)).splitlines()
        for name in said
        if name in line and "|" in line
    }
    assert signs[of_lint] in rows["Holes"]
    assert signs[of_mutation] in rows["Mistakes noticed"]
    drawn = html(review_page(review))
    for name, mark in (("Holes", of_lint), ("Mistakes noticed", of_mutation)):
        assert f'<span>{name}</span><b class="{mark}">' in drawn


def test_what_was_not_looked_at_and_not_told_apart_is_said_everywhere() -> None:
    lint = linted(unasked=("about doc, 7 or more requests",))
    mutation = mutated(3, Survivor(MUTANT, None, asked=9))
    review = review_of(lint, mutation)
    for text in (shown(lint) + shown(mutation), html(review_page(review)), markdown(review_page(review))):
        assert "about doc, 7 or more requests" in text
        assert "not told apart by 9 requests" in text
        assert "equivalent" not in text


def sources() -> Iterator[Path]:
    room = Path(__file__).parent.parent / "loop" / "policyloop"
    for folder in ("view", "session", "documents", "spec"):
        yield from (room / folder).rglob("*.py")


def test_no_view_calls_tests_a_proof() -> None:
    """What assertions say is *tested*; *proved* is for what a solver says, or a tree of hashes."""
    of_solver = {"audit.py", "access.py", "mutate.py", "published.py", "review.py"}
    for path in sources():
        words = re.findall(r"\b[Pp]rov(?:en|es)\b|\b[Pp]roved\b", path.read_text())
        assert not [word for word in words if word.lower() in ("proven", "proves")], path
        assert not words or path.name in of_solver, path
