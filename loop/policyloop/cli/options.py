"""Options that several commands share, and what they stand for."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from policyloop import view

Format = view.Format


class RunnerKind(StrEnum):
    """How the compiler is run."""

    AUTO = "auto"
    DOCKER = "docker"
    NATIVE = "native"


def text(given: str) -> str:
    """An option's text. An empty one is a shell variable that is not set; it must not be taken for an absent option."""
    if not given.strip():
        raise typer.BadParameter("it is empty; give it a value or leave it out")
    return given


def directory(given: str) -> Path:
    """A directory's path. An empty one is a shell variable that is not set; it must not come to mean `.`."""
    return Path(text(given))


_NO_PAGES = frozenset((".yaml", ".yml", ".json", ".jsonl"))


def new_page(given: str) -> Path:
    """Where a page may be written: in a folder that is there, and not over a policy, a suite or a ledger."""
    path = directory(given)
    if path.is_file() and path.suffix.lower() in _NO_PAGES:
        raise typer.BadParameter(f"{given} is there and is no page; give another path.")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}; make it, or give another path.")
    return path


BY_DEFAULT = "by default `policies:` of policyloop.yaml, else ./policies"
PoliciesArgument = Annotated[
    Path | None, typer.Argument(help=f"The policy directory; {BY_DEFAULT}.", metavar="DIR", parser=directory)
]
PoliciesOption = Annotated[
    Path | None,
    typer.Option("--policies", help=f"The policy directory; {BY_DEFAULT}.", metavar="DIR", parser=directory),
]

FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How to show the result; rich on a terminal, else plain.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The configuration; by default policyloop.yaml at the project's root.")
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="A profile of the configuration.", metavar="NAME", parser=text)
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="Where runs are kept; by default .policyloop at the project's root.",
        metavar="DIR",
        parser=directory,
    ),
]
RunnerOption = Annotated[
    RunnerKind | None, typer.Option("--runner", help="Docker, the native binary, or whichever is there (auto).")
]


def chosen(given: Format | None) -> Format:
    """The format that was asked for; without one, rich on a terminal and plain elsewhere."""
    if given is not None:
        return given
    if os.environ.get("GITHUB_ACTIONS"):
        return Format.GITHUB
    return Format.RICH if sys.stdout.isatty() else Format.PLAIN


def view_of(given: Format | None) -> view.View:
    """The view of the format that was asked for."""
    return view.open_view(chosen(given))
