"""The light way to a command's values gives what Typer's own way gives, whatever is typed; and it loads no pydantic."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.core import TyperCommand, TyperGroup

from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.cli.commands import command_line

CHOICES = ("auto", "docker", "native", "rich", "plain", "json", "github", "warning", "note", "never", "Native", "true")
WORDS = st.sampled_from(
    (*CHOICES, "", " ", "-", ".", "/", "1", "0", "-1", "1.5", "1e3", "nan", "~", "policies")
) | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for inner_name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {inner_name}")


def heavy(command: Any, context: Any) -> dict[str, Any]:
    """The parameters as Typer itself coerces them, by name."""
    own = TyperGroup if isinstance(command, TyperGroup) else TyperCommand
    return {parameter.name: parameter for parameter in own.get_params(command, context)}


def outcome(parameter: Any, value: Any, context: Any) -> tuple[str, Any]:
    try:
        return "value", parameter.get_runtime_param().coerce(value, param=parameter, ctx=context)
    except (ValueError, typer.BadParameter, typer.Exit) as error:
        return type(error).__name__, str(error)


def pairs() -> list[tuple[str, Any, Any, Any]]:
    """Each kind of parameter twice: in our commands, and in commands that were made anew with Typer's way.

    Parameters of one type and one parser that stand in several commands are of one kind.
    """
    light, plain = typer.main.get_command(command_line()), typer.main.get_command(command_line())
    kinds: dict[object, tuple[str, Any, Any, Any]] = {}
    for (name, ours), (_, theirs) in zip(commands(light, "policyloop"), commands(plain, "policyloop"), strict=True):
        context = typer.Context(ours)
        others = heavy(theirs, context)
        for parameter in ours.get_params(context):
            if hasattr(parameter, "type_descriptor"):
                descriptor = parameter.type_descriptor
                parser = getattr(descriptor.parameter_info, "parser", None)
                kind = (str(descriptor.annotation), parser, parameter.multiple, parameter.nargs, parameter.callback)
                case = (f"{name} {parameter.name}", parameter, others[parameter.name], context)
                kinds.setdefault(kind, case)
    return list(kinds.values())


PAIRS = pairs()


def test_every_command_is_light() -> None:
    for name, command in commands(typer.main.get_command(command_line()), "policyloop"):
        assert isinstance(command, LightCommand | LightGroup), name


@pytest.mark.parametrize("pair", PAIRS, ids=[name for name, *_ in PAIRS])
def test_both_ways_give_the_same(pair: tuple[str, Any, Any, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    _, ours, theirs, context = pair
    light = ours.get_runtime_param()
    secret = tmp_path_factory.mktemp("coercion") / "unreadable"
    secret.touch(mode=0o000)
    for value in (None, str(secret), str(secret.parent), __file__, *CHOICES):
        same(light, ours, theirs, value, context)

    @settings(deadline=None, max_examples=30)
    @given(WORDS)
    def drawn(value: str) -> None:
        same(light, ours, theirs, value, context)

    drawn()


def same(light: Any, ours: Any, theirs: Any, value: str | None, context: Any) -> None:
    ours._runtime_param = light
    theirs._runtime_param = None
    if value is not None and (ours.multiple or ours.nargs == -1):
        given: Any = (value,)
    else:
        given = value
    # As text: a number that is none is not equal to itself.
    assert repr(outcome(ours, given, context)) == repr(outcome(theirs, given, context))


@pytest.mark.parametrize(
    "words", [["check", "policies"], ["guard", "a", "b"], ["check", "policies", "--runner", "native"]]
)
def test_no_pydantic_is_loaded(words: list[str], tmp_path: Path) -> None:
    """Whatever such a command finds: the policies are not even there."""
    program = (
        "import sys\n"
        f"sys.argv = ['policyloop', *{words!r}]\n"
        "from policyloop.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code, 'pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["2", "False"], done.stderr


def test_help_of_all_loads_what_no_command_needs_for_its_options() -> None:
    """One command whose options are named in a heavy room would make each `--help` slow."""
    program = (
        "import sys\n"
        "from policyloop.cli.commands import command_line\n"
        "command_line()\n"
        "print([name for name in ('pydantic', 'yaml', 'ruamel', 'rich', 'starlette') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
