"""`policyloop check`: one validation, both passes, the first class explained. It never edits."""

from collections.abc import Mapping
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
from policyloop.configured import compiler, policy_directory, settings
from policyloop.errors import Exit
from policyloop.next_command import Next, policyloop
from policyloop.printing import say_next


def check(
    policies: PoliciesArgument = None,
    *,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="A directory or a git revision whose tests must all still be as strong.",
            metavar="BASELINE",
            parser=text,
        ),
    ] = None,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
) -> None:
    """Validate a policy directory once: 0 green, 3 policies do not compile, 4 tests fail or do not load, 6 weaker."""
    from policyloop.looking import judged
    from policyloop.validators.settling import settling
    from policyloop.workspace import read_baseline, read_bundle

    policies = policy_directory(policies, config)
    loaded = settings(
        policies,
        config,
        profile,
        {"cerbos": {"runner": runner.value if runner else None}},
        uses=("cerbos", "guard"),
    )
    bundle = read_bundle(policies)
    lock = None
    judge = compiler(loaded)
    try:
        if baseline:
            from policyloop.guard import Lock

            lock = Lock.of(read_baseline(baseline, policies), settling(judge))
        result = judged(
            str(policies),
            bundle,
            judge,
            lock=lock,
            require_tests=loaded.guard.require_tests,
            meanwhile=_load_what_shows_it,
        )
    finally:
        judge.close()
    from policyloop.view.pages.check import check_page

    view = view_of(output)
    view.show(check_page(result))
    view.close()
    if result.exit_code:
        given = {"runner": runner.value if runner else None, "config": config, "profile": profile}
        say_next(_after(result.exit_code, policies, baseline, given))
    raise typer.Exit(int(result.exit_code))


def _load_what_shows_it() -> None:
    """These imports are as long as a short compile; before it they would keep the compiler waiting."""
    import policyloop.documents.judged
    import policyloop.view.pages.check
    import policyloop.view.plain  # noqa: F401


def _after(code: Exit, policies: Path, baseline: str | None, given: Mapping[str, object]) -> list[Next]:
    again = policyloop("check", baseline=baseline, **given, named=policies)
    if code in {Exit.COMPILE, Exit.TESTS}:
        return [
            Next(policyloop("run", policies=policies, **given), "to have a model repair it"),
            Next(again, "or once you have mended it"),
        ]
    return [Next(again, "once the tests are as strong again")]
