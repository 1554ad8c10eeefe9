"""Kills a command at every system call by which it writes a file, and prints what is left, also after its next use.

A process of its own, because it forks: `python named_kills.py confirm|report|mutate FOLDER`. The commands are whole and
real; the fork is made where they begin to write, so that a sweep costs one command and not hundreds.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from command import DOCS, FIX, FIXED, lay, speaker
from policyloop.cli import main as policyloop
from policyloop.confirmed import specfile
from policyloop.confirmed.believed import remember
from policyloop.specification import parse_spec
from policyloop.workspace import named
from specs import GOOD

DRAFT = (GOOD[0] / "spec.yaml").read_text()
EVERY = 4
"""Of the points of a confirmation, after each of which the command is run once more; all were swept by hand."""
Names = dict[str, str]


class Countdown:
    """Kills this process at the n-th system call of Python's `posix` module; each counts before and after."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, _: object, event: str, called: object) -> None:
        if event in ("c_call", "c_return") and getattr(called, "__module__", "") == "posix":
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def killed(what: Callable[[], object], point: int) -> bool:
    """Do `what` in a process that is killed at `point`; whether it was killed."""
    child = os.fork()
    if child == 0:
        sys.setprofile(Countdown(point))
        code = 1
        with suppress(BaseException):
            what()
            code = 0
        sys.setprofile(None)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    if status and not os.WIFSIGNALED(status):
        raise SystemExit(f"the process ended with {status} at point {point}")
    return status != 0


def command(*arguments: object) -> int:
    """One whole command in this process."""
    try:
        policyloop([str(one) for one in arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def hidden(*folders: Path) -> list[str]:
    """Whatever lies in these folders that a command must clean away: names with a dot in front, but our own."""
    kept = (".policyloop", ".gitignore")
    return [str(f) for folder in folders for f in folder.rglob(".*") if f.name not in kept]


def confirm(folder: Path) -> Iterator[dict[str, object]]:
    """Every point from the moment in which a confirmed spec is written, to the end of what is kept outside."""
    spec, state = folder / "policyloop.spec.yaml", folder / "state"
    os.environ["XDG_STATE_HOME"] = str(state)
    words = ["spec", "confirm", spec, "--by", "Ann", "--yes"]
    whole = specfile.write_spec
    written: list[str] = []

    def kept(path: Path, text: str, *, expect: str | None) -> None:
        written.append(text)
        whole(path, text, expect=expect)

    specfile.write_spec = kept
    spec.write_text(DRAFT)
    assert command(*words) == 0
    specfile.write_spec = whole
    confirmed = written[0]

    known = parse_spec(confirmed)

    def again() -> None:
        whole(spec, confirmed, expect=DRAFT)
        remember(known, spec)

    for point in range(1, 10_000, EVERY):
        shutil.rmtree(state, ignore_errors=True)
        spec.write_text(DRAFT)
        ended = not killed(again, point)
        left = {DRAFT: "before", confirmed: "after"}.get(spec.read_text(), "torn")
        believed = specfile.read_spec(spec).is_confirmed
        code = command(*words)
        yield {"killed": not ended, "left": left, "believed": believed, "code": code, "litter": hidden(folder)}
        if ended:
            return


def _pages(folder: Path, words: list[Any], before: Names) -> Iterator[dict[str, object]]:
    """Every point of each call of `write_named` that the command makes, over what was there before."""
    real = named.write_named
    lines: list[dict[str, object]] = []

    def sweep(path: Path, text: str, option: str, *, new: bool = False) -> None:
        def old() -> None:
            path.unlink(missing_ok=True)
            if path.name in before:
                path.write_text(before[path.name])

        for point in range(1, 10_000):
            old()
            was_killed = killed(lambda: real(path, text, option, new=new), point)
            now = path.read_text() if path.exists() else None
            left = "before" if now == before.get(path.name) else "after" if now == text else "torn"
            old()
            real(path, text, option, new=new)
            lines.append({"file": path.name, "killed": was_killed, "left": left, "litter": hidden(path.parent)})
            if not was_killed:
                return

    named.write_named = sweep
    code = command(*words)
    named.write_named = real
    yield from lines
    yield {"code": code}


def report(folder: Path) -> Iterator[dict[str, object]]:
    """`report --html --markdown` over pages that are there."""
    policies = lay(DOCS, folder / "policies")
    model = speaker([FIX], folder)
    assert command("run", "--policies", policies, "--runner", "native", "--model-command", model) == 0
    pages = folder / "pages"
    before = {"r.html": "an old page", "r.md": "an old page"}
    lay(before, pages)
    words = ["report", "--html", pages / "r.html", "--markdown", pages / "r.md", "--no-measure", "--state"]
    yield from _pages(folder, [*words, folder / ".policyloop"], before)


def mutate(folder: Path) -> Iterator[dict[str, object]]:
    """`mutate --write`, into the policy directory itself."""
    policies = lay({**DOCS, "doc.yaml": FIXED}, folder / "policies")
    yield from _pages(folder, ["mutate", policies, "--write", policies / "more_test.yaml", "--runner", "native"], {})


SWEEPS = {"confirm": confirm, "report": report, "mutate": mutate}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in SWEEPS[name](folder):
        out.write(json.dumps(line) + "\n")
    out.close()


if __name__ == "__main__":
    main()
