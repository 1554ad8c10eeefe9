"""`policyloop hook`: its help. The command itself is answered before any command line is built, see `__main__`."""

from typing import Annotated, NoReturn

import typer

from policyloop.errors import UsageError
from policyloop.hooks import EVENTS


def hook(
    event: Annotated[str, typer.Argument(help=f"One of: {', '.join(EVENTS)}.", metavar="EVENT")],
    *,
    hardened: Annotated[  # noqa: ARG001
        bool, typer.Option("--hardened", help="Before any --command: without a session, too, only known tools pass.")
    ] = False,
    command: Annotated[  # noqa: ARG001
        list[str] | None,
        typer.Option(
            help="Another name under which the agent may call policyloop; may be given again.", metavar="PATH"
        ),
    ] = None,
) -> NoReturn:
    """Answer a hook of Claude Code, or of another agent: the question as JSON on stdin, the decision on stdout."""
    raise UsageError(f"There is no event {event!r}.", f"There are: {', '.join(EVENTS)}.")
