"""The review: made of a real run, opened in a real browser without a network, hostile texts and all."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from browser import browser
from command import DOCS, FIX, POLICY, lay, picture, policyloop, speaker
from policyloop.access.lint import Hole, LintResult
from policyloop.access.matrix import Answer, Cell, Matrix, Row, Written
from policyloop.access_report import AccessReport, Deciding, Proofs, Reason
from policyloop.budget import Budget, Spent
from policyloop.events import Ended, Started
from policyloop.findings import CompilerInfo, Tally
from policyloop.outcome import Ending
from policyloop.review import Review
from policyloop.view.blocks import Page
from policyloop.view.html import html as drawn
from policyloop.view.markdown import markdown
from policyloop.view.pages.review import review_page
from published_schemas import hold_to_schema

pytestmark = pytest.mark.compiler

EVIL = "\"'><img src=x onerror=alert(1)><script>alert(2)</script> | `x` ``` </details> \u202e"
OLD = POLICY.replace("[write]", "[purge]")
INFO = CompilerInfo("0.55.0", "native", "sha256:0")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished run, and reviews of it in `review.html` and `review.md`."""
    root = tmp_path_factory.mktemp("project")
    policies = lay(DOCS, root / "policies")
    (root / "policyloop.yaml").write_text("{}\n")
    arguments = ("run", "Only owners may <b>write</b>.", "--no-spec", "--policies", policies, "--runner", "native")
    done = policyloop(*arguments, "--model-command", speaker([FIX], root), cwd=root)
    assert done.code == 0, done.err
    lay({"doc.yaml": OLD}, root / "old")
    before = picture(policies)
    done = policyloop(
        "report", "--against", root / "old", "--html", root / "review.html", "--markdown", root / "review.md",
        "--runner", "native", cwd=root,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert picture(policies) == before
    return root


@pytest.mark.browser
def test_the_review_in_a_browser_without_a_network(project: Path, tmp_path: Path) -> None:
    with browser() as window:
        window.open(project / "review.html")
        assert window.visible("table.matrix")
        heads = "[...document.querySelectorAll('table.matrix thead th')].map(e => e.innerText)"
        assert window.ask(heads) == ["Roles", "purge", "read", "write"]
        assert window.ask("document.querySelectorAll('table.matrix th[scope]').length") >= 5
        assert not window.visible("#change-1")
        light = window.picture()
        window.click("td.wider a")
        assert window.visible("#change-1")
        said = window.ask("document.querySelector('#change-1').innerText")
        assert "may now write doc" in said
        assert '"action": "write"' in said
        assert "doc.yaml" in said
        assert not window.visible("#change-2")
        assert len(window.picture()) > 10_000
        window.click("#change-1 .close")
        assert not window.visible("#change-1")
        window.open(project / "review.html", scheme="dark")
        assert window.ask("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
        assert window.picture() != light
        assert window.complaints() == []
        assert set(window.fetched()) == {(project / "review.html").resolve().as_uri()}


@pytest.mark.browser
def test_the_keyboard_is_enough(project: Path) -> None:
    with browser() as window:
        window.open(project / "review.html")
        for _ in range(60):
            window.press("Tab")
            if window.ask("document.activeElement.getAttribute('href')") == "#change-1":
                break
        assert window.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        window.press("Enter")
        assert window.visible("#change-1")
        window.press("Tab")
        assert window.ask("document.activeElement.className") == "close"
        assert window.complaints() == []


def test_what_it_says(project: Path) -> None:
    html, text = (project / "review.html").read_text(), (project / "review.md").read_text()
    for words in ("Only owners may", "1 wider", "Mistakes noticed", "The hash chain of", "2 of 10"):
        assert words in html, words
    for words in ("| doc | purge | read | write |", "**▲1**", "```json", "Do the tests bite?", "whole"):
        assert words in text, words
    for words in ("somebody with just that role", "JSON Schemas are not enforced here"):
        assert words in html, words
        assert words in text, words
    assert "<b>" not in re.sub(r"<b class=", "", html)
    assert "\\<b\\>write" in text


def test_without_files_it_prints_the_markdown_and_without_measuring_it_is_quick(project: Path) -> None:
    done = policyloop("report", "--no-measure", cwd=project)
    assert done.code == 0, done.err
    assert done.out.startswith("## Review of run ")
    assert "Not measured." in done.out


def test_as_json(project: Path, tmp_path: Path) -> None:
    printed = policyloop("report", "--no-measure", "--format", "json", cwd=project)
    named = policyloop("report", "--no-measure", "--format", "json", "--html", tmp_path / "r.html", cwd=project)
    for done in (printed, named):
        assert done.code == 0, done.err
        hold_to_schema(done.json, "report")
    assert printed.json["markdown"].startswith("## Review of run ")
    assert (named.json["written"], named.json["markdown"]) == ([str(tmp_path / "r.html")], None)


@pytest.mark.parametrize("command", ["report", "show"])
def test_a_page_is_not_written_over_a_policy_or_a_ledger(command: str, project: Path) -> None:
    [ledger] = project.glob(".policyloop/runs/*/ledger.jsonl")
    for target in (next((project / "policies").glob("*.yaml")), ledger):
        before = target.read_bytes()
        done = policyloop(command, "--html", target, cwd=project)
        assert (done.code, target.read_bytes()) == (2, before)
        assert "is no page" in done.err
    done = policyloop(command, "--html", project / "nowhere" / "x.html", cwd=project)
    assert done.code == 2
    assert "there is no folder" in done.err


def test_what_was_changed_since_the_run_is_said(project: Path) -> None:
    red = lay(DOCS, project / "red")
    done = policyloop("report", "--policies", red, "--runner", "native", cwd=project)
    assert (done.code, "The policies are not green now" in done.out) == (0, True)
    assert "The policies are not what the run last judged" in done.out
    gone = policyloop("report", "--policies", project / "nowhere", "--runner", "native", cwd=project)
    assert gone.code == 2


def test_a_ledger_that_was_edited_is_not_signed(project: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for path, data in picture(project / ".policyloop").items():
        target = state / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.replace(b"Only owners", b"All people!") if path.endswith("ledger.jsonl") else data)
    done = policyloop("report", "--state", state, "--no-measure", "--html", tmp_path / "r.html", cwd=project)
    assert done.code == 5
    assert "NOT whole" in (tmp_path / "r.html").read_text()


def hostile() -> Review:
    """A review in which everything that others write is an attack."""
    ended = Ended(
        ending=Ending.GREEN, exit_code=0, stopped_by=None, message=EVIL, cycles=1, spent=Spent(),
        diff=f"--- {EVIL}\n+{EVIL}\n", tally=Tally(1, 1, 0), released=(EVIL,), assumptions=(EVIL,),
    )  # fmt: skip
    started = Started(
        run=EVIL, request=f"{EVIL}\n{EVIL}", policies=EVIL, bundle=EVIL, files=1, compiler=INFO, model=EVIL,
        budget=Budget(), require_tests=True, locked=1,
    )  # fmt: skip
    at = Deciding(EVIL, EVIL, EVIL, 1, "EFFECT_ALLOW")
    reason = Reason(
        direction="wider", resource=EVIL, action=EVIL, roles=(EVIL,), request={"principal": {"id": EVIL}},
        before="EFFECT_DENY", after="EFFECT_ALLOW", was=at, now_is=at, engine="decisions", asked_for=EVIL,
    )  # fmt: skip
    hole = Hole(code="wildcard-role", level="warning", message=EVIL, file=EVIL, line=1, excerpt=EVIL, why=(EVIL,))
    when = Answer("when", (((Written(EVIL, EVIL, 1), True),),))
    cell = Cell(Answer("unknown", because=EVIL), when, (0,))
    return Review(
        events=(started, ended), ledger=EVIL, records=1, broken=EVIL, against=EVIL,
        access=AccessReport(reasons=(reason,), notes=(EVIL,)),
        matrices=(Matrix(EVIL, EVIL, (EVIL,), (Row((EVIL,), EVIL, EVIL, (cell,)),), EVIL),),
        lint=LintResult(policies=EVIL, holes=(hole,), compiler=INFO, asked=1), missing=(EVIL,),
    )  # fmt: skip


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    html = drawn(review_page(hostile()))
    assert "<img" not in html
    assert "<script" not in html
    assert "\u202e" not in html
    target = tmp_path / "evil.html"
    target.write_text(html)
    with browser() as window:
        window.open(target)
        assert window.ask("document.querySelectorAll('img, script, iframe, object').length") == 0
        assert window.ask("document.querySelectorAll('[onerror]').length") == 0
        window.click("td.asked a")
        assert window.visible("#change-1")
        assert window.complaints() == []
        assert len(set(window.fetched())) == 1


@pytest.mark.parametrize("made", [markdown, drawn])
def test_what_is_not_proved_is_said(made: Callable[[Page], str]) -> None:
    access = AccessReport(proofs=Proofs(proved=3, unproved=1, because=("it is too <hard>",)))
    review = Review(events=(), ledger="ledger.jsonl", records=0, broken=None, against="", access=access)
    said = made(review_page(review)).replace("\\", "").replace("&lt;", "<").replace("&gt;", ">")
    assert "Not proved, because it is too <hard>" in said


def test_hostile_texts_stay_texts_in_markdown() -> None:
    text = markdown(review_page(hostile()))
    outside = re.sub(r"^(````+)\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    ours = re.sub(r"\\.", "", outside)
    assert "<img" not in ours
    assert "<script" not in ours
    assert ours.count("<details>") == ours.count("</details>") == ours.count("<summary>")
    assert text.count("\n````\n") >= text.count("\n````diff\n") + text.count("\n````json\n")
