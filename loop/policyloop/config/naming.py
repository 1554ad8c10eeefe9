"""What a configuration names to be run, fetched or read, and what it loosens: that which a person agrees to first.

A file that came with a clone is somebody else's wish. What is stricter than the defaults is taken as it stands. A
program, an image, a release of the compiler other than ours, a recording, and a limit that is looser than ours hold
once a person has agreed to them (`policyloop agree`), or where the command line or the environment says the same.
"""

import hashlib
import json
import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

from policyloop.budget import Budget
from policyloop.config.serving import ServeConfig
from policyloop.config.settings import CerbosConfig, Config, ModelConfig, SpecConfig

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

_WITH_FILES = ("command", "pdp", "audit", "tls")
"""Settings whose values may name files, which are agreed to as they are."""

_BLANKS = re.compile(r"\s")
_SEPARATORS = re.compile(r"[=:,;]|(?<=^-\w)")
"""`--script=tools/x.py`, `-Itools`, `a:b`."""


@dataclass(frozen=True, slots=True)
class Named:
    """One value of a file that names something, or loosens a limit that is `usual` otherwise.

    `digest` (64 hex) binds the value and the files in it.
    """

    section: str
    key: str
    value: str
    digest: str
    usual: str = ""

    @property
    def verb(self) -> str:
        """What the file does with it, in a word."""
        return "loosens" if self.usual else "names"

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.section}.{self.key}: {self.value}{f' (usually {self.usual})' if self.usual else ''}"


def named(config: Config, from_file: Mapping[str, Mapping[str, object]], folder: Path) -> tuple[Named, ...]:
    """What the configuration takes from its file that names something, and that is not what policyloop brings along.

    `from_file`: section -> keys whose value the file decides; `folder`: where it lies.
    """
    values = [(section, key, value, "") for section, key, value in _values(config)]
    return tuple(
        Named(section, key, value, _digest(section, key, value, folder), usual)
        for section, key, value, usual in (*values, *_looser(config))
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
    yield from (("serve", key, value) for key, value in _of_server(config.serve))


def _of_server(serve: ServeConfig) -> Iterator[tuple[str, str]]:
    """What a server runs, whom it asks and tells, and whom it believes: each under the setting that it stands in."""
    pdp, token, headers = serve.pdp, serve.identity.token, serve.identity.headers
    if pdp is not None and pdp.config is not None:
        yield "pdp", shlex.join(["config", pdp.config, *pdp.environment])
    if pdp is not None and pdp.address is not None:
        yield "pdp", shlex.join(["address", pdp.address, *([pdp.ca] if pdp.ca else [])])
    if token is not None:
        yield "identity", shlex.join(["jwks", token.jwks, "issuer", token.issuer, "audience", token.audience])
    if headers is not None and (headers.trusted or headers.unix_socket):
        socket = ["unix_socket"] if headers.unix_socket else []
        yield "identity", shlex.join([headers.subject, headers.roles, "trusted from", *headers.trusted, *socket])
    if serve.tls is not None and serve.tls.client_ca is not None:
        yield "tls", shlex.join(["client_ca", serve.tls.client_ca])
    if "://" in serve.audit.store:
        yield "audit", shlex.join(["store", serve.audit.store])
    for anchor in serve.audit.anchors:
        if anchor.command is not None:
            yield "audit", anchor.command


def _looser(config: Config) -> Iterator[tuple[str, str, str, str]]:
    """Limits that are looser than the usual ones: section, key, value, and the usual value.

    `cerbos.runner` and `timeout_seconds`, `model.name` and `max_output_tokens` loosen none: each compiler is the pinned
    one, one that does not end gives no verdict, and every model is paid out of the budget.
    """
    usual = Config()
    for cap in fields(Budget):
        mine, theirs = getattr(config.budget, cap.name), getattr(usual.budget, cap.name)
        if mine > theirs:
            yield "budget", cap.name, str(mine), str(theirs)
    if not config.guard.require_tests:
        yield "guard", "require_tests", "false", "true"
    access = config.access
    if access.compare == "never":
        yield "access", "compare", access.compare, usual.access.compare
    if access.prove == "off":
        yield "access", "prove", access.prove, usual.access.prove
    if access.requests < usual.access.requests:
        yield "access", "requests", str(access.requests), str(usual.access.requests)
    for key in fields(SpecConfig):
        asked, usually = getattr(config.spec, key.name), getattr(usual.spec, key.name)
        if asked < usually:
            yield "spec", key.name, str(asked), str(usually)
    if access.unproved == "report" and access.wider != "report":
        yield "access", "unproved", access.unproved, "ask"


def _digest(section: str, key: str, value: str, folder: Path) -> str:
    # A command runs where policyloop was started, which need not be where the file lies.
    places = {"": folder, "./": Path.cwd()} if Path.cwd() != folder else {"": folder}
    words = _words(value) if key in _WITH_FILES else []
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
            # Whole, however large: of two files of one size a change must be able to choose neither.
            return hashlib.file_digest(opened, "sha256").hexdigest() if stat.S_ISREG(os.fstat(file).st_mode) else ""
        except OSError:
            return ""
