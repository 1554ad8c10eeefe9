"""`policyloop session`: the loop with an agent as the model. The options; the work is `policyloop.guided.steps`."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.cli.options import FormatOption, RunnerOption, directory, text, view_of
from policyloop.cli.options import PoliciesOption as RuledOption
from policyloop.configured import policy_directory

app = typer.Typer(
    cls=LightGroup,
    name="session",
    help="The loop with an agent as the model: it edits the policy directory itself, each step judges what is there.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PoliciesOption = Annotated[
    Path | None,
    typer.Option(
        "--policies",
        help="The policy directory; by default that of the session that is found from here.",
        metavar="DIR",
        parser=directory,
    ),
]
ClaudeOption = Annotated[
    str | None,
    typer.Option(
        "--claude-session",
        help="The Claude Code session (another agent: any id of its own). The hook adds it; nobody types it.",
        metavar="ID",
        parser=text,
    ),
]


@app.command(cls=LightCommand)
def start(
    request: Annotated[
        str, typer.Argument(help="What the policies shall do; by default what the spec says.", metavar="REQUEST")
    ] = "",
    *,
    policies: RuledOption = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", help="The spec; by default policyloop.spec.yaml beside the policies.")
    ] = None,
    claude_session: ClaudeOption = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="After a session that did not end green: a person grants a new budget.")
    ] = False,
    tests_as_they_are: Annotated[
        bool,
        typer.Option(
            "--tests-as-they-are",
            help="Also if tests are weaker than an earlier session left them; they are named in the record.",
        ),
    ] = False,
    unguarded: Annotated[
        bool, typer.Option("--unguarded", help="In Claude Code, although no hook of policyloop saw this command.")
    ] = False,
    hooks_home: Annotated[Path | None, typer.Option("--hooks-home", hidden=True, parser=directory)] = None,
    runner: RunnerOption = None,
    output: FormatOption = None,
) -> None:
    """Lock the tests, write the suites of a confirmed spec, validate: 0 opened, 5 a person must do something first.

    The agent edits the files in the policy directory themselves; nothing is undone when the session stops.
    """
    from policyloop.guided.start import Start, start_session
    from policyloop.view.pages.session import session_page

    view = view_of(output)
    asked = Start(
        words=request.strip(),
        policies=policy_directory(policies),
        spec=spec,
        claude=claude_session,
        hooks_home=hooks_home,
        anew=anew,
        tests_as_they_are=tests_as_they_are,
        unguarded=unguarded,
        runner=runner.value if runner else None,
    )
    view.show(session_page(start_session(asked)))
    view.close()


@app.command(cls=LightCommand)
def step(
    *,
    policies: PoliciesOption = None,
    claude_session: ClaudeOption = None,
    dispute: Annotated[
        str | None,
        typer.Option(help="A test contradicts a rule, for this reason: stop for a person.", metavar="WHY", parser=text),
    ] = None,
    output: FormatOption = None,
) -> None:
    """Judge the directory as it is: 0 GREEN, 3 and 4 FIX, 6 and 2 REFUSED; STOP as the session ended.

    Also 2: FIX where the compiler has nothing to say, and the request is still to be carried out.
    """
    from policyloop.guided.steps import find, take_step
    from policyloop.view.pages.session import session_page

    view = view_of(output)
    answer = take_step(find(policies, claude_session), dispute)
    view.show(session_page(answer))
    view.close()
    raise typer.Exit(int(answer.exit_code))


@app.command(cls=LightCommand)
def status(
    *, policies: PoliciesOption = None, claude_session: ClaudeOption = None, output: FormatOption = None
) -> None:
    """Say where the session stands, and what was changed since its last step. It writes nothing."""
    from policyloop.guided.steps import find, status_of
    from policyloop.view.pages.session import session_page

    view = view_of(output)
    view.show(session_page(status_of(find(policies, claude_session))))
    view.close()


@app.command(cls=LightCommand)
def restore(
    *, policies: PoliciesOption = None, claude_session: ClaudeOption = None, output: FormatOption = None
) -> None:
    """Bring the locked tests and their fixtures back exactly as they were last accepted; policies stay as they are."""
    from policyloop.guided.steps import find, restore_tests
    from policyloop.view.pages.session import session_page

    view = view_of(output)
    view.show(session_page(restore_tests(find(policies, claude_session))))
    view.close()


@app.command(cls=LightCommand)
def end(*, policies: PoliciesOption = None, output: FormatOption = None) -> None:
    """End a session, as a person: the hooks let go. If it was not green, a new one over the directory needs --anew."""
    from policyloop.guided.steps import end_session, find
    from policyloop.view.pages.note import note_page
    from policyloop.view.pages.session import session_page

    view = view_of(output)
    answer, notes = end_session(find(policies, None, anybody=True))
    for note in notes:
        view.show(note_page(note))
    if answer:
        view.show(session_page(answer))
    view.close()
