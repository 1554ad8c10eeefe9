"""What a call would do: ways round that must be seen, honest calls of which nothing alarming may be said."""

import re

import pytest

from command import policyloop
from effect_cases import CWD, Case, cases
from policyloop.decide.flags import DOES, UNKNOWN
from policyloop.decide.tools import effects_of_command
from policyloop.shell.tree import REASONS
from policyloop.view.pages.effects import effect_lines
from source_tree import ROOT


def test_there_are_enough_of_them() -> None:
    assert len({case.name for case in cases("ways-round")}) >= 120
    assert len({case.name for case in cases("honest")}) >= 80


@pytest.mark.parametrize("case", cases("ways-round"), ids=lambda case: case.name[:60])
def test_a_way_round_is_seen(case: Case) -> None:
    effects = case.effects()
    if "unparsed" in case.said:
        assert effects.unparsed.startswith(case.said["unparsed"])
    elif "unknown" in case.said:
        assert case.said["unknown"] in effects.unknown
    else:
        assert not effects.unparsed
        for attribute, item in case.said["shows"].items():
            assert item in getattr(effects, attribute)


@pytest.mark.parametrize("case", cases("honest"), ids=lambda case: case.name[:60])
def test_nothing_alarming_is_said_of_an_honest_call(case: Case) -> None:
    effects = case.effects()
    assert not effects.unparsed
    assert set(effects.may_do) <= set(case.said.get("does", []))
    assert set(effects.unknown) <= set(case.said.get("unknown", []))


@pytest.mark.parametrize("table", ["ways-round", "honest"])
def test_what_is_said_comes_from_the_closed_lists_and_the_definite_is_possible(table: str) -> None:
    for case in cases(table):
        effects = case.effects()
        assert set(effects.may_do) <= set(DOES)
        assert set(effects.unknown) <= set(UNKNOWN)
        assert not effects.unparsed or effects.unparsed.split(":")[0] in REASONS
        for definite, possible in (
            (effects.programs, effects.may_run),
            (effects.reads, effects.may_read),
            (effects.writes, effects.may_write),
            (effects.deletes, effects.may_delete),
            (effects.lists, effects.may_list),
            (effects.hosts, effects.may_reach),
            (effects.does, effects.may_do),
        ):
            assert set(definite) <= set(possible)
        attributes = effects.attributes()
        assert all(value is not None for value in attributes.values())
        assert len(attributes) == 18


PAGE = (ROOT / "docs" / "effects.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| `([\w-]+)` \| ([^|]+) \| (?:`+ ?(.+?) ?`+)? ?\|$", PAGE)
AT_WORK = [(name, example.replace("\\|", "|")) for name, _, example in ROWS if example]


def test_the_page_lists_every_flag_and_reason_with_its_meaning() -> None:
    listed = [name for name, _, _ in ROWS]
    assert sorted(listed) == sorted([*DOES, *UNKNOWN, *REASONS])
    for name, meaning, _ in ROWS:
        assert meaning in {DOES.get(name), UNKNOWN.get(name), REASONS.get(name)}
    assert {name for name, _ in AT_WORK} >= set(DOES)


@pytest.mark.parametrize(("name", "command"), AT_WORK, ids=str)
def test_each_example_of_the_page_is_one(name: str, command: str) -> None:
    effects = effects_of_command(command, CWD)
    assert name in {*effects.may_do, *effects.unknown, effects.unparsed.split(":")[0]}


def test_what_the_page_shows_is_what_is_printed() -> None:
    command, shown = re.findall(r"(?ms)^\$ policyloop effects --cwd \S+ '(.*?)'\n(.*?)^```", PAGE)[0]
    assert "\n".join(effect_lines(effects_of_command(command, CWD))) + "\n" == shown
    ran = policyloop("effects", "--cwd", CWD, "--", command)
    assert (ran.code, ran.out) == (0, shown)
