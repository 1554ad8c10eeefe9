"""The pairs under `fixtures/guard`, as `policyloop guard` would read them. With a folder as its argument this file
lays the two sides of every pair there.
"""

import json
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from policyloop.bundle import Bundle
from policyloop.guard import Lock, Weakened
from policyloop.workspace.read import read_bundle

ROOT = Path(__file__).parent.parent / "fixtures" / "guard"


@cache
def base(name: str) -> Bundle:
    """`policies` or `tests`: what a pair does not write itself."""
    return read_bundle(ROOT / "base" / name)


@dataclass(frozen=True)
class Pair:
    """One baseline and one candidate, tests only; the policies of `base` go with both when they are compiled.

    A side is a layer: the baseline lies over the tests of `base`, the candidate over the baseline. What is not in a
    side though it is below it stands in `without.yaml`.
    """

    folder: Path

    @property
    def outcome(self) -> str:
        return self.folder.parent.name

    @cached_property
    def baseline(self) -> Bundle:
        return self._over(base("tests"), "baseline")

    @cached_property
    def candidate(self) -> Bundle:
        return self._over(self.baseline, "candidate")

    def _over(self, below: Bundle, side: str) -> Bundle:
        layer = self.folder / side
        written = read_bundle(layer).files if layer.exists() else {}
        absent = self._without.get(side, [])
        assert set(absent) <= set(below.files), f"{self.folder}: without.yaml names what is not there"
        kept = {path: text for path, text in below.files.items() if path not in absent}
        return Bundle({**kept, **written})

    @property
    def _without(self) -> dict[str, list[str]]:
        file = self.folder / "without.yaml"
        return dict(yaml.safe_load(file.read_text(encoding="utf-8"))) if file.exists() else {}

    @property
    def golden(self) -> Path:
        return self.folder / "expected.json"

    @property
    def expected(self) -> dict[str, Any]:
        return dict(json.loads(self.golden.read_text(encoding="utf-8")))


def pairs(outcome: str) -> list[Pair]:
    return [Pair(folder) for folder in sorted((ROOT / outcome).iterdir())]


def compiled(tests: Bundle) -> Bundle:
    """The tests with the policies that they are about."""
    return Bundle({**base("policies").files, **tests.files})


def said(lock: Lock, weakened: tuple[Weakened, ...]) -> dict[str, Any]:
    """What the guard says, in the shape of `expected.json`."""
    return {
        "outcome": "weakened" if weakened else "kept",
        "locked": len(lock),
        "how": sorted({one.how for one in weakened}),
        "assertions": [f"{w.suite} / {w.test}: {w.principal} {w.action} {w.resource}" for w in weakened],
        "first": f"{weakened[0].before} -> {weakened[0].after}" if weakened else None,
    }


def lay_out(target: Path) -> None:
    """Write both sides of every pair below `target`, as folders for `policyloop guard`."""
    for pair in (*pairs("weakened"), *pairs("kept")):
        for side in ("baseline", "candidate"):
            for path, text in getattr(pair, side).files.items():
                file = target / pair.outcome / pair.folder.name / side / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode("utf-8"))


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
