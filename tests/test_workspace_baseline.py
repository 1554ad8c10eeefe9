"""A baseline is a directory, or the same folder at a git revision, byte for byte."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from policyloop.errors import UsageError
from policyloop.workspace import read_baseline, read_bundle, read_revision


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def commit(repository: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x")


FILES = {
    "policies/a.yaml": "a: 1\r\n",
    "policies/sub/é 😀\nb.yaml": "b",
    "policies/empty_test.yaml": "",
    "policies/README.md": "no policy",
    "policies/.hidden/p.yaml": "not read",
    "outside.yaml": "x",
}
BUNDLE = {"a.yaml": "a: 1\r\n", "sub/é 😀\nb.yaml": "b", "empty_test.yaml": ""}


def test_the_same_folder_at_a_revision(repository: Path) -> None:
    commit(repository, FILES)
    policies = repository / "policies"
    assert dict(read_bundle(policies).files) == BUNDLE
    git(repository, "tag", "-a", "-m", "x", "v1")
    (policies / "a.yaml").unlink()
    commit(repository, {"policies/new.yaml": "n"})
    for revision in ("HEAD~1", "v1", "main^", git(repository, "rev-parse", "v1^{commit}")[:10]):
        assert dict(read_baseline(revision, policies).files) == BUNDLE
    assert "new.yaml" in read_baseline("HEAD", policies)
    assert "a.yaml" not in read_baseline("HEAD", policies)


def test_the_top_of_the_repository_and_a_folder_with_an_odd_name(repository: Path) -> None:
    commit(repository, {"a.yaml": "a", "-odd: *\nname/b.yaml": "b"})
    assert dict(read_baseline("HEAD", repository).files) == {"a.yaml": "a", "-odd: *\nname/b.yaml": "b"}
    assert dict(read_baseline("HEAD", repository / "-odd: *\nname").files) == {"b.yaml": "b"}


@pytest.mark.parametrize("name", ["main", "HEAD", "refs", "v1", "main/x", "HEAD~0"])
def test_a_name_that_is_both_is_neither(name: str, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote the change could put a folder beside it that is called like what it is held against."""
    commit(repository, {"policies/a.yaml": "old", f"{name}/a.yaml": "the directory"})
    git(repository, "tag", "v1")
    if name == "main/x":
        git(repository, "branch", "-m", "main", "other")
        git(repository, "branch", "main/x")
    monkeypatch.chdir(repository)
    if name != "refs":
        with pytest.raises(UsageError, match=f"{name} is a directory and a git revision.*refs/heads/"):
            read_baseline(name, Path("policies"))
    assert read_baseline(f"./{name}", Path("policies"))["a.yaml"] == "the directory"
    assert read_revision("HEAD", Path("policies"))["a.yaml"] == "old"


def test_a_branch_and_a_tag_of_one_name(repository: Path) -> None:
    """git takes the tag, which whoever can push one may have put beside the branch."""
    commit(repository, {"policies/a.yaml": "old"})
    git(repository, "tag", "main")
    git(repository, "config", "core.warnAmbiguousRefs", "false")
    with pytest.raises(UsageError, match="names more than one thing in git"):
        read_baseline("main", repository / "policies")
    assert read_baseline("refs/heads/main", repository / "policies")["a.yaml"] == "old"


def test_a_name_of_our_own_in_a_revision(repository: Path) -> None:
    commit(repository, {"policies/a.yaml": "old", "policies/sub/PolicyLoop.yaml": "{}"})
    with pytest.raises(UsageError, match=r"sub/PolicyLoop\.yaml bears a name of policyloop's own"):
        read_baseline("HEAD", repository / "policies")


def test_called_from_a_git_hook(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository, FILES)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_WORK_TREE", "/")
    assert dict(read_baseline("HEAD", repository / "policies").files) == BUNDLE


def refused(spec: str, directory: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_baseline(spec, directory)
    assert str(error.value).isprintable()
    return str(error.value)


def test_what_is_no_baseline(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    commit(repository, FILES)
    policies = repository / "policies"
    for spec in ("nonsense", "", "-h", "--all", "HEAD:policies", "HEAD~9", "a\0b", "HEAD..main", "x y"):
        assert "neither a directory nor a git revision" in refused(spec, policies)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert "is in no git work tree" in refused("HEAD", elsewhere)
    (repository / "added").mkdir()
    assert "At the revision HEAD there is no folder added/" in refused("HEAD", repository / "added")
    assert "does not exist" in refused("HEAD", repository / "nowhere")


def test_links_in_git_are_refused_like_links_on_disk(repository: Path) -> None:
    (repository / "policies" / "folder").mkdir(parents=True)
    commit(repository, {"policies/a.yaml": "a", "policies/folder/b.yaml": "b", "other/c.yaml": "c"})
    policies = repository / "policies"
    for name, target in [
        ("link.yaml", "a.yaml"),
        ("gone.json", "nowhere"),
        ("to_folder", "folder"),
        ("to_other", "../other"),
        ("out", "/etc"),
    ]:
        (policies / name).symlink_to(target)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", "x")
        assert f"{name} is a symbolic link" in refused("HEAD", policies)
        (policies / name).unlink()
    (policies / "README").symlink_to("a.yaml")
    (policies / "dangling").symlink_to("nowhere")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x")
    assert set(read_baseline("HEAD", policies)) == {"a.yaml", "folder/b.yaml"} == set(read_bundle(policies))


def test_a_submodule_is_refused(repository: Path) -> None:
    commit(repository, {"policies/a.yaml": "a"})
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},policies/sub")
    git(repository, "commit", "-q", "-m", "x")
    assert "sub is a submodule" in refused("HEAD", repository / "policies")


def test_what_the_directory_may_not_hold_the_revision_may_not_either(repository: Path) -> None:
    policies = repository / "policies"
    policies.mkdir()
    for name, content, told in [
        (b"a.yaml", b"caf\xe9", "a.yaml is not UTF-8: byte 0xe9 at offset 3"),
        (b"caf\xe9.yaml", b"", r"'caf\udce9.yaml' is not UTF-8"),
        (b"a.yaml", b"x" * (8 * 1_048_576 + 1), "8,388,609 bytes; at most 8 MiB"),
    ]:
        file = policies / os.fsdecode(name)
        file.write_bytes(content)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", "x")
        assert told in refused("HEAD", policies)
        file.unlink()


def test_nothing_that_the_repository_configures_is_run(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.yaml filter=evil diff=evil\n")
    commit(repository, {"policies/a.yaml": "a"})
    ran = repository / "ran"
    for key in ("filter.evil.smudge", "diff.evil.textconv", "core.fsmonitor", "core.pager", "alias.cat-file"):
        git(repository, "config", key, f"!touch {ran}" if key.startswith("alias") else f"touch {ran}")
    assert read_baseline("HEAD", repository / "policies")["a.yaml"] == "a"
    assert not ran.exists()


def test_a_commit_that_carries_a_bare_repository(repository: Path) -> None:
    """Its files lie in the policy directory, so that git, asked there, would answer from them."""
    commit(repository, {"policies/a.yaml": "true"})
    made = repository / "made"
    made.mkdir()
    git(made, "init", "-q", "-b", "main")
    commit(made, {"a.yaml": "false"})
    shutil.copytree(made / ".git", repository / "policies", dirs_exist_ok=True)
    assert (repository / "policies" / "HEAD").is_file()
    with pytest.raises(UsageError, match="is in no git work tree"):
        read_baseline("main", repository / "policies")


@pytest.mark.parametrize("inner", ["a folder", "a file", "a submodule"])
def test_a_repository_inside_the_one_that_is_meant(inner: str, repository: Path, tmp_path_factory) -> None:
    commit(repository, {"policies/sub/a.yaml": "true"})
    right = git(repository, "rev-parse", "HEAD")
    made = tmp_path_factory.mktemp("made")
    git(made, "init", "-q", "-b", "main")
    commit(made, {"sub/a.yaml": "false"})
    policies = repository / "policies"
    if inner == "a folder":
        shutil.copytree(made / ".git", policies / ".git")
    elif inner == "a file":
        (policies / ".git").write_text(f"gitdir: {made / '.git'}\n")
    else:
        git(repository, "rm", "-rq", "policies")
        git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(made), "policies")
        git(repository, "commit", "-q", "-m", "x")
    for directory in (policies, policies / "sub"):
        for spec in ("main", "HEAD", "HEAD~0", git(made, "rev-parse", "--short", "HEAD")):
            assert "a git repository of its own inside another one" in refused(spec, directory)
    assert read_baseline(git(made, "rev-parse", "HEAD"), policies)["sub/a.yaml"] == "false"
    assert "neither a directory nor a git revision" in refused(right, policies)


def test_a_repository_beside_which_another_knows_nothing(repository: Path) -> None:
    """Such as a project below a home that is in git itself."""
    commit(repository, {"notes.txt": "x"})
    project = repository / "project"
    project.mkdir()
    git(project, "init", "-q", "-b", "main")
    commit(project, {"policies/a.yaml": "a"})
    assert read_baseline("main", project / "policies")["a.yaml"] == "a"


def test_a_work_tree_of_its_own(repository: Path, tmp_path_factory) -> None:
    commit(repository, {"policies/a.yaml": "old"})
    tree = tmp_path_factory.mktemp("trees") / "other"
    git(repository, "worktree", "add", "-q", "-b", "other", str(tree))
    commit(tree, {"policies/a.yaml": "new"})
    assert read_baseline("main", tree / "policies")["a.yaml"] == "old"
    assert read_baseline("HEAD", tree / "policies")["a.yaml"] == "new"
    assert read_baseline("HEAD", repository / "policies")["a.yaml"] == "old"


@pytest.mark.parametrize("way", ["replace", "graft"])
def test_another_commit_in_the_place_of_a_parent(way: str, repository: Path) -> None:
    commit(repository, {"policies/a.yaml": "first"})
    commit(repository, {"policies/a.yaml": "second"})
    commit(repository, {"policies/a.yaml": "third"})
    first, second, third = (git(repository, "rev-parse", f"HEAD~{n}") for n in (2, 1, 0))
    if way == "replace":
        git(repository, "replace", second, first)
    else:
        (repository / ".git" / "info" / "grafts").write_text(f"{third} {first}\n")
    assert read_baseline("HEAD~1", repository / "policies")["a.yaml"] == "second"
