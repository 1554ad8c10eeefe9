"""What a configuration names to be run, fetched or read: that which a person agrees to before it holds.

A file that came with a clone is somebody else's wish. Its budgets and bounds are taken; a program, an image, a release
of the compiler other than ours, a recording hold once a person has agreed to them (`policyloop agree`), or where the
command line or the environment says the same.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from policyloop.config.settings import CerbosConfig, Config, ModelConfig

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
    files = {word: _content(folder / word) for word in _words(value)} if key == "command" else {}
    bound = json.dumps([section, key, value, files], sort_keys=True)
    return hashlib.sha256(bound.encode(errors="surrogatepass")).hexdigest()


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _content(path: Path) -> str:
    """What stands for a file that a command names: `./model.py` of a clone can change without the command."""
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
