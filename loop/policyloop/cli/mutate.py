"""`policyloop mutate`: do the tests bite? It never edits a policy."""

import itertools
from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import (
    ConfigOption,
    FormatOption,
    PoliciesArgument,
    ProfileOption,
    RunnerOption,
    text,
    view_of,
)
from policyloop.configured import compiler, policy_directory, server, settings
from policyloop.next_command import Next, policyloop
from policyloop.printing import say_next


def mutate(
    policies: PoliciesArgument = None,
    *,
    min_score: Annotated[
        int | None, typer.Option(help="End in 4 when fewer percent of the mutants are killed.", min=0, max=100)
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Mutants of this file alone, as named in DIR.", metavar="FILE", parser=text)
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Another choice of mutants, where --limit is given; of no effect else.", min=0)
    ] = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many mutants, chosen by the seed.", min=1)] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the suggested tests as a suite, a new file named *_test.yaml.")
    ] = None,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
) -> None:
    """Make small mistakes, one at a time: which go unnoticed by the tests? 0 done, 3 or 4 when DIR is not green.

    Each mistake that no test noticed comes with the request that shows it, as a test to add; where no request that was
    asked shows it, that is said, and it counts as well. 4 also below --min-score. Interrupted, it tells what it has.
    """
    from policyloop.access.mutate import mutate as run
    from policyloop.cli.progress import Progress
    from policyloop.looking import require_verdict
    from policyloop.results import CheckResult
    from policyloop.validators.judge import validate
    from policyloop.view.pages.check import check_page
    from policyloop.view.pages.mutate import mutate_page
    from policyloop.workspace import read_bundle

    _check_target(write)
    view = view_of(output)
    policies = policy_directory(policies, config)
    loaded = settings(
        policies, config, profile, {"cerbos": {"runner": runner.value if runner else None}}, uses=("cerbos", "access")
    )
    bundle = read_bundle(policies)
    if only is not None and only not in bundle:
        raise typer.BadParameter(f"there is no {only} in {policies}", param_hint="--only")
    judge = compiler(loaded)
    progress = Progress()
    try:
        report = validate(judge, bundle)
        require_verdict(report)
        if not report.green:
            # Mutants of a bundle whose tests fail would all be killed.
            red = CheckResult(policies=str(policies), bundle=bundle, report=report)
            view.show(check_page(red))
            view.close()
            say_next([Next(policyloop("check", config=config, profile=profile, named=policies), "once it is mended")])
            raise typer.Exit(int(red.exit_code))
        result = run(
            judge,
            bundle,
            str(policies),
            only=only,
            seed=seed,
            limit=limit,
            min_score=min_score,
            settings=server(loaded),
            prove=loaded.access.prove == "auto",
            partly=True,
            told=progress,
        )
    finally:
        progress.close()
        judge.close()
    suite = result.suite()
    if write is not None and suite is not None and result.cut_off is None:
        _write(write, suite)
    view.show(mutate_page(result))
    view.close()
    given = {"only": only, "seed": seed or None, "limit": limit, "config": config, "profile": profile}
    if result.exit_code and suite is not None and write is None:
        file = _new_suite(policies)
        command = policyloop("mutate", write=file, **given, named=policies)
        say_next([Next(command, "to have the tests that would notice written as a suite")])
    elif result.exit_code:
        command = policyloop("mutate", min_score=min_score, **given, named=policies)
        say_next([Next(command, "once there are more tests")])
    raise typer.Exit(int(result.exit_code))


def _check_target(write: Path | None) -> None:
    if write is None:
        return
    if not write.name.lower().endswith(("_test.yaml", "_test.yml")):
        raise typer.BadParameter(f"{write} would not be read as a suite; name it *_test.yaml", param_hint="--write")
    if write.exists() or write.is_symlink():
        raise typer.BadParameter(f"{write} exists already, and nothing is overwritten", param_hint="--write")


def _new_suite(policies: Path) -> Path:
    """A name that no file in the directory has."""
    names = (policies / f"unnoticed{number or ''}_test.yaml" for number in itertools.count())
    return next(name for name in names if not name.exists() and not name.is_symlink())


def _write(write: Path, suite: str) -> None:
    from policyloop.workspace.named import write_named

    write_named(write, suite, "--write", new=True)
