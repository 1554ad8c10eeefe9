"""`policyloop report`: everything about a run that the person who signs for it wants to see, on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    ProfileOption,
    RunnerOption,
    StateOption,
    chosen,
    directory,
    new_page,
    text,
    view_of,
)
from policyloop.configured import compiler, server, settings

if TYPE_CHECKING:
    from policyloop.cerbos.run import Runner
    from policyloop.config import Config


def report(
    run: Annotated[
        str | None, typer.Argument(help="A run's id or its beginning; by default the latest.", metavar="RUN")
    ] = None,
    *,
    html: Annotated[
        Path | None,
        typer.Option(help="Write the review as one self-contained HTML file.", metavar="FILE", parser=new_page),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write it as Markdown, for a pull request.", metavar="FILE", parser=new_page)
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare access with this directory or git revision, rather than with the run's beginning.",
            metavar="REV",
            parser=text,
        ),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(
            help="The policy directory; by default where the run had it, and where that is gone, by the rule of all.",
            metavar="DIR",
            parser=directory,
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option(help="Measure the tests and search for holes; without, only what the ledger says.")
    ] = True,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    state: StateOption = None,
) -> None:
    """Write the review of a run: 0 written, 5 when its ledger is not whole. Nothing else is changed.

    Mutants, holes and the matrix are measured on the policies as they are now. Without --html and --markdown it is
    shown here: as Markdown where the output is no terminal.
    """
    from policyloop.cli.progress import Progress
    from policyloop.documents.report import report_document
    from policyloop.printing import say, say_document, say_lines
    from policyloop.review.gather import gathered
    from policyloop.view.html import html as drawn
    from policyloop.view.markdown import markdown as written
    from policyloop.view.pages.review import review_page

    def judged(near: Path) -> "tuple[Config, Runner]":
        loaded = settings(near, config, profile, {"cerbos": {"runner": runner.value if runner else None}})
        return loaded, compiler(loaded)

    from policyloop.workspace.named import check_page

    for option, target in (("--html", html), ("--markdown", markdown)):
        if target is not None:
            check_page(target, option)
    progress = Progress()
    try:
        review = gathered(run, state, policies, against, judged if measure or against else None, server, progress)
    finally:
        progress.close()
    page = review_page(review)
    if html is not None:
        _write(html, drawn(page), "--html")
    if markdown is not None:
        _write(markdown, written(page), "--markdown")
    files = tuple(str(path) for path in (html, markdown) if path is not None)
    document = report_document(review, files, None if files else written(page))
    if output is Format.JSON:
        say_document(document)
    elif not files and chosen(output) is Format.PLAIN:
        say_lines(written(page))
    elif not files:
        view = view_of(output)
        view.show(page)
        view.close()
    if review.broken:
        say(f"The ledger {review.ledger} is not whole: {review.broken}.", err=True)
    raise typer.Exit(int(document.exit_code))


def _write(target: Path, content: str, option: str) -> None:
    from policyloop.printing import say
    from policyloop.workspace.named import write_page

    write_page(target, content, option)
    say(f"written: {target}", err=True)
