"""Calls for the starter bundle: the tables of `fixtures/decision-point`, and those of `fixtures/effects`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

import effect_cases
from policyloop.decide.call import Call, Identity
from source_tree import ROOT

NO_HARM = {"'Glob', {'pattern': '/etc/**'}", "'WebFetch', {'url': 'https://Example.ORG:8443/x', 'prompt': 'p'}"}
"""Lines of `fixtures/effects/ways-round.yaml` that say what must be seen, and do no harm: names, a page."""
RECORDED = {"InstructionsLoaded"}
"""Events to which no decision makes a difference; they are recorded."""


@dataclass(frozen=True)
class StarterCase:
    """A call, and whether it must be denied (a way round) or allowed outright (an honest one)."""

    name: str
    call: Call
    wholly: bool


def cases(table: str) -> list[StarterCase]:
    """All of `ways-round` or `honest`."""
    return [*_own(table), *_of_effects(table)]


def _own(table: str) -> Iterator[StarterCase]:
    text = (ROOT / "fixtures" / "decision-point" / f"{table}.yaml").read_text(encoding="utf-8")
    for line in yaml.safe_load(text):
        tool = "Bash" if "run" in line else line.get("tool", "")
        given = {"command": line["run"]} if "run" in line else line["input"]
        call = _call(line.get("event", "PreToolUse"), tool, given, line.get("as", ["engineer"]))
        if "server" in line:
            call = replace(call, mcp_server=line["server"])
        yield StarterCase(repr(line), call, line.get("deny" if table == "ways-round" else "allow", False))


def _of_effects(table: str) -> Iterator[StarterCase]:
    for case in effect_cases.cases(table):
        harmless = any(case.name.endswith(words) for words in NO_HARM) or case.call.event in RECORDED
        if table == "honest" or not harmless:
            call = _call(case.call.event, case.call.tool, case.call.input, ["engineer"])
            trusted = replace(call, mcp_server="github") if table == "honest" and call.mcp_server else call
            yield StarterCase(case.name, trusted, wholly=False)


def _call(event: str, tool: str, given: Any, roles: list[str]) -> Call:
    who = Identity(subject="alex", roles=tuple(roles), verified="token" if roles else "none")
    server = tool.split("__")[1] if tool.startswith("mcp__") else ""
    return Call(
        event=event, tool=tool, input=given, id="c1", cwd=effect_cases.CWD, home="/home/alex",
        mcp_server=server, identity=who,
    )  # fmt: skip
