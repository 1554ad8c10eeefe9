"""`policyloop lint`: holes that the compiler allows, each with the request that shows it. It never edits."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from policyloop.cli.options import ConfigOption, FormatOption, PoliciesArgument, ProfileOption, RunnerOption, view_of
from policyloop.configured import compiler, policy_directory, server, settings
from policyloop.next_command import Next, policyloop
from policyloop.printing import say_next


class FailOn(StrEnum):
    """From which level on a finding makes the command end in 4."""

    NEVER = "never"
    WARNING = "warning"
    NOTE = "note"


def lint(
    policies: PoliciesArgument = None,
    *,
    fail_on: Annotated[FailOn, typer.Option(help="End in 4 when there is a finding of this level.")] = FailOn.NEVER,
    server_config: Annotated[
        Path | None,
        typer.Option(help="The configuration of the Cerbos server: does it enforce the schemas?", metavar="FILE"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of no effect: nothing is drawn, so each seed gives the same.", min=0)] = 0,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
) -> None:
    """Search for holes that compile: 0 done, 3 when the policies do not compile, 4 with --fail-on. It never edits.

    Tests that fail or do not load do not matter here. Each request that is shown got its answer from the real Cerbos.
    """
    del seed  # scripts may give one
    from policyloop.access.lint import lint as run
    from policyloop.cli.progress import Progress
    from policyloop.errors import UsageError
    from policyloop.layout import Kind, kind
    from policyloop.looking import require_verdict
    from policyloop.results import CheckResult
    from policyloop.validators.judge import validate
    from policyloop.view.pages.check import check_page
    from policyloop.view.pages.lint import lint_page
    from policyloop.workspace import read_bundle

    view = view_of(output)
    policies = policy_directory(policies, config)
    loaded = settings(policies, config, profile, {"cerbos": {"runner": runner.value if runner else None}})
    enforcement = _enforcement(server_config) if server_config else None
    bundle = read_bundle(policies)
    if not any(kind(path) is Kind.POLICY for path in bundle.files):
        raise UsageError(f"{policies} holds no policies.", "Give a directory that holds policies.")
    judge = compiler(loaded)
    progress = Progress()
    try:
        # The policies alone: whether the tests load or pass does not matter here.
        report = validate(judge, bundle.without_tests(), require_tests=False)
        require_verdict(report)
        if not report.green:
            red = CheckResult(policies=str(policies), bundle=bundle, report=report)
            view.show(check_page(red))
            view.close()
            say_next([Next(policyloop("check", config=config, profile=profile, named=policies), "once it is mended")])
            raise typer.Exit(int(red.exit_code))
        result = run(
            judge,
            bundle,
            str(policies),
            settings=server(loaded),
            enforcement=enforcement,
            fail_on=fail_on.value,
            told=progress,
        )
    finally:
        progress.close()
        judge.close()
    view.show(lint_page(result))
    view.close()
    if result.exit_code:
        loudest = sorted(result.holes, key=lambda hole: hole.level != "warning")
        code = loudest[0].code
        say_next([Next(policyloop("explain", code), f"what {code} means, and how it is mended; so for every code")])
    raise typer.Exit(int(result.exit_code))


def _enforcement(file: Path) -> str:
    """`none`, `warn` or `reject`: what `schema.enforcement` of a server's configuration says; `none` is its default."""
    import yaml

    from policyloop.access.lint import Enforcement
    from policyloop.errors import UsageError

    try:
        said: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give --server-config another path.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UsageError(f"{file} is not YAML.", "Give the configuration that the Cerbos server runs with.") from None
    schema = said.get("schema") if isinstance(said, dict) else {}
    found = (schema.get("enforcement") or "none") if isinstance(schema, dict) else "none"
    if found not in get_args(Enforcement):
        raise UsageError(
            f"{file}: schema.enforcement is {found!r}.", f"Cerbos knows {', '.join(get_args(Enforcement))}."
        )
    return str(found)
