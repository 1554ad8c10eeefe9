"""The directory is read completely, or one sentence says why not; nothing outside it is ever read."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import as_anyone
from policyloop.bundle import Bundle, EditRejected, Write
from policyloop.errors import Exit, PersonNeeded, UsageError
from policyloop.workspace import Workspace, read_bundle
from policyloop.workspace.read import MAX_FILE_BYTES


def refused(directory: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_bundle(directory)
    assert error.value.exit_code == Exit.USAGE
    text = str(error.value)
    assert text.isprintable()
    assert error.value.hint
    return text


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    directory = tmp_path / "policies"
    directory.mkdir()
    return directory


def test_what_the_compiler_reads_is_read_and_nothing_else(policies: Path) -> None:
    there = {
        "a.yaml": "a: 1\r\n",
        "sub/b.yml": "\ufeffb",
        "c_test.json": "{}",
        "testdata/principals.yaml": "",
        "_schemas/x/y.json": "{}",
        ".hidden/d_test.yaml": "no line feed",
        "a b/new\nline é😀.yaml": "\0",
    }
    not_read = {"README.md": "x", ".git/x_test.yaml": "x", ".policyloop/runs/x.yaml": "x", ".hidden/e.yaml": "x"}
    for path, text in {**there, **not_read}.items():
        file = policies / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    assert dict(read_bundle(policies).files) == there


def test_an_empty_directory_is_an_empty_bundle(policies: Path) -> None:
    assert len(read_bundle(policies)) == 0


def test_the_directory_itself_may_be_a_link(policies: Path, tmp_path: Path) -> None:
    (policies / "a.yaml").write_text("a")
    (tmp_path / "link").symlink_to(policies)
    assert list(read_bundle(tmp_path / "link")) == ["a.yaml"]


def test_no_directory(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nowhere")
    (tmp_path / "a.yaml").write_text("")
    assert "is not a directory" in refused(tmp_path / "a.yaml")
    assert "is not a directory" in refused(tmp_path / "a.yaml" / "b")
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be opened" in refused(tmp_path / "loop")


def test_links_are_not_followed(policies: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("secret")
    for name, target in [("a.yaml", outside / "secret.yaml"), ("gone.json", outside / "nothing"), ("folder", outside)]:
        link = policies / name
        link.symlink_to(target)
        text = refused(policies)
        assert f"policies/{name} is a symbolic link" in text
        link.unlink()
    (policies / "README.md").symlink_to(outside / "secret.yaml")
    (policies / "dangling").symlink_to(outside / "nothing")
    assert len(read_bundle(policies)) == 0


@pytest.mark.parametrize("what", ["fifo", "socket"])
def test_what_is_no_file_is_refused(policies: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if what == "fifo":
        os.mkfifo(policies / "x.yaml")
    else:
        monkeypatch.chdir(policies)
        socket.socket(socket.AF_UNIX).bind("x.yaml")
    assert "x.yaml is a device, a fifo or a socket" in refused(policies)
    (policies / "x.yaml").rename(policies / "x.sock")
    assert len(read_bundle(policies)) == 0


def test_text_that_is_not_utf8_is_named_with_its_place(policies: Path) -> None:
    (policies / "a.yaml").write_bytes(b"name: caf\xe9\n")
    assert "a.yaml is not UTF-8: byte 0xe9 at offset 9" in refused(policies)


def test_a_name_that_is_not_utf8(policies: Path) -> None:
    (policies / os.fsdecode(b"README\xff.md")).write_text("")
    assert len(read_bundle(policies)) == 0
    (policies / os.fsdecode(b"caf\xe9.yaml")).write_text("")
    assert r"'caf\udce9.yaml' is not UTF-8" in refused(policies)


def test_a_file_too_large(policies: Path) -> None:
    with (policies / "a.yaml").open("wb") as file:
        file.truncate(MAX_FILE_BYTES)
    assert len(read_bundle(policies)["a.yaml"]) == MAX_FILE_BYTES
    with (policies / "a.yaml").open("wb") as file:
        file.truncate(50 * 1_048_576)
    assert "52,428,800 bytes; at most 8 MiB" in refused(policies)


def test_too_much_in_all(policies: Path) -> None:
    for number in range(17):
        with (policies / f"{number}.yaml").open("wb") as file:
            file.truncate(MAX_FILE_BYTES)
    assert "more than 128 MiB" in refused(policies)


def test_too_many_files(policies: Path) -> None:
    (policies / "0.yaml").write_text("")
    for number in range(1, 20_001):
        os.link(policies / "0.yaml", policies / f"{number}.yaml")
    assert "more than 20,000 policy files" in refused(policies)
    (policies / "0.yaml").unlink()
    assert len(read_bundle(policies)) == 20_000


def test_too_deep(policies: Path) -> None:
    below = policies
    for _ in range(65):
        below /= "d"
    below.mkdir(parents=True)
    assert "deeper than 64 folders" in refused(policies)


@pytest.mark.parametrize("mark", ["a file", "a link", "a link to nowhere", "a folder"])
def test_a_write_back_that_is_not_finished_is_not_read(policies: Path, mark: str) -> None:
    place = policies / ".policyloop-writeback"
    if mark == "a file":
        place.write_text("/nowhere")
    elif mark == "a folder":
        place.mkdir()
    else:
        place.symlink_to(policies if mark == "a link" else "nowhere")
    with pytest.raises(PersonNeeded, match=r"goes on, or was interrupted") as held:
        read_bundle(policies)
    assert held.value.next[0].command.startswith("policyloop recover ")


@pytest.mark.parametrize(
    "name", ["policyloop.yaml", "sub/policyloop.spec.yaml", "a/b/POLICYLOOP.YAML", "sub/.policyloop-writeback"]
)
def test_a_name_of_our_own_is_no_policy(policies: Path, name: str) -> None:
    (policies / name).parent.mkdir(parents=True, exist_ok=True)
    (policies / name).write_text("{}")
    assert "name of policyloop's own" in refused(policies)
    with pytest.raises(EditRejected, match=r"out of reach|hidden|Cerbos does not read|files only"):
        Bundle({}).apply([Write(name, "{}")])


@given(depth=st.integers(1, 80), name=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.@+ -]{0,12}[a-z0-9]", fullmatch=True))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_may_be_written_is_read_again(depth: int, name: str, tmp_path: Path) -> None:
    path = f"{'d/' * depth}{name}.yaml"
    try:
        bundle = Bundle({}).apply([Write(path, "x")])
    except EditRejected:
        return
    place = Path(tempfile.mkdtemp(dir=tmp_path)) / "policies"
    place.mkdir()
    with Workspace.open(place, state=tmp_path / "state") as workspace:
        workspace.write_back(bundle)
    assert read_bundle(place) == bundle


def test_what_may_not_be_read(policies: Path) -> None:
    (policies / "a.yaml").write_text("")
    script = "import sys; from pathlib import Path; from policyloop.workspace import read_bundle\n"
    script += "try: print(read_bundle(Path(sys.argv[1])))\nexcept Exception as e: print(type(e).__name__, e)"
    for path, mode, told in [
        (policies / "a.yaml", 0, "policies/a.yaml cannot be read: Permission denied. Check its permissions."),
        (policies, 0o111, "cannot be opened: Permission denied"),
    ]:
        before = path.stat().st_mode
        path.chmod(mode)
        done = subprocess.run(
            [*as_anyone.python(), "-c", script, str(policies)], capture_output=True, text=True, check=True, cwd="/"
        )
        path.chmod(before)
        assert done.stdout.startswith("UsageError")
        assert told in done.stdout


SWAPPED = """
import os, sys
from pathlib import Path
from policyloop.errors import UsageError
from policyloop.workspace import read_bundle

policies, outside, name = sys.argv[1:]

def swap(event, arguments):
    # The moment before the file or folder is opened, after it was seen to be one.
    if event == "open" and arguments[0] == name:
        os.rename(f"{policies}/{name}", f"{policies}/aside")
        os.symlink(f"{outside}/{name}", f"{policies}/{name}")

sys.addaudithook(swap)
try:
    print(dict(read_bundle(Path(policies)).files))
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.yaml", "folder"])
def test_a_file_or_folder_swapped_for_a_link_is_not_read(policies: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    for base, text in [(policies, "inside"), (outside, "SECRET")]:
        (base / "folder").mkdir(parents=True)
        (base / "a.yaml").write_text(text)
        (base / "folder" / "b.yaml").write_text(text)
    command = [sys.executable, "-c", SWAPPED, str(policies), str(outside), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{policies}/{name} changed while it was read. Try again when nothing writes to it."


@pytest.mark.parametrize("moment", ["fstat", "read"])
def test_a_file_that_changes_while_it_is_read(policies: Path, moment: str) -> None:
    (policies / "a.yaml").write_text("x" * 100)

    def grow(frame: object, event: str, arg: object) -> None:
        if event == "c_return" and getattr(arg, "__name__", "") == moment:
            sys.setprofile(None)
            with (policies / "a.yaml").open("a") as file:
                file.write("more")

    sys.setprofile(grow)
    try:
        with pytest.raises(UsageError, match=r"a\.yaml changed while it was read"):
            read_bundle(policies)
    finally:
        sys.setprofile(None)


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)


@given(files=st.dictionaries(names, st.text(max_size=50), max_size=4))
@settings(max_examples=50, deadline=None)
def test_any_text_under_any_name_comes_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> None:
    directory = tmp_path_factory.mktemp("policies")
    for name, text in files.items():
        (directory / f"x{name}.yaml").write_bytes(text.encode())
    assert dict(read_bundle(directory).files) == {f"x{name}.yaml": text for name, text in files.items()}


FOLDERS = st.lists(st.sampled_from(["a", "A", "b", "B", "ss", "a.yaml", "A.yaml"]), max_size=3)
NAMES = st.sampled_from(["a", "A", "b"])


@given(paths=st.lists(st.tuples(FOLDERS, NAMES), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_may_be_written_lies_alike_where_capitals_are_not_told_apart(paths: list[tuple[list[str], str]]) -> None:
    bundle = Bundle({})
    for folders, name in paths:
        try:
            bundle = bundle.apply([Write("/".join([*folders, f"{name}.yaml"]), "x")])
        except EditRejected:
            continue
    places = {"/".join(path.split("/")[:n]) for path in bundle for n in range(1, path.count("/") + 2)}
    assert len({place.casefold() for place in places}) == len(places)
