"""What a person sees at 80 and at 120 columns, on a terminal that is played: no word is broken, and a question is near.

With POLICYLOOP_SCREENS=FOLDER the screens are written there, to be looked at.
"""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
import pytest
from rich.console import Console

from bundles import FIXTURES
from command import environment
from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.mutate import Mutant, MutateResult, Survivor
from policyloop.access.mutate.search import Witness
from policyloop.access_report import AccessReport, Deciding, Reason
from policyloop.findings import CompilerInfo
from policyloop.results import DiffResult, SpecResult
from policyloop.specification import FILE_NAME, parse_spec
from policyloop.view.blocks import Page
from policyloop.view.pages.access import diff_page
from policyloop.view.pages.mutate import mutate_page
from policyloop.view.pages.spec import spec_screens
from policyloop.view.pages.spec_sentences import spec_blocks
from policyloop.view.plain import lines, page_lines
from policyloop.view.rich import RichView
from screen import Screen
from specs import GOOD, load
from worked import EXAMPLES

WIDTHS = (80, 120)
INFO = CompilerInfo("0.55.0", "native", "sha256:0")
SPECS = [*(case / "spec.yaml" for case in GOOD), *(case / FILE_NAME for case in EXAMPLES)]


def drawn(page: Page, columns: int) -> list[str]:
    """The lines of a terminal of that width after the page was shown."""
    out = io.StringIO()
    RichView(Console(file=out, force_terminal=True, width=columns, highlight=False)).show(page)
    screen = pyte.Screen(columns, 400)
    pyte.Stream(screen).feed(out.getvalue().replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display[: screen.cursor.y]]


def kept(name: str, columns: int, seen: Sequence[str]) -> None:
    folder = os.environ.get("POLICYLOOP_SCREENS")
    if folder:
        Path(folder, f"{name}-{columns}.txt").write_text("\n".join(seen))


def whole(seen: Sequence[str], page: Page, columns: int) -> None:
    """Every word that is shown is one that the page has, unless it alone is wider than the terminal."""
    assert all(len(line) <= columns for line in seen)
    words = {word.strip(":") for line in page_lines(page) for word in line.split()}
    told = [word.strip(":─") for line in seen for word in line.split()]
    broken = [word for word in told if word and word not in words and word.lower() not in words]
    assert not [word for word in broken if not any(word in long for long in words if len(long) >= columns - 4)], broken


def reason(role: str, action: str, rule: str = "read-shared", **more: object) -> Reason:
    request = {
        "principal": {"id": "u1", "roles": [role], "attr": {"department": "engineering", "level": 3.0}},
        "resource": {"kind": "document", "id": "r1", "attr": {"shared": True, "owner": "somebody"}},
        "action": action,
    }
    fields = {
        "direction": "wider", "resource": "document", "action": action, "roles": (role,), "request": request,
        "before": "EFFECT_DENY", "after": "EFFECT_ALLOW", "was": Deciding(policy="resource.document.vdefault"),
        "now_is": Deciding("resource.document.vdefault", rule, "document.yaml", 12, "EFFECT_ALLOW"),
        "engine": "decisions", **more,
    }  # fmt: skip
    return Reason(**fields)  # type: ignore[arg-type]


WIDER = AccessReport(
    reasons=(
        *(reason(role, action) for role in ("user", "finance", "dispatcher") for action in ("view", "download")),
        reason("auditor", "view", "auditors-view", asked_for="auditors-view"),
    ),
    requests=5_993,
)


def compared() -> Page:
    return diff_page(DiffResult(old="HEAD", new="policies", access=WIDER, cerbos=INFO))


def mutated() -> Page:
    request = Request(
        Principal("mia", ("manager",), {"department": "engineering"}),
        Resource("performance_review", "r1", {"manager": "somebody else", "archived": True}),
        "view",
    )
    mutant = Mutant("condition-dropped", "reviews/performance_review.yaml", 14, "rule managers-see-reviews",
                    "its condition is gone: whoever has the role is let in", "")  # fmt: skip
    witness = Witness(Question(request), "EFFECT_DENY", "EFFECT_ALLOW", strict=False)
    survivor = Survivor(mutant, witness)
    return mutate_page(
        MutateResult(policies="policies", killed=3, invalid=(), survivors=(survivor,), made=4,
                     compiler=INFO, seed=0, min_score=None, cut_off=None)
    )  # fmt: skip


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("made", [compared, mutated], ids=lambda made: made.__name__)
def test_no_word_of_a_result_is_broken(made: object, columns: int) -> None:
    assert callable(made)
    page = made()
    seen = drawn(page, columns)
    kept(made.__name__, columns, seen)
    whole(seen, page, columns)


def test_a_rule_that_lets_in_many_is_told_once() -> None:
    told = "\n".join(page_lines(compared()))
    assert "WIDER: read-shared (document.yaml:12) now also lets in user, finance, dispatcher: view, download" in told
    assert told.count("shown by:") == 2
    assert 'u1 (user) {"department": "engineering", "level": 3} view document r1' in told
    assert "not asked for: 6 wider; asked for: 1 wider; 0 narrower" in told
    assert "FAIL" not in told
    nothing = AccessReport(skipped="the start does not compile")
    told = "\n".join(page_lines(diff_page(DiffResult(old="a", new="b", access=nothing, cerbos=INFO))))
    assert "NOT compared: the start does not compile" in told


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("file", SPECS, ids=lambda path: path.parent.name)
def test_the_first_screen_of_a_spec_holds_what_matters_and_no_more_than_forty_lines(file: Path, columns: int) -> None:
    spec = load(file)
    result = SpecResult(path=str(file), spec=spec, changes=("Rule one: condition changes from 1 to 2.",))
    first, rest = spec_screens(result, columns)
    seen = drawn(first, columns)
    kept(f"spec-{file.parent.name}", columns, seen)
    whole(seen, first, columns)
    assert len(seen) < 40
    assert "CHANGED: Rule one" in "\n".join(seen)
    everything = list(lines(tuple(spec_blocks(spec, result.changes))))
    shown = [*lines(first.blocks), *(lines(rest.blocks) if rest else ())]
    assert [line for line in everything if line not in shown] == []
    if rest is not None:
        assert f"policyloop spec show {file}" in " ".join(seen).replace("  ", " ") or columns < len(str(file)) + 30


def test_what_is_assumed_or_open_stands_before_the_rules() -> None:
    text = (FIXTURES / "examples" / "salaries" / FILE_NAME).read_text()
    spec = parse_spec(text.replace("    answer: direct\n", "    answer: direct\n    assumed: true\n"))
    told = list(lines(tuple(spec_blocks(spec, ("Decision x is new.",)))))
    places = [next(n for n, line in enumerate(told) if word in line) for word in ("CHANGED", "ASSUMED", "hr may view")]
    assert places == sorted(places)


def asked(spec: Path, columns: int, state: Path) -> Iterator[Screen]:
    program = [str(Path(sys.executable).with_name("policyloop")), "spec", "confirm", str(spec), "--by", "ann"]
    env = environment(XDG_STATE_HOME=str(state))
    with Screen(program, cwd=spec.parent, environment=env, lines=50, columns=columns) as screen:
        yield screen


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_person_sees_the_rest_and_what_was_shown_is_what_is_kept(columns: int, tmp_path: Path) -> None:
    before = (FIXTURES / "examples" / "salaries" / FILE_NAME).read_text().partition("\nconfirmed:")[0] + "\n"
    spec = tmp_path / FILE_NAME
    spec.write_text(before)
    for screen in asked(spec, columns, tmp_path / "state"):
        screen.wait("[m]ore, [y]es, [n]o:")
        kept("confirm", columns, screen.lines)
        assert len(screen.lines) <= 40
        assert "mia (manager) may view review" in "\n".join(screen.lines)
        screen.enter("m")
        screen.wait("want? [y]es, [n]o:")
        assert "In full, word for word" in "\n".join(screen.lines) or len(screen.lines) > 40
        screen.enter("y")
        screen.until(lambda: "confirmed:" in spec.read_text())
    assert spec.read_text().startswith(before)
