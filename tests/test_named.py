"""A file that a person named is written whole or not at all, never through a link, and never over a policy."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from policyloop.errors import Unavailable, UsageError
from policyloop.workspace.named import write_named, write_page


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")
    (tmp_path / "page.html").symlink_to(target)
    (tmp_path / "new.html").symlink_to(tmp_path / "not-there")
    for name in ("page.html", "new.html"):
        with pytest.raises(UsageError, match="is a link"):
            write_named(tmp_path / name, "new", "--html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.txt", "new.html", "page.html"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["doc.yaml", "doc.YML", "new.yaml", "s.json", "ledger.jsonl", "ledger.jsonl.head"])
def test_a_page_is_never_called_like_a_policy(tmp_path: Path, name: str) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "policies")
    with pytest.raises(UsageError, match="no name for a page"):
        write_page(tmp_path / "out" / name, "new", "--html")
    assert not list((tmp_path / "policies").iterdir())


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_files_are_written(tmp_path: Path, make: object) -> None:
    make(tmp_path / "page.html")  # type: ignore[operator]
    with pytest.raises(UsageError, match=r"is a directory|is no file"):
        write_page(tmp_path / "page.html", "new", "--html")


def test_a_full_disk_keeps_the_old_page_and_leaves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            write_page(page, "x" * 5000, "--html")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_what_is_new_overwrites_nothing_and_a_mode_is_kept(tmp_path: Path) -> None:
    suite, page = tmp_path / "a_test.yaml", tmp_path / "page.html"
    write_named(suite, "one", "--write", new=True)
    with pytest.raises(UsageError, match="exists already"):
        write_named(suite, "two", "--write", new=True)
    assert suite.read_text() == "one"
    page.write_text("old")
    page.chmod(0o604)
    os.link(page, tmp_path / "other")
    write_page(page, "new", "--html")
    assert page.stat().st_mode & 0o777 == 0o604
    assert (tmp_path / "other").read_text() == "old"


LOOP = """
import sys
from pathlib import Path
from policyloop.workspace.named import write_named
size = 300_000
for turn in range(10_000):
    path = Path(sys.argv[1]) / ("page.html" if turn % 2 else f"{turn}_test.yaml")
    write_named(path, chr(97 + turn % 26) * size, "--html", new=not turn % 2)
    print(turn, flush=True)
"""


def test_a_kill_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    for turn in range(12):
        place = tmp_path / str(turn)
        place.mkdir()
        child = subprocess.Popen([sys.executable, "-c", LOOP, str(place)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.0137 * turn)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        files = [path for path in place.iterdir() if not path.name.startswith(".")]
        assert files
        for path in files:
            text = path.read_text()
            assert len(text) == 300_000
            assert len(set(text)) == 1
        write_page(place / "page.html", "after", "--html")
        parts = [path.name for path in place.iterdir() if path.name == ".page.html.policyloop-part"]
        assert not parts
