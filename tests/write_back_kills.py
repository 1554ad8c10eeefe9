"""Kills a process at every system call of a write-back, and prints what it left behind: one JSON object a line.

A process of its own, because it forks: `python write_back_kills.py SWEEP DIRECTORY`. A call counts twice, before it is
made and after it returned, so a kill stands between every two calls too. Nothing in the product knows of this.
"""

import json
import os
import resource
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.errors import PersonNeeded, Unavailable
from policyloop.workspace import Workspace, recover

Tree = dict[str, tuple[int, bytes | None]]

SMALL = (
    {"a.yaml": "a\n", "b/c.yaml": "c\n", "gone/d.yaml": "d\n"},
    {"a.yaml": "A\n", "b/c.yaml": "c\n", "x/y.yaml": "y"},
)
LARGE = (
    {**{f"{n % 5}/{n}.yaml": f"{n}\n" * 30 for n in range(40)}, **{f"old/{n}/{n}.json": "{}" for n in range(5)}},
    {
        **{f"{n % 5}/{n}.yaml": f"{n}{'!' * (n % 2)}\n" * 30 for n in range(40) if n % 9},
        **{f"new/{n}/é {n}.yaml": "" for n in range(6)},
    },
)


def main() -> None:
    sweep, directory = sys.argv[1], Path(sys.argv[2])
    for line in SWEEPS[sweep](directory):
        sys.stdout.write(json.dumps(line) + "\n")


def small(directory: Path) -> Iterator[dict[str, object]]:
    """Every point of a small write-back."""
    yield from _kills(directory, SMALL, 1)


def large(directory: Path) -> Iterator[dict[str, object]]:
    """Every 29th point of a write-back of some 35 paths, deleted, new and changed ones."""
    yield from _kills(directory, LARGE, 29)


def again(directory: Path) -> Iterator[dict[str, object]]:
    """Killed in the middle, and then at every third point of the command that finishes it."""
    half = middle(directory)
    for point in range(1, 10_000, 3):
        case = Case(directory / "case", SMALL)
        case.run(case.write_back, half)
        ended = case.run(case.recover, point)
        yield case.told(point)
        if ended:
            return


def turned(directory: Path) -> Iterator[dict[str, object]]:
    """Killed in the middle, a file changed by the person, then killed at every third point of what undoes it."""
    half = middle(directory)
    for point in range(1, 10_000, 3):
        case = Case(directory / "case", SMALL)
        case.run(case.write_back, half)
        theirs = case.policies / "gone" / "d.yaml"
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text("theirs\n")
        ended = case.run(case.recover, point)
        try:
            recover(case.policies)
            person = False
        except PersonNeeded:
            person = True
        now = tree(case.policies)
        patches = [p.read_text() for p in (case.policies.parent / ".policyloop").rglob("*.patch")]
        yield {
            "point": point,
            "ended": ended,
            "person": person,
            "theirs": now.pop("gone/d.yaml", (0, b""))[1] == b"theirs\n",
            "others_as_before": now == {k: v for k, v in case.before.items() if k != "gone/d.yaml"},
            "patch": bool(patches) and all(p == case.diff for p in patches),
            "journals": case.journals(),
        }
        if ended:
            return


def full(directory: Path) -> Iterator[dict[str, object]]:
    """At every point of a write-back the disk becomes full and stays so; then there is room again."""
    for point in range(1, 10_000):
        case = Case(directory / "case", SMALL)
        ended = case.run(case.write_back_until_full, point, kill=False)
        what = (case.top / "what").read_text() if (case.top / "what").exists() else ""
        stopped = case.name(tree(case.policies))
        try:
            recover(case.policies)
            person = False
        except PersonNeeded:
            person = True
        recovered = case.name(tree(case.policies))
        yield {
            "point": point,
            "what": what,
            "stopped": stopped,
            "person": person,
            "recovered": recovered,
            "left": case.journals(),
        }
        if ended and not what:
            return


SWEEPS: dict[str, Callable[[Path], Iterator[dict[str, object]]]] = {
    "small": small,
    "large": large,
    "again": again,
    "turned": turned,
    "full": full,
}


def _kills(directory: Path, bundles: tuple[dict[str, str], dict[str, str]], step: int) -> Iterator[dict[str, object]]:
    for point in range(1, 100_000, step):
        case = Case(directory / "case", bundles)
        ended = case.run(case.write_back, point)
        yield case.told(point)
        if ended:
            return


class Case:
    """A policy directory before a write-back; some files have odd modes, and some are not policies."""

    def __init__(self, top: Path, bundles: tuple[dict[str, str], dict[str, str]]) -> None:
        shutil.rmtree(top, ignore_errors=True)
        self.top, self.policies = top, top / "project" / "policies"
        os.environ["XDG_STATE_HOME"] = str(top / "outside")
        self.green = Bundle(bundles[1])
        self.diff = Bundle(bundles[0]).diff(self.green)
        lay_out(self.policies, bundles[0])
        self.before = tree(self.policies)
        self.after = _expected(self.before, bundles)

    def write_back(self) -> None:
        with Workspace.open(self.policies) as workspace:
            sys.setprofile(self._count)
            workspace.write_back(self.green)
            sys.setprofile(None)

    def write_back_until_full(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        (self.top / "what").touch()
        try:
            self.write_back()
        except Unavailable as error:
            sys.setprofile(None)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            (self.top / "what").write_text(str(error))

    def recover(self) -> None:
        sys.setprofile(self._count)
        try:
            recover(self.policies)
        except PersonNeeded:
            pass
        finally:
            sys.setprofile(None)

    def run(self, what: Callable[[], None], point: int, *, kill: bool = True) -> bool:
        """Do `what` in a process that is killed, or sees a full disk, at `point`; whether it came to its end."""
        child = os.fork()
        if child == 0:
            self._left, self._kill = point, kill
            try:
                what()
            except BaseException as error:  # noqa: BLE001  (the process ends here)
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return False
        if status:
            raise SystemExit(f"the process ended with {status} at point {point}")
        return True

    def told(self, point: int) -> dict[str, object]:
        """What is there now, after the next command, and after one more write-back."""
        killed = self.name(tree(self.policies))
        recover(self.policies)
        recovered = self.name(tree(self.policies))
        left = self.journals()
        self.write_back()
        return {
            "point": point,
            "killed": killed,
            "recovered": recovered,
            "committed_left": [name for name in left if not name.endswith(".staged")],
            "again": self.name(tree(self.policies)),
            "left": self.journals(),
        }

    _left = 1 << 60
    _kill = True

    def _count(self, _: object, event: str, called: object) -> None:
        if event in ("c_call", "c_return") and getattr(called, "__module__", "") == "posix":
            self._left -= 1
            if self._left == 0 and self._kill:
                os.kill(os.getpid(), signal.SIGKILL)
            elif self._left == 0:
                # Files cannot grow any more; renaming and deleting still work, as on a full disk.
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def name(self, now: Tree) -> str:
        """Which of the two wholes it is, if any."""
        if now == self.before:
            return "before"
        return "after" if now == self.after else "between"

    def journals(self) -> list[str]:
        return sorted(p.name for p in (self.top / "outside" / "policyloop" / "writebacks").glob("*"))


def middle(directory: Path) -> int:
    """A point of the small write-back at which one path is new, one is gone and one is not made yet."""
    for point in range(1, 10_000, 5):
        case = Case(directory / "case", SMALL)
        case.run(case.write_back, point)
        changed = (case.policies / "a.yaml").read_text() == "A\n"
        if changed and not (case.policies / "gone").exists() and not (case.policies / "x" / "y.yaml").exists():
            return point
    raise SystemExit("the write-back was never in its middle")


def lay_out(policies: Path, files: dict[str, str]) -> None:
    for number, (path, text) in enumerate(files.items()):
        file = policies / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod((0o644, 0o600, 0o755)[number % 3])
        if number % 7 == 1:
            file.parent.chmod(0o750)
    (policies / "README.md").write_text("not ours\n")
    (policies / "empty").mkdir()


def tree(top: Path) -> Tree:
    """Every file and folder below `top`, with mode and content."""
    found: Tree = {}
    for path in top.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path.relative_to(top))] = (status.st_mode, content)
    return found


def _expected(before: Tree, bundles: tuple[dict[str, str], dict[str, str]]) -> Tree:
    """The tree after the write-back, worked out apart from the product."""
    old, new = bundles
    after = {path: what for path, what in before.items() if path not in old or path in new}
    for path, text in new.items():
        mode = before[path][0] if path in before else stat.S_IFREG | 0o644
        after[path] = (mode, text.encode())
        for above in Path(path).parents[:-1]:
            after.setdefault(str(above), (stat.S_IFDIR | 0o755, None))
    for path in sorted(set(after) - {"empty"}, reverse=True):
        if after[path][1] is None and not any(other.startswith(f"{path}/") for other in after):
            del after[path]
    return after


if __name__ == "__main__":
    os.umask(0o022)
    main()
