"""A person who says yes to a spec has seen all of it; what is assumed or changed stands in every report."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundles import FIXTURES
from command import Done, lay, policyloop
from policyloop.confirmed.believed import remember
from policyloop.errors import UsageError
from policyloop.results import SpecResult
from policyloop.specification import FILE_NAME, Spec, confirm, parse_spec, spec_of, spec_to_yaml, suites_from
from policyloop.view.pages.spec import spec_page
from policyloop.view.plain import page_lines
from published_schemas import hold_to_schema
from specs import GOOD, load
from test_spec_flow import ASKED, FIX, LIMIT, OLD, POLICY, RAISE, by_stage
from worked import EXAMPLES

SPECS = [*(case / "spec.yaml" for case in GOOD), *(case / FILE_NAME for case in EXAMPLES)]
UNTOLD = {"version", "confirmed"}
"""Told elsewhere: nothing else is the version, and the line of state tells who confirmed."""
MARK = "Zebra"


def shown(spec: Spec) -> str:
    return "\n".join(page_lines(spec_page(SpecResult(path="x", spec=spec))))


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every text in JSON-like data, and of every key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, (*path, number))
    elif isinstance(value, str):
        yield path


def is_unchosen(path: tuple[Any, ...], data: dict[str, Any]) -> bool:
    """An option that was not chosen is no part of what is agreed, nor is the id of the one that was."""
    if path[0] != "questions" or "options" not in path:
        return path[0] == "questions" and path[-1] == "answer"
    question = data["questions"][path[1]]
    return path[-1] == "id" or question["options"][path[3]]["id"] != question.get("answer")


@pytest.mark.sweep
@pytest.mark.parametrize("file", SPECS, ids=lambda path: path.parent.name)
def test_every_text_of_a_spec_is_shown(file: Path) -> None:
    """Each in turn is made another one, and long; then that one is shown, to its end."""
    data = load(file).plain()
    tried = 0
    for path in texts(data):
        if path[0] in UNTOLD or is_unchosen(path, data):
            continue
        changed = copy.deepcopy(data)
        node = changed
        for part in path[:-1]:
            node = node[part]
        for text in (f"{MARK} {'and more ' * 60}{MARK}end", f"{MARK}end"):
            node[path[-1]] = text
            try:
                spec = spec_of(changed)
            except UsageError:
                continue
            assert f"{MARK}end" in shown(spec), path
            tried += 1
            break
    assert tried > 30


LONG = "x" * 400


def test_a_number_and_the_end_of_a_long_text_are_shown_too() -> None:
    assert 'limit {operator: "<=", value: 1000, step: 1}' in shown(parse_spec(OLD))
    assert f"{LONG} and interns" in shown(parse_spec(OLD.replace("Keeps the books", f"{LONG} and interns")))


# --- in every report


QUESTIONS = """
questions:
  - id: who
    text: Who counts as an accountant?
    options:
      - {id: staff, text: only staff with a contract, recommended: true}
      - {id: all, text: whoever does the books}
"""
GOOD_POLICY = POLICY.replace("1000", "5000")
FORMATS = ("json", "plain", "rich", "github", "html")


def told(policies: Path, form: str) -> str:
    """The report on the latest run, made anew from its ledger."""
    page, summary = policies.parent / "page.html", policies.parent / "summary.md"
    summary.unlink(missing_ok=True)
    state = ("--state", policies.parent / ".policyloop")
    env = {"COLUMNS": "4000", "GITHUB_STEP_SUMMARY": str(summary)}
    if form == "html":
        done = policyloop("show", *state, "--html", page, env=env)
        return plain(page.read_text())
    done = policyloop("show", *state, "--format", form, env=env)
    assert done.code == 0, done.err
    if form == "json":
        hold_to_schema(done.json, "run")
        return done.out
    return plain(summary.read_text() if form == "github" else done.out)


def plain(text: str) -> str:
    """Without the escapes of Markdown and HTML."""
    return text.replace("\\", "").replace("&#x27;", "'").replace("&quot;", '"')


DRAFT = {"edits": [{"path": FILE_NAME, "content": LIMIT.format(limit=5000, more=5001) + QUESTIONS}]}


def ran(policies: Path, tmp_path: Path, *more: object) -> Done:
    model = by_stage(tmp_path, [DRAFT], [{"edits": [{"path": "purchase.yaml", "content": GOOD_POLICY}]}])
    fixed = ("--policies", policies, "--runner", "native", "--format", "json", "--model-command", model)
    return policyloop("run", ASKED, *fixed, *more)


def test_what_is_assumed_is_in_every_report_until_a_person_looks(tmp_path: Path, cerbos):
    """Also when `--yes` confirms it unseen, and in the reports of later runs."""
    policies = tmp_path / "project" / "policies"
    policies.mkdir(parents=True)
    spec = policies.parent / FILE_NAME
    assumption = "Who counts as an accountant? Assumed: only staff with a contract."
    first = ran(policies, tmp_path, "--assume", "--yes", "--by", "ann")
    assert first.json["outcome"] == "green", first.json
    assert first.json["assumptions"] == [assumption]
    for form in FORMATS:
        assert assumption in told(policies, form), form
    assert parse_spec(spec.read_text()).is_confirmed
    for form in ("plain", "rich", "github"):
        done = policyloop("spec", "show", spec, "--format", form, env={"COLUMNS": "4000"})
        assert "ASSUMED, nobody confirmed it: only staff with a contract" in done.out, form
        assert "1 answer in it assumed: nobody has looked at that." in done.out, form
    second = ran(policies, tmp_path)
    assert (second.json["outcome"], second.json["attempts"]) == ("green", [])
    assert second.json["assumptions"] == [assumption]
    for form in FORMATS:
        assert assumption in told(policies, form), form
    assert policyloop("spec", "confirm", spec, "--by", "ann", "--yes").code == 0
    third = ran(policies, tmp_path)
    assert (third.json["outcome"], third.json["assumptions"]) == ("green", [assumption]), "--yes looks at nothing"


def test_the_rows_of_the_rules_and_what_changed_are_in_every_report(tmp_path: Path, cerbos):
    old = confirm(parse_spec(OLD), "a reviewer", "2026-01-01T00:00:00Z")
    policies = lay({"purchase.yaml": POLICY, **suites_from(old)}, tmp_path / "project" / "policies")
    (policies.parent / FILE_NAME).write_text(spec_to_yaml(old))
    remember(old, policies.parent / FILE_NAME)
    model = by_stage(tmp_path, [RAISE], [{"edits": [FIX]}])
    fixed = ("--policies", policies, "--runner", "native", "--format", "json", "--model-command", model)
    stopped = policyloop("run", ASKED, "--yes", *fixed)
    change = "Rule accountants-approve: condition changes from up to 1000 to up to 5000."
    assert stopped.json["stopped_by"] == "contradictions"
    assert change in stopped.json["changes"]
    for form in FORMATS:
        text = told(policies, form)
        assert change in text, form
        for part in ("spec: purchase", "too-much", "large"):
            assert part in text, (form, part)
    path = Path(stopped.json["spec"]["path"])
    confirmed = policyloop("spec", "confirm", path, "--by", "ann", "--yes", "--release", "--policies", policies)
    assert confirmed.code == 0, confirmed.err
    done = policyloop("run", ASKED, "--spec", path, *fixed)
    assert done.json["outcome"] == "green", done.json
    for form in FORMATS:
        text = told(policies, form)
        if form == "json":
            (row,) = json.loads(text)["rules"]
            assert (row["rule"], row["file"], row["line"], row["tested"]) == (
                "accountants-approve",
                "purchase.yaml",
                6,
                True,
            )
            continue
        for part in ("accountants-approve", "purchase.yaml:6", "4 of 4 passed", "tested"):
            assert part in text, (form, part)


def test_a_spec_on_github_is_whole_in_the_summary(tmp_path: Path):
    summary = tmp_path / "summary.md"
    spec = FIXTURES / "examples" / "salaries" / FILE_NAME
    done = policyloop("spec", "show", spec, "--format", "github", env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert done.code == 0
    text = plain(summary.read_text())
    assert "- hr may view salary: always (hr-sees-salaries)" in text
    assert "  - mia (manager) may NOT view review of another team, because it is not so that the review names" in text
    assert "- condition of direct_manager own-report: the review names" in text
    assert "- example of a person mia_as_hr: {like: mia, roles: [hr]}" in text
