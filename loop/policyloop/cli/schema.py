"""`policyloop schema`: the JSON Schemas of what we read and write."""

from typing import Annotated

import typer


def schema(
    name: Annotated[
        str | None, typer.Argument(help="Which one; without a name they are listed.", metavar="NAME")
    ] = None,
) -> None:
    """Print a JSON Schema: of the configuration, the spec, and every document that is read or written."""
    from policyloop.documents.published import NAMES, schema_of
    from policyloop.printing import say, say_document

    if name is None:
        for known in NAMES:
            say(known)
        return
    say_document(schema_of(name))
