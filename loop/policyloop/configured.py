"""What a project's configuration stands for: its settings, the compiler and the PDP that they name.

What a configuration names to be run, fetched or read, and a limit that it loosens, is used only if a person agreed to
it (`policyloop.agreed`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policyloop import agreed
from policyloop.agreed import CONFIGURATION, VARIABLE, agent_mark
from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.next_command import Next, policyloop
from policyloop.outside import NotOurs

if TYPE_CHECKING:
    from policyloop.access.pdp import Settings
    from policyloop.cerbos.run import Runner
    from policyloop.config import Config, Named


def settings(
    near: Path,
    config: Path | None,
    profile: str | None,
    flags: Mapping[str, Mapping[str, object]] | None = None,
    *,
    uses: tuple[str, ...] = ("cerbos",),
) -> "Config":
    """The configuration that holds for the policy directory `near`. `uses`: the sections that the command acts on.

    Raises `PersonNeeded` where nobody agreed to what its file names to be run, fetched or read, or loosens.
    """
    from policyloop.config import load_named

    file = config_file(near, config)
    loaded, names = load_named(file, profile=profile, flags=flags)
    acted_on = [name for name in names if name.section in uses]
    if file is not None:
        check_agreed(file, acted_on, profile)
    elif acted_on:
        raise PersonNeeded(
            f"The environment {acted_on[0].verb} `{acted_on[0]}`; "
            f"under an agent ({agent_mark()} is set) that is nobody's word.",
            "Write it into policyloop.yaml, and agree to it in a terminal; or a person runs it.",
            [Next(policyloop("agree", profile=profile), "a person, in a terminal, once it stands there")],
        )
    return loaded


def policy_directory(given: Path | None, config: Path | None = None) -> Path:
    """The one rule for every command: as given, else what `policies:` of the configuration says, else ./policies.

    Raises `UsageError` where that is no folder.
    """
    if given is not None:
        return given
    found = directory_by_rule(config)
    if not found.is_dir():
        raise UsageError(
            f"There is no policy directory {found}.",
            "Name it, or write `policies: DIR` into policyloop.yaml.",
            [Next(policyloop("init"), "a first project, here")],
        )
    return found


def policy_directory_beside(spec: Path | None) -> Path | None:
    """The directory by that rule, for a command about a spec: where it is there, and `spec`, if given, is beside it."""
    found = directory_by_rule(None)
    if not found.is_dir():
        return None
    beside = spec is None or spec.resolve().parent == found.resolve().parent
    return found if beside else None


def directory_by_rule(config: Path | None) -> Path:
    from policyloop.config.file import policies_named

    usual = Path("policies")
    file = config_file(usual, config)
    named = policies_named(file) if file is not None else None
    return _from_here(named) if named is not None else usual


def _from_here(path: Path) -> Path:
    """A path as it is written from here, where that is shorter."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


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


def check_agreed(file: Path, names: "Sequence[Named]", profile: str | None) -> None:
    """Raises `PersonNeeded` for the first thing that the file names and nobody agreed to, and `Unavailable`."""
    given = agreed.given()
    for name in names:
        if name.digest not in given and not _is_known(file, name):
            where = f"{file}{', or the environment,' if agent_mark() else ''}"
            raise PersonNeeded(
                f"{where} {name.verb} `{name}`, which nobody agreed to for this folder.",
                f"Look at it and agree to it (a pipeline without an agent: {VARIABLE}={name.digest}, or say it on the "
                "command line).",
                [Next(agree_command(file, profile), "a person, in a terminal")],
            )


def agree_command(file: Path, profile: str | None) -> str:
    """The command with which a person agrees to what a configuration names."""
    return policyloop("agree", config=file, profile=profile)


def _is_known(file: Path, name: "Named") -> bool:
    try:
        return agreed.agreed(CONFIGURATION, str(file.resolve().parent), name.digest) is not None
    except NotOurs as error:
        raise Unavailable(
            f"What was agreed to cannot be looked up: {error}.", "Make that folder yours alone."
        ) from None
