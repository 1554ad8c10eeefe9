"""A program's options in one canonical form: `-rf`, `-r -f`, `--rec --fo` and `--recursive --force` are one thing.

An option's letters and long names stand together: `r|R|recursive f|force t|target-directory=W`. The last name is the
canonical one. Behind `=` stands what its value is: a letter of `VALUES`; `=?` where it may be left out.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from policyloop.shell.marks import HOLE

VALUES = {
    "": "something that is no place",
    "R": "a file that is read",
    "P": "a file or directory of which something but the contents is changed",
    "W": "a file or directory that is written",
    "D": "a file or directory that is deleted",
    "L": "a directory whose names are listed",
    "I": "a file that is loaded as settings or code",
    "H": "a host or an address",
    "C": "a command of the shell",
    "U": "`@file` is a file that is sent, anything else is sent itself",
    "V": "a directory in which it works from then on",
}


class Option(NamedTuple):
    """Its canonical name, and what its value is: None where it takes none, `?` in front where it may be left out."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """The options of a program."""

    names: dict[str, Option]
    dashed: bool
    """Long names with a single dash, no letters put together: `java -jar`, `find -name`."""
    stops: bool
    """The first argument that is no option ends them: `sudo`, `env`, `ssh`."""


class Arguments(NamedTuple):
    """What a program was given."""

    flags: dict[str, list[str]]
    """Each option by its canonical name, with its values."""
    operands: list[str]
    values: list[tuple[str, str]]
    """What values are (a letter of `VALUES`), and the values."""
    strange: bool
    """An option that is not in the table."""
    uncertain: bool
    """An argument that may be an option: some part of it is not known."""


@lru_cache(maxsize=512)
def known(spec: str, *, dashed: bool = False, stops: bool = False) -> Known:
    """The options that a row of the table lists."""
    names: dict[str, Option] = {}
    for entry in spec.split():
        written, sign, kind = entry.partition("=")
        alternatives = written.split("|")
        option = Option(alternatives[-1], kind if sign else None)
        for name in alternatives:
            names[name] = option
    return Known(names, dashed, stops)


def arguments(words: list[str], options: Known) -> Arguments:
    """The words behind a program's name, sorted."""
    if not any(word[:1] in {"-", HOLE} for word in words):
        return Arguments({}, words, [], strange=False, uncertain=False)
    reading = _Reading(options)
    reading.read(words)
    return Arguments(reading.flags, reading.operands, reading.values, reading.strange, reading.uncertain)


class _Reading:
    def __init__(self, options: Known) -> None:
        self.options = options
        self.flags: dict[str, list[str]] = {}
        self.operands: list[str] = []
        self.values: list[tuple[str, str]] = []
        self.strange = self.uncertain = False

    def read(self, words: list[str]) -> None:
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            if word == "--":
                self.operands.extend(words[index:])
                return
            if word.startswith(HOLE):
                self.uncertain = True
            if word[:1] != "-" or word == "-":
                self.operands.append(word)
                if self.options.stops:
                    self.operands.extend(words[index:])
                    return
            elif word.startswith("--") or self.options.dashed:
                index = self._long(word, words, index)
            else:
                index = self._short(word, words, index)

    def _take(self, option: Option, value: str | None) -> None:
        self.flags.setdefault(option.name, [])
        if value is not None:
            self.flags[option.name].append(value)
            kind = (option.value or "").removeprefix("?")
            if kind:
                self.values.append((kind, value))

    def _long(self, word: str, words: list[str], index: int) -> int:
        name, sign, value = word.lstrip("-").partition("=")
        option = self._named(name)
        if HOLE in name:
            self.uncertain = True
        if option is None:
            self.strange = self.strange or name not in {"help", "version", "h", "V"}
            self.flags.setdefault(name, [])
            return index
        if sign:
            self._take(option, value)
        elif option.value is None or option.value.startswith("?"):
            self._take(option, None)
        elif index < len(words):
            self._take(option, words[index])
            return index + 1
        return index

    def _named(self, name: str) -> Option | None:
        """By its whole name, or by a beginning that no other option has."""
        option = self.options.names.get(name)
        if option is not None and (len(name) > 1 or self.options.dashed):
            return option
        if self.options.dashed or not name:
            return None
        candidates = {entry for full, entry in self.options.names.items() if len(full) > 1 and full.startswith(name)}
        return candidates.pop() if len(candidates) == 1 else None

    def _short(self, word: str, words: list[str], index: int) -> int:
        place = 1
        while place < len(word):
            letter = word[place]
            place += 1
            option = self.options.names.get(letter)
            if option is None:
                if letter == HOLE:
                    self.uncertain = True
                elif not letter.isdigit():
                    self.strange = True
                self.flags.setdefault(letter, [])
            elif option.value is None:
                self._take(option, None)
            elif place < len(word):
                self._take(option, word[place:].removeprefix("=") if len(option.name) > 1 else word[place:])
                return index
            elif option.value.startswith("?"):
                self._take(option, None)
            elif index < len(words):
                self._take(option, words[index])
                return index + 1
        return index
