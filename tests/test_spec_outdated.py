"""Old tests that a request makes wrong, where only the words of a rule say so: the model names, a person decides."""

from pathlib import Path
from typing import Any

import pytest

from command import lay, picture
from policyloop.bundle import Bundle
from policyloop.confirmed.against import unreleased
from policyloop.findings import AssertionId, CompilerInfo
from policyloop.guard import Lock
from policyloop.models.render import render
from policyloop.run.onward import RELEASES as FILE
from policyloop.specification import FILE_NAME, parse_spec
from policyloop.specification.draft import Terms, judge_draft, read_draft
from policyloop.task import Existing, Left, Task
from terminal import Terminal
from test_spec_flow import by_stage, document, run, writes

ASKED = "Clerks may edit the notes of their own team, not only their own notes."
DRAFT = """\
roles: {clerk: Writes}
resources:
  note: {actions: [edit], attributes: {owner: {type: text}, team: {type: text}}}
principals: {attributes: {team: {type: text}}}
rules:
  - id: clerks-edit
    subject: [clerk]
    actions: [edit]
    resource: note
    condition: of their own team
    decision: allow
    purpose: Teams write together.
    conditions: [{id: own-team, words: of one team, looks_at: [resource.attr.team, principal.attr.team]}]
examples:
  principals: {cy: {roles: [clerk], attr: {team: red}}}
  resources: {note: {attr: {owner: cy, team: red}}, other: {like: note, attr: {team: blue}}}
decisions:
  - {rule: clerks-edit, principal: cy, resource: note}
  - {rule: clerks-edit, resource: other, shows: {condition: own-team}}
"""
OUTDATED = "outdated:\n  - {suite: Notes, test: own notes, principal: max, resource: anns, action: edit, "
OUTDATED += "rule: clerks-edit, instead: allow}\n"
POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: note
  version: default
  rules:
    - name: clerks-edit
      actions: [edit]
      effect: EFFECT_ALLOW
      roles: [clerk]
      condition: {match: {expr: R.attr.owner == P.id}}
"""
SUITE = """\
name: Notes
principals:
  max: {id: max, roles: [clerk], attr: {team: green}}
  eve: {id: eve, roles: [clerk], attr: {team: grey}}
resources:
  maxs: {id: n1, kind: note, attr: {owner: max, team: green}}
  anns: {id: n2, kind: note, attr: {owner: ann, team: green}}
tests:
  - name: own notes
    input: {principals: [max, eve], resources: [maxs, anns], actions: [edit]}
    expected:
      - {principal: max, resource: maxs, actions: {edit: EFFECT_ALLOW}}
"""
FIX: dict[str, Any] = {"path": "note.yaml", "old": "R.attr.owner == P.id", "new": "R.attr.team == P.attr.team"}
RIGHT = {
    "path": "note_test.yaml",
    "old": "    expected:\n",
    "new": "    expected:\n      - {principal: max, resource: anns, actions: {edit: EFFECT_ALLOW}}\n",
}
LOCK = tuple(Lock.of(Bundle({"note_test.yaml": SUITE})))
INFO = CompilerInfo("0.55.0", "native", "0" * 64)


def notes(tmp_path: Path) -> Path:
    return lay({"note.yaml": POLICY, "note_test.yaml": SUITE}, tmp_path / "project" / "policies")


def refused(outdated: str, draft: str = DRAFT) -> list[str]:
    bundle = Bundle({FILE_NAME: draft + outdated})
    return [finding.code for finding in judge_draft(bundle, Terms(ASKED, tests=LOCK), INFO).findings]


def test_code_alone_cannot_find_it_and_takes_the_model_s_word_to_a_person() -> None:
    there = Bundle({"note_test.yaml": SUITE})
    assert unreleased(read_draft(DRAFT, ASKED), there) == ()
    (one,) = unreleased(read_draft(DRAFT + OUTDATED, ASKED), there)
    assert (one.principal, one.resource, one.demands, one.rule, one.by_model) == (
        "max", "anns", "deny", "clerks-edit", True
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outdated", "code"),
    [
        (OUTDATED, []),
        (OUTDATED.replace("own notes", "notes"), ["no-such-test"]),
        (OUTDATED.replace("resource: anns, ", "resource: ann, "), ["no-such-test"]),
        (OUTDATED.replace("instead: allow", "instead: deny"), ["not-outdated"]),
        (OUTDATED.replace("clerks-edit", "clerk-edits"), ["unknown-rule"]),
    ],
)
def test_each_must_name_a_test_that_is_there_and_demands_otherwise(outdated: str, code: list[str]) -> None:
    assert refused(outdated) == code


def test_what_the_draft_itself_decides_as_the_test_does_is_not_outdated() -> None:
    same = DRAFT.replace("attr: {team: red}", "attr: {team: green}").replace("team: red", "team: green")
    own = OUTDATED.replace("resource: anns", "resource: maxs").replace("instead: allow", "instead: deny")
    assert refused(own, same) == ["not-outdated"]


def message(existing: dict[str, str], stage: Any = "spec") -> str:
    left = Left(attempts=1, cycles=1, tokens=1, usd=1.0, seconds=1.0)
    return render(Task(request=ASKED, error_class=None, findings=(), files={}, left=left, stage=stage,
                       existing=Existing(existing, ())))  # fmt: skip


def test_the_model_is_asked_for_them_only_where_old_tests_are_shown() -> None:
    assert " OLD TESTS stand " in message({"note.yaml": POLICY, "note_test.yaml": SUITE})
    assert " OLD TESTS stand " not in message({"note.yaml": POLICY})
    assert " OLD TESTS stand " not in message({"note_test.yaml": SUITE}, "policies")


def test_one_exit_one_file_one_yes(tmp_path: Path, cerbos) -> None:
    policies = notes(tmp_path)
    before = Lock.of(Bundle({path: text.decode() for path, text in picture(policies).items()}))
    model = by_stage(tmp_path, [writes({FILE_NAME: DRAFT + OUTDATED})], [{"edits": [FIX, RIGHT]}])
    first = document(run(policies, ASKED, "--yes", model=model))
    assert (first["exit_code"], first["stopped_by"]) == (5, "contradictions")
    (file,) = (policies.parent / ".policyloop" / "runs").glob(f"*/{FILE}")
    assert str(file) in first["message"]
    assert "1 older test contradicts it" in first["message"]
    second = document(run(policies, ASKED, "--yes", "--release", file, model=model))
    assert second["outcome"] == "green", second
    assert second["released"] == ["Notes / own notes: max edit anns; now it must be EFFECT_ALLOW"]
    after = Bundle({path: text.decode() for path, text in picture(policies).items()})
    assert [one.id for one in before.lost_in(after)] == [
        AssertionId("note_test.yaml", "Notes", "own notes", "max", "anns", "edit")
    ]
    spec = parse_spec((policies.parent / FILE_NAME).read_text())
    assert (spec.is_confirmed, spec.outdated, spec.releases) == (True, (), ())


def test_a_draft_that_calls_more_outdated_than_was_shown_stops_again(tmp_path: Path, cerbos) -> None:
    """The file of the first exit lets go of what was told then; what the draft adds later is told anew."""
    policies = notes(tmp_path)
    question = """\
questions:
  - id: others
    text: And of others?
    options: [{id: never, text: never, recommended: true}, {id: also, text: they too}]
"""
    drafted = DRAFT + OUTDATED + question
    more = OUTDATED.splitlines()[1].replace("principal: max", "principal: eve")
    adds = writes({FILE_NAME: f"{DRAFT}{OUTDATED}{more}\n{question}    answer: also\n"})
    model = by_stage(tmp_path, [writes({FILE_NAME: drafted}), adds], [{"edits": [FIX, RIGHT]}])
    first = document(run(policies, ASKED, model=model))
    assert first["stopped_by"] == "questions"
    assert len(first["contradictions"]) == 1
    (file,) = (policies.parent / ".policyloop" / "runs").glob(f"*/{FILE}")
    answers = tmp_path / "answers.yaml"
    answers.write_text("others: also\n")
    before = picture(policies)
    second = document(run(policies, ASKED, "--yes", "--release", file, "--answers", answers, model=model))
    assert (second["exit_code"], second["stopped_by"]) == (5, "contradictions")
    assert [one["principal"] for one in second["contradictions"]] == ["eve"]
    assert picture(policies) == before


def test_on_a_terminal_they_stand_first_and_one_yes_is_for_all(tmp_path: Path, cerbos) -> None:
    policies = notes(tmp_path)
    model = by_stage(tmp_path, [writes({FILE_NAME: DRAFT + OUTDATED})], [{"edits": [FIX, RIGHT]}])
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--model-command", model)
    terminal = Terminal("run", ASKED, *fixed, env={})
    shown = " ".join(terminal.until("[e]dit: ").split())
    line = "released: Notes / own notes: max may NOT edit anns; from now on: max may edit anns (rule clerks-edit)"
    assert "1 older test is let go of by a yes:" in shown
    assert line in shown
    assert shown.index(line) < shown.index("clerk may edit note")
    terminal.say("y\n")
    assert terminal.end() == 0, terminal.seen
    (release,) = parse_spec((policies.parent / FILE_NAME).read_text()).releases
    assert (release.demanded, release.instead, release.file) == ("deny", "allow", "note_test.yaml")


def test_a_no_releases_nothing_and_keeps_the_draft_as_it_was(tmp_path: Path, cerbos) -> None:
    policies = notes(tmp_path)
    before = picture(policies)
    model = by_stage(tmp_path, [writes({FILE_NAME: DRAFT + OUTDATED})], [])
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--model-command", model)
    terminal = Terminal("run", ASKED, *fixed, env={})
    terminal.until("[e]dit: ")
    terminal.say("n\n")
    assert terminal.end() == 5
    assert picture(policies) == before
    kept = parse_spec((policies.parent / FILE_NAME).read_text())
    assert (kept.is_confirmed, kept.releases, len(kept.outdated)) == (False, (), 1)
