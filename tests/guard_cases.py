"""The pairs under `fixtures/guard`, as `policyloop guard` would read them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.bundle import Bundle
from policyloop.guard import Lock, Weakened
from policyloop.workspace.read import read_bundle

ROOT = Path(__file__).parent.parent / "fixtures" / "guard"


@dataclass(frozen=True)
class Pair:
    """One baseline and one candidate, tests only; the policies of `base` go with both when they are compiled."""

    folder: Path

    @property
    def outcome(self) -> str:
        return self.folder.parent.name

    @property
    def baseline(self) -> Bundle:
        return read_bundle(self.folder / "baseline")

    @property
    def candidate(self) -> Bundle:
        return read_bundle(self.folder / "candidate")

    @property
    def expected(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "expected.json").read_text(encoding="utf-8")))

    def write(self, expected: dict[str, Any]) -> None:
        text = json.dumps(expected, indent=1, ensure_ascii=False) + "\n"
        (self.folder / "expected.json").write_text(text, encoding="utf-8")


def pairs(outcome: str) -> list[Pair]:
    return [Pair(folder) for folder in sorted((ROOT / outcome).iterdir())]


def compiled(tests: Bundle) -> Bundle:
    """The tests with the policies that they are about."""
    policies = read_bundle(ROOT / "base")
    return Bundle({**policies.files, **tests.files})


def said(lock: Lock, weakened: tuple[Weakened, ...]) -> dict[str, Any]:
    """What the guard says, in the shape of `expected.json`."""
    return {
        "outcome": "weakened" if weakened else "kept",
        "locked": len(lock),
        "how": sorted({one.how for one in weakened}),
        "assertions": [f"{w.suite} / {w.test}: {w.principal} {w.action} {w.resource}" for w in weakened],
        "first": f"{weakened[0].before} -> {weakened[0].after}" if weakened else None,
    }
