"""`policyloop recover`: finish a write-back that was interrupted. Commands that only look never do it."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import Format, FormatOption, directory
from policyloop.errors import Exit


def recover(
    policies: Annotated[Path, typer.Argument(help="The policy directory.", metavar="DIR", parser=directory)],
    *,
    output: FormatOption = None,
) -> None:
    """Finish an interrupted write-back: 0 finished or nothing to do, 5 when a person must look at the files first."""
    from policyloop.documents.recover import RecoverDocument
    from policyloop.printing import one_line, say, say_document
    from policyloop.workspace import recover as finish

    done = finish(policies)
    paths = done.paths if done else ()
    if output is Format.JSON:
        say_document(RecoverDocument(outcome="recovered" if done else "nothing", files_changed=paths))
    elif done is None:
        say("No write-back was interrupted.")
    else:
        say(f"The write-back that was begun at {one_line(done.time)} is finished:")
        for path in paths:
            say(f"  {one_line(path)}")
    raise typer.Exit(int(Exit.GREEN))
