"""What a configuration names to be run, fetched or read: that which a person agrees to before it holds.

A file that came with a clone is somebody else's wish. Its budgets and bounds are taken; a program, an image, a release
of the compiler other than ours, a recording hold once a person has agreed to them (`policyloop agree`), or where the
command line or the environment says the same.
"""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from policyloop.config.settings import CerbosConfig, Config, ModelConfig

_ENTRIES = (
    "__main__.py",
    "__init__.py",
    "package.json",
    "index.js",
    "index.mjs",
    "Makefile",
    "makefile",
    "GNUmakefile",
)
"""What is run of a folder that a command names."""

_BLANKS = re.compile(r"\s")
_SEPARATORS = re.compile(r"[=:,;]|(?<=^-\w)")
"""`--script=tools/x.py`, `-Itools`, `a:b`."""

MAX_PROGRAM_BYTES = 16_777_216
"""A file that a command names is part of what is agreed to, up to this size; a larger one by its size alone."""


@dataclass(frozen=True, slots=True)
class Named:
    """One value of a file that names something. `digest` (64 hex) binds the value and the files in it."""

    section: str
    key: str
    value: str
    digest: str

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.section}.{self.key}: {self.value}"


def named(config: Config, from_file: Mapping[str, Mapping[str, object]], folder: Path) -> tuple[Named, ...]:
    """What the configuration takes from its file that names something, and that is not what policyloop brings along.

    `from_file`: section -> keys whose value the file decides; `folder`: where it lies.
    """
    return tuple(
        Named(section, key, value, _digest(section, key, value, folder))
        for section, key, value in _values(config)
        if key in from_file.get(section, {})
    )


def _values(config: Config) -> Iterator[tuple[str, str, str]]:
    if config.cerbos.version != CerbosConfig().version:
        yield "cerbos", "version", config.cerbos.version
    if config.cerbos.image != CerbosConfig().image and config.cerbos.runner != "native":
        yield "cerbos", "image", config.cerbos.image
    model: ModelConfig = config.model
    if model.kind == "command" and model.command:
        yield "model", "command", model.command
    if model.kind == "recorded" and model.replay:
        yield "model", "replay", model.replay


def _digest(section: str, key: str, value: str, folder: Path) -> str:
    # A command runs where policyloop was started, which need not be where the file lies.
    places = {"": folder, "./": Path.cwd()} if Path.cwd() != folder else {"": folder}
    words = _words(value) if key == "command" else []
    named_files = {f"{prefix}{word}": _content(place / word) for prefix, place in places.items() for word in words}
    files = {name: content for name, content in named_files.items() if content}
    bound = json.dumps([section, key, value, files], sort_keys=True)
    return hashlib.sha256(bound.encode(errors="surrogatepass")).hexdigest()


def _words(command: str) -> list[str]:
    """What in a command may name a file: its words, what an option is given, words within words, modules of Python."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    inner = [word for text in words if _BLANKS.search(text) for word in _words(text)]
    given = [part for word in words for part in _SEPARATORS.split(word) if part not in {"", word}]
    modules = [name.replace(".", "/") for option, name in pairwise(words) if option == "-m"]
    return list(dict.fromkeys([*words, *inner, *given, *modules, *(f"{module}.py" for module in modules)]))


def _content(path: Path) -> str:
    """What stands for a file or a folder that a command names: `./model.py` of a clone can change without the command.

    "" for what is not there. A folder is what a program runs that is given one.
    """
    if not path.is_dir():
        return _of_file(path)
    inside = {name: content for name in _ENTRIES if (content := _of_file(path / name))}
    return json.dumps(inside) if inside else ""


def _of_file(path: Path) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return ""
    with os.fdopen(file, "rb") as opened:
        try:
            size = os.fstat(file).st_size
            return str(size) if size > MAX_PROGRAM_BYTES else hashlib.sha256(opened.read(MAX_PROGRAM_BYTES)).hexdigest()
        except OSError:
            return ""
