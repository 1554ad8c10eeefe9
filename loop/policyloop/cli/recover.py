"""`policyloop recover`: finish a write-back that was interrupted. Commands that only look never do it."""

import typer

from policyloop.cli.options import FormatOption, PoliciesArgument, view_of
from policyloop.configured import policy_directory
from policyloop.errors import Exit


def recover(
    policies: PoliciesArgument = None,
    *,
    output: FormatOption = None,
) -> None:
    """Finish an interrupted write-back: 0 finished or nothing to do, 5 when a person must look at the files first."""
    from policyloop.view.pages.recover import recover_page
    from policyloop.workspace import recover as finish

    view = view_of(output)
    view.show(recover_page(finish(policy_directory(policies))))
    view.close()
    raise typer.Exit(int(Exit.GREEN))
