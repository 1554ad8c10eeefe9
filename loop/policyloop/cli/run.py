"""`policyloop run`: the whole loop. The options; the run itself is `policyloop.run.line`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    PoliciesOption,
    ProfileOption,
    RunnerOption,
    StateOption,
    text,
    view_of,
)


def run(
    request: Annotated[
        str,
        typer.Argument(
            help="What the policies shall do, in plain words; without it, what is there is repaired.",
            metavar="REQUEST",
        ),
    ] = "",
    *,
    policies: PoliciesOption = None,
    output: FormatOption = None,
    release: Annotated[Path | None, typer.Option(help="A file of locked assertions that a person releases.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="With --resume: keep the test that the model disputed.")] = False,
    spec: Annotated[
        Path | None, typer.Option("--spec", help="The spec; by default policyloop.spec.yaml beside the policies.")
    ] = None,
    no_spec: Annotated[
        bool, typer.Option("--no-spec", help="Without a spec: nothing is asked, confirmed or locked for the request.")
    ] = False,
    answers: Annotated[Path | None, typer.Option("--answers", help="A file of answers to the questions.")] = None,
    assume: Annotated[
        bool, typer.Option("--assume", help="Take the recommended answers, each as an assumption that is shown.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the spec without being asked.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who confirms the spec; by default the user.")] = None,
    model_command: Annotated[
        str | None,
        typer.Option(
            help="A program that proposes: the task on stdin, the proposal on stdout, as JSON.",
            metavar="COMMAND",
            parser=text,
        ),
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="A file of recorded replies to use as the model.")] = None,
    model: Annotated[str | None, typer.Option(help="The Claude model's name.", metavar="NAME", parser=text)] = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    state: StateOption = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Go on with an interrupted run; its answers are judged anew, not asked again.",
            metavar="RUN",
            parser=text,
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the last report's assertions as a JUnit file.")] = None,
    runner: RunnerOption = None,
    attempts_per_class: Annotated[int | None, typer.Option(help="Cap: fruitless tries at a class in a row.")] = None,
    compile_cycles: Annotated[int | None, typer.Option(help="Cap: validations in all.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Cap: tokens in all.")] = None,
    usd: Annotated[float | None, typer.Option(help="Cap: US dollars in all.")] = None,
    wall_seconds: Annotated[float | None, typer.Option(help="Cap: seconds in all.")] = None,
    refusals: Annotated[int | None, typer.Option(help="Cap: proposals that would weaken locked tests.")] = None,
) -> None:
    """Drive a model until the real Cerbos compiler is satisfied; the directory is written only when green."""
    from policyloop.cli.audience import Shown
    from policyloop.cli.terminal import Terminal
    from policyloop.errors import UsageError
    from policyloop.run.asked import Asked
    from policyloop.run.line import run as run_line

    if replay and model_command:
        raise UsageError("--replay and --model-command name two models.", "Give one of them.")
    kind = "recorded" if replay else "command" if model_command else None
    flags: dict[str, dict[str, object]] = {
        "cerbos": {"runner": runner.value if runner else None},
        "model": {
            "kind": kind,
            "command": model_command,
            "replay": str(replay) if replay else None,
            "name": model,
        },
        "budget": {
            "attempts_per_class": attempts_per_class,
            "compile_cycles": compile_cycles,
            "tokens": tokens,
            "usd": usd,
            "wall_seconds": wall_seconds,
            "refusals": refusals,
        },
    }
    asked = Asked(
        words=request.strip(),
        policies=policies,
        release=release,
        keep=keep,
        config=config,
        profile=profile,
        state=state,
        resume=resume,
        junit=junit,
        spec=spec,
        no_spec=no_spec,
        answers=answers,
        assume=assume,
        yes=yes,
        by=by,
        flags=flags,
    )
    somebody_is_there = output in (None, Format.RICH, Format.PLAIN) and sys.stdin.isatty() and sys.stdout.isatty()
    view = view_of(output)
    try:
        shown = Shown(view, asked=somebody_is_there and not yes)
        code = run_line(asked, shown, Terminal(view, shown) if somebody_is_there else None)
    finally:
        view.close()
    raise typer.Exit(int(code))
