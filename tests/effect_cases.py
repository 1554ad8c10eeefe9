"""The tables in `fixtures/effects`: calls, and what must or may be said of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from policyloop.decide.call import Call
from policyloop.decide.effects import Effects
from policyloop.decide.tools import effects_of
from source_tree import ROOT

CWD = "/home/alex/shop"


@dataclass(frozen=True)
class Case:
    """One line of a table."""

    name: str
    call: Call
    said: dict[str, Any] = field(hash=False)

    def effects(self) -> Effects:
        return effects_of(self.call)


@cache
def cases(table: str) -> list[Case]:
    """All lines of `fixtures/effects/<table>.yaml`."""
    text = (ROOT / "fixtures" / "effects" / f"{table}.yaml").read_text(encoding="utf-8")
    return list(_cases(yaml.safe_load(text)))


def _cases(lines: list[Any]) -> Iterator[Case]:
    for line in lines:
        said = {"run": line} if isinstance(line, str) else line
        if "run" in said:
            call = Call(event="PreToolUse", tool="Bash", input={"command": said["run"]}, cwd=CWD)
        else:
            call = Call(event=said.get("event", "PreToolUse"), tool=said.get("tool", ""), input=said["input"], cwd=CWD)
        yield Case(repr(said.get("run") or [said.get("event"), said.get("tool"), said["input"]])[1:-1], call, said)
