"""`policyloop recover`: finish a write-back that was interrupted. Commands that only look never do it."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import FormatOption, directory, view_of
from policyloop.errors import Exit


def recover(
    policies: Annotated[Path, typer.Argument(help="The policy directory.", metavar="DIR", parser=directory)],
    *,
    output: FormatOption = None,
) -> None:
    """Finish an interrupted write-back: 0 finished or nothing to do, 5 when a person must look at the files first."""
    from policyloop.view.pages.recover import recover_page
    from policyloop.workspace import recover as finish

    view = view_of(output)
    view.show(recover_page(finish(policies)))
    view.close()
    raise typer.Exit(int(Exit.GREEN))
