"""`policyloop init`, and the one rule for the directory that every command follows."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from command import picture, policyloop
from policyloop.cli import init as command_module
from policyloop.cli.first_project import FILES, POLICIES, POLICY_FILES
from policyloop.cli.init import place
from policyloop.configured import policy_directory
from policyloop.errors import UsageError

ALL = {**FILES, **{f"{POLICIES}/{name}": text for name, text in POLICY_FILES.items()}}
STEPS = len(FILES) + 1


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.compiler
def test_a_first_project_passes_its_own_check_and_lint(tmp_path: Path):
    assert policyloop("init", cwd=tmp_path).code == 0
    assert files_of(tmp_path) == ALL
    workflow = yaml.safe_load(FILES[".github/workflows/policyloop.yml"])
    steps = [step["run"].split() for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    own = [
        step[1:] for step in steps if step[:1] == ["policyloop"] and "--baseline" not in step and "doctor" not in step
    ]
    assert [step[0] for step in own] == ["check", "lint"]
    for step in own:
        done = policyloop(*step, "--format", "json", cwd=tmp_path)
        assert done.code == 0, done.out + done.err
        assert done.json["outcome"] in {"green", "done", "clean"}, done.json


def test_it_says_what_it_wrote_and_a_second_time_that_nothing_is_to_do(tmp_path: Path):
    done = policyloop("init", cwd=tmp_path)
    assert done.out.splitlines() == [*FILES, POLICIES]
    assert "policyloop check" in done.err
    before = picture(tmp_path)
    again = policyloop("init", cwd=tmp_path)
    assert (again.code, again.out) == (0, "")
    assert picture(tmp_path) == before


@pytest.mark.parametrize("path", [*ALL, POLICIES, ".github"])
@pytest.mark.parametrize("what", ["file", "link", "folder"])
def test_nothing_is_overwritten(tmp_path: Path, path: str, what: str):
    """Whatever of another kind, or with other words, stands in the way of one of them, all is as it was."""
    project = tmp_path / "project"
    target = project / path
    target.parent.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    match what:
        case "file":
            target.write_text("mine\n")
        case "link":
            target.symlink_to(elsewhere)
        case "folder" if path in (".github", POLICIES):
            target.mkdir()
            (target / "mine").write_text("mine\n")
        case _:
            target.mkdir()
    before = picture(project)
    if (what, path) == ("folder", ".github"):
        place(project)
        assert (target / "mine").read_text() == "mine\n"
        return
    with pytest.raises(UsageError, match="is there already"):
        place(project)
    assert picture(project) == before
    assert not list(elsewhere.iterdir())


@given(st.integers(0, STEPS), st.sampled_from([OSError(28, "No space left on device"), KeyboardInterrupt()]))
@settings(max_examples=12, deadline=None)
def test_what_fails_in_the_middle_leaves_nothing(tmp_path_factory: Any, at: int, error: BaseException) -> None:
    project = tmp_path_factory.mktemp("project")
    (project / "mine").write_text("mine\n")
    with pytest.MonkeyPatch.context() as patch:
        _stopping(patch, at, error)
        if at < STEPS:
            with pytest.raises(BaseException):  # noqa: B017, PT011 - either
                place(project)
            assert files_of(project) == {"mine": "mine\n"}
            assert sorted(path.name for path in project.iterdir()) == ["mine"]
        else:
            place(project)
    place(project)
    assert files_of(project) == {**ALL, "mine": "mine\n"}


@pytest.mark.parametrize("at", range(STEPS))
def test_what_was_killed_in_the_middle_is_whole_files_and_is_finished(tmp_path: Path, at: int) -> None:
    child = os.fork()
    if child == 0:
        real, calls = command_module._put, iter(range(STEPS))

        def put(*arguments: Any) -> Any:
            if next(calls) == at:
                os._exit(9)
            return real(*arguments)

        command_module._put = put  # type: ignore[assignment]
        place(tmp_path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = {path: text for path, text in files_of(tmp_path).items() if not path.startswith(".policyloop-init-")}
    assert all(ALL[path] == text for path, text in left.items())
    assert not any(path.startswith(POLICIES) for path in left)
    place(tmp_path)
    assert files_of(tmp_path) == ALL


def _stopping(patch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
    real, calls = command_module._put, iter(range(STEPS + 1))

    def put(*arguments: Any) -> Any:
        if next(calls) == at:
            raise error
        return real(*arguments)

    patch.setattr(command_module, "_put", put)


# --- the rule ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_given_beats_the_file_and_the_file_beats_the_usual_name(project: Path) -> None:
    assert policy_directory(None, None) == Path("policies")
    assert policy_directory(Path("other"), None) == Path("other")
    (project / "rules").mkdir()
    (project / "policyloop.yaml").write_text("policies: rules\n")
    assert policy_directory(None, None) == Path("rules")
    inner = project / "inner"
    inner.mkdir()
    os.chdir(inner)
    assert policy_directory(None, None).resolve() == project / "rules"
    assert policy_directory(Path("x"), None) == Path("x")


@pytest.mark.parametrize(
    "named", ["..", "../elsewhere", ".", "/etc", "a/../../b", ".git", ".claude", "a/.b", "''", "[a]", "link", "no-such"]
)
def test_a_directory_that_is_none_of_the_projects_is_refused_with_its_line(project: Path, named: str) -> None:
    (project.parent / "elsewhere").mkdir(exist_ok=True)
    (project / "link").symlink_to(project.parent)
    (project / "policyloop.yaml").write_text(f"# ours\npolicies: {named}\n")
    with pytest.raises(UsageError, match=r"policyloop.yaml:2|no policy directory"):
        policy_directory(None, None)


def test_without_any_the_next_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="There is no policy directory") as none:
        policy_directory(None, None)
    assert [one.command for one in none.value.next] == ["policyloop init"]


@pytest.mark.parametrize(
    "words",
    [
        ("check",), ("lint",), ("mutate",), ("recover",), ("diff",), ("run",), ("session", "start"), ("spec", "suites"),
        ("harden", "--check"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_follows_it(words: tuple[str, ...], tmp_path: Path) -> None:
    """In a project without the directory each says the same."""
    (tmp_path / "policyloop.yaml").write_text("policies: rules\n")
    done = policyloop(*words, cwd=tmp_path, env={"POLICYLOOP_CERBOS": "/no/such"})
    assert done.code == 2, done.err
    assert "There is no policy directory" in done.err
    assert "rules" in done.err
