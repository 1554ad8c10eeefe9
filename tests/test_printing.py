"""Whatever others wrote, what is printed of it does no harm; and there is one door through which all of it goes."""

import ast
import io
import json
import random
import re
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console

from hostile import (
    PIECES,
    filled,
    harmless,
    harmless_markdown,
    harmless_page,
    hostile,
)
from policyloop import printing
from policyloop.access.lint import LintResult
from policyloop.access.mutate import MutateResult
from policyloop.cli.audience import Shown
from policyloop.events import Event
from policyloop.results import CheckResult, DiffResult, GuardResult
from policyloop.review import Review
from policyloop.session.answer import Answer
from policyloop.validators.probe import Diagnosis
from policyloop.view.blocks import Block, Page, Verdict
from policyloop.view.github import GithubView
from policyloop.view.html import html
from policyloop.view.json import JsonView
from policyloop.view.markdown import markdown
from policyloop.view.pages.access import diff_page
from policyloop.view.pages.check import check_page
from policyloop.view.pages.doctor import doctor_page
from policyloop.view.pages.guard import guard_page
from policyloop.view.pages.lint import lint_page
from policyloop.view.pages.mutate import mutate_page
from policyloop.view.pages.note import note_page
from policyloop.view.pages.recover import recover_page
from policyloop.view.pages.review import review_page
from policyloop.view.pages.session import session_page
from policyloop.view.pages.timeline import timeline_page
from policyloop.view.plain import PlainView
from policyloop.view.rich import RichView
from policyloop.workspace import Recovery

LOOP = Path(__file__).parent.parent / "loop" / "policyloop"
PAGES: tuple[tuple[Any, Callable[[Any], Page]], ...] = (
    (CheckResult, check_page),
    (GuardResult, guard_page),
    (DiffResult, diff_page),
    (LintResult, lint_page),
    (MutateResult, mutate_page),
    (Answer, session_page),
    (Diagnosis, doctor_page),
    (Recovery, recover_page),
    (str, note_page),
    (Review, review_page),
    (tuple[Block, ...], lambda blocks: Page(title="Anything", blocks=blocks)),
    (Verdict, lambda verdict: Page(verdict=verdict)),
)
"""A kind of document, and its page; at last any block, for pages that are still to come."""
EVENTS = {kind.__name__: kind for kind in get_args(Event)}
seeds = st.integers(0, 2**32)
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
"""A seed is as good as any other."""


def printed_by(view: str, draw: Any, summary: Path, *, in_actions: bool) -> None:
    """Have a view show something, and look at what it printed."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(file=io.StringIO(), width=40, highlight=False)
    terminal = Console(file=io.StringIO(), width=60, highlight=False, force_terminal=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        patch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        patch.setenv("GITHUB_ACTIONS", "true" if in_actions else "")
        made = {
            "plain": PlainView,
            "json": JsonView,
            "github": GithubView,
            "rich": lambda: RichView(console),
            "terminal": lambda: RichView(terminal),
        }[view]()
        draw(made)
        made.close()
    if view == "json":
        assert out.getvalue().isascii()
        if out.getvalue():
            json.loads(out.getvalue())
    harmless(out.getvalue(), annotated=view == "github")
    harmless(err.getvalue())
    harmless(console.file.getvalue())  # type: ignore[attr-defined]
    harmless(terminal.file.getvalue(), drawn=True)  # type: ignore[attr-defined]
    if view == "github":
        written = summary.read_text() if summary.exists() else ""
        summary.unlink(missing_ok=True)
        harmless_markdown(written)


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("summary") / "summary.md"


VIEWS = ("plain", "json", "github", "rich", "terminal")


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(seed=seeds)
def test_results_full_of_hostile_texts(view: str, summary: Path, seed: int) -> None:
    chance = random.Random(seed)
    for kind, page_of in PAGES:
        page = page_of(filled(kind, chance))
        printed_by(view, lambda made, shown=page: made.show(shown), summary, in_actions=bool(seed % 2))
        harmless_page(html(page), TAGS)
        harmless_markdown(markdown(page))


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=5, deadline=None, phases=NO_SHRINKING)
@given(seed=seeds)
def test_events_full_of_hostile_texts(view: str, summary: Path, seed: int) -> None:
    chance = random.Random(seed)
    events = [filled(kind, chance) for kind in EVENTS.values()]

    def draw(made: Any) -> None:
        audience = Shown(made)
        for event in events:
            audience.event(event)

    printed_by(view, draw, summary, in_actions=bool(seed % 2))


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead"),
    *(
        "tbody",
        "tr",
        "th",
        "td",
        "caption",
        "div",
        "section",
        "span",
        "strong",
        "em",
        "b",
        "i",
        "code",
        "pre",
        "details",
    ),
    *(
        "summary",
        "ins",
        "del",
        "dl",
        "dt",
        "dd",
        "a",
        "nav",
        "main",
        "header",
        "footer",
        "blockquote",
        "small",
        "sup",
        "article",
        "h4",
    ),
}


@pytest.mark.sweep
@settings(max_examples=20, deadline=None, phases=NO_SHRINKING)
@given(seed=seeds)
def test_pages_full_of_hostile_texts(seed: int) -> None:
    chance = random.Random(seed)
    review = filled(Review, chance)
    harmless_page(html(review_page(review)), TAGS)
    harmless_markdown(markdown(review_page(review)))
    out = io.StringIO()
    printing.say_lines(markdown(review_page(review)), out=out)
    harmless(out.getvalue())
    events = [filled(kind, chance) for kind in EVENTS.values()]
    harmless_page(html(timeline_page(events, hostile(chance))), TAGS)


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6))
def test_the_doors_own_ways(pieces: list[str]) -> None:
    text = "".join(pieces)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        printing.say(text)
        printing.say(text, err=True)
        printing.say_lines(text)
        printing.say_unheard(text)
        printing.annotate(text, text, text, file=text, line=3)
        printing.say_answer({"reason": text, "hookSpecificOutput": {"permissionDecisionReason": text}})
        printing.say_document({text: [text, {"x": text}]})
    assert out.getvalue().count("\n::") == 3  # the annotation, and the two lines around what nobody hears
    harmless(out.getvalue(), annotated=True)
    harmless(err.getvalue())
    assert err.getvalue().count("\n") == 1
    said = next(line for line in out.getvalue().split("\n") if line.startswith('{"reason"'))
    answered = json.loads(said)
    for reason in (answered["reason"], answered["hookSpecificOutput"]["permissionDecisionReason"]):
        assert not any(unicodedata.category(c) in {"Cf", "Cs"} or c in "\x1b\r" for c in reason)


def test_what_a_tool_is_run_with_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    given_on = {"command": "printf '\x1b[2J\u202e ##[x]'"}
    printing.say_answer({"hookSpecificOutput": {"updatedInput": given_on}})
    assert json.loads(capsys.readouterr().out)["hookSpecificOutput"]["updatedInput"] == given_on


def test_what_no_eye_can_see_is_written_out() -> None:
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char not in "\n\t":
            assert printing.visible(char).isascii(), hex(code)


def test_exceptions_that_nobody_caught_go_through_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    for name in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(f"sys.{name}", None)
    monkeypatch.setattr("threading.excepthook", None)
    monkeypatch.setattr("sys.stderr", err)
    printing.tell_of_faults()

    def fail() -> None:
        raise ValueError("\x1b[2J\n::error::forged")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert "ValueError" in err.getvalue()
    harmless(err.getvalue())


# Nothing else prints

ALLOWED = {
    # Where outlets are put below them.
    ("cli/streams.py", "sys.stdout"),
    ("cli/streams.py", "sys.stderr"),
    ("cli/streams.py", "sys.__stdout__"),
    ("cli/streams.py", "sys.__stderr__"),
    # A stream that is handed to a view, which says everything through the door.
    ("view/json.py", "sys.stderr"),
    # The rich view's own; every word is cleaned before it is drawn.
    ("view/canvas.py", "Console"),
    # What libraries log is taken over, and goes through the door as lines of the server's own log.
    ("serve/lines.py", "logging"),
    # A person's own editor, on their terminal.
    ("cli/terminal.py", "subprocess.run"),
}
HARMLESS = {"isatty", "fileno", "flush"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
OWNERS = {"typer", "click", "rich", "traceback"}
PRINTERS = {
    "print",
    "echo",
    "secho",
    "echo_via_pager",
    "confirm",
    "prompt",
    "print_exc",
    "print_exception",
    "print_json",
}
MAY_PRINT = re.compile(r"print|echo|Console|stdout|stderr|logging|warnings|click|confirm|prompt|subprocess|os\.|input")
STARTERS = {"run", "Popen", "call", "check_call", "system", "spawnv", "posix_spawn"}


def printers(tree: ast.AST) -> set[str]:  # noqa: C901
    """What in a file could print, by name."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    seen: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in STREAMS:
                parent = parents[node]
                if not (isinstance(parent, ast.Attribute) and parent.attr in HARMLESS):
                    seen.add(f"sys.{name}")
            case ast.ImportFrom(module="sys", names=names) if {n.name for n in names} & STREAMS:
                seen.add("from sys import")
            case ast.Import(names=names) if {n.name.partition(".")[0] for n in names} & {
                "logging",
                "warnings",
                "click",
            }:
                seen.add(names[0].name)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in {"logging", "warnings", "click"}:
                seen.add(module)
            case ast.Call(func=ast.Name(id=name)) if name in {"print", "Console", "breakpoint", "input"}:
                seen.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                if (owner in OWNERS and name in PRINTERS) or name == "Console":
                    seen.add(f"{owner}.{name}")
                inherits = not {k.arg for k in node.keywords} & {"stdout", "capture_output", "file_actions"}
                if owner in {"subprocess", "os"} and name in STARTERS and inherits:
                    seen.add(f"{owner}.{name}")
                if owner == "os" and name == "write" and isinstance(node.args[0], ast.Constant):
                    seen.add("os.write")
    return seen


def test_nothing_else_prints() -> None:
    seen = {
        (str(path.relative_to(LOOP)), name)
        for path in LOOP.rglob("*.py")
        if path != LOOP / "printing.py" and MAY_PRINT.search(path.read_text())
        for name in printers(ast.parse(path.read_text()))
    }
    assert seen == ALLOWED


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("print('x')", "print"),
        ("typer.echo('x')", "typer.echo"),
        ("sys.stderr.write('x')", "sys.stderr"),
        ("from sys import stdout", "from sys import"),
        ("f(out=sys.stdout)", "sys.stdout"),
        ("rich.print('x')", "rich.print"),
        ("Console().print('x')", "Console"),
        ("logging.getLogger()\nimport logging", "logging"),
        ("subprocess.run(['ls'])", "subprocess.run"),
        ("os.write(1, b'x')", "os.write"),
        ("typer.confirm('x')", "typer.confirm"),
    ],
)
def test_a_second_door_would_be_seen(code: str, name: str) -> None:
    assert printers(ast.parse(code)) == {name}


def test_what_only_looks_at_a_stream_prints_nothing() -> None:
    assert printers(ast.parse("sys.stdout.isatty()\nsubprocess.run(['ls'], capture_output=True)")) == set()
