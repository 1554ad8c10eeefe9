"""Every view renders every event, hides secrets, and lets no text pose as ours."""

import io
import json
from collections.abc import Iterator, Sequence

import pytest
from rich.console import Console

from hostile import harmless_markdown
from policyloop.budget import Budget, Spent
from policyloop.cli.audience import Shown
from policyloop.events import Answered, Asked, Attempted, Ended, Event, Judged, Started, decode, encode
from policyloop.findings import CompilerInfo, ErrorClass, Finding, Tally
from policyloop.guard import Weakened
from policyloop.outcome import Ending
from policyloop.task import Dispute
from policyloop.usage import Usage
from policyloop.view import View
from policyloop.view.github import GithubView
from policyloop.view.html import html as drawn
from policyloop.view.json import JsonView
from policyloop.view.pages.timeline import timeline_page
from policyloop.view.plain import PlainView
from policyloop.view.rich import RichView

EVIL = "\x1b[2J[bold]boo[/bold] <script>alert(1)</script>\n::error::forged\u202e %0A"
FINDING = Finding(
    error_class=ErrorClass.TEST,
    code="failed",
    message=EVIL,
    file="a,b:c.yaml",
    line=3,
    column=4,
    excerpt="3 | x: " + EVIL,
    why=("because " + EVIL,),
)
WEAK = Weakened("Suite", "test", "bob", "one", "read", "gone", "EFFECT_DENY", "nothing")
EVENTS: tuple[Event, ...] = (
    Started(
        run="20260101-000000-abcd",
        request=EVIL,
        policies="policies",
        bundle="0" * 64,
        files=3,
        compiler=CompilerInfo("0.55.0", "native", "0" * 64),
        model="recorded",
        budget=Budget(),
        require_tests=True,
        locked=4,
        released=("Suite / test: bob read one",),
        releases=({"suite": "Suite", "test": "test", "reason": "asked"},),
    ),
    Judged(cycle=1, findings=(FINDING,), tally=Tally(4, 3, 0), locked=4, bundle="0" * 64, seconds=0.1, spent=Spent()),
    Asked(attempt=1, task={"version": 1}),
    Answered(attempt=1, proposal=None, malformed="no JSON", over_budget=None, usage=Usage(), seconds=1.0, elapsed=2.0),
    Attempted(
        number=1,
        error_class=ErrorClass.TEST,
        findings=(FINDING,),
        edits=({"path": "a.yaml", "content": EVIL},),
        note=EVIL,
        diff="--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-x\n+" + EVIL,
        refusal="Refused",
        weakened=(WEAK,),
        dispute=Dispute(suite="s", test="t", principal="p", resource="r", action="a", reason=EVIL),
        progress=False,
        usage=Usage(input_tokens=3),
        seconds=0.5,
        spent=Spent(tries=1, refusals=1),
    ),
    Ended(
        ending=Ending.STOPPED,
        exit_code=4,
        stopped_by="attempts_per_class",
        message="Stopped.",
        cycles=2,
        spent=Spent(),
        diff="",
        released=("Suite / test: bob read one",),
        findings=(FINDING,),
    ),
)


def tell(view: View, events: Sequence[Event]) -> None:
    audience = Shown(view)
    for event in events:
        audience.event(event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_events_survive_the_ledger(event: Event):
    kind, data = encode(event)
    assert decode(kind, json.loads(json.dumps(data))) == event


def test_plain_gives_one_line_an_event_and_no_control_characters():
    out = io.StringIO()
    view = PlainView(out)
    tell(view, EVENTS)
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("::error") for line in text.splitlines())
    assert "RELEASED by a person" in text
    assert "REFUSED" in text or "DISPUTED" in text


def test_rich_shows_markup_as_text():
    out = io.StringIO()
    view = RichView(Console(file=out, force_terminal=True, width=120, highlight=False))
    tell(view, EVENTS)
    view.close()
    text = out.getvalue()
    assert "[bold]boo[/bold]" in text
    assert "\x1b[2J" not in text


def commands(out: str) -> Iterator[str]:
    """The workflow commands that a runner hears: it trims lines, and is deaf between stop-commands and its token."""
    token = ""
    for line in map(str.strip, out.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            yield line


def test_github_escapes_properties_and_text(tmp_path, monkeypatch, capsys):
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    view = GithubView()
    tell(view, EVENTS)
    view.close()
    heard = list(commands(capsys.readouterr().out))
    assert len(heard) == 1
    assert "file=policies/a%2Cb%3Ac.yaml,line=3,col=4" in heard[0]
    assert "%250A" in heard[0]
    harmless_markdown(summary.read_text())


def test_json_prints_one_document(capsys):
    view = JsonView()
    tell(view, EVENTS)
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit_code"] == 4
    assert "cycle 1" in captured.err


def test_html_is_self_contained_and_escaped():
    html = drawn(timeline_page(EVENTS, None))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "")
    assert "not whole" in drawn(timeline_page(EVENTS, "record 3 was edited"))


def test_a_secret_is_shown_nowhere(monkeypatch, capsys):
    secret = "correct-horse" + "-battery-staple"
    monkeypatch.setenv("SOME_API_KEY", secret)
    event = Attempted(
        number=1, error_class=None, findings=(), edits=({"path": "a.yaml", "content": secret},), note=secret,
        diff=f"+key: {secret}\n", refusal=f"no {secret}", weakened=(), dispute=None, progress=False, usage=Usage(),
        seconds=0.0, spent=Spent(),
    )  # fmt: skip
    events = (EVENTS[0], event, EVENTS[-1])
    for view in (PlainView(), JsonView(), GithubView(), RichView()):
        tell(view, events)
        view.close()
    captured = capsys.readouterr()
    assert secret not in captured.out + captured.err + drawn(timeline_page(events, None))
