"""What a model that drafts a spec may try, and what a tired person may do to one: refused, told, nothing lost."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from command import Done, lay, picture, policyloop, speaker
from policyloop.bundle import Bundle
from policyloop.confirmed.against import pinned, unreleased
from policyloop.confirmed.believed import remember
from policyloop.findings import CompilerInfo
from policyloop.specification import FILE_NAME, Spec, confirm, parse_spec, renewed, spec_of, spec_to_yaml
from policyloop.specification.draft import MOST_QUESTIONS, Terms, judge_draft
from published_schemas import hold_to_schema
from terminal import Terminal
from test_spec_flow import (
    ASKING,
    DRAFT,
    LIMIT,
    OLD,
    OWN,
    POLICY,
    SALARIES,
    bought,
    by_stage,
    confirmed,
    document,
    finished,
    replies,
    request_of,
    run,
    start_of,
    writes,
)
from worked import scripted

INFO = CompilerInfo("0.55.0", "native", "0" * 64)
NOBODY = f"{sys.executable} -c 'raise SystemExit(9)'"
"""A model that must not be asked."""


def refused(text: str, terms: Terms) -> set[str]:
    return {finding.code for finding in judge_draft(Bundle({FILE_NAME: text}), terms, INFO).findings}


def ledger(policies: Path) -> Done:
    """The latest run, out of its ledger."""
    shown = policyloop("show", "--state", policies.parent / ".policyloop", "--format", "json")
    hold_to_schema(shown.json, "run")
    return shown


# --- what a draft says in a person's place


def test_a_draft_that_answers_and_releases_by_itself_leaves_nothing_of_that_behind(tmp_path: Path, cerbos):
    """It was refused three times, and then kept as it was: the next run took its answers for a person's."""
    policies = start_of(SALARIES, tmp_path)
    spec = policies.parent / FILE_NAME
    said = DRAFT.replace("    options:", "    answer: chain\n    options:", 1)
    said += "\nreleases:\n  - {suite: S, test: t, replaced_by: hr-sees-salaries}\n"
    said += "confirmed: {by: ann, at: now, digest: x}\n"
    tries = [writes({FILE_NAME: said + f"# {n}\n"}) for n in range(3)]
    done = document(run(policies, request_of(SALARIES), "--yes", model=speaker(tries, tmp_path)))
    assert done["exit_code"] == 5
    assert "The spec is not whole." in done["message"]
    kept = parse_spec(spec.read_text())
    assert [one.answer for one in kept.questions] == [None, None, None]
    assert (kept.releases, kept.confirmed, kept.request) == ((), None, request_of(SALARIES))
    again = document(run(policies, request_of(SALARIES), "--yes", model=NOBODY))
    assert (again["exit_code"], again["stopped_by"]) == (5, "questions")
    assert len(again["questions"]) == 3


def test_a_question_once_asked_stays_until_a_person_answers_it() -> None:
    draft = parse_spec(DRAFT)
    fewer = spec_to_yaml(draft.model_copy(update={"questions": draft.questions[1:]}))
    assert refused(fewer, Terms(request_of(SALARIES), draft)) == {"question-lost"}
    assert refused(fewer, Terms(request_of(SALARIES))) == set()
    other = draft.model_copy(update={"request": "Something else."})
    assert refused(fewer, Terms(request_of(SALARIES), other)) == set()
    first = draft.questions[0].model_copy(update={"answer": "direct", "assumed": True})
    assumed = other.model_copy(update={"questions": (first, *draft.questions[1:])})
    assert refused(fewer, Terms(request_of(SALARIES), assumed)) == {"question-lost"}


def test_nobody_is_asked_more_than_they_read() -> None:
    data = parse_spec(DRAFT).plain()
    data["questions"] = [{**data["questions"][0], "id": f"q{n}"} for n in range(MOST_QUESTIONS + 1)]
    assert refused(spec_to_yaml(spec_of(data)), Terms(request_of(SALARIES))) == {"too-many-questions"}
    data["questions"].pop()
    assert refused(spec_to_yaml(spec_of(data)), Terms(request_of(SALARIES))) == set()


def limits(limit: int, releases: str = "") -> str:
    return LIMIT.format(limit=limit, more=limit + 1) + releases


STAR = "releases:\n  - {suite: Purchases, test: the limit, replaced_by: accountants-approve}\n"
"""Lets go of every assertion of that test which the spec contradicts."""


def test_a_star_that_released_one_change_does_not_release_the_next(tmp_path: Path, cerbos):
    policies = bought(tmp_path)
    now = confirm(parse_spec(limits(5000, STAR)), "a reviewer", "2026-01-01T00:00:00Z")
    (policies.parent / FILE_NAME).write_text(spec_to_yaml(now))
    remember(now, policies.parent / FILE_NAME)
    bundle = Bundle({path: text.decode() for path, text in picture(policies).items()})
    assert {one.resource for one in unreleased(now, bundle)} == {"large"}
    asked = "Accountants approve purchases up to 50000."
    loose = writes({FILE_NAME: limits(50000, STAR)})
    done = document(run(policies, asked, "--yes", model=by_stage(tmp_path, [loose], [])))
    assert (done["exit_code"], done["stopped_by"]) == (5, "contradictions"), done
    assert {one["resource"] for one in done["contradictions"]} == {"car", "large"}


def test_a_release_is_pinned_to_what_it_let_go_of() -> None:
    bundle = Bundle({"purchase.yaml": POLICY, "purchase_test.yaml": OWN})
    before, after = parse_spec(limits(5000, STAR)), parse_spec(limits(50000, STAR))
    kept = pinned(before, after, bundle)
    assert [(one.principal, one.resource) for one in kept.releases] == [("bob", "laptop")]
    assert pinned(before, before, bundle) == before
    assert pinned(None, after, bundle) == after


# --- the file, between one command and the next


def test_a_spec_that_was_edited_after_it_was_confirmed_is_not_confirmed(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    spec = policies.parent / FILE_NAME
    for text in (
        (SALARIES / FILE_NAME).read_text().replace("Works in human resources", "Works in HR or near it"),
        parse_and_forge(),
    ):
        spec.write_text(text)
        done = document(run(policies, request_of(SALARIES), model=NOBODY))
        assert (done["exit_code"], done["stopped_by"]) == (5, "confirm"), done
        assert spec.read_text() == text
        assert not picture(policies)


def parse_and_forge() -> str:
    """A confirmation with the digest of other content."""
    loose = parse_spec((SALARIES / FILE_NAME).read_text().replace("Works in human", "Works near human"))
    return spec_to_yaml(confirm(loose, "the boss", "2026-01-01T00:00:00Z")).replace("near human", "in human")


def test_what_somebody_else_wrote_while_a_person_was_asked_is_not_overwritten(tmp_path: Path, cerbos):
    policies, said = start_of(SALARIES, tmp_path), replies(SALARIES)
    spec = policies.parent / FILE_NAME
    with scripted(*said) as api:
        env = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": api.url}
        fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--assume")
        terminal = Terminal("run", request_of(SALARIES), *fixed, env=env)
        terminal.until("[e]dit: ")
        second = policyloop("run", request_of(SALARIES), *fixed, env=env)
        assert second.code == 8
        spec.write_text("# Mine.\nversion: 1\nrequest: Something else.\n")
        terminal.say("y\n")
        assert terminal.end() == 5
    assert "was changed meanwhile" in terminal.seen
    assert spec.read_text() == "# Mine.\nversion: 1\nrequest: Something else.\n"
    (kept,) = (policies.parent / ".policyloop" / "runs").glob(f"*/{FILE_NAME}")
    assert len(parse_spec(kept.read_text()).rules) == 2
    assert not picture(policies)


# --- suites and what stands beside them


def test_fixtures_that_shadow_the_spec_s_own_are_found_before_anything_is_locked(tmp_path: Path, cerbos):
    """They were there first: else the lock would hold what they say."""
    people = {name: {"id": name, "roles": ["hr"]} for name in ("hana", "mia", "hana_without_hr", "hana_the_visitor")}
    beside = {"tests/spec/testdata/principals.json": json.dumps({"principals": people})}
    policies = lay({**finished(), **beside}, tmp_path / "project" / "policies")
    confirmed(policies)
    before = picture(policies)
    done = run(policies, request_of(SALARIES), model=NOBODY)
    assert done.code == 2, done
    assert "The decisions would not be tested" in done.err
    assert picture(policies) == before
    ended = ledger(policies).json
    assert (ended["outcome"], ended["exit_code"], ended["stopped_by"]) == ("error", 2, "usage")


def test_a_file_in_the_place_of_a_suite_is_told_and_the_ledger_has_an_end(tmp_path: Path, cerbos):
    mine = {"tests/spec/salary_spec_test.yaml": "name: mine\ntests: []\n"}
    policies = lay({**finished(), **mine}, tmp_path / "project" / "policies")
    confirmed(policies)
    done = run(policies, request_of(SALARIES), model=NOBODY)
    assert done.code == 2
    assert "stands where a suite of the spec belongs" in done.err
    assert ledger(policies).json["exit_code"] == 2
    resumed = run(policies, "", "--resume", ledger(policies).json["run"], model=NOBODY)
    assert resumed.code == 2
    assert "ended error; there is nothing to resume" in resumed.err


# --- answers


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("which-manager: direct\n", "Did you mean `which-managers`?"),
        ("which-managers: driect\n", "Did you mean `direct`?"),
    ],
)
def test_an_answers_file_for_other_questions_is_turned_down_before_anything_begins(
    answers: str, words: str, tmp_path: Path, cerbos
):
    policies = start_of(SALARIES, tmp_path)
    (policies.parent / FILE_NAME).write_text(DRAFT)
    file = tmp_path / "answers.yaml"
    file.write_text(answers)
    done = run(policies, request_of(SALARIES), "--answers", file, model=NOBODY)
    assert done.code == 2
    assert words in done.err
    assert (policies.parent / FILE_NAME).read_text() == DRAFT
    assert not list((policies.parent / ".policyloop" / "runs").glob("*/ledger.jsonl"))


def test_answers_to_questions_of_a_new_draft_that_fit_none_leave_a_ledger_with_an_end(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    file = tmp_path / "answers.yaml"
    file.write_text("which-manager: direct\n")
    with scripted(replies(SALARIES)[0]) as api:
        done = run(policies, request_of(SALARIES), "--answers", file, api=api)
    assert done.code == 2
    ended = ledger(policies).json
    assert (ended["outcome"], ended["exit_code"]) == ("error", 2)
    assert "Nobody asked the question `which-manager`" in ended["message"]
    assert parse_spec((policies.parent / FILE_NAME).read_text()).request == request_of(SALARIES)


def test_a_confirmed_spec_takes_no_answers(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    confirmed(policies)
    done = run(policies, request_of(SALARIES), "--answers", SALARIES / "answers.yaml", model=NOBODY)
    assert done.code == 2
    assert "is confirmed, so it asks nothing" in done.err


def test_the_end_of_a_long_option_is_read_before_it_is_chosen(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    tail = "and everybody else, too"
    draft = ASKING.format(request="Owners may read.", text="Who?", one="only owners " + "x " * 400 + tail, two="all")
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain")
    model = speaker([writes({FILE_NAME: draft})], tmp_path)
    assert tail in policyloop("run", "Owners may read.", *fixed, "--model-command", model).out


# --- what the drafting model is shown


def existing(tmp_path: Path, files: dict[str, str]) -> dict[str, Any]:
    """What a model that drafts a spec beside these files is told of them."""
    policies = lay(files, tmp_path / "project" / "policies")
    keep = tmp_path / "task.json"
    draft = json.dumps(writes({FILE_NAME: ASKING.format(request="r", text="t", one="a", two="b")}))
    program = tmp_path / "model.py"
    program.write_text(
        f"import pathlib, sys\npathlib.Path({str(keep)!r}).write_text(sys.stdin.read())\nprint({draft!r})\n"
    )
    run(policies, "Auditors may read every invoice.", "--attempts-per-class", 1,
        model=f"{sys.executable} {program}")  # fmt: skip
    task = json.loads(keep.read_text())
    hold_to_schema(task, "task")
    assert task["stage"] == "spec"
    found: dict[str, Any] = task["existing"]
    return found


INVOICE = POLICY.replace("purchase", "invoice")


def test_the_drafting_model_sees_the_policies_that_are_there(tmp_path: Path, cerbos):
    secret = "sk-ant-" + "a1B2" * 8
    many = {f"other{n}.yaml": POLICY.replace("purchase", f"other{n}") for n in range(100)}
    seen = existing(tmp_path, {**many, "invoice.yaml": INVOICE + f"# key: {secret}\n"})
    assert "name: accountants-approve" in seen["files"]["invoice.yaml"]
    assert secret not in json.dumps(seen)
    assert any(entry.startswith("other") for entry in seen["index"])
    assert len(seen["index"]) <= 60


def test_what_it_sees_of_them_is_bounded(tmp_path: Path, cerbos):
    long = INVOICE + "".join(f"# line {n}\n" for n in range(4000))
    seen = existing(tmp_path, {f"invoice_{n}.yaml": long.replace("invoice", f"invoice_{n}") for n in range(9)})
    assert 0 < sum(len(text.encode()) for text in seen["files"].values()) <= 24_000


def test_claude_reads_them_as_data_and_cannot_edit_them(tmp_path: Path, cerbos):
    policies = lay({"salary.yaml": finished()["salary.yaml"]}, tmp_path / "project" / "policies")
    before = picture(policies)
    edit = {"edits": [{"path": "salary.yaml", "content": "x: 1\n"}, *replies(SALARIES)[0]["edits"]]}
    with scripted(edit, {"edits": [{"path": "salary.yaml", "delete": True}]}) as api:
        done = document(run(policies, request_of(SALARIES), api=api))
        first = api.requests[0].body["messages"][0]["content"][-1]["text"]
        second = api.requests[1].body["messages"][-1]["content"][-1]["text"]
    assert done["stopped_by"] == "questions"
    assert "EXISTING, to read only: salary.yaml (" in first
    assert "hr-sees-salaries" in first
    assert "only policyloop.spec.yaml is written in this stage" in second
    assert "\nsalary.yaml\n" in second.partition("UNCHANGED")[2], "it is as it was"
    assert picture(policies) == before


# --- what people wrote into the file


def test_the_comments_of_people_stay_when_the_file_is_written_again(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    spec = policies.parent / FILE_NAME
    text = DRAFT.replace("roles:\n", "# Ours, see the handbook.\nroles:\n", 1)
    text = text.replace("Works in human resources", "Works in human resources  # two people", 1)
    text = text.replace("  - id: no-manager\n", "  - id: no-manager  # ask Ned\n", 1)
    comments = ("# Ours, see the handbook.", "# two people", "# ask Ned")
    spec.write_text(text)
    assert all(one in text for one in comments)
    answers = SALARIES / "answers.yaml"
    with scripted(*replies(SALARIES)[1:]) as api:
        done = document(run(policies, request_of(SALARIES), "--answers", answers, "--yes", api=api))
    assert done["outcome"] == "green", done
    new = spec.read_text()
    assert all(one in new for one in comments), new
    assert parse_spec(new).is_confirmed
    (aside,) = (policies.parent / ".policyloop" / "runs").glob(f"*/before.{FILE_NAME}")
    assert aside.read_text() == text


def test_a_comment_that_cannot_be_kept_is_told(tmp_path: Path, cerbos):
    """It stood within a decision that is gone."""
    policies = start_of(SALARIES, tmp_path)
    spec = policies.parent / FILE_NAME
    purpose = "    purpose: Above that a director signs on paper.\n"
    text = OLD.replace(purpose, "").replace("  - id: buyer-not\n", "  - id: buyer-not  # ask Ned\n")
    spec.write_text(text)
    draft = OLD.replace("id: buyer-not", "id: buyers-not")
    done = document(run(policies, parse_spec(OLD).request, model=speaker([writes({FILE_NAME: draft})], tmp_path)))
    assert done["stopped_by"] == "confirm"
    (aside,) = (policies.parent / ".policyloop" / "runs").glob(f"*/before.{FILE_NAME}")
    assert f"A comment of {spec} could not be kept; the file as it was is {aside}." in done["message"]
    assert "ask Ned" not in spec.read_text()
    assert aside.read_text() == text


@pytest.mark.parametrize("change", ["purpose", "new", "gone", "order"])
def test_a_file_written_again_says_the_new_spec_and_keeps_what_it_can(change: str) -> None:
    data = parse_spec(OLD).plain()
    text = OLD.replace("  buyer: Buys", "  buyer: Buys  # both of them").replace("rules:", "# The one rule.\nrules:")
    match change:
        case "purpose":
            data["rules"][0]["purpose"] = 'Another: "x" # y'
        case "new":
            data["decisions"].insert(1, {**data["decisions"][0], "id": "again"})
        case "gone":
            del data["decisions"][2]
        case "order":
            data["decisions"].reverse()
    spec: Spec = spec_of(data)
    new = renewed(text, spec)
    assert parse_spec(new) == spec
    assert "# both of them" in new
    assert "# The one rule." in new


def test_an_editor_s_comments_are_kept(tmp_path: Path, cerbos):
    policies, said = start_of(SALARIES, tmp_path), replies(SALARIES)
    editor = tmp_path / "editor.py"
    editor.write_text("import sys\nopen(sys.argv[1], 'a').write('\\n# Seen by both of us.\\n')\n")
    with scripted(*said) as api:
        env = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": api.url, "EDITOR": f"{sys.executable} {editor}"}
        fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--assume")
        terminal = Terminal("run", request_of(SALARIES), *fixed, env=env)
        terminal.until("[e]dit: ")
        terminal.say("e\n")
        terminal.until("[e]dit: ")
        terminal.say("y\n")
        assert terminal.end() == 0, terminal.seen
    spec = (policies.parent / FILE_NAME).read_text()
    assert "# Seen by both of us." in spec
    assert parse_spec(spec).is_confirmed
