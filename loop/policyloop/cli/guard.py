"""`policyloop guard`: the lock alone. Are the tests of one bundle all still as strong in another?"""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import FormatOption, directory, text, view_of


def guard(
    baseline: Annotated[str, typer.Argument(help="A directory or a git revision.", metavar="BASELINE", parser=text)],
    candidate: Annotated[
        Path, typer.Argument(help="The policy directory to hold against it.", metavar="CANDIDATE", parser=directory)
    ],
    *,
    release: Annotated[Path | None, typer.Option(help="A file of assertions that a person releases.")] = None,
    output: FormatOption = None,
) -> None:
    """Compare what the tests demand: 0 kept, 6 weakened, naming each weakened assertion and how. Compiles nothing."""
    from policyloop.cli.releases import read_releases
    from policyloop.looking import compared_tests
    from policyloop.workspace import read_baseline, read_bundle

    view = view_of(output)
    after = read_bundle(candidate)
    result = compared_tests(read_baseline(baseline, candidate), after, read_releases(release))
    view.guard(result)
    view.close()
    raise typer.Exit(int(result.exit_code))
