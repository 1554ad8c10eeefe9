"""`policyloop spec`: show, check, confirm, suites, on the real command line."""

import json
from pathlib import Path

import jsonschema
import pytest

from command import lay, picture, policyloop
from policyloop.documents.published import NAMES, schema_of
from policyloop.specification import FILE_NAME, parse_spec, suites_from
from published_schemas import hold_to_schema
from specs import GOOD, load
from terminal import Terminal

ROLES = next(path for path in GOOD if path.name == "roles")
SALARIES = next(path for path in GOOD if path.name == "direct_reports")
QUESTION = "questions:\n  - id: q\n    text: Who?\n    options:\n      - {id: a, text: a, recommended: true}\n"
QUESTION += "      - {id: b, text: b}\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    target = tmp_path / FILE_NAME
    target.write_text("# Reviewed every spring.\n" + (ROLES / "spec.yaml").read_text())
    return target


def test_a_complete_spec_has_no_gaps_and_is_found_here(spec: Path):
    done = policyloop("spec", "check", "--format", "json", cwd=spec.parent)
    hold_to_schema(done.json, "spec-check")
    assert (done.code, done.json["outcome"], done.json["gaps"]) == (0, "complete", [])


@pytest.mark.parametrize(
    ("old", "new", "code", "outcome", "gap"),
    [
        (
            "    purpose: Deleting cannot be undone, so it takes somebody responsible.\n",
            "",
            2,
            "gaps",
            "missing-purpose",
        ),
        ("\ndecisions:", f"\n{QUESTION}\ndecisions:", 5, "person", "open-question"),
        ("expect: deny, control: adviser-views", "expect: allow", 5, "person", "two-effects"),
    ],
)
def test_every_gap_is_named_with_its_line(old: str, new: str, code: int, outcome: str, gap: str, spec: Path):
    text = spec.read_text()
    assert text.count(old) == 1
    again = "\n  - {id: again, rule: staff-views, principal: adviser_as_visitor, resource: ticket, expect: deny}\n"
    spec.write_text(text.replace(old, new).rstrip("\n") + (again if gap == "two-effects" else ""))
    done = policyloop("spec", "check", spec, "--format", "json")
    assert (done.code, done.json["outcome"]) == (code, outcome), done.json
    found = [one for one in done.json["gaps"] if one["code"] == gap]
    assert found, done.json
    assert found[0]["line"]
    plain = policyloop("spec", "check", spec, "--format", "plain")
    assert plain.code == code
    assert f"{spec}:{found[0]['line']}: {gap}: " in plain.out
    github = policyloop("spec", "check", spec, "--format", "github")
    assert f"::error file={spec},line={found[0]['line']},title=spec/{gap}::" in github.out


@pytest.mark.parametrize("form", ["plain", "rich", "github"])
def test_show_tells_rules_decisions_and_that_nobody_confirmed_it(form: str, spec: Path):
    done = policyloop("spec", "show", spec, "--format", form, env={"COLUMNS": "200"})
    assert done.code == 0
    for words in ("supervisors-delete", "others-do-not-delete", "NOT confirmed"):
        assert words in done.out


def test_a_confirmation_is_over_the_content_and_keeps_comments(spec: Path):
    before = spec.read_text()
    assert policyloop("spec", "confirm", spec, "--by", "a reviewer").code == 5
    assert spec.read_text() == before
    done = policyloop("spec", "confirm", spec, "--by", "a reviewer", "--yes", "--format", "json")
    hold_to_schema(done.json, "spec-show")
    assert (done.code, done.json["confirmed"]) == (0, True)
    assert spec.read_text().startswith(before.rstrip("\n"))
    assert parse_spec(spec.read_text()).is_confirmed
    spec.write_text(spec.read_text().replace("Answers customers", "Answers everybody"))
    assert "it was changed after a reviewer confirmed it" in policyloop("spec", "show", spec, "--format", "plain").out
    assert policyloop("spec", "confirm", spec, "--by", "a second reviewer", "--yes").code == 0
    text = spec.read_text()
    assert (text.count("confirmed:"), parse_spec(text).is_confirmed) == (1, True)
    assert sorted(p.name for p in spec.parent.iterdir()) == [FILE_NAME]


@pytest.mark.parametrize(("said", "code"), [("\x03", 130), ("n\n", 5), ("y\n", 0)])
def test_a_confirmation_is_asked_for_and_the_whole_of_it_is_shown_to_whoever_wants(said: str, code: int, spec: Path):
    before = spec.read_text()
    terminal = Terminal("spec", "confirm", spec, "--by", "a reviewer", "--format", "plain", env={})
    shown = terminal.until("Is this what you want?")
    assert "lines more: press m, or see policyloop spec show" in shown
    terminal.until("[n]o:")
    terminal.say("m\n")
    shown = terminal.until("Is this what you want?")
    assert "example of a person" in shown
    terminal.until("[n]o:")
    terminal.say(said)
    assert terminal.end() == code, terminal.seen
    assert (spec.read_text() == before) == (code != 0)
    assert parse_spec(spec.read_text()).is_confirmed == (code == 0)


ASLEEP = """
import ctypes, runpy
hook = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
hook.value = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p).value
runpy.run_module("policyloop", run_name="__main__", alter_sys=True)
"""
"""`policyloop`, in which what Python's `input()` calls between its prompt and its read sleeps until a signal comes."""


def test_an_interrupt_between_the_question_and_the_reading_is_heard(spec: Path):
    terminal = Terminal(
        "spec", "confirm", spec, "--by", "a reviewer", "--format", "plain", env={}, program=["-c", ASLEEP]
    )
    terminal.until("[n]o:")
    terminal.say("\x03")
    assert terminal.end() == 130, terminal.seen


@pytest.mark.parametrize("asked", [False, True])
def test_an_assumption_stays_one_until_a_person_has_looked(asked: bool, spec: Path):  # noqa: FBT001
    question = QUESTION.replace("    options:", "    answer: a\n    assumed: true\n    options:")
    spec.write_text(spec.read_text().replace("\ndecisions:", f"\n{question}\ndecisions:", 1))
    if asked:
        terminal = Terminal("spec", "confirm", spec, "--by", "a reviewer", "--format", "plain", env={})
        terminal.until("Is this what you want?")
        terminal.say("y\n")
        assert terminal.end() == 0, terminal.seen
    else:
        assert policyloop("spec", "confirm", spec, "--by", "a reviewer", "--yes").code == 0
    confirmed = parse_spec(spec.read_text())
    assert confirmed.is_confirmed
    assert [one.assumed for one in confirmed.questions] == [not asked]


def test_nobody_is_asked_about_a_spec_that_only_a_script_is_shown(spec: Path):
    before = spec.read_text()
    terminal = Terminal("spec", "confirm", spec, "--by", "a reviewer", "--format", "json", env={})
    assert terminal.end() == 5
    assert "There is no terminal to ask on." in terminal.seen
    assert spec.read_text() == before


def test_what_has_gaps_is_not_confirmed(spec: Path):
    spec.write_text(spec.read_text() + "\n" + QUESTION)
    before = spec.read_text()
    done = policyloop("spec", "confirm", spec, "--by", "a reviewer", "--yes", "--format", "plain")
    assert done.code == 5
    assert "open-question" in done.out
    assert spec.read_text() == before
    assert policyloop("spec", "confirm", spec, "--by", " ", "--yes").code == 2


def test_suites_are_written_once_and_never_over_a_file_of_somebody_else(spec: Path):
    policies = lay({"ticket.yaml": (ROLES / "policies" / "ticket.yaml").read_text()}, spec.parent / "policies")
    expected = suites_from(load(spec))
    assert policyloop("spec", "suites", policies).code == 0
    assert {k: v.decode() for k, v in picture(policies).items() if k != "ticket.yaml"} == dict(expected)
    again = policyloop("spec", "suites", policies)
    assert (again.code, again.out) == (0, "")
    mine = policies / "tests" / "spec" / "ticket_spec_test.yaml"
    mine.write_text("name: mine\n")
    refused = policyloop("spec", "suites", policies)
    assert refused.code == 2
    assert "was not written by policyloop" in refused.err
    assert mine.read_text() == "name: mine\n"
    printed = policyloop("spec", "suites", "--spec", spec, "--stdout")
    assert all(text in printed.out for text in expected.values())


@pytest.mark.parametrize("command", ["show", "check", "suites"])
def test_a_file_that_is_no_spec_ends_in_2(command: str, tmp_path: Path):
    file = tmp_path / "s.yaml"
    for text in (None, "version: 1\nrequest: r\nrulez: []\n", "\0", "a: [\n"):
        if text is not None:
            file.write_text(text)
        arguments = ("--spec", file, "--stdout") if command == "suites" else (file,)
        done = policyloop("spec", command, *arguments)
        assert done.code == 2, done.err
        assert str(file) in done.err
        assert "Traceback" not in done.err


def test_the_schemas_are_published():
    for name in ("spec", "spec-show", "spec-check", "questions", "answers"):
        assert name in NAMES
        jsonschema.Draft202012Validator.check_schema(schema_of(name))
    shown = json.loads(policyloop("schema", "spec").out)
    jsonschema.validate(load(SALARIES / "spec.yaml").plain(), shown)
    hold_to_schema({"q": "a"}, "answers")
    with pytest.raises(jsonschema.ValidationError):
        hold_to_schema({"q": 1}, "answers")
