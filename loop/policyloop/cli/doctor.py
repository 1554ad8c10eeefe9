"""`policyloop doctor`: what is here, what is missing, what to do; with `--install` it gets the pinned compiler."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import ConfigOption, Format, FormatOption, ProfileOption, RunnerOption
from policyloop.configured import settings


def doctor(
    *,
    install: Annotated[
        bool, typer.Option("--install", help="Get the pinned compiler: the image if an engine has none, else via npm.")
    ] = False,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
) -> None:
    """Say what is here and what is missing: 0 when a compiler can be run, 8 when none can."""
    from policyloop.documents.doctor import doctor_document
    from policyloop.printing import one_line, say, say_document
    from policyloop.validators.install import ensure
    from policyloop.validators.probe import probe

    loaded = settings(Path("policies"), config, profile, {"cerbos": {"runner": runner.value if runner else None}})
    if install:
        say(one_line(ensure(loaded.cerbos.version, loaded.cerbos.image, loaded.cerbos.runner)), err=True)
    diagnosis = probe(loaded.cerbos.version, loaded.cerbos.image)
    document = doctor_document(diagnosis)
    if output is Format.JSON:
        say_document(document)
    else:
        for one in diagnosis.found:
            say(f"{one.state:8} {one.name:16} {one_line(one.detail)}")
            if one.hint:
                say(f"{'':8} {'':16} -> {one_line(one.hint)}")
        say("ready" if diagnosis.usable else "no compiler can be run: policyloop doctor --install")
    raise typer.Exit(int(document.exit_code))
