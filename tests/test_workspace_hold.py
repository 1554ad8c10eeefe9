"""One run holds the directory; what somebody else changes meanwhile is never overwritten, and no result is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import as_anyone
from policyloop import outside
from policyloop.bundle import Bundle
from policyloop.errors import Exit, PersonNeeded, PolicyloopError, Unavailable, UsageError
from policyloop.workspace import Workspace, read_bundle, recover

FILES = {"a.yaml": "a\n", "sub/b.yaml": "b\n", "gone/c.yaml": "c\n"}
GREEN = Bundle({"a.yaml": "A\n", "sub/b.yaml": "B\n", "new/é d.yaml": "d"})
MARK = ".policyloop-writeback"


@pytest.fixture(autouse=True)
def _outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "outside-of-projects"))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    directory = tmp_path / "repo" / "policies"
    lay_out(directory, FILES)
    return directory


def lay_out(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def tree(directory: Path) -> dict[str, str]:
    return {
        str(p.relative_to(directory)): str(p.readlink()) if p.is_symlink() else p.read_text()
        for p in directory.rglob("*")
        if p.is_symlink() or p.is_file()
    }


def test_green_is_written_and_nothing_else_touched(policies: Path) -> None:
    (policies / "README.md").write_text("mine")
    untouched = (policies / "README.md").stat()
    with Workspace.open(policies) as workspace:
        assert workspace.start == Bundle(FILES)
        assert workspace.policies == policies
        assert workspace.state == policies.parent / ".policyloop"
        assert workspace.write_back(GREEN) == ("a.yaml", "gone/c.yaml", "new/é d.yaml", "sub/b.yaml")
        assert workspace.write_back(GREEN) == ()
        assert workspace.start == Bundle(FILES)
    assert tree(policies) == {**GREEN.files, "README.md": "mine"}
    assert not (policies / "gone").exists()
    assert (policies / "README.md").stat() == untouched
    assert recover(policies) is None


def test_a_second_write_back_follows_the_first(policies: Path) -> None:
    with Workspace.open(policies) as workspace:
        workspace.write_back(GREEN)
        workspace.write_back(Bundle(FILES))
    assert tree(policies) == FILES


def test_the_same_bundle_writes_nothing(policies: Path) -> None:
    with Workspace.open(policies) as workspace:
        before = {p: p.stat().st_mtime_ns for p in policies.rglob("*")}
        assert workspace.write_back(Bundle(FILES)) == ()
    assert {p: p.stat().st_mtime_ns for p in policies.rglob("*")} == before


def test_modes_stay_and_new_files_follow_the_umask(policies: Path) -> None:
    (policies / "a.yaml").chmod(0o600)
    (policies / "sub/b.yaml").chmod(0o755)
    before = os.umask(0o027)
    try:
        with Workspace.open(policies) as workspace:
            workspace.write_back(GREEN)
    finally:
        os.umask(before)
    modes = {
        path: (policies / path).stat().st_mode & 0o7777 for path in ("a.yaml", "sub/b.yaml", "new/é d.yaml", "new")
    }
    assert modes == {"a.yaml": 0o600, "sub/b.yaml": 0o755, "new/é d.yaml": 0o640, "new": 0o750}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_stays_with_its_owner(policies: Path) -> None:
    os.chown(policies / "a.yaml", 12345, 54321)
    with Workspace.open(policies) as workspace:
        workspace.write_back(GREEN)
    status = (policies / "a.yaml").stat()
    assert (status.st_uid, status.st_gid) == (12345, 54321)


def test_a_file_and_a_folder_may_change_places(policies: Path) -> None:
    there, back = {"x.yaml": "file", "y.yaml/z.yaml": "below"}, {"x.yaml/w.yaml": "below", "y.yaml": "file"}
    shutil.rmtree(policies)
    lay_out(policies, there)
    with Workspace.open(policies) as workspace:
        workspace.write_back(Bundle(back))
        assert tree(policies) == back
        workspace.write_back(Bundle(there))
        assert tree(policies) == there


@pytest.mark.parametrize(
    "path", ["../x.yaml", "/etc/x.yaml", "a/../../x.yaml", "./x.yaml", "x\0.yaml", ".git/x.yaml", "x.sh"]
)
def test_no_path_leads_out(policies: Path, path: str) -> None:
    before = tree(policies.parents[1])
    with Workspace.open(policies) as workspace, pytest.raises(ValueError, match=r"no path|no file"):
        workspace.write_back(Bundle({**FILES, path: "x"}))
    shutil.rmtree(policies.parent / ".policyloop")
    assert tree(policies.parents[1]) == before


# Changed meanwhile


def add_link(policies: Path) -> None:
    (policies / "link.yaml").symlink_to("/etc/passwd")


def swap_folder(policies: Path) -> None:
    (policies / "sub").rename(policies.parent / "sub")
    (policies / "sub").symlink_to("../sub")


def replace_directory(policies: Path) -> None:
    shutil.copytree(policies, policies.with_name("copy"))
    policies.rename(policies.with_name("old"))
    policies.with_name("copy").rename(policies)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file that green changes": lambda p: (p / "a.yaml").write_text("mine"),
    "a file that green leaves alone": lambda p: (p / "other.yaml").write_text("mine"),
    "a file gone": lambda p: (p / "a.yaml").unlink(),
    "a file that green makes": lambda p: lay_out(p, {"new/é d.yaml": "mine"}),
    "a link": add_link,
    "a folder swapped for a link": swap_folder,
    "another directory in its place": replace_directory,
    "not UTF-8 any more": lambda p: (p / "a.yaml").write_bytes(b"\xff"),
    "the directory gone": lambda p: p.rename(p.with_name("old")),
}


@pytest.mark.parametrize("how", CHANGES)
def test_changed_meanwhile_nothing_is_overwritten_and_the_result_is_kept(policies: Path, how: str) -> None:
    with Workspace.open(policies) as workspace:
        CHANGES[how](policies)
        before = bytes_in(policies.parent)
        with pytest.raises(PersonNeeded) as error:
            workspace.write_back(GREEN)
    assert error.value.exit_code == Exit.PERSON
    assert "changed by somebody else meanwhile" in error.value.message
    assert bytes_in(policies.parent) == before
    assert patch_named_in(error.value).read_text() == Bundle(FILES).diff(GREEN)


def bytes_in(directory: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(directory)): os.fsencode(p.readlink()) if p.is_symlink() else p.read_bytes()
        for p in directory.rglob("*")
        if (p.is_symlink() or p.is_file()) and ".policyloop" not in p.parts
    }


def patch_named_in(error: PolicyloopError) -> Path:
    named = re.search(r"kept as (.*\.patch)\.$", error.message)
    assert named, error.message
    assert any(named[1] in onward.command for onward in error.next)
    return Path(named[1])


def test_the_hint_applies_the_patch(policies: Path) -> None:
    with Workspace.open(policies) as workspace:
        (policies / "other.yaml").write_text("mine")
        with pytest.raises(PersonNeeded) as error:
            workspace.write_back(GREEN, "20260101-000000-abcd")
        assert patch_named_in(error.value) == workspace.state / "runs/20260101-000000-abcd/best.patch"
    command = error.value.next[0].command
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
    assert tree(policies) == {**GREEN.files, "other.yaml": "mine"}


def test_the_best_attempt_of_a_failed_run_is_kept(policies: Path) -> None:
    with Workspace.open(policies) as workspace:
        patch = workspace.keep_patch("20260101-000000-abcd", GREEN)
        assert patch == workspace.state / "runs" / "20260101-000000-abcd" / "best.patch"
    assert tree(policies) == FILES
    subprocess.run(["git", "init", "-q"], cwd=policies.parent, check=True)
    subprocess.run(["git", "apply", "--directory=policies", str(patch)], cwd=policies.parent, check=True)
    assert tree(policies) == GREEN.files


SWAPPED = """
import os, sys
from pathlib import Path
from policyloop.bundle import Bundle
from policyloop.errors import PolicyloopError
from policyloop.workspace import Workspace

policies, moment, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
seen = 0

def swap():
    outside = policies.parent / "outside"
    if what == "folder":
        os.rename(policies / "sub", policies.parent / "aside")
        os.symlink(outside, policies / "sub")
    elif what == "new folder":
        os.symlink(outside, policies / "new")
    elif what == "file":
        os.unlink(policies / "sub/b.yaml")
        os.symlink(outside / "b.yaml", policies / "sub/b.yaml")
    elif what == "theirs":
        (policies / "sub/b.yaml").write_text("theirs")

def watch(event, arguments):
    # The commit is the first rename to a name that ends in .forward; the moments come after it.
    global seen, moment
    if event == "os.rename" and str(arguments[1]).endswith(".forward"):
        seen = 1
    if seen and moment and arguments and f"{event} {arguments[0]}" == moment:
        moment = None
        swap()

sys.addaudithook(watch)
with Workspace.open(policies) as workspace:
    try:
        workspace.write_back(Bundle(FILES))
    except PolicyloopError as error:
        print(type(error).__name__, error)
print("swapped" if moment is None else "never swapped")
"""

MOMENTS = [
    ("open .policyloop-writeback.tmp", "folder"),
    ("open .policyloop-writeback.tmp", "new folder"),
    ("open .policyloop-writeback.tmp", "file"),
    ("open .policyloop-writeback.tmp", "theirs"),
    ("open .policyloop-3.tmp", "folder"),
    ("open .policyloop-3.tmp", "file"),
    ("open .policyloop-3.tmp", "theirs"),
    ("os.remove c.yaml", "folder"),
    ("os.remove c.yaml", "new folder"),
    ("os.rename .policyloop-0.tmp", "folder"),
    ("os.rename .policyloop-0.tmp", "file"),
    ("os.rename .policyloop-0.tmp", "theirs"),
    ("os.rename .policyloop-0.tmp", "new folder"),
    ("os.mkdir new", "folder"),
    ("os.mkdir new", "theirs"),
    ("os.mkdir new", "new folder"),
]


@pytest.mark.parametrize(("moment", "what"), MOMENTS)
def test_swapped_in_the_middle_of_the_write_back(policies: Path, moment: str, what: str) -> None:
    """After the commit somebody swaps something: nothing is written through it, and the rest goes back."""
    outside = policies.parent / "outside"
    lay_out(outside, {"b.yaml": "b\n", "é d.yaml": "outside"})
    script = SWAPPED.replace("FILES", repr(dict(GREEN.files)))
    command = [sys.executable, "-c", script, str(policies), moment, what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert tree(outside) == {"b.yaml": "b\n", "é d.yaml": "outside"}
    lines = done.stdout.splitlines()
    assert lines[-1] == "swapped"
    assert lines[0].startswith("PersonNeeded")
    assert "changed by somebody else meanwhile" in lines[0]
    left = {k: v for k, v in tree(policies).items() if not k.startswith(("sub", "new"))}
    assert left == {"a.yaml": "a\n", "gone/c.yaml": "c\n"}
    theirs = {"folder": None, "file": None, "theirs": "theirs", "new folder": "b\n"}[what]
    assert (policies / "sub").is_symlink() == (what == "folder")
    assert (policies / "new").is_symlink() == (what == "new folder")
    assert (policies / "sub/b.yaml").is_symlink() == (what == "file")
    if theirs is not None:
        assert (policies / "sub/b.yaml").read_text() == theirs
    if what == "folder":
        aside = tree(policies.parent / "aside")
        assert aside.pop(".policyloop-3.tmp", None) in {None, "B\n"}
        assert aside == {"b.yaml": "b\n"}
    assert not list(policies.rglob(".policyloop-*"))


# After a kill


KILLED = """
import os, signal, sys
from pathlib import Path
from policyloop.bundle import Bundle
from policyloop.workspace import Workspace

def watch(event, arguments):
    if event == "os.mkdir" and arguments[0] == "new":
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
state = Path(sys.argv[2]) if len(sys.argv) > 2 else None
with Workspace.open(Path(sys.argv[1]), state=state) as workspace:
    workspace.write_back(Bundle(FILES))
"""


def files_below(folder: Path) -> list[tuple[Path, Path]]:
    """Every file, also behind a link."""
    return [(file, file) for file in sorted(folder.rglob("*")) if file.is_file()]


def journals() -> Path:
    """Where the journals of these tests lie."""
    return Path(outside.home()) / "writebacks"


def kill_half_way(policies: Path, *state: Path) -> None:
    script = KILLED.replace("FILES", repr(dict(GREEN.files)))
    done = subprocess.run([sys.executable, "-c", script, str(policies), *map(str, state)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (policies / "a.yaml").read_text() == "A\n"
    assert not (policies / "new").exists()


def test_the_next_command_finishes_it(policies: Path) -> None:
    kill_half_way(policies)
    with pytest.raises(PersonNeeded, match=r"interrupted") as held:
        read_bundle(policies)
    assert held.value.next[0].command.startswith("policyloop recover ")
    done = recover(policies)
    assert done is not None
    assert done.paths == ("a.yaml", "gone/c.yaml", "new/é d.yaml", "sub/b.yaml")
    assert tree(policies) == GREEN.files
    assert recover(policies) is None


def test_opening_finishes_it_first(policies: Path) -> None:
    kill_half_way(policies)
    with Workspace.open(policies) as workspace:
        assert workspace.recovered is not None
        assert workspace.start == GREEN


def test_a_command_with_another_state_directory_finishes_it_too(policies: Path, tmp_path: Path) -> None:
    kill_half_way(policies, tmp_path / "state")
    assert recover(policies) is not None
    assert tree(policies) == GREEN.files
    assert not (policies.parent / ".policyloop").exists()


def test_it_is_finished_where_the_directory_was_moved_to(policies: Path) -> None:
    kill_half_way(policies)
    moved = policies.rename(policies.with_name("moved"))
    assert recover(moved) is not None
    assert tree(moved) == GREEN.files


def test_a_change_after_the_kill_is_kept_and_the_rest_goes_back(policies: Path) -> None:
    kill_half_way(policies)
    (policies / "sub/b.yaml").write_text("mine\n")
    with pytest.raises(PersonNeeded, match=r"meanwhile \(sub/b\.yaml\)") as error:
        recover(policies)
    assert tree(policies) == {**FILES, "sub/b.yaml": "mine\n"}
    assert patch_named_in(error.value).read_text() == Bundle(FILES).diff(GREEN)
    assert recover(policies) is None


def test_a_journal_that_is_gone_is_told(policies: Path) -> None:
    kill_half_way(policies)
    shutil.rmtree(journals())
    before = tree(policies)
    with pytest.raises(PersonNeeded, match="there is no journal of it"):
        Workspace.open(policies)
    assert tree(policies) == before
    (policies / MARK).unlink()
    Workspace.open(policies).close()


def test_a_copy_of_a_half_written_directory_does_not_use_the_journal(policies: Path) -> None:
    kill_half_way(policies)
    copy = policies.with_name("copy")
    shutil.copytree(policies, copy)
    before = tree(copy)
    with pytest.raises(PersonNeeded, match="there is no journal of it"):
        recover(copy)
    assert tree(copy) == before


@pytest.mark.parametrize(
    "spoil", ["torn", "others may write", "leads out", "a link", "another version", "a second name"]
)
def test_a_journal_that_is_not_ours_is_not_followed(policies: Path, spoil: str) -> None:
    kill_half_way(policies)
    (journal,) = journals().iterdir()
    text = journal.read_text()
    if spoil == "torn":
        journal.write_text(text[:-10])
    elif spoil == "others may write":
        journal.chmod(0o666)
    elif spoil == "leads out":
        journal.write_text(text.replace("a.yaml", "../a.yaml"))
    elif spoil == "another version":
        journal.write_text(json.dumps({**json.loads(text), "version": 2}))
    elif spoil == "a second name":
        (policies.parent / "elsewhere").hardlink_to(journal)
    else:
        journal.rename(policies.parent / "elsewhere")
        journal.symlink_to(policies.parent / "elsewhere")
    before = tree(policies.parent)
    with pytest.raises(PersonNeeded, match=r"its journal (cannot be read|was not written by policyloop)"):
        recover(policies)
    assert tree(policies.parent) == before


@pytest.mark.parametrize(
    "form",
    ["in the state directory", "by the mark", "by a link", "tracked by git", "hard link", "another project's", "old"],
)
def test_a_planted_journal_changes_nothing(policies: Path, tmp_path: Path, form: str) -> None:
    """Seven ways to have a command write what somebody else chose: no file and no verdict changes."""
    root, victim = policies.parent, tmp_path / "victim"
    victim.write_text("kept\n")
    kill_half_way(policies)
    (real,) = journals().iterdir()
    text = real.read_text().replace("A\\n", "EVIL\\n").replace(json.loads(real.read_text())["patch"], str(victim))
    recover(policies)
    after = tree(policies)
    planted = {
        "in the state directory": root / ".policyloop" / "journal" / real.name,
        "by the mark": root / "x.forward",
        "by a link": root / ".policyloop" / "journal" / real.name,
        "tracked by git": root / ".policyloop" / "journal" / real.name,
        "hard link": root / "x.forward",
        "another project's": journals() / f"{'0' * 16}.forward",
        "old": journals() / f"{'1' * 16}.forward",
    }[form]
    planted.parent.mkdir(parents=True, exist_ok=True)
    if form == "by a link":
        (root / "theirs").write_text(text)
        planted.symlink_to(root / "theirs")
    else:
        planted.write_text(text)
        planted.chmod(0o600)
    if form == "hard link":
        real.hardlink_to(planted)
    if form == "by the mark":
        (policies / MARK).write_text(str(root / "x"))
    if form == "another project's":
        data = json.loads(text)
        planted.write_text(json.dumps({**data, "device": 1, "inode": 1, "directory": "/elsewhere"}))
        (policies / MARK).write_text("")
    if form == "tracked by git":
        subprocess.run(["git", "init", "-q", root], check=True)
        subprocess.run(["git", "add", "-f", ".policyloop"], cwd=root, check=True)
    everything = {p: f.read_bytes() for p, f in files_below(root) if ".git" not in f.parts} | {victim: b"kept\n"}
    for command in (read_bundle, recover):
        try:
            assert command(policies) in (None, Bundle({p: t for p, t in after.items() if p != MARK}))
        except PersonNeeded:
            assert form in ("by the mark", "hard link", "another project's")
    now = {p: f.read_bytes() for p, f in files_below(root) if ".git" not in f.parts} | {victim: victim.read_bytes()}
    assert now == everything


def test_with_nothing_to_finish_nothing_is_made(policies: Path) -> None:
    assert recover(policies) is None
    assert list(policies.parent.iterdir()) == [policies]
    with pytest.raises(UsageError, match="does not exist"):
        recover(policies / "nowhere")


# One at a time


HOLDER = """
import sys
from pathlib import Path
from policyloop.workspace import Workspace

with Workspace.open(Path(sys.argv[1]), state=Path(sys.argv[2]) if len(sys.argv) > 2 else None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(policies: Path, *state: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(policies), *map(str, state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_told_who_and_since_when(policies: Path) -> None:
    with another(policies) as holder, pytest.raises(Unavailable) as error:
        Workspace.open(policies)
    told = rf"in use by another policyloop \(process {holder.pid}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)"
    assert re.search(told, str(error.value))
    assert error.value.exit_code == Exit.ENVIRONMENT
    Workspace.open(policies).close()


def test_another_state_directory_or_another_name_does_not_help(policies: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(policies)
    with another(policies, tmp_path / "one") as holder:
        for name, state in [(policies, tmp_path / "two"), (policies, None), (tmp_path / "link", tmp_path / "one")]:
            with pytest.raises(Unavailable, match="in use by another policyloop") as error:
                Workspace.open(name, state=state)
            if sys.platform == "linux":
                assert f"process {holder.pid}" in str(error.value)


def test_a_killed_holder_holds_nothing(policies: Path) -> None:
    with another(policies) as holder:
        holder.kill()
        holder.wait()
        with Workspace.open(policies) as workspace:
            workspace.write_back(GREEN)


def test_a_child_of_the_holder_does_not_keep_the_lock(policies: Path) -> None:
    with Workspace.open(policies):
        child = subprocess.Popen(["sleep", "60"])
    try:
        Workspace.open(policies).close()
    finally:
        child.kill()
        child.wait()


def test_two_directories_do_not_disturb_each_other(policies: Path, tmp_path: Path) -> None:
    lay_out(policies.with_name("others"), {})
    with Workspace.open(policies), Workspace.open(policies.with_name("others")) as second:
        assert len(second.start) == 0


def test_a_failed_opening_leaves_nothing_locked(policies: Path) -> None:
    (policies / "bad.yaml").write_bytes(b"\xff")
    for _ in range(2):
        with pytest.raises(UsageError, match="not UTF-8"):
            Workspace.open(policies)
    (policies / "bad.yaml").unlink()
    Workspace.open(policies).close()


# What cannot be written


OPENED = """
import sys
from pathlib import Path
from policyloop.bundle import Bundle
from policyloop.errors import PolicyloopError
from policyloop.workspace import Workspace

policies, closed = Path(sys.argv[1]), Path(sys.argv[2])
closed_early = len(sys.argv) > 3
try:
    if closed_early:
        closed.chmod(0o555)
    with Workspace.open(policies) as workspace:
        closed.chmod(0o555)
        workspace.write_back(Bundle(FILES))
except PolicyloopError as error:
    print(type(error).__name__, error)
finally:
    closed.chmod(0o755)
"""


def opened(policies: Path, *arguments: str) -> str:
    script = OPENED.replace("FILES", repr(dict(GREEN.files)))
    command = [*as_anyone.python(), "-c", script, str(policies), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_read_only_directory_is_told_before_any_work(policies: Path) -> None:
    told = opened(policies, str(policies), "early")
    assert told == f"UsageError {policies} cannot be written. Make it writable, or work on a copy of the policies.\n"


@pytest.mark.parametrize("folder", ["", "sub", "gone"])
def test_a_folder_that_became_read_only_loses_no_work(policies: Path, folder: str) -> None:
    told = opened(policies, str(policies / folder))
    assert told.startswith(f"Unavailable The result cannot be written to {policies} ({policies / folder}".rstrip("/"))
    assert "nothing was changed" in told
    assert tree(policies) == FILES
    (patch,) = (policies.parent / ".policyloop" / "patches").iterdir()
    assert f"kept as {patch}." in told
    assert patch.read_text() == Bundle(FILES).diff(GREEN)


@contextmanager
def small_disk(where: Path, size: str) -> Iterator[None]:
    """A file system of its own. Must be had in CI; elsewhere only root can have it."""
    where.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(where)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(done.stderr)
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
def test_a_policy_disk_that_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "64k"):
        policies = disk / "policies"
        lay_out(policies, FILES)
        big = Bundle({**GREEN.files, "sub/b.yaml": "b" * 200_000})
        with Workspace.open(policies, state=tmp_path / "state") as workspace:
            with pytest.raises(Unavailable, match=r"No space left on device\); nothing was changed") as error:
                workspace.write_back(big)
            assert tree(policies) == FILES
            assert patch_named_in(error.value).read_text() == Bundle(FILES).diff(big)
            workspace.write_back(GREEN)
        assert tree(policies) == GREEN.files


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
def test_a_state_disk_that_is_full(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    monkeypatch.setenv("XDG_STATE_HOME", str(disk / "outside"))
    with small_disk(disk, "64k"), Workspace.open(policies, state=disk / "state") as workspace:
        big = Bundle({**GREEN.files, "sub/b.yaml": "b" * 200_000})
        with pytest.raises(Unavailable, match=r"No space left on device\); nothing was changed") as error:
            workspace.write_back(big)
        patch = patch_named_in(error.value)
        assert patch.read_text() == Bundle(FILES).diff(big)
        shutil.rmtree(patch.parent)
        with pytest.raises(Unavailable, match=r"best\.patch cannot be written: No space left"):
            workspace.keep_patch("20260101-000000-abcd", big)
        assert tree(policies) == FILES
        workspace.write_back(GREEN)
    assert tree(policies) == GREEN.files


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
def test_a_disk_mounted_read_only_can_be_read_but_not_opened_for_a_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "64k"):
        lay_out(disk / "policies", FILES)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert recover(disk / "policies") is None
        assert read_bundle(disk / "policies") == Bundle(FILES)
        with pytest.raises(Unavailable, match=r"Read-only file system.*--state"):
            Workspace.open(disk / "policies")
        with pytest.raises(UsageError, match="cannot be written"):
            Workspace.open(disk / "policies", state=tmp_path / "state")
