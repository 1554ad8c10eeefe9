"""`policyloop guard`: the lock alone. Are the tests of one bundle all still as strong in another?"""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import BY_DEFAULT, FormatOption, directory, text, view_of
from policyloop.configured import policy_directory
from policyloop.next_command import Next, policyloop
from policyloop.printing import say_next


def guard(
    baseline: Annotated[str, typer.Argument(help="A directory or a git revision.", metavar="BASELINE", parser=text)],
    candidate: Annotated[
        Path | None,
        typer.Argument(
            help=f"The policy directory to hold against it; {BY_DEFAULT}.", metavar="CANDIDATE", parser=directory
        ),
    ] = None,
    *,
    release: Annotated[Path | None, typer.Option(help="A file of assertions that a person releases.")] = None,
    output: FormatOption = None,
) -> None:
    """Compare what the tests demand: 0 kept, 6 weakened, naming each weakened assertion and how.

    Needs no compiler; where YAML readers may differ about a changed test file, one that is there settles it.
    """
    from policyloop.config import load_named
    from policyloop.configured import compiler
    from policyloop.looking import compared_tests
    from policyloop.run.releases import read_releases
    from policyloop.validators.settling import settling_if_there
    from policyloop.view.pages.guard import guard_page
    from policyloop.workspace import read_baseline, read_bundle

    candidate = policy_directory(candidate)
    view = view_of(output)
    after = read_bundle(candidate)
    # Not the compiler of the candidate's configuration: it is what is judged.
    with settling_if_there(lambda: compiler(load_named(None)[0])) as settle:
        result = compared_tests(read_baseline(baseline, candidate), after, read_releases(release), settle)
    view.show(guard_page(result))
    view.close()
    if result.exit_code:
        again = policyloop("guard", baseline, release=release, named=candidate)
        say_next([Next(again, "once the tests are as strong again")])
    raise typer.Exit(int(result.exit_code))
