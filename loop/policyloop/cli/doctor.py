"""`policyloop doctor`: what is here, what is missing, what to do; with `--install` it gets the pinned compiler."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import ConfigOption, FormatOption, ProfileOption, RunnerOption, view_of
from policyloop.configured import settings
from policyloop.next_command import Next, policyloop


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
    from policyloop.printing import one_line, say, say_next
    from policyloop.validators.install import ensure
    from policyloop.validators.probe import probe
    from policyloop.view.pages.doctor import doctor_page

    loaded = settings(Path("policies"), config, profile, {"cerbos": {"runner": runner.value if runner else None}})
    if install:
        say(one_line(ensure(loaded.cerbos.version, loaded.cerbos.image, loaded.cerbos.runner)), err=True)
    diagnosis = probe(loaded.cerbos.version, loaded.cerbos.image)
    view = view_of(output)
    view.show(doctor_page(diagnosis))
    view.close()
    if not diagnosis.usable:
        command = policyloop(
            "doctor", install=True, runner=runner.value if runner else None, config=config, profile=profile
        )
        say_next([Next(command, "to get the pinned compiler")])
    raise typer.Exit(int(doctor_document(diagnosis).exit_code))
