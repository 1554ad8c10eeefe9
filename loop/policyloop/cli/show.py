"""`policyloop show`: a run's timeline out of its ledger, and whether that ledger is whole."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import Format, FormatOption, StateOption, new_page, view_of
from policyloop.errors import Exit


def show(
    run: Annotated[
        str | None, typer.Argument(help="A run's id or its beginning; by default the latest.", metavar="RUN")
    ] = None,
    *,
    html: Annotated[
        Path | None,
        typer.Option(help="Write the timeline as one self-contained HTML file.", metavar="FILE", parser=new_page),
    ] = None,
    output: FormatOption = None,
    state: StateOption = None,
) -> None:
    """Show what happened in a run, and verify the hash chain of its ledger: 0 whole, 5 broken."""
    from policyloop.cli.audience import Shown
    from policyloop.errors import PersonNeeded
    from policyloop.ledger import read
    from policyloop.printing import say
    from policyloop.recorded_run import events_of, open_run

    path = open_run(run, state)
    chain = read(path)
    events = events_of(chain, path)
    if html:
        from policyloop.view.html import html as drawn
        from policyloop.view.pages.timeline import timeline_page
        from policyloop.workspace.named import write_page

        write_page(html, drawn(timeline_page(events, chain.broken)), "--html")
        say(f"written: {html}", err=True)
    broken = PersonNeeded(f"The ledger {path} is not whole: {chain.broken}.", "Do not rely on what it says.")
    if chain.broken and output is Format.JSON:
        raise broken
    view = view_of(output)
    audience = Shown(view)
    for event in events:
        audience.event(event)
    view.close()
    if chain.broken:
        raise broken
    say(f"ledger whole: {len(chain.records)} records, {path}", err=True)
    raise typer.Exit(int(Exit.GREEN))
