"""Kills a process at every system call of a step, or of a start, and prints what the next commands make of it.

A process of its own, because it forks: `python session_kills.py step|start FOLDER CERBOS`. The compiler is the real
one; each bundle is judged once, so that hundreds of points cost no hundreds of compilations.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from command import DOCS, FIXED, lay
from policyloop.bundle import Bundle
from policyloop.errors import PolicyloopError
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.guided import start as starting
from policyloop.guided import steps
from policyloop.session import home
from policyloop.session.record import Opening
from policyloop.validators.judge import validate
from policyloop.validators.native import NativeRunner

CLAUDE = "5f0c1a52-6a35-4c3f-9a52-0d8f3b9f6f11"
EVERY = 37
"""A call counts twice, before it is made and after it returned; all of some 1,000 points were swept by hand."""
KNOWN: dict[str, Report] = {}


class Sweep:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policies = folder / "project" / "policies"
        self._left = 1 << 60

    def fresh(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        lay(DOCS, self.policies)

    def start(self) -> None:
        starting.start_session(
            starting.Start(
                words="",
                policies=self.policies,
                spec=None,
                claude=CLAUDE,
                hooks_home=None,
                anew=False,
                tests_as_they_are=False,
                unguarded=False,
                runner="native",
            )
        )

    def step(self) -> object:
        return steps.take_step(steps.find(self.policies, CLAUDE))

    def killed(self, what: Callable[[], object], point: int) -> bool:
        """Do `what` in a process that is killed at `point`; whether it came to its end before that."""
        child = os.fork()
        if child == 0:
            self._left = point
            sys.setprofile(self._count)
            try:
                what()
            except BaseException as error:  # noqa: BLE001  (the process ends here)
                sys.setprofile(None)
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status and not os.WIFSIGNALED(status):
            raise SystemExit(f"the process ended with {status} at point {point}")
        return status == 0

    def _count(self, _: object, event: str, called: object) -> None:
        if event in ("c_call", "c_return") and getattr(called, "__module__", "") == "posix":
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def step(sweep: Sweep) -> Iterator[dict[str, object]]:
    """A step that becomes green."""
    for point in range(1, 100_000, EVERY):
        sweep.fresh()
        sweep.start()
        (sweep.policies / "doc.yaml").write_text(FIXED)
        ended = sweep.killed(sweep.step, point)
        seen = steps.status_of(steps.find(sweep.policies, CLAUDE))
        guarded = home.guarding(CLAUDE) is not None
        after = sweep.step()
        again = home.guarding(CLAUDE)
        yield {
            "killed": not ended,
            "seen": seen.next,
            "cycles": seen.spent.cycles,
            "guarded": guarded,
            "after": after.next,
            "after_cycles": after.spent.cycles,
            "phase": again.phase if again else None,
        }
        if ended:
            return


def start(sweep: Sweep) -> Iterator[dict[str, object]]:
    """A start, and the same start once more."""
    for point in range(1, 100_000, EVERY):
        sweep.fresh()
        ended = sweep.killed(sweep.start, point)
        guarded = home.guarding(CLAUDE) is not None
        try:
            sweep.start()
            second = "opened"
        except PolicyloopError as error:
            second = "open already" if "is open over" in str(error) else str(error)
        answer = steps.status_of(steps.find(sweep.policies, CLAUDE))
        yield {"killed": not ended, "guarded": guarded, "second": second, "next": answer.next}
        if ended:
            return


def main() -> None:
    name, folder, binary = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.environ["XDG_STATE_HOME"] = str(folder / "case" / "state")
    os.environ["POLICYLOOP_CERBOS"] = str(binary)
    runner = NativeRunner(binary, 60)

    def judge(bundle: Bundle, lock: Lock) -> Report:
        key = bundle.digest
        if key not in KNOWN:
            KNOWN[key] = validate(runner, bundle, lock=lock)
        return KNOWN[key]

    for files in (DOCS, {**DOCS, "doc.yaml": FIXED}):
        judge(Bundle(files), Lock.of(Bundle(DOCS)))

    @contextmanager
    def compiler(_: Opening) -> Iterator[Callable[[Bundle, Lock], Report]]:
        yield judge

    steps._compiler = compiler
    starting.judged_by = lambda _runner, _tests, bundle, lock: judge(bundle, lock)
    starting.compiler = lambda _config: runner
    for line in {"step": step, "start": start}[name](Sweep(folder / "case")):
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
