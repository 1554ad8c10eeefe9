"""`policyloop diff`: which requests does the new bundle allow that the old one denied, and the other way round?"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop.cli.options import ConfigOption, FormatOption, ProfileOption, RunnerOption, directory, text, view_of
from policyloop.configured import compiler, policy_directory, settings
from policyloop.errors import Exit
from policyloop.next_command import Next, policyloop
from policyloop.printing import say_next

if TYPE_CHECKING:
    from policyloop.access.compare.accepted import Accepted
    from policyloop.bundle import Bundle
    from policyloop.results import DiffResult


class Prove(StrEnum):
    """Whether the second engine is asked."""

    AUTO = "auto"
    OFF = "off"


def diff(
    old: Annotated[
        str | None,
        typer.Argument(help="A directory or a git revision; HEAD by default.", metavar="OLD", parser=text),
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(help="The same; by default the policy directory as it is.", metavar="NEW", parser=text),
    ] = None,
    *,
    policies: Annotated[
        Path | None,
        typer.Option(
            "--policies",
            help="The policy directory of revisions; by default `policies:` of policyloop.yaml, else ./policies.",
            metavar="DIR",
            parser=directory,
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="Accept what this rule of the spec asks for, or this policy rule lets in; FILE:RULE where several "
            "have the name.",
            metavar="RULE",
        ),
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(help="The spec of --allow; by default policyloop.spec.yaml beside the policies.")
    ] = None,
    prove: Annotated[Prove, typer.Option(help="Prove as well, where the solver is installed.")] = Prove.AUTO,
    strict: Annotated[bool, typer.Option("--strict", help="As a PDP with strict evaluation decides.")] = False,
    seed: Annotated[int, typer.Option(help="Another choice of requests.", min=0)] = 0,
    requests: Annotated[int | None, typer.Option(help="At most about so many requests.", min=100)] = None,
    output: FormatOption = None,
    runner: RunnerOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
) -> None:
    """Compare access under two bundles on the real PDP: 0 not wider, 7 wider, each change with a request that shows it.

    A changed rule that was not covered is named; with `access.unproved: ask` or `fail` in the configuration that is 5.
    With one argument that is a directory, that directory is compared with HEAD.
    """
    from policyloop.access.compare.engine import Bounds, compare_access
    from policyloop.access.pdp import Refused, Settings
    from policyloop.access.universe import MOST_REQUESTS
    from policyloop.cli.progress import Progress
    from policyloop.looking import broken
    from policyloop.results import DiffResult
    from policyloop.view.pages.access import diff_page
    from policyloop.view.pages.check import check_page
    from policyloop.workspace import read_baseline, read_bundle, read_revision

    before_is, after_is, near = _sides(old, new, policies, config)
    old_name, new_name = before_is or "HEAD", after_is or str(near)
    view = view_of(output)
    loaded = settings(
        near, config, profile, {"cerbos": {"runner": runner.value if runner else None}}, uses=("cerbos", "access")
    )
    before = read_baseline(before_is, near) if before_is else read_revision("HEAD", near)
    after = read_baseline(after_is, near) if after_is else read_bundle(near)
    accepted = _accepted(allow or (), spec, near, after)
    judge = compiler(loaded)
    cerbos = loaded.cerbos
    pdp = Settings(
        runner=cerbos.runner,
        version=cerbos.version,
        image=cerbos.image,
        timeout_seconds=cerbos.timeout_seconds,
        strict=strict,
    )
    progress = Progress()
    bounds = Bounds(seed=seed, most=requests or MOST_REQUESTS, prove=prove.value)
    try:
        access = compare_access(before, after, judge, pdp, bounds, accepted, progress)
        progress.close()
        unproved = loaded.access.unproved or "report"
        result = DiffResult(old=old_name, new=new_name, access=access, cerbos=judge.info, unproved=unproved)
        view.show(diff_page(result))
        view.close()
        given = {
            "policies": policies,
            "spec": spec,
            "prove": prove.value if prove is not Prove.AUTO else None,
            "strict": strict,
            "seed": seed or None,
            "runner": runner.value if runner else None,
            "config": config,
            "profile": profile,
        }
        say_next(_after(result, [name for name in (old, new) if name], allow or [], requests, given))
        code: Exit = result.exit_code
    except Refused as refused:
        progress.close()
        red = broken(judge, ((old_name, before), (new_name, after)), refused.log)
        view.show(check_page(red))
        code = red.exit_code
    finally:
        progress.close()
        judge.close()
    view.close()
    raise typer.Exit(int(code))


def _after(
    result: "DiffResult",
    sides: Sequence[str],
    allowed: Sequence[str],
    requests: int | None,
    given: Mapping[str, object],
) -> Iterator[Next]:
    """How to let in what is meant, by the rules that let it in; else how to ask more of what nobody knows."""
    places = {(at.file, at.rule) for at in (reason.lets_in for reason in result.access.wider)}
    named = [f"{file}:{rule}" for file, rule in sorted(places, key=str) if file and rule]
    if result.access.wider and len(named) == len(places):
        allow = [word for name in [*allowed, *named] for word in ("--allow", name)]
        yield Next(policyloop("diff", *allow, *sides, requests=requests, **given), "if all of that is meant")
    elif result.exit_code:
        allow = [word for name in allowed for word in ("--allow", name)]
        words = policyloop("diff", *allow, *sides, requests=10 * (requests or result.access.requests or 1000), **given)
        yield Next(words, "to ask ten times as much, once you have looked")


def _sides(
    old: str | None, new: str | None, policies: Path | None, config: Path | None
) -> tuple[str | None, str | None, Path]:
    """What is compared with what, and the policy directory that revisions are about.

    None for what nobody named: git's HEAD, whatever folder is called so, and that policy directory as it is.
    """
    from policyloop.errors import UsageError

    if old is not None and new is None and Path(old).is_dir() and policies is None:
        return None, old, Path(old)
    named = next((Path(name) for name in (new, old) if name and Path(name).is_dir()), None)
    near = policy_directory(policies or named, config)
    if not near.is_dir():
        raise UsageError(
            f"There is no policy directory {near}.",
            "Give --policies DIR, or the directories to compare.",
            [Next(policyloop("init"), "a first project, here")],
        )
    return old, new, near


def _accepted(names: Sequence[str], file: Path | None, near: Path, after: "Bundle") -> "Accepted":
    """What --allow accepts: rules of the spec by their ids, and rules of the new policies by their names."""
    from policyloop.access.compare.accepted import Accepted, asked_by_spec
    from policyloop.access.source import policies_of
    from policyloop.confirmed.specfile import read_text, spec_path
    from policyloop.errors import UsageError
    from policyloop.specification import parse_spec

    if not names:
        return Accepted()
    path = spec_path(file, near)
    spec = parse_spec(read_text(path), str(path)) if file or path.is_file() else None
    held = [rule for policy in policies_of(after) for rule in policy.rules]
    rules = {rule.name for rule in held} | {f"{rule.file}:{rule.name}" for rule in held}
    ids = {rule.id for rule in spec.rules} if spec else set()
    for name in names:
        if name not in rules | ids:
            close = difflib.get_close_matches(name, sorted(rules | ids), 1)
            hint = f"Did you mean {close[0]!r}?" if close else "Rules are allowed by their names."
            raise UsageError(f"--allow {name}: there is no such rule, in the spec or in the new policies.", hint)
        places = [f"{rule.file}:{name}" for rule in held if rule.name == name and name not in ids]
        if len(places) > 1:
            raise UsageError(
                f"--allow {name}: {len(places)} rules of the new policies have that name.",
                f"Say which one: {', '.join(places[:5])}{', ...' if len(places) > 5 else ''}.",
            )
    if spec is None:
        return Accepted(rules=frozenset(names))
    return Accepted(asked_by_spec(spec, frozenset(names)), frozenset(set(names) - ids))
