"""A diff does in `git apply` and `patch` what it says, for every name, line end and size."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.bundle import Bundle
from policyloop.diff import MAX_COMPARED

NAMES = [
    "a.yaml",
    "my file.yaml",
    "é😀.yaml",
    "new\nline.yaml",
    'q"uo\\te.yaml',
    "tab\there\x7f.yaml",
    "dir x/b c.yaml",
    " lead.yaml",
    "-dash.yaml",
    "x\r.yaml",
]
CHANGES: dict[str, tuple[str | None, str | None]] = {
    "changed": ("a\nb\nc\n", "a\nB\nc\n"),
    "no line feed at the end": ("a\nb", "a\nc"),
    "line feed added": ("a", "a\n"),
    "CRLF": ("a\r\nb\r\n", "a\r\nc\r\n"),
    "line ends changed": ("a\r\nb\n", "a\nb\r\n"),
    "new": (None, "x\ny\n"),
    "new, no line feed": (None, "x"),
    "new, CRLF": (None, "a\r\nb\r\n"),
    "gone": ("x\ny\n", None),
    "gone, no line feed": ("x", None),
    "emptied": ("x\n", ""),
    "filled": ("", "x\n"),
    "odd characters": ("a\rb\x0c\u2028c\n", "a\rb\x0c\u2028d\n"),
    "looks like a header": ("-- a\n++ b\n", "-- b\n++ c\n"),
}
# GNU patch neither makes nor removes a file that is empty.
EMPTY: dict[str, tuple[str | None, str | None]] = {"new, empty": (None, ""), "gone, empty": ("", None)}


def lay_out(directory: Path, bundle: Bundle) -> None:
    for path, text in bundle.files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def what_is_in(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_bytes().decode() for p in directory.rglob("*") if p.is_file()}


def bundles(changes: dict[str, tuple[str | None, str | None]]) -> tuple[Bundle, Bundle]:
    """All changes to all names at once."""
    before, after = {"keep.yaml": "k\n"}, {"keep.yaml": "k\n"}
    for number, (old, new) in enumerate(changes.values()):
        for name in NAMES:
            path = f"{number}/{name}"
            if old is not None:
                before[path] = old
            if new is not None:
                after[path] = new
    return Bundle(before), Bundle(after)


@pytest.mark.parametrize("tool", ["git apply", "git apply --directory", "patch -p1"])
def test_tools_take_every_change_to_every_name(tmp_path: Path, tool: str) -> None:
    before, after = bundles(CHANGES if tool == "patch -p1" else {**CHANGES, **EMPTY})
    policies = tmp_path / "my policies"
    policies.mkdir()
    lay_out(policies, before)
    patch = tmp_path / "x.patch"
    patch.write_bytes(before.diff(after).encode())
    commands = {
        "git apply": (["git", "apply", str(patch)], policies),
        "git apply --directory": (["git", "apply", "--directory=my policies", str(patch)], tmp_path),
        "patch -p1": (["patch", "-p1", "-s", "-d", str(policies), "-i", str(patch)], tmp_path),
    }
    command, folder = commands[tool]
    if "--directory" in tool:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert what_is_in(policies) == dict(after.files)


line = st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "d"])
text = st.none() | st.lists(line, max_size=12).map("".join)


@given(
    before=st.dictionaries(st.sampled_from(["a.yaml", "b c.yaml"]), text),
    after=st.dictionaries(st.sampled_from(["a.yaml", "b c.yaml"]), text),
)
@settings(max_examples=40, deadline=None)
def test_git_takes_any_change(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str | None], after: dict[str, str | None]
) -> None:
    old = Bundle({k: v for k, v in before.items() if v is not None})
    new = Bundle({k: v for k, v in after.items() if v is not None})
    directory = tmp_path_factory.mktemp("policies")
    lay_out(directory, old)
    if old != new:
        subprocess.run(["git", "apply", "-"], cwd=directory, input=old.diff(new).encode(), check=True)
    assert what_is_in(directory) == dict(new.files)


HOSTILE = """
import resource, sys
from policyloop.bundle import Bundle

resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
size = int(sys.argv[1])
prefix = "".join(f"{i % 150}\\n" for i in range(size))
for old, new in [
    (prefix, "".join(f"{i * 7 % 150}\\n" for i in range(size))),
    (prefix + "x\\n", prefix + "y\\n"),
    ("".join(f"{i % 900}\\na{i}\\n" for i in range(size)), "".join(f"{i % 900}\\nb{i}\\n" for i in range(size))),
]:
    sys.stdout.write(Bundle({"a.yaml": old}).diff(Bundle({"a.yaml": new})))
"""


def test_a_text_made_to_be_slow_is_not(tmp_path: Path) -> None:
    # difflib alone takes more than an hour for these.
    done = subprocess.run([sys.executable, "-c", HOSTILE, "200000"], check=False, stdout=subprocess.DEVNULL)
    assert done.returncode == 0


def test_a_change_too_large_to_compare_still_applies(tmp_path: Path) -> None:
    size = int(MAX_COMPARED**0.5) + 1
    ends = "top\n" * 10, "bottom\n" * 10
    old = Bundle({"a.yaml": ends[0] + "".join(f"{i}\n" for i in range(size)) + ends[1]})
    new = Bundle({"a.yaml": ends[0] + "".join(f"{-i}!\n" for i in range(size)) + ends[1]})
    lay_out(tmp_path, old)
    diff = old.diff(new)
    assert diff.count("@@ -") == 1
    assert diff.count(" top\n") == 3
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)
    assert what_is_in(tmp_path) == dict(new.files)
