"""Ratios of speed, memory and prompt size, each against its bound: `make bench`. Not a test, and not run by one.

A ratio is measured in one go with interleaved pairs (A B A B ...), so that a busy machine slows both sides; what is
shown is the median of the pairs' ratios, with the least and the greatest. Leaves with 1 when a bound is missed.
The table goes to standard output, what is going on to standard error.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path

import audit_bench
import pdp_bench
from asked_pdp import asking
from bundles import BROKEN, FIXTURES, read, synthetic, write
from effect_cases import cases
from ordinary import ordinary
from policyloop.access.mutate import mutants_of
from policyloop.access.mutate import mutate as find_mutants
from policyloop.access.pdp import Settings, encode, serving
from policyloop.access.prove import proving
from policyloop.access.universe import Universe
from policyloop.budget import Budget
from policyloop.bundle import Bundle, Write
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import begin
from policyloop.config import CerbosConfig
from policyloop.controller import Propose, Validated, advance
from policyloop.decide.call import Call, Identity
from policyloop.decide.judge import judge
from policyloop.decide.tools import effects_of_command
from policyloop.errors import Unavailable
from policyloop.guard import Lock
from policyloop.models.render import render
from policyloop.shell.grammar import parsed
from policyloop.validators.install import install
from policyloop.validators.judge import validate
from policyloop.validators.pinned import VERSION
from policyloop.validators.select import RunnerName, open_runner
from sessions import CLAUDE, Room
from token_use import MOST_INPUT, MOST_OUTPUT, with_spec, without_spec
from worked import EXAMPLES

POLICYLOOP = Path(sys.executable).parent / "policyloop"
CHARACTERS_PER_TOKEN = 4
MEGABYTE = 1_000_000
PROOFS = 500

EMPTY_APP = """\
import typer

app = typer.Typer()


@app.command()
def main() -> None:
    pass
"""
CONSOLE_SCRIPT = """\
#!{python}
import sys

sys.path.insert(0, {folder!r})
from empty_app import app

sys.exit(app())
"""
PEAK_MEMORY = """\
import atexit, sys

def peak():
    with open('/proc/self/status') as status, open(sys.argv[1], 'w') as out:
        out.write(next(line.split()[1] for line in status if line.startswith('VmHWM')))

atexit.register(peak)
from policyloop.cli import main

main(sys.argv[2:])
"""
"""`VmHWM`, not `ru_maxrss`: the latter counts the compiler too, and what the process was before its `exec`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `values` are ratios, or megabytes; `bound` is the most their median may be, or None."""

    what: str
    values: tuple[float, ...]
    bound: float | None
    unit: str = "x"
    detail: str = ""

    @property
    def met(self) -> bool:
        return self.bound is None or statistics.median(self.values) <= self.bound

    def __str__(self) -> str:
        middle, least, most = statistics.median(self.values), min(self.values), max(self.values)
        digits = 2 if self.unit == "x" else 0
        spread = f" ({least:.{digits}f} - {most:.{digits}f})" if len(self.values) > 1 else ""
        bound = "" if self.bound is None else f"{self.bound:g}{self.unit}"
        verdict = "" if self.bound is None else "met" if self.met else "**missed**"
        measured = f"{middle:.{digits}f}{self.unit}{spread}"
        return f"| {self.what} | {measured} | {bound} | {verdict} | {self.detail} |"


def pairs(ours: Callable[[int], float], theirs: Callable[[int], float], runs: int) -> tuple[list[float], str]:
    """The ratios of `runs` interleaved pairs after one that does not count, and the median seconds of both sides."""
    measured = [(ours(number), theirs(number)) for number in range(runs + 1)][1:]
    a, b = (statistics.median(side) for side in zip(*measured, strict=True))
    return [one / other for one, other in measured], f"{a:.3f} s against {b:.3f} s"


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def call(command: Sequence[str | Path], expected: int = 0) -> None:
    """Run a program to its end, its output read as a script would read it. Raises when it ends otherwise."""
    ended = subprocess.run(command, capture_output=True, check=False)
    if ended.returncode != expected:
        sys.exit(f"{command[0]} ended with {ended.returncode}: {ended.stderr.decode()[-2000:]}")


def answer(question: str, env: Mapping[str, str]) -> None:
    """Ask the hook."""
    command = [POLICYLOOP, "hook", "pre-tool-use"]
    ended = subprocess.run(
        command, input=question.encode(), env={**os.environ, **env}, capture_output=True, check=False
    )
    if ended.returncode:
        sys.exit(f"the hook ended with {ended.returncode}: {ended.stderr.decode()[-2000:]}")


def call_all(commands: Sequence[Sequence[str | Path]]) -> None:
    """One after the other."""
    for command in commands:
        call(command)


def check(directory: Path, runner: RunnerName) -> float:
    return seconds(lambda: call([POLICYLOOP, "check", directory, "--format", "json", "--runner", runner]))


def raw(directory: Path, *, passes: int) -> float:
    """Seconds of one or two raw passes of the compiler, one after the other."""
    strict: list[list[str]] = [[], ["--strict-evaluation"]]
    commands: list[list[str | Path]] = [
        [_binary(), "compile", "--output=json", *flags, directory] for flags in strict[:passes]
    ]
    return seconds(lambda: call_all(commands))


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs: how many pairs, and a folder that goes away."""

    runs: int
    folder: Path

    def laid_out(self, policies: int, *, plain: bool) -> Path:
        directory = self.folder / f"{'plain' if plain else 'conditions'}-{policies}" / "policies"
        return directory if directory.exists() else write(synthetic(policies, plain=plain), directory)

    def check_small(self) -> Iterator[Row]:
        for plain in (False, True):
            yield self._check(10, 1.5, plain=plain)

    def check_large(self) -> Iterator[Row]:
        for plain in (False, True):
            yield self._check(1000, 1.1, plain=plain)

    def _check(self, policies: int, bound: float, *, plain: bool) -> Row:
        directory = self.laid_out(policies, plain=plain)
        ratios, detail = pairs(
            lambda _: check(directory, "native"), lambda _: raw(directory, passes=2), self.fewer(policies)
        )
        what = f"`check`, native, {policies:,} {_kind(plain=plain)}, against two raw passes"
        return Row(what, tuple(ratios), bound, detail=detail)

    def fewer(self, policies: int) -> int:
        """Pairs for a bundle of that size: large ones take long, and vary less."""
        return self.runs if policies < 1000 else max(self.runs // 3, 3)

    def decisions(self) -> Iterator[Row]:
        """Making requests from a bundle and asking one PDP for every decision, and what a bare client needs for it."""
        bundle, most = synthetic(10), 60_000
        with serving(bundle, Settings(runner="native")) as pdp:
            bodies = [(one, encode(one)) for one in Universe((bundle,), most=most).batches()]
            asked = sum(len(batch) for batch, _ in bodies)

            def enumerated(_: int) -> float:
                universe = Universe((bundle,), most=most)
                return seconds(lambda: [None for _ in pdp.effects(universe.batches())])

            def bare(_: int) -> float:
                return seconds(lambda: [None for _ in pdp.answers(bodies)])

            times = [(enumerated(n), bare(n)) for n in range(max(self.runs // 3, 1) + 1)][1:]
        micro = [tuple(side / asked * 1e6 for side in pair) for pair in times]
        detail = f"{asked:,} decisions; {1e6 / statistics.median(a for a, _ in micro):,.0f} a second"
        most_micro = round(1e6 / 15_000, 1)
        yield Row("a decision by enumeration over one PDP", tuple(a for a, _ in micro), most_micro, "us", detail)
        yield Row("the same, against a bare client that sends ready bodies", tuple(a / b for a, b in micro), None)

    def decisions_memory(self) -> Iterator[Row]:
        """Peak memory of ten times as many requests, against once as many."""
        bundle = synthetic(10)
        peaks = []
        for most in (20_000, 200_000):
            tracemalloc.start()
            asked = sum(len(batch) for batch in Universe((bundle,), most=most).batches())
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            if asked < most * 0.9:
                sys.exit(f"the universe has only {asked} requests")
        detail = f"{peaks[0] / MEGABYTE:.1f} MB, then {peaks[1] / MEGABYTE:.1f} MB"
        yield Row("peak memory of 200,000 requests, against 20,000", (peaks[1] / peaks[0],), 1.2, detail=detail)

    def effects(self) -> Iterator[Row]:
        """What calls would do; and, where `POLICYLOOP_CORPUS` names one, what the starter bundle says of a corpus."""
        commands = [case.call.input["command"] for case in cases("honest") if case.call.tool == "Bash"]
        micro = []
        for _ in range(self.runs):
            pairs = [
                (_microseconds(effects_of_command, command), _microseconds(parsed, command)) for command in commands
            ]
            micro.append(tuple(statistics.median(side) for side in zip(*pairs, strict=True)))
        detail = f"{len(commands)} honest commands, the median of each run"
        yield Row("the effects of a command", tuple(mine for mine, _ in micro), None, " us", detail)
        yield Row("the same, against tree-sitter's bare parse", tuple(mine / bare for mine, bare in micro), 25)
        corpus = os.environ.get("POLICYLOOP_CORPUS")
        if corpus is None:
            return
        lines = [json.loads(line) for line in Path(corpus).read_text(encoding="utf-8").splitlines()]
        said = Counter[tuple[str, str]]()
        with asking(read(FIXTURES / "starter" / "policies")) as ask:
            for line in lines:
                said[line["verdict"], judge(_of_corpus(line["command"]), ask)[0].effect] += 1
        for verdict, wrong, what in (("block", "allow", "misses"), ("delegate", "deny", "false hits")):
            wrongs, all_of_them = (
                said[verdict, wrong],
                sum(said[verdict, effect] for effect in ("allow", "ask", "deny")),
            )
            detail = f"{wrongs} of {all_of_them}; asks about {said[verdict, 'ask']}"
            yield Row(f"{what} of the starter bundle on the corpus", (100 * wrongs / all_of_them,), 5, " %", detail)

    def proofs(self) -> Iterator[Row]:
        """500 proofs of conditions that say the same in other words, the start of the two PDPs for it included."""
        settings = Settings(runner="native")
        old, new, asked = ordinary(63)
        with serving(old, settings) as before, serving(new, settings) as after:

            def proved() -> None:
                with proving(old, new, before, after, settings) as prover:
                    found = list(islice(prover.compare(asked), PROOFS))
                kinds = {type(one).__name__ for one in found}
                if len(found) != PROOFS or kinds != {"Proved"}:
                    sys.exit(f"{len(found)} verdicts, {kinds}")

            times = [seconds(proved) / PROOFS * 1e3 for _ in range(max(self.runs // 3, 1))]
        detail = f"{statistics.median(times) * PROOFS / 1e3:.1f} s for {PROOFS}"
        yield Row("a proof of ordinary conditions", tuple(times), 60_000 / PROOFS, " ms", detail)

    def pdp(self) -> Iterator[Row]:
        """What the decision point's client of the PDP adds to a bare call over a socket that is open already."""
        middle, late, full, detail = pdp_bench.measured(max(self.runs // 3, 1))
        asked = f"a call of the PDP, {pdp_bench.RATE} a second, beyond a bare one"
        yield Row(f"{asked}: p50", tuple(middle), 1_000, " us", detail)
        yield Row(f"{asked}: p99", tuple(late), 5_000, " us")
        words = f"{pdp_bench.MANY:,} calls, {pdp_bench.AT_ONCE} at once, against bare ones"
        yield Row(words, tuple(full), 1.67, detail="1.67 are 60 % of the calls a second")

    def memory(self) -> Iterator[Row]:
        for plain in (False, True):
            directory, told = self.laid_out(1000, plain=plain), self.folder / "peak"
            arguments: list[str | Path] = ["check", directory, "--format", "json", "--runner", "native"]
            call([sys.executable, "-c", PEAK_MEMORY, told, *arguments])
            peak = int(told.read_text()) * 1024 / MEGABYTE
            yield Row(
                f"peak memory of `check`, native, 1,000 {_kind(plain=plain)}", (peak,), 150, " MB", "our process alone"
            )

    def docker_first(self) -> Iterator[Row]:
        for plain in (False, True):
            yield self._docker_first(self.laid_out(10, plain=plain), _kind(plain=plain))

    def _docker_first(self, directory: Path, kind: str) -> Row:
        ratios, detail = pairs(lambda _: check(directory, "docker"), lambda _: check(directory, "native"), self.runs)
        return Row(f"`check`, docker, 10 {kind}, against native", tuple(ratios), 2, detail=detail)

    def docker_later(self) -> Iterator[Row]:
        """A later compile of a run, in the container that the run keeps: against `check`, and against its like."""
        with _runner("docker") as docker, _runner("native") as native:
            for plain in (False, True):
                yield from self._docker_later(docker, native, plain=plain)

    def _docker_later(self, docker: Runner, native: Runner, *, plain: bool) -> Iterator[Row]:
        bundle, directory = synthetic(10, plain=plain), self.laid_out(10, plain=plain)

        def later(runner: Runner) -> Callable[[int], float]:
            return lambda number: _validation(runner, _edited(bundle, number))

        what = f"a later compile of a run, docker, 10 {_kind(plain=plain)}, against native"
        ratios, detail = pairs(later(docker), lambda _: check(directory, "native"), self.runs)
        yield Row(f"{what} `check`", tuple(ratios), 1.3, detail=detail)
        ratios, detail = pairs(later(docker), later(native), self.runs)
        yield Row(f"{what} later compile", tuple(ratios), None, detail=f"{detail}; not bounded")

    def help(self) -> Iterator[Row]:
        (self.folder / "empty_app.py").write_text(EMPTY_APP)
        script = self.folder / "empty"
        script.write_text(CONSOLE_SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        script.chmod(0o755)
        ratios, detail = pairs(
            lambda _: seconds(lambda: call([POLICYLOOP, "--help"])),
            lambda _: seconds(lambda: call([script, "--help"])),
            self.runs * 2,
        )
        yield Row("`policyloop --help`, against an empty Typer app", tuple(ratios), 1.3, detail=detail)

    def hook(self) -> Iterator[Row]:
        """What Claude Code waits for at an edit of a policy and at a command, while a session is open for it."""
        (self.folder / "empty_app.py").write_text(EMPTY_APP)
        script = self.folder / "empty"
        script.write_text(CONSOLE_SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        script.chmod(0o755)
        room = Room.made(self.folder / "room")
        if room.start().code:
            raise RuntimeError("the session was not opened")
        change = {"old_string": "name: owners", "new_string": "name: those who own it"}
        for what, tool, given in (
            ("an edit of a policy", "Edit", {"file_path": str(room.policies / "doc.yaml"), **change}),
            ("a command", "Bash", {"command": "policyloop session step"}),
            ("a reader", "Bash", {"command": "grep -rn owner policies"}),
            ("a read", "Read", {"file_path": str(room.policies / "doc.yaml")}),
            ("a tool that is not named", "Workflow", {"script": "x"}),
            ("an edit of a test", "Edit", {"file_path": str(room.policies / "doc_test.yaml"), **change}),
        ):
            question = {"session_id": CLAUDE, "cwd": str(room.project), "tool_name": tool, "tool_input": given}
            ask = partial(answer, json.dumps(question), room.env)
            ratios, detail = pairs(
                lambda _, ask=ask: seconds(ask), lambda _: seconds(lambda: call([script])), self.runs * 2
            )
            words = f"the hook before {what}, against an empty Typer command"
            yield Row(words, tuple(ratios), 1.5, detail=detail)

    def tokens(self) -> Iterator[Row]:
        """Deterministic: the size of the first message to the model, for each class; the rest of a call is constant."""
        with _runner("native") as native:
            for broken in BROKEN:
                small, large = (
                    len(_first_prompt(native, synthetic(n, broken=broken))) / CHARACTERS_PER_TOKEN for n in (10, 1000)
                )
                what = f"tokens of one proposal, class {broken}, 1,000 policies against 10"
                yield Row(what, (large / small,), 1.2, detail=f"{large:.0f} against {small:.0f} (characters / 4)")

    def spec_tokens(self) -> Iterator[Row]:
        """Deterministic: what a request costs with a spec, against the same task without one; recorded replies."""
        for example in EXAMPLES:
            spec = with_spec(example, self.folder / example.name / "spec")
            bare = without_spec(example, self.folder / example.name / "bare")
            for use in (spec, bare):
                if use.done.code:
                    sys.exit(f"{example.name} ended with {use.done.code}: {use.done.err[-2000:]}")
            for what, ours, theirs, bound in (
                ("new input", spec.new, bare.new, MOST_INPUT),
                ("output", spec.output, bare.output, MOST_OUTPUT),
            ):
                words = f"{what} tokens with a spec, against `--no-spec`: {example.name}"
                yield Row(words, (ours / theirs,), bound, detail=f"{ours:.0f} against {theirs:.0f} (characters / 4)")

    def lock(self) -> Iterator[Row]:
        for plain in (False, True):
            yield self._lock(self.laid_out(1000, plain=plain), synthetic(1000, plain=plain), _kind(plain=plain))

    def _lock(self, directory: Path, bundle: Bundle, kind: str) -> Row:
        if len(Lock.of(bundle)) != 4000:
            raise RuntimeError("the lock does not hold the 4,000 assertions of the bundle")
        ratios, detail = pairs(
            lambda number: seconds(lambda: Lock.of(_touched(bundle, number))),
            lambda _: raw(directory, passes=1),
            self.fewer(1000),
        )
        what = f"locking 1,000 suites (4,000 assertions) of {kind}, against one raw pass"
        return Row(what, tuple(ratios), 1, detail=detail)

    def lock_again(self) -> Iterator[Row]:
        bundle, directory = synthetic(1000, plain=True), self.laid_out(1000, plain=True)
        held = Lock.of(bundle)
        ratios, detail = pairs(
            lambda number: seconds(lambda: held.weakened_by(_edited(bundle, number))),
            lambda _: raw(directory, passes=1),
            self.fewer(1000),
        )
        yield Row("holding one proposal against that lock, against one raw pass", tuple(ratios), 1, detail=detail)

    def lint(self) -> Iterator[Row]:
        """Four times as many policies, and a comparison of all access under the same bundle."""

        def linted(policies: int) -> Callable[[int], float]:
            directory = self.laid_out(policies, plain=False)
            return lambda _: seconds(lambda: call([POLICYLOOP, "lint", directory, "--runner", "native"]))

        ratios, detail = pairs(linted(100), linted(25), self.fewer(1000))
        yield Row("`lint`, native, 100 policies against 25", tuple(ratios), 5, detail=detail)
        old, new = self.laid_out(100, plain=False), self.folder / "changed" / "policies"
        changed = synthetic(100)
        shared = changed["derived_roles.yaml"].replace("R.attr.owner == P.id", 'R.attr.owner == P.id || P.id == "root"')
        write(changed.apply([Write("derived_roles.yaml", shared)]), new)

        def compared(_: int) -> float:
            return seconds(lambda: call([POLICYLOOP, "diff", old, new, "--runner", "native"], expected=7))

        ratios, detail = pairs(linted(100), compared, self.fewer(1000))
        words = "`lint`, native, 100 policies, against `diff` where a shared derived role changed"
        yield Row(words, tuple(ratios), 1, detail=detail)

    def mutate_large(self) -> Iterator[Row]:
        """Four mutants of one policy among ten times as many."""

        def mutated(policies: int) -> Callable[[int], float]:
            command = [POLICYLOOP, "mutate", self.laid_out(policies, plain=False), "--runner", "native"]
            some = ["--only", "area_000/invoice_0000.yaml", "--limit", "4"]
            return lambda _: seconds(lambda: call([*command, *some]))

        ratios, detail = pairs(mutated(1000), mutated(100), self.fewer(1000))
        yield Row("four mutants, native, 1,000 policies against 100", tuple(ratios), 12, detail=detail)

    def mutate(self) -> Iterator[Row]:
        """Small mistakes in 20 rules, their fates and the requests that show them; the proofs are not counted."""
        bundle = synthetic(5, assertions_per_policy=20)
        with _runner("native") as native:
            settings = Settings(runner="native")
            took = seconds(lambda: find_mutants(native, bundle, "policies", settings=settings, prove=False))
        yield Row("`mutate`, native, 20 rules", (took,), 60, " s", f"{len(mutants_of(bundle))} mutants")

    def audit_verify(self) -> Iterator[Row]:
        """Microseconds a record: 5 are 200,000 a second."""
        yield Row("audit: verify a record", *audit_bench.verifying(self.folder / "verify", 100_000), unit="us")

    def audit_search(self) -> Iterator[Row]:
        """Milliseconds for the newest hundred denials of one person."""
        yield Row("audit: a person's denials", *audit_bench.searching(self.folder / "search", 1_000_000), unit="ms")


def _of_corpus(command: str) -> Call:
    """A command of the corpus, by an engineer at work where that corpus is at work."""
    engineer = Identity(subject="alex", roles=("engineer",), verified="token")
    given = {"command": command}
    return Call(
        event="PreToolUse", tool="Bash", input=given, id="c1", cwd="/workspace/project", home="/home/test",
        identity=engineer,
    )  # fmt: skip


def _kind(*, plain: bool) -> str:
    return "plain policies" if plain else "policies with conditions"


@contextmanager
def _runner(name: RunnerName) -> Iterator[Runner]:
    cerbos = CerbosConfig()
    runner = open_runner(
        runner=name, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )
    with closing(runner):
        yield runner


@cache
def _binary() -> Path:
    """The pinned binary, fetched where it is missing, outside of what is measured."""
    return install(VERSION).path


def _validation(runner: Runner, bundle: Bundle) -> float:
    def work() -> None:
        report = validate(runner, bundle)
        assert report.green, report.findings

    return seconds(work)


def _edited(bundle: Bundle, number: int) -> Bundle:
    """What a proposal does: one policy differs."""
    path = next(path for path in bundle if path.startswith("area_") and path.endswith(".yaml") and "_test" not in path)
    return bundle.apply([Write(path, f"{bundle[path]}# {number}\n")])


def _touched(bundle: Bundle, number: int) -> Bundle:
    """The same bundle with every text new, so that nothing remembered of an earlier run helps."""
    return Bundle(
        {path: text if path.endswith(".json") else f"{text}# {number}\n" for path, text in bundle.files.items()}
    )


def _microseconds(work: Callable[[str], object], text: str) -> float:
    began = time.perf_counter()
    work(text)
    return (time.perf_counter() - began) * 1e6


def _first_prompt(runner: Runner, bundle: Bundle) -> str:
    lock = Lock.of(bundle)
    state = begin(bundle, lock, Budget(), "Repair these policies.")
    state = advance(state, Validated(validate(runner, bundle, lock=lock), 1.0))
    assert isinstance(state.todo, Propose)
    return render(state.todo.task)


def main() -> int:
    # Who has installed policyloop has its modules compiled; without this each command would compile them anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    items = (
        "decisions",
        "decisions_memory",
        "proofs",
        "effects",
        "pdp",
        "check_small",
        "check_large",
        "memory",
        "docker_first",
        "docker_later",
        "help",
        "hook",
        "tokens",
        "spec_tokens",
        "lock",
        "lock_again",
        "mutate",
        "mutate_large",
        "lint",
    )
    alone = ("audit_verify", "audit_search")  # minutes to fill a log
    parser = argparse.ArgumentParser(
        description="Measure ratios of speed, memory and prompt size against their bounds."
    )
    parser.add_argument(
        "--only", choices=(*items, *alone), action="append", help="measure this alone; may be given again"
    )
    parser.add_argument("--runs", type=int, default=9, help="pairs of a ratio; a third of it for large bundles")
    asked = parser.parse_args()
    rows: list[Row] = []
    print("| what | median (least - most) | at most | | in this run |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="policyloop-bench-") as folder:
        bench = Bench(max(asked.runs, 1), Path(folder))
        for item in asked.only or items:
            print(f"{item} ...", file=sys.stderr, flush=True)
            try:
                for row in getattr(bench, item)():
                    rows.append(row)
                    print(row, flush=True)
            except Unavailable as error:
                print(f"| {item} | not measured | | | {error.message} |", flush=True)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"\n{cores} cores, load {load:.1f}, Python {sys.version.split()[0]}, Cerbos {VERSION}, {sys.platform}.")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
