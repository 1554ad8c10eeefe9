"""What a person can type next: a whole command of the shell, ready to paste.

Every exit that is not the end of the matter names one. It is printed on a line of its own, `next (WHY): COMMAND`, which
is never broken, so that it can be copied and so that a program finds it.
"""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Next:
    """A command as it is typed, and what it is for in a few words."""

    command: str
    why: str = ""

    def __str__(self) -> str:
        return f"next ({self.why}): {self.command}" if self.why else f"next: {self.command}"


def policyloop(*words: object, named: object = None, **options: object) -> str:
    """`policyloop WORDS --OPTION VALUE ... [NAMED]`, each word quoted where the shell needs it.

    An option that is None or False is left out, one that is True stands alone. `named`: the last positional argument,
    which may begin with a dash.
    """
    parts = ["policyloop", *(str(word) for word in words)]
    parts += [word for name, value in options.items() for word in _option(name, value)]
    last = "" if named is None else str(named)
    if last.startswith("-"):
        parts.append("--")
    return shell([*parts, *([last] if named is not None else [])])


def shell(words: list[str]) -> str:
    """These words as one line of bash, zsh or ksh."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """A word for the shell. What no eye can see is written out, for on a screen it would be written out anyway."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(_written(character) for character in word)}'"


def _option(name: str, value: object) -> Iterator[str]:
    option = f"--{name.rstrip('_').replace('_', '-')}"
    if value is True:
        yield option
    elif value is not None and value is not False:
        text = str(value)
        # A value with a dash in front would be taken for an option.
        yield from [f"{option}={text}"] if text.startswith("-") else [option, text]


def _written(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
