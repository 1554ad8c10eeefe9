"""Mistakes in the rules of a spec are noticed by its own tests, or a person is asked about them in plain words."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from bundles import FIXTURES, read
from command import Done, bare, environment, policyloop, speaker
from policyloop.access.ask.decided import question_of
from policyloop.access.ask.parts import Parts
from policyloop.access.compare.accepted import asked_by_spec
from policyloop.access.mutate import Mutant, MutateResult, Survivor, mutate
from policyloop.access.mutate.judge import Fate, fates
from policyloop.access.mutate.search import Search
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle, Write
from policyloop.cerbos.run import Runner
from policyloop.guard import Lock
from policyloop.spec_questions import questions_of
from policyloop.specification import FILE_NAME, Spec, spec_of, suites_from
from policyloop.specification.cases import Cases
from policyloop.unsaid import looked_for, rules_of, unsaid
from published_schemas import hold_to_schema
from specs import GOOD, Break, breaks, load, policies
from terminal import Terminal

HIERARCHY = FIXTURES / "spec" / "good" / "hierarchy"
ROLES = FIXTURES / "spec" / "good" / "roles"
SIX = [breaks(HIERARCHY)[number] for number in (1, 2, 3, 4, 5, 9)]
"""All actions, a role lost, a value let in, a value lost, another value let in, a condition dropped."""
LESS = {
    "nothing-else",
    "auditor-views",
    "no-auditor-views-not",
    "lead-edits-final",
    "lead-edits-archived-not",
    "analyst-edits-archived-not",
    "analyst-edits-uncleared-not",
    "lead-edits-uncleared-not",
}
"""Decisions without which nothing says what these mistakes change."""


def without(spec: Spec, gone: set[str]) -> Spec:
    data = spec.plain()
    return spec_of({**data, "decisions": [one for one in data["decisions"] if one["id"] not in gone]})


def bundle_of(spec: Spec) -> Bundle:
    return policies(HIERARCHY).apply(Write(path, text) for path, text in suites_from(spec).items())


def as_mutant(bundle: Bundle, broken: Break) -> Mutant:
    edit = broken.edit
    text = bundle[edit.path].replace(edit.old, edit.new, 1)
    return Mutant("by-hand", edit.path, 1, f"in rule {broken.rule}", f"{edit.old} became {edit.new}", text)


def outcome(cerbos: Runner, spec: Spec) -> tuple[list[Break], dict[str, str]]:
    """Which of the six the tests of the spec notice, and what is asked about the others, by rule and edit."""
    bundle = bundle_of(spec)
    mutants = {as_mutant(bundle, one): one for one in SIX}
    parts = Parts(bundle)
    fate_of = dict(fates(cerbos, parts, mutants))
    assert Fate.INVALID not in fate_of.values()
    left = [mutant for mutant, fate in fate_of.items() if fate is Fate.SURVIVED]
    found = dict(Search(cerbos, parts, Settings(runner="native"), questions_of(spec)).witnesses(left)) if left else {}
    asked = {}
    for mutant, witness in found.items():
        survivor = Survivor(mutant, witness, 0, 0)
        result = MutateResult(
            policies="p",
            made=1,
            killed=0,
            invalid=(),
            survivors=(survivor,),
            compiler=cerbos.info,
            unread=(),
            seed=0,
            min_score=None,
        )
        asked[mutants[mutant].edit.new] = " ".join(one.question for one in unsaid(spec, result, 5))
    return [mutants[mutant] for mutant, fate in fate_of.items() if fate is Fate.KILLED], asked


def test_the_suite_of_a_whole_spec_notices_six_mistakes(cerbos: Runner) -> None:
    noticed, asked = outcome(cerbos, load(HIERARCHY / "spec.yaml"))
    assert [one for one in SIX if one in noticed] == SIX
    assert asked == {}


def test_of_a_thin_spec_each_mistake_that_goes_unnoticed_is_asked_about(cerbos: Runner) -> None:
    noticed, asked = outcome(cerbos, without(load(HIERARCHY / "spec.yaml"), LESS))
    assert len(noticed) + len(asked) == len(SIX)
    assert len(asked) >= 4
    for edit, question in asked.items():
        assert question.startswith("Nobody said whether "), edit
        for word in ("EFFECT", "R.attr", "{", "principal", "condition"):
            assert word not in question
    said = " ".join(asked.values())
    assert "whose status is ARCHIVED" in said
    assert "an analyst" in said
    assert "an auditor may view a report" in said
    assert "in acme" in said


# --- a run ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, str]:
    """A confirmed spec beside an empty policy directory, and a program that writes the policies."""
    room = tmp_path / "project" / "policies"
    room.mkdir(parents=True)
    (room.parent / FILE_NAME).write_text((ROLES / "spec.yaml").read_text())
    assert policyloop("spec", "confirm", room.parent / FILE_NAME, "--by", "a reviewer", "--yes").code == 0
    edits = [{"path": path, "content": text} for path, text in policies(ROLES).files.items()]
    return room, speaker([{"edits": edits, "note": "as confirmed"}], tmp_path)


def run(project: tuple[Path, str], **env: str) -> Done:
    room, model = project
    request = load(ROLES / "spec.yaml").request
    fixed = ("--policies", room, "--runner", "native", "--format", "json", "--model-command", model)
    return policyloop("run", request, *fixed, env=env)


def test_a_run_tells_what_nobody_said_and_how_far_it_looked(project: tuple[Path, str], cerbos: Runner) -> None:
    """The spec says nothing of actions that no rule names."""
    done = run(project, POLICYLOOP_SPEC_MUTANTS="40")
    hold_to_schema(done.json, "run")
    told = done.json
    assert (told["outcome"], told["exit_code"]) == ("green", 0), done.err
    questions = [one["question"] for one in told["unsaid"]]
    assert 1 <= len(questions) <= 5
    assert all(question.startswith("Nobody said whether ") for question in questions)
    assert any("do anything that is not listed to a" in question for question in questions)
    assert told["looked_for"]["tried"] == told["looked_for"]["made"] > 5
    assert told["looked_for"]["cut"] == ""
    shown = policyloop("show", "--state", project[0].parent / ".policyloop", "--format", "json")
    assert shown.json["unsaid"] == told["unsaid"]
    lines = policyloop("show", "--state", project[0].parent / ".policyloop", "--format", "plain").out
    assert f"{questions[0]} Now it is denied." in lines


def test_a_configuration_that_looks_for_less_needs_a_persons_word(project: tuple[Path, str], cerbos: Runner) -> None:
    (project[0].parent / "policyloop.yaml").write_text("spec: {mutants: 0}\n")
    room, model = project
    plain = {name: value for name, value in environment().items() if name != "POLICYLOOP_SPEC_MUTANTS"}
    words = ["run", "x", "--policies", str(room), "--model-command", model, "--runner", "native"]
    held = bare(words, cwd=None, env=plain)
    assert held.code == 5
    assert "spec.mutants: 0 (usually 30)" in held.err


def test_where_it_is_cut_short_that_is_said(cerbos: Runner) -> None:
    spec = load(HIERARCHY / "spec.yaml")
    result = mutate(cerbos, bundle_of(spec), "p", limit=2, about=rules_of(spec), prove=False, over=lambda: True,
                    settings=Settings(runner="native"))  # fmt: skip
    told = looked_for(result, 2)
    assert (told.made > 2, told.tried <= 2) == (True, True)
    assert told.cut == "the time for it was over (spec.seconds); no more than 2 are tried (spec.mutants)"


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_what_a_decision_allows_is_asked_for_whatever_the_policies_say(case: Path) -> None:
    """To the letter: no PDP is needed to say so, and none is asked."""
    spec = load(case / "spec.yaml")
    accepts = asked_by_spec(spec)
    nobody: Any = None
    allowed = 0
    for one in Cases(spec):
        if one.allowed:
            request = question_of(one.request).request
            assert accepts(request, nobody) in {rule.id for rule in spec.rules if rule.decision == "allow"}
            assert asked_by_spec(spec, {"no-such-rule"})(request, nobody) is None
            allowed += 1
    assert allowed


# --- what a person says to it at a terminal ---------------------------------------------------------------------------


QUICK = {"POLICYLOOP_SPEC_MUTANTS": "16", "POLICYLOOP_SPEC_QUESTIONS": "1", "POLICYLOOP_ACCESS_COMPARE": "never"}


def at_a_terminal(project: tuple[Path, str], answers: str) -> tuple[int, str, list[str]]:
    """Exit code, screen and questions of the same run at a terminal, where each question gets the next answer."""
    room, model = project
    words = ["run", load(ROLES / "spec.yaml").request, "--policies", room, "--runner", "native", "--format", "plain"]
    terminal = Terminal(*words, "--model-command", model, env=QUICK)
    asked: list[str] = []
    for answer in answers:
        shown = terminal.until("Is that meant? Write it? [y/n]: ")
        asked.append(shown.replace("\r", "").strip().splitlines()[-1])
        terminal.say(f"{answer}\n")
    code = terminal.end()
    return code, terminal.seen.replace("\r", ""), asked


def test_what_a_person_says_at_a_terminal_becomes_a_locked_test(project: tuple[Path, str], cerbos: Runner) -> None:
    room, count = project[0], 1
    code, screen, asked = at_a_terminal(project, "y" * count)
    assert code == 0, screen
    assert len(set(asked)) == count
    assert all(question.startswith("Nobody said whether ") for question in asked)
    [suite] = room.glob("tests/said_*_test.yaml")
    demanded = [one for one in Lock.of(read(room)) if one.id.file == str(suite.relative_to(room))]
    assert len(demanded) == count
    assert f"What you said is locked as {len(demanded)} assertion" in screen
    described = " ".join(suite.read_text().split())
    for question in asked:
        assert question.partition(" They may")[0] in described
        assert question.partition(" They may")[0] not in screen.partition("What you said is locked")[2]
    assert policyloop("check", room, "--runner", "native").code == 0
    weaker = shutil.copytree(room, room.parent / "weaker")
    (weaker / suite.relative_to(room)).unlink()
    assert policyloop("guard", room, weaker).code == 6


def test_a_no_at_a_terminal_writes_nothing_and_names_the_request_that_says_so(
    project: tuple[Path, str], cerbos: Runner
) -> None:
    room, _ = project
    code, screen, asked = at_a_terminal(project, "n")
    assert (code, list(room.rglob("*"))) == (5, [])
    [command] = [
        line.partition("): ")[2] for line in screen.splitlines() if line.startswith("next (with what you said")
    ]
    words = shlex.split(command)
    assert words[:2] == ["policyloop", "run"]
    who_does_what = asked[0].removeprefix("Nobody said whether ").partition(". They may")[0]
    verb = " may " if "They may not now." in asked[0] else " may not "
    assert words[-1].endswith(f"{who_does_what[1:].replace(' may ', verb, 1)}.")
