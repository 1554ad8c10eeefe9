"""Options that several commands share, and what they stand for."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop import view
from policyloop.agreed import agent_mark
from policyloop.errors import PersonNeeded

if TYPE_CHECKING:
    from policyloop.access.pdp import Settings
    from policyloop.cerbos.run import Runner
    from policyloop.config import Config


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


def view_of(chosen: Format | None) -> view.View:
    """The chosen view; without a choice, rich on a terminal and plain elsewhere."""
    if chosen is None:
        actions = bool(os.environ.get("GITHUB_ACTIONS"))
        chosen = Format.GITHUB if actions else Format.RICH if sys.stdout.isatty() else Format.PLAIN
    return view.open_view(chosen)


def settings(
    near: Path,
    config: Path | None,
    profile: str | None,
    flags: dict[str, dict[str, object]] | None = None,
    *,
    uses: tuple[str, ...] = ("cerbos",),
) -> "Config":
    """The configuration that holds for the policy directory `near`. `uses`: the sections that the command acts on.

    Raises `PersonNeeded` where nobody agreed to what its file names to be run, fetched or read.
    """
    from policyloop.cli.agree import check_agreed
    from policyloop.config import load_named

    file = config_file(near, config)
    loaded, names = load_named(file, profile=profile, flags=flags)
    acted_on = [name for name in names if name.section in uses]
    if file is not None:
        check_agreed(file, acted_on, profile)
    elif acted_on:
        raise PersonNeeded(
            f"The environment names `{acted_on[0]}`; under an agent ({agent_mark()} is set) that is nobody's word.",
            "Write it into policyloop.yaml, then in a terminal: policyloop agree. Or a person runs it.",
        )
    return loaded


def config_file(near: Path, config: Path | None) -> Path | None:
    """The configuration that is given, else the one at the root of the project of `near`, if there is one."""
    from policyloop.config import FILE_NAME
    from policyloop.workspace import project_root

    found = project_root(near) / FILE_NAME
    return config or (found if found.is_file() else None)


def compiler(config: "Config") -> "Runner":
    """The compiler that the configuration asks for."""
    from policyloop.validators.select import open_runner

    cerbos = config.cerbos
    return open_runner(
        runner=cerbos.runner, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )


def server(config: "Config") -> "Settings":
    """The PDP that the configuration asks for."""
    from policyloop.access.pdp import Settings

    cerbos = config.cerbos
    return Settings(
        runner=cerbos.runner, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )
