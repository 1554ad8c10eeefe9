"""`policyloop hook`: its help. The command itself is answered before any command line is built, see `__main__`."""

from typing import Annotated, NoReturn

import typer

from policyloop.errors import UsageError
from policyloop.hooks import EVENTS


def hook(
    event: Annotated[str, typer.Argument(help=f"One of: {', '.join(EVENTS)}; or `forward`.", metavar="EVENT")],
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
    """Answer a hook of Claude Code, or of another agent: the question as JSON on stdin, the decision on stdout.

    For agents whose hooks run commands, a decision point is asked by
    `policyloop hook forward --to URL --client claude|codex|cursor|gemini`, with `--seconds N` (8), `--token-variable
    NAME` and `--ca FILE`; whatever goes wrong there is a denial.
    """
    raise UsageError(f"There is no event {event!r}.", f"There are: {', '.join(EVENTS)}.")
