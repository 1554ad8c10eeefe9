"""State lies at the project's root, never inside the policies, and only where no other user can write it."""

import os
import subprocess
from pathlib import Path

import pytest

import as_anyone
from policyloop.errors import Unavailable, UsageError
from policyloop.workspace import find_state, project_root, state_directory


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    directory = tmp_path / "repo" / "team" / "hr" / "policies"
    directory.mkdir(parents=True)
    return directory


def test_the_root_is_the_nearest_config_above_then_the_nearest_repository_then_the_parent(policies: Path) -> None:
    hr, team, repo = policies.parents[:3]
    assert project_root(policies) == hr
    (repo / ".git").mkdir()
    assert project_root(policies) == repo
    (hr / ".git").write_text("gitdir: x")
    assert project_root(policies) == hr
    (repo / "policyloop.yaml").write_text("")
    assert project_root(policies) == repo
    (team / "policyloop.yaml").write_text("")
    assert project_root(policies) == team


def test_marks_in_the_policies_do_not_count(policies: Path) -> None:
    for place in (policies, policies / "below"):
        (place / ".git").mkdir(parents=True)
        (place / "policyloop.yaml").write_text("")
    assert project_root(policies) == policies.parent


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_another_user_put_into_a_shared_folder_does_not_count(policies: Path) -> None:
    shared = policies.parents[2]
    (shared / "policyloop.yaml").write_text("")
    shared.chmod(0o1777)
    assert project_root(policies) == shared
    os.chown(shared / "policyloop.yaml", 12345, 12345)
    assert project_root(policies) == policies.parent


def test_the_state_directory_is_made_private_and_hidden_from_git(policies: Path) -> None:
    place = state_directory(policies)
    assert place == policies.parent / ".policyloop"
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / ".gitignore").read_text() == "*\n"
    assert state_directory(policies) == place


def test_a_given_folder_that_is_in_use_gets_no_gitignore(policies: Path, tmp_path: Path) -> None:
    given = tmp_path / "given" / "deep"
    assert state_directory(policies, given) == given
    assert (given / ".gitignore").exists()
    used = tmp_path / "used"
    used.mkdir()
    (used / "thesis.txt").write_text("")
    state_directory(policies, used)
    assert not (used / ".gitignore").exists()


def test_never_inside_the_policies_nor_around_them(policies: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(policies)
    for inside in (policies, policies / "x", policies / ".policyloop", tmp_path / "link" / "x"):
        with pytest.raises(UsageError, match="lies in the policy directory"):
            state_directory(policies, inside)
    with pytest.raises(UsageError, match="lies in the state directory"):
        state_directory(policies, policies.parents[1])
    assert list(policies.iterdir()) == []


@pytest.mark.parametrize(
    "way", ["a link", "a link that git tracks", "a file that git tracks", "a folder that git tracks"]
)
def test_a_state_directory_that_came_with_the_project(
    way: str, policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made the project's files could choose what runs were like, or where the next one writes."""
    root = policies.parent
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    if "link" in way:
        (root / ".policyloop").symlink_to(elsewhere)
    else:
        held = root / ".policyloop" / ("runs/20260101-000000-abcd" if "folder" in way else ".")
        held.mkdir(parents=True)
        (held / "ledger.jsonl").write_text("{}\n")
    if "git" in way:
        subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
        subprocess.run(["git", "add", "-f", ".policyloop"], cwd=root, check=True)
    monkeypatch.chdir(root)
    for asked in (lambda: state_directory(policies), find_state):
        with pytest.raises(UsageError, match=r"is a link|git tracks .*came with the repository"):
            asked()
    assert list(elsewhere.iterdir()) == []


def test_a_place_that_will_not_do_is_one_sentence(policies: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"is a file.*--state"):
        state_directory(policies, tmp_path / "file")
    with pytest.raises(Unavailable, match=r"cannot be made: File exists.*--state"):
        state_directory(policies, tmp_path / "file" / "below")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(UsageError, match=r"other users.*--state"):
        state_directory(policies, tmp_path / "shared")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_not_trusted_unless_the_policies_are_theirs(policies: Path, tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    with pytest.raises(UsageError, match="other users"):
        state_directory(policies, place)
    os.chown(policies, 12345, 12345)
    assert state_directory(policies, place) == place


def test_what_cannot_be_written_is_one_sentence(policies: Path) -> None:
    script = "import sys; from pathlib import Path; from policyloop.workspace import state_directory\n"
    script += "try: state_directory(Path(sys.argv[1]))\nexcept Exception as e: print(type(e).__name__, e)"
    command = [*as_anyone.python(), "-c", script, str(policies)]
    policies.parent.chmod(0o555)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    policies.parent.chmod(0o755)
    place = policies.parent / ".policyloop"
    hint = "Give another folder with --state.\n"
    assert done.stdout == f"Unavailable The state directory {place} cannot be made: Permission denied. {hint}"
    place.mkdir(mode=0o555)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    place.chmod(0o755)
    assert done.stdout == f"Unavailable The state directory {place} cannot be made: Permission denied. {hint}"


def test_commands_that_look_at_runs_find_the_state_upwards(policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = state_directory(policies)
    monkeypatch.chdir(policies)
    assert find_state() == place
    monkeypatch.chdir(policies.parents[2])
    with pytest.raises(UsageError, match="--state"):
        find_state()
    assert find_state(place) == place
    with pytest.raises(UsageError, match="no state directory"):
        find_state(policies / "nowhere")
