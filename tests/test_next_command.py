"""Each exit names the next command, and that command, run as it is printed, does what was said.

A situation is laid out in a folder whose name a shell would break, the command runs on a real terminal, the next one is
read off the screen by a parser, and a shell runs it as it stands.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from command import DOCS, FIX, FIXED, POLICY, environment, lay, speaker
from policyloop.next_command import policyloop as command_of
from policyloop.validators.pinned import VERSION, cached_binary
from terminal import Terminal
from test_spec_flow import ASKED, RAISE, RIGHT, bought, by_stage
from test_spec_flow import FIX as RAISED
from worked import EXAMPLES, replies, request_of

TICKETS = next(path for path in EXAMPLES if path.name == "tickets")
GREEN = {**DOCS, "doc.yaml": FIXED}
OPEN = {**DOCS, "doc.yaml": POLICY.replace("P.id", "P.id || true"), "doc_test.yaml": "name: none\n"}
NEXT = re.compile(r"^next(?: \((?P<why>[^()]*)\))?: (?P<command>.+)$")
PROGRAMS = {"policyloop", "patch", "rm", "mkdir", "sudo"}
BESIDE = str(Path(sys.executable).parent)


@dataclass(frozen=True)
class Room:
    """A project in a folder whose name must be quoted."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "it's a $project"

    @property
    def policies(self) -> Path:
        return self.project / "my policies"

    @property
    def place(self) -> str:
        return str(self.policies.relative_to(self.project))

    def shell(self, line: str, answers: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
        """What a shell made of this line, on a terminal at which these answers are typed: exit code and screen."""
        path = f"{self.folder / 'bin'}:{BESIDE}:{environment()['PATH']}"
        env = {"XDG_STATE_HOME": str(self.folder / "state"), "POLICYLOOP_CERBOS_RUNNER": "native", "PATH": path}
        env["POLICYLOOP_ACCESS_COMPARE"] = "never"
        terminal = Terminal(env={**env, **self.env}, words=["/bin/bash", "-c", line], cwd=self.project)
        seen = ""
        for prompt, answer in answers:
            seen += terminal.until(prompt)
            terminal.say(answer)
        code = terminal.end()
        return code, (seen + terminal.seen).replace("\r", "")


def onward(screen: str) -> dict[str, str]:
    """The commands that a screen names, by what they are for."""
    found = {}
    for line in screen.splitlines():
        match = NEXT.match(line)
        if match:
            assert shlex.split(match["command"])[0] in PROGRAMS, line
            found[match["why"] or ""] = match["command"]
    return found


Deed = Callable[[Room], object]


def nothing(_: Room) -> None:
    """Nobody does anything."""


@dataclass(frozen=True)
class Step:
    """The command that is named with `why` is run; before it a person does what it takes for granted."""

    why: str
    code: int
    first: Deed = nothing
    answers: tuple[tuple[str, str], ...] = ()
    holds: Deed = nothing
    says: str = ""


@dataclass(frozen=True)
class Situation:
    """`words` end with `code`; then step after step, each named by the one before."""

    words: Callable[[Room], Sequence[object]]
    code: int
    steps: tuple[Step, ...]
    lay: Deed = nothing
    answers: tuple[tuple[str, str], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def laid(files: Mapping[str, str]) -> Deed:
    return lambda room: lay(files, room.policies)


def model(*said: object) -> Callable[[Room], list[object]]:
    return lambda room: ["--model-command", speaker(said, room.folder)]


def both(*deeds: Deed) -> Deed:
    return lambda room: [deed(room) for deed in deeds]


def writes(path: str, text: str) -> Deed:
    return lambda room: (room.policies / path).write_text(text)


def is_there(path: str) -> Deed:
    def check(room: Room) -> None:
        assert (room.project / path).exists(), sorted(room.project.rglob("*"))

    return check


def reads(path: str, words: str) -> Deed:
    def check(room: Room) -> None:
        assert words in (room.policies / path).read_text()

    return check


def answers_filled_in(room: Room) -> None:
    (file,) = room.project.glob(".policyloop/runs/*/answers.yaml")
    text = file.read_text()
    assert "\nsupervisors-work:\n" in text
    assert "#   also-work: they create and close tickets, too" in text
    file.write_text(text.replace("supervisors-work:\n", "supervisors-work: also-work\n"))


def tickets(room: Room) -> list[object]:
    """The recorded model of an example, which knows over several runs at which turn it is."""
    said = [json.dumps(reply) for reply in replies(TICKETS)]
    program = room.folder / "in_turn.py"
    program.write_text(
        f"import pathlib\nat = pathlib.Path({str(room.folder / 'turn')!r})\n"
        "turn = int(at.read_text()) if at.exists() else 0\nat.write_text(str(turn + 1))\n"
        f"print({said!r}[turn])\n"
    )
    program = f"{sys.executable} {program}"
    return ["run", request_of(TICKETS), "--policies", room.place, "--format", "json", "--model-command", program]


def contradicting(room: Room) -> None:
    shutil.copytree(bought(room.folder).parent, room.project, dirs_exist_ok=True)
    (room.project / "policies").rename(room.policies)


def raising(room: Room) -> list[object]:
    program = by_stage(room.folder, [RAISE], [{"edits": [RAISED, RIGHT]}])
    return ["run", ASKED, "--policies", room.place, "--format", "json", "--model-command", program]


def slow(room: Room) -> list[object]:
    """A model that waits for the file `go` before it answers."""
    program = room.folder / "slow.py"
    program.write_text(
        f"import json, pathlib, time\nwhile not pathlib.Path({str(room.folder / 'go')!r}).exists():\n"
        f"    time.sleep(0.05)\nprint(json.dumps({FIX!r}))\n"
    )
    return ["run", "--policies", room.place, "--format", "plain", "--model-command", f"{sys.executable} {program}"]


def meddling(room: Room) -> list[object]:
    """A model during whose turn a person changes the very file."""
    program = room.folder / "meddling.py"
    file = room.policies / "doc.yaml"
    program.write_text(
        f"import json, pathlib\nfile = pathlib.Path({str(file)!r})\n"
        f"file.write_text('# mine\\n' + file.read_text())\nprint(json.dumps({FIX!r}))\n"
    )
    return ["run", "--policies", room.place, "--format", "json", "--model-command", f"{sys.executable} {program}"]


def ours(room: Room) -> None:
    """The program that was not there."""
    program = room.project / "ours"
    program.write_text(f"#!/bin/sh\nexec {speaker([FIX], room.folder)}\n")
    program.chmod(0o755)


def as_it_was(room: Room) -> None:
    (room.policies / "doc.yaml").write_text(POLICY)


def configured(room: Room) -> None:
    lay(DOCS, room.policies)
    command = speaker([FIX], room.folder)
    (room.project / "policyloop.yaml").write_text(
        f"policies: my policies\nmodel: {{kind: command, command: {command}}}\n"
    )


def npm(room: Room) -> None:
    """The client of the registry is played: it brings the real compiler. There is none here before."""
    binary = cached_binary(VERSION)
    (room.folder / "bin").mkdir()
    script = room.folder / "bin" / "npm"
    script.write_text(
        f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
        "folder = sys.argv[sys.argv.index('--prefix') + 1]\n"
        "name = sys.argv[-1].rpartition('@')[0]\n"
        "target = pathlib.Path(folder, 'node_modules', name, name.partition('/')[2])\n"
        "target.parent.mkdir(parents=True)\n"
        f"shutil.copy({str(binary)!r}, target)\n"
    )
    script.chmod(0o755)


def committed(room: Room) -> None:
    run = lambda *words: subprocess.run(["git", *words], cwd=room.project, check=True, capture_output=True)  # noqa: E731
    run("init", "-q")
    run("add", "-A")
    run("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x")


def ended_session(room: Room) -> None:
    """One that is open is named with what ends it."""
    start = command_of("session", "start", policies=room.place)
    assert room.shell(start)[0] == 0
    code, screen = room.shell(start)
    assert code == 5, screen
    assert room.shell(onward(screen)["a person, to end it"])[0] == 0


NO = (("[e]dit:", "n\n"),)
YES = (("[n]o:", "y\n"),)
AT_ONCE = (("[y/N]: ", "y\n"),)
PLAYED = {"POLICYLOOP_MODEL_KIND": "command", "POLICYLOOP_MODEL_COMMAND": "{model}"}
LOOK = Step("to see what was tried", 0, says="ledger whole")

SITUATIONS = {
    "a request, from its questions to green": Situation(
        tickets, 5,
        (
            Step("once your answers stand in", 5, first=answers_filled_in, answers=NO),
            Step("to look at the spec and confirm it, in a terminal", 0, answers=YES, says="Confirmed by"),
            Step("then", 0, says="green"),
        ),
        lay=lambda room: room.policies.mkdir(),
    ),
    "its answers taken for granted": Situation(
        tickets, 5,
        (Step("to take the recommended answers, marked as assumed", 5, answers=NO, says="ASSUMED"),),
        lay=lambda room: room.policies.mkdir(),
    ),
    "tests that say otherwise": Situation(
        raising, 5, (
            Step("to release these tests and confirm it, in a terminal", 0, answers=YES),
            Step("then", 0, says="green"),
        ), lay=contradicting
    ),
    "a budget that is used up": Situation(
        lambda room: ["run", "--policies", room.place, "--attempts-per-class", 1, *model({"edits": []})(room)], 4,
        (LOOK,), lay=laid(DOCS),
    ),
    "an interrupted run": Situation(
        slow, 130, (Step("to go on", 0, first=lambda room: (room.folder / "go").touch(), says="green"),),
        lay=laid(DOCS), answers=(("asking the model", "\x03"),),
    ),
    "files that were changed meanwhile": Situation(
        meddling, 5,
        (Step("to take the result as it is", 0, first=as_it_was, holds=reads("doc.yaml", FIXED[-30:])),),
        lay=laid(DOCS),
    ),
    "no policies at all": Situation(
        lambda room: ["run"], 2,
        (Step("a first project, here", 0, holds=is_there("policies")), Step("to see that it is green", 0)),
    ),
    "a model that is not there": Situation(
        lambda room: ["run", "--policies", room.place, "--model-command", "./ours"], 8,
        (Step("to go on", 0, first=ours, says="green"),), lay=laid(DOCS),
    ),
    "a program that nobody agreed to": Situation(
        lambda room: ["run"], 5, (Step("a person, in a terminal", 0, answers=AT_ONCE, says="agreed"),), lay=configured
    ),
    "failing tests": Situation(
        lambda room: ["check", room.place], 4,
        (Step("to have a model repair it", 0, says="green"),), lay=laid(DOCS), env=PLAYED,
    ),
    "tests weaker than before": Situation(
        lambda room: ["check", room.place, "--baseline", "HEAD"], 6,
        (Step("once the tests are as strong again", 0, first=laid(GREEN)),),
        lay=both(laid(GREEN), committed, writes("doc_test.yaml", "name: none\n")),
    ),
    "a lock that does not hold": Situation(
        lambda room: ["guard", "HEAD", room.place], 6,
        (Step("once the tests are as strong again", 0, first=laid(GREEN)),),
        lay=both(laid(GREEN), committed, writes("doc_test.yaml", "name: none\n")),
    ),
    "access that got wider": Situation(
        lambda room: ["diff", "HEAD", "--policies", room.place, "--prove", "off", "--requests", 100], 7,
        (Step("if all of that is meant", 0, says="asked for"),), lay=both(laid(GREEN), committed, laid(DOCS)),
    ),
    "a hole": Situation(
        lambda room: ["lint", room.place, "--fail-on", "warning"], 4, (Step("what ", 0, says="Mend"),),
        lay=laid({**GREEN, "doc.yaml": FIXED.replace("roles: [user]", 'roles: ["*"]')}),
    ),
    "mistakes that no test notices": Situation(
        lambda room: ["mutate", room.place, "--min-score", 100, "--limit", 4], 4,
        (Step("to have the tests that would notice written as a suite", 0,
              holds=is_there("my policies/unnoticed_test.yaml")),),
        lay=laid(GREEN),
    ),
    "a first project where one is": Situation(
        lambda room: ["init"], 2, (Step("to have it in a folder of its own", 0), Step("to see that it is green", 0)),
        lay=lambda room: (room.project / "policyloop.yaml").write_text("policies: my policies\n"),
    ),
    "a folder that is not there": Situation(
        lambda room: ["init", "a new one"], 2, (Step("", 0, holds=is_there("a new one/policies")),)
    ),
    "a mark of nobody's write-back": Situation(
        lambda room: ["check", room.place], 5, (Step("to finish it", 5), Step("once you have compared", 0)),
        lay=both(laid(GREEN), writes(".policyloop-writeback", "A write-back goes on here.\n")),
    ),
    "a report of nothing": Situation(
        lambda room: ["report"], 2, (Step("to have what is there repaired", 0, says="green"),),
        lay=both(laid(GREEN), lambda room: (room.project / ".policyloop").mkdir(),
                 lambda room: (room.project / "policyloop.yaml").write_text("policies: my policies\n")),
        env=PLAYED,
    ),
    "settings that are not written": Situation(
        lambda room: ["harden", "--policies", room.place], 5,
        (Step("to have that written", 0, holds=is_there(".claude/settings.json")),),
        lay=laid(GREEN), answers=(("[y/N]: ", "n\n"),),
    ),
    "no compiler": Situation(
        lambda room: ["doctor"], 8, (Step("to get the pinned compiler", 0, says="READY"),), lay=npm,
        env={"XDG_CACHE_HOME": "{folder}/cache", "DOCKER_HOST": "unix://{folder}/none.sock"},
    ),
    "no session": Situation(
        lambda room: ["session", "step", "--policies", room.place], 2,
        (Step("to start one", 0), ), lay=laid(DOCS),
    ),
    "a session that did not end green": Situation(
        lambda room: ["session", "start", "--policies", room.place], 5,
        (Step("a person, to start anew", 0),), lay=both(laid(DOCS), ended_session),
    ),
}  # fmt: skip


@pytest.mark.compiler
@pytest.mark.parametrize("name", SITUATIONS)
def test_the_command_that_an_exit_names_does_what_is_said(name: str, tmp_path: Path) -> None:
    situation = SITUATIONS[name]
    program = speaker([FIX], tmp_path)
    room = Room(tmp_path, {key: value.format(folder=tmp_path, model=program) for key, value in situation.env.items()})
    room.project.mkdir()
    situation.lay(room)
    line = shlex.join(["policyloop", *map(str, situation.words(room))])
    code, screen = room.shell(line, situation.answers)
    assert code == situation.code, screen
    named: dict[str, str] = {}
    for step in situation.steps:
        named |= onward(screen)
        command = next((command for why, command in named.items() if why.startswith(step.why)), None)
        assert command is not None, (step.why, screen)
        step.first(room)
        code, screen = room.shell(command, step.answers)
        assert code == step.code, (command, screen)
        assert step.says in screen
        step.holds(room)
