"""Where a command stands while it is followed: directory, variables, files written before, and what was seen so far."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from policyloop.decide.gathered import Gathered
from policyloop.decide.values import ANYTHING, CONTENTS, EMPTY, SECRET, Value
from policyloop.places.globs import all_within
from policyloop.places.keys import Whereabouts, key, keys
from policyloop.places.sensitive import could_be, is_agent_setting, is_secret, starts_later
from policyloop.shell.marks import HOLE, has_glob
from policyloop.shell.tree import Block, Statement, Unparsed, Word

MOST_COMMANDS = 400
"""Commands of one call, loops and functions multiplied out: beyond it is `too-many`."""
MOST_WORK = 4_000_000
"""What following one call may cost: a unit a character that is put together or a name that is copied, `STATEMENT` units
a statement. A text doubles in ten characters (`a=$a$a`), and loops within loops need no command. Beyond: `too-many`.
"""
STATEMENT = 200
MOST_TEXT = 100_000
"""Characters of one text that is put together by replacing; a longer one is not known."""
DEEPEST = 24
"""Code within code: `sh -c`, eval, functions, wrappers."""
_DEVICE = re.compile(
    r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|dm-|md|mapper/|loop|pmem|zd|nbd|r?disk|mtd|ram|sr|mem|kmem|port)"
)
_METADATA = re.compile(
    r"(?:^|/)(?:[\w.-]*\.git)(?:/(?:objects|refs|logs|packed-refs|HEAD|index|worktrees|modules|lfs|\*|…|"
    r"\ue001)(?:/.*)?)?$"
)
_HARMLESS = {
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/full",
    "-",
    "/dev/fd/0",
    "/dev/fd/1",
    "/dev/fd/2",
}
_PORTS = {
    "http": 80,
    "https": 443,
    "ftp": 21,
    "ssh": 22,
    "git": 9418,
    "ws": 80,
    "wss": 443,
    "rsync": 873,
    "ldap": 389,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "redis": 6379,
    "mongodb": 27017,
    "sftp": 22,
    "scp": 22,
}


class Scene:
    """Mutable, within one working out. `follow` and `run` are put in by who follows."""

    def __init__(self, where: Whereabouts) -> None:
        self.gathered = Gathered()
        self.where = where
        self.variables: dict[str, Value] = {}
        self.lists: dict[str, list[Value]] = {}
        self.arguments: list[Value] | None = None
        """`$1`, ...; None where the text itself does not say."""
        self.functions: dict[str, Statement] = {}
        self.aliases: dict[str, str] = {}
        self.files: dict[str, Value] = {}
        """What files hold that the text wrote itself, by key."""
        self.open_files: dict[str, Value] = {}
        self.open_outputs: dict[str, str] = {}
        """Descriptors that are open for writing, and what they lead to."""
        self.sinks: dict[str, Block] = {}
        """`>(...)`: what runs with what is written there."""
        self.sure = True
        self.via: tuple[str, ...] = ()
        self.running: dict[str, int] = {}
        """Functions that are being run, and how deep in the background each began."""
        self.locals: list[dict[str, Value]] = []
        """Of each function that is run: what variables held that it has for itself."""
        self.fixed: set[str] = set()
        """Variables that cannot be set again."""
        self.background = 0
        """How many `&` stand around what is followed."""
        self.depth = 0
        self.commands_left = MOST_COMMANDS
        self.work_left = MOST_WORK
        self.last_directory = ""
        self.follow: Callable[[Statement, Value], Value]
        self.run: Callable[[Use], Value]
        self.code: Callable[[Value, Value], Value]
        self.word: Callable[[Word], Value]
        self.send_to: Callable[[str, Value], None]

    def spend(self, units: int) -> None:
        """Count what following costs. Raises `Unparsed` where it is too much."""
        self.work_left -= units
        if self.work_left < 0:
            raise Unparsed("too-many")

    # What is seen

    def add(self, kind: str, item: str, *, sure: bool = True) -> None:
        """An effect; definite only where the command is."""
        self.gathered.add(kind, item, sure=sure and self.sure)

    def does(self, *flags: str, sure: bool = True) -> None:
        """Flags of the closed list."""
        for flag in flags:
            self.gathered.add("do", flag, sure=sure and self.sure)

    def unknown(self, reason: str) -> None:
        """Why more may happen."""
        self.gathered.unknown(reason)

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """What is seen within is possible at most."""
        before, self.sure = self.sure, False
        try:
            yield
        finally:
            self.sure = before

    @contextmanager
    def deeper(self, *via: str) -> Iterator[None]:
        """Within a wrapper, or code within code."""
        before = self.via
        self.via += via
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unparsed("too-deep")
        try:
            yield
        finally:
            self.via = before
            self.depth -= 1

    @contextmanager
    def apart(self) -> Iterator[None]:
        """In a process of its own: variables and the directory change for that one alone."""
        self.spend(len(self.variables) + len(self.lists) + len(self.functions) + len(self.open_files))
        kept = self.variables, self.lists, self.functions, self.where, self.aliases, self.open_files
        outputs, self.open_outputs = self.open_outputs, dict(self.open_outputs)
        self.variables, self.lists, self.functions = dict(kept[0]), dict(kept[1]), dict(kept[2])
        self.aliases, self.open_files = dict(kept[4]), dict(kept[5])
        try:
            yield
        finally:
            self.variables, self.lists, self.functions, self.where, self.aliases, self.open_files = kept
            self.open_outputs = outputs

    # Places

    def reads(self, text: str) -> int:
        """A file that is read; where its contents come from."""
        held = self._held(text)
        if held is not None:
            tags = held.tags
            if text.startswith("/dev/fd/"):
                return tags
        else:
            tags = 0
        return self._place("read", text) | tags | CONTENTS

    def writes(self, text: str, held: Value = ANYTHING) -> None:
        """A file that is written, and what it holds from then on."""
        place = key(text, self.where)
        if place.startswith("/dev/fd/"):
            self._passed_on(place[8:], held)
            return
        self._place("write", text)
        if HOLE not in text and not has_glob(text) and place not in _HARMLESS:
            before = self.files.get(place)
            self.files[place] = held if self.sure or before is None else before.either(held)

    def keeps(self, text: str, held: Value) -> None:
        """What a file would hold, without a word of its being written."""
        if HOLE not in text and not has_glob(text):
            self.files[key(text, self.where)] = held

    def changes(self, text: str) -> None:
        """A file of which something is changed but its contents: mode, owner, time."""
        self._place("write", text)

    def _passed_on(self, descriptor: str, held: Value) -> None:
        """What is written to a descriptor goes where that leads: a file, a connection, another program's input."""
        target, sink = self.open_outputs.get(descriptor), self.sinks.get(descriptor)
        if target is not None:
            self.send_to(target, held)
        elif sink is not None:
            self.block(sink, held)

    def deletes(self, text: str) -> None:
        """A file or a tree that is deleted."""
        self._place("delete", text)
        if self.sure and HOLE not in text and not has_glob(text):
            self.files.pop(key(text, self.where), None)

    def lists_names(self, text: str) -> None:
        """A directory whose names are told."""
        self._place("list", text)

    def held(self, text: str) -> Value | None:
        """What a file holds, where the text itself said so."""
        return self._held(text)

    def _held(self, text: str) -> Value | None:
        place = key(text, self.where)
        if place.startswith("/dev/fd/"):
            return self.open_files.get(place[8:])
        return self.files.get(place)

    def _place(self, kind: str, text: str) -> int:
        if not text or text in _HARMLESS:
            return 0
        if text == HOLE:
            if kind != "list":
                self.unknown("variable-path")
            return 0
        text = _without_scheme(text)
        names = keys(text, self.where)
        is_open, tags = HOLE in names[0], 0
        for name in names:
            if name not in _HARMLESS:
                self.add(kind, name, sure=not is_open)
                tags |= self._noted(kind, name, sure=not is_open)
        if is_open and kind != "list":
            self.unknown(
                "variable-directory" if names[0].startswith(HOLE) and not text.startswith(HOLE) else "variable-path"
            )
            empty = text.replace(HOLE, "")
            if kind in {"write", "delete"} and HOLE in text and empty:
                self._possible(kind, keys(empty, self.where))
        if is_open or has_glob(names[0]):
            tags |= self._fitting(kind, names)
        return tags

    def _fitting(self, kind: str, names: tuple[str, ...]) -> int:
        """What a pattern may stand for among what policies speak of."""
        if kind == "delete":
            self._possible(kind, tuple(filter(None, map(all_within, names))))
        return self._possible(kind, tuple(could_be(names[0])))

    def _possible(self, kind: str, names: tuple[str, ...]) -> int:
        tags = 0
        for name in names:
            if HOLE not in name and name not in _HARMLESS:
                self.add(kind, name, sure=False)
                tags |= self._noted(kind, name, sure=False)
        return tags

    def _noted(self, kind: str, name: str, *, sure: bool) -> int:
        """Flags that a place brings along."""
        if kind == "read":
            if is_secret(name):
                self.does("secret-read", sure=sure)
                return SECRET
            return 0
        if kind in {"write", "delete"}:
            if is_agent_setting(name):
                self.does("agent-settings", sure=sure)
            if name == "/proc/sysrq-trigger":
                self.does("system-stop", sure=sure)
            if _DEVICE.match(name):
                self.does("disk-write", sure=sure)
            if _METADATA.search(name):
                self.does("history-destroy", sure=sure)
            if kind == "write" and starts_later(name):
                self.does("persistence", sure=sure)
        return 0

    # Hosts

    def reaches(self, text: str, port: int | str = "") -> None:
        """A host, `name:port`: from a URL, from `user@host`, or a bare name."""
        if not text or text == HOLE:
            self.unknown("variable-host")
            return
        if "://" in text:
            scheme, _, rest = text.partition("://")
            own: int | None = None
            try:
                parts = urlsplit(f"//{rest}")
                host, own = parts.hostname or "", parts.port
            except ValueError:
                host = rest.split("/", 1)[0]
            port = own or _PORTS.get(scheme.lower().rsplit("+", 1)[-1]) or port
        else:
            host = text.rsplit("@", 1)[-1].split("/", 1)[0]
            match = re.fullmatch(r"\[?([^\]]*?)\]?:(\d+)", host)
            if match is not None and ":" not in match[1].strip("[]"):
                host, port = match[1], match[2]
        host = host.lower().rstrip(".").strip("[]")
        if HOLE in host:
            self.unknown("variable-host")
        self.add(
            "reach", f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if port else host, sure=HOLE not in host
        )

    def sends(self, tags: int, *, sure: bool = True) -> None:
        """Something with these origins goes to another machine."""
        if tags & SECRET:
            self.does("exfiltration", sure=sure)
        if tags & (SECRET | CONTENTS):
            self.does("upload", sure=sure)

    def block(self, block: Block, given: Value = EMPTY) -> Value:
        """The output of a block in a process of its own."""
        with self.apart():
            return self.follow(block, given)


def _without_scheme(text: str) -> str:
    """A path out of `file:///path`."""
    if not text.startswith("file:"):
        return text
    return text.removeprefix("file://").removeprefix("localhost") if text.startswith("file://") else text[5:]


class Use(NamedTuple):
    """A program with its words. `tags`: where what the words hold comes from; `given`: what it is given to read."""

    program: str
    words: list[str]
    scene: Scene
    given: Value = EMPTY
    tags: int = 0

    def of(self, words: list[str], given: Value | None = None) -> "Use":
        """The program that a wrapper runs."""
        return Use(words[0] if words else "", words[1:], self.scene, self.given if given is None else given, self.tags)


Run = Callable[[Use], Value]
"""What it does goes to the scene; its output comes back."""
