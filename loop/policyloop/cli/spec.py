"""`policyloop spec`: look at a spec, check it, confirm it, and write the suites that lock its decisions."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.cli.options import Format, FormatOption, PoliciesArgument, PoliciesOption, view_of
from policyloop.configured import policy_directory, policy_directory_beside
from policyloop.errors import Exit
from policyloop.next_command import Next, policyloop
from policyloop.printing import one_line, printable, say, say_lines, say_next

if TYPE_CHECKING:
    from policyloop.results import SpecCheck
    from policyloop.specification import Gap, Spec
    from policyloop.view import View

app = typer.Typer(
    cls=LightGroup,
    name="spec",
    help="Show, check and confirm a spec, and write the suites that lock its decisions.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SpecArgument = Annotated[
    Path | None, typer.Argument(help="The spec; by default policyloop.spec.yaml here, or beside --policies.")
]


@app.command(cls=LightCommand)
def show(
    spec: SpecArgument = None,
    *,
    policies: PoliciesOption = None,
    as_html: Annotated[bool, typer.Option("--html", help="Print it as one self-contained HTML page.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print it as Markdown.")] = False,
    output: FormatOption = None,
) -> None:
    """Show the spec in sentences: what is assumed, rules and decisions, all of it in full, who confirmed it."""
    from policyloop.confirmed.specfile import read_spec, spec_path
    from policyloop.results import SpecResult
    from policyloop.view.html import html
    from policyloop.view.markdown import markdown
    from policyloop.view.pages.spec import spec_page

    policies = policies or policy_directory_beside(spec)
    path = spec_path(spec, policies)
    page = spec_page(SpecResult(path=str(path), spec=read_spec(path)))
    # Printed, never written to a file: an agent may be let use this command without being asked.
    if as_html:
        say_lines(html(page))
    elif as_markdown:
        say_lines(markdown(page))
    else:
        view = view_of(output)
        view.show(page)
        view.close()


@app.command(cls=LightCommand)
def check(spec: SpecArgument = None, *, policies: PoliciesOption = None, output: FormatOption = None) -> None:
    """Name every gap: 0 complete, 5 only a person can settle it (a question, a contradiction), 2 something is missing.

    With --policies, locked tests there that contradict the spec without a release of it are gaps, too; a release that
    lets nothing go is told.
    """
    from policyloop.confirmed.specfile import read_spec, spec_path
    from policyloop.results import SpecCheck
    from policyloop.specification import check_spec

    policies = policies or policy_directory_beside(spec)
    path = spec_path(spec, policies)
    view = view_of(output)
    found = read_spec(path)
    gaps = (*check_spec(found), *_against(found, policies))
    result = SpecCheck(path=str(path), spec=found, gaps=gaps, notes=_idle(found, policies))
    raise typer.Exit(_told(result, view, spec, policies))


@app.command(cls=LightCommand)
def confirm(
    spec: SpecArgument = None,
    *,
    by: Annotated[str | None, typer.Option("--by", help="Who confirms it; by default the user.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; counts for nothing under an agent.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Release the tests in --policies that contradict it, all that are listed.")
    ] = False,
    policies: PoliciesOption = None,
    output: FormatOption = None,
) -> None:
    """Say yes to a spec that has no gaps, as a person: it gets the name, the moment and the digest of its content.

    What counts is kept outside of the project, for this very content in this folder; a copied mark confirms nothing.
    """
    from policyloop.agreed import user
    from policyloop.cli.audience import Shown
    from policyloop.cli.terminal import agreement
    from policyloop.confirmed.against import unreleased, with_releases
    from policyloop.confirmed.believed import by_itself, no_terminal, remember
    from policyloop.confirmed.specfile import confirmed_text, read_spec, read_text, spec_path, write_spec
    from policyloop.errors import PersonNeeded, UsageError
    from policyloop.results import SpecCheck, SpecResult
    from policyloop.specification import check_spec, lost_comments, parse_spec
    from policyloop.view.pages.spec import against_line, spec_page
    from policyloop.workspace import read_bundle

    name = user() if by is None else by.strip()
    if not name:
        raise UsageError("Nobody confirms this spec.", "Give --by NAME, or leave it out.")
    asked = {"by": by, "yes": yes, "release": release, "policies": policies, "named": spec}
    policies = policies or policy_directory_beside(spec)
    path = spec_path(spec, policies)
    text = read_text(path)
    found = parse_spec(text, str(path))
    view = view_of(output)
    gaps = check_spec(found)
    if gaps:
        raise typer.Exit(_told(SpecCheck(path=str(path), spec=found, gaps=gaps), view, spec, policies))
    open_ones = unreleased(found, read_bundle(policies)) if policies else ()
    if open_ones and not release:
        lines = "; ".join(against_line(one) for one in open_ones)
        command = policyloop("spec", "confirm", **{**asked, "release": True, "policies": policies})
        release_them = Next(command, "to release all of these, and no others")
        raise PersonNeeded(f"Locked tests contradict this spec: {lines}.", "Or change the spec.", [release_them])
    found = with_releases(found, open_ones)
    _tell_idle(found, policies)
    seen = not by_itself(yes)
    can_ask = output is not Format.JSON and sys.stdin.isatty() and sys.stdout.isatty()
    shown = Shown(view, asked=seen and can_ask)
    if output is not Format.JSON:
        shown.spec(SpecResult(path=str(path), spec=found))
    if seen and not can_ask:
        raise no_terminal(asked)
    if seen and agreement(shown, "yn") == "n":
        again = Next(policyloop("spec", "confirm", **asked), "then")
        raise PersonNeeded("The spec was not confirmed.", f"Change {path}.", [again])
    new = confirmed_text(text, found, name, seen=seen)
    write_spec(path, new, expect=text)
    remember(parse_spec(new, str(path)), path)
    for lost in lost_comments(text, new):
        say(f"This comment could not be kept: {one_line(lost)}", err=True)
    if output is Format.JSON:
        view.show(spec_page(SpecResult(path=str(path), spec=read_spec(path))))
    view.close()
    say(f"Confirmed by {name}: {path}", err=True)


@app.command(cls=LightCommand)
def suites(
    directory: PoliciesArgument = None,
    *,
    spec: Annotated[Path | None, typer.Option("--spec", help="The spec; by default beside DIR.")] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print them instead.")] = False,
) -> None:
    """Write the suites and fixtures that lock the spec's decisions; what policyloop did not write is never touched."""
    from policyloop.confirmed.specfile import read_spec, spec_path
    from policyloop.errors import PersonNeeded, UsageError
    from policyloop.specification import check_spec, suites_from
    from policyloop.specification.suites import is_ours
    from policyloop.workspace import Workspace

    if directory is None:
        directory = policy_directory_beside(spec) if stdout else policy_directory(None)
    path = spec_path(spec, directory)
    found = read_spec(path)
    if gaps := check_spec(found):
        command = policyloop("spec", "check", policies=directory, named=spec)
        raise PersonNeeded(f"{path} is not complete: {gaps[0]}", "", [Next(command, "to see every gap")])
    files = suites_from(found)
    if stdout or directory is None:
        whole = "".join(f"# --- {name}\n{text}" for name, text in files.items())
        if not printable(whole):
            raise UsageError("These suites hold what is not printed as it is.", "Give the policy directory instead.")
        say_lines(whole)
        return
    with Workspace.open(directory) as hold:
        foreign = [name for name in files if name in hold.start and not is_ours(hold.start[name])]
        if foreign:
            raise UsageError(f"{directory}/{foreign[0]} was not written by policyloop.", "Move or rename it.")
        from policyloop.bundle import Bundle

        changed = hold.write_back(Bundle({**hold.start.files, **files}))
    for name in changed:
        say(os.path.join(str(directory), name))  # noqa: PTH118  (as it was given)
    raise typer.Exit(int(Exit.GREEN))


def _told(result: "SpecCheck", view: "View", spec: Path | None, policies: Path | None) -> int:
    """Show what a check came to and what to do then; the exit code."""
    from policyloop.view.pages.spec import spec_check_page

    view.show(spec_check_page(result))
    view.close()
    say_next((_after_gaps if result.gaps else _after_no_gaps)(result.spec, spec, policies))
    return int(result.exit_code)


def _after_gaps(found: "Spec", spec: Path | None, policies: Path | None) -> "list[Next]":
    """Where questions alone are open, a run asks them; else the file is edited, and looked at again."""
    from policyloop.specification import check_spec

    gaps = check_spec(found)
    if gaps and all(gap.code == "open-question" for gap in gaps):
        return [Next(policyloop("run", policies=policies, spec=spec, named=found.request), "asks what is open")]
    if not gaps:
        command = policyloop("spec", "confirm", policies=policies, release=True, named=spec)
        return [Next(command, "to release these tests and confirm it, in a terminal")]
    return [Next(policyloop("spec", "check", policies=policies, named=spec), "once it is mended")]


def _after_no_gaps(found: "Spec", spec: Path | None, policies: Path | None) -> "list[Next]":
    if not found.is_confirmed:
        return [Next(policyloop("spec", "confirm", policies=policies, named=spec), "to confirm it, in a terminal")]
    return [Next(policyloop("run", policies=policies, spec=spec, named=found.request), "to have it carried out")]


def _tell_idle(spec: object, policies: Path | None) -> None:
    for words in _idle(spec, policies):
        say(one_line(words, 1000), err=True)


def _idle(spec: object, policies: Path | None) -> tuple[str, ...]:
    """The releases of the spec that let nothing go."""
    from policyloop.confirmed.letting_go import idle
    from policyloop.guard import Lock
    from policyloop.specification import Spec
    from policyloop.workspace import read_bundle

    assert isinstance(spec, Spec)
    if policies is None or not spec.releases:
        return ()
    return idle(spec, tuple(Lock.of(read_bundle(policies))))


def _against(spec: object, policies: Path | None) -> "tuple[Gap, ...]":
    """Locked tests that contradict the spec, as gaps that a person settles."""
    from policyloop.confirmed.against import unreleased
    from policyloop.specification import Gap, Spec
    from policyloop.view.pages.spec import against_line
    from policyloop.workspace import read_bundle

    assert isinstance(spec, Spec)
    if policies is None:
        return ()
    add = "Release it under `releases`, or change the rule."
    return tuple(
        Gap("contradicted-test", "the tests that are there", against_line(one), add, contradiction=True)
        for one in unreleased(spec, read_bundle(policies))
    )
