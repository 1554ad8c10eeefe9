"""Many ways to write a place are one key; what cannot be told without a disk is not told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.places.keys import key, keys, whereabouts
from policyloop.places.resolved import resolved
from policyloop.places.sensitive import could_be, is_secret, starts_later
from policyloop.shell.marks import HOLE, QUEST, STAR, TILDE

LINUX, MAC, WINDOWS = whereabouts("/home/a/p"), whereabouts("/Users/a/p"), whereabouts(r"C:\Users\a\p")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("x", "/home/a/p/x"),
        ("./x/", "/home/a/p/x"),
        ("../../../..//etc/./x", "/etc/x"),
        ("/", "/"),
        ("//etc", "/etc"),
        (".", "/home/a/p"),
        ("/proc/self/root/etc/x", "/etc/x"),
        ("/proc/1/root/etc/x", "/etc/x"),
        ("/proc/self/cwd/x", "/home/a/p/x"),
        ("/proc/self/root/proc/self/root/x", "/x"),
        ("/dev/stdin", "/dev/fd/0"),
        ("/proc/self/fd/3", "/dev/fd/3"),
        ("/private/etc/x", "/etc/x"),
        ("/System/Volumes/Data/x", "/x"),
        (f"{TILDE}/x", "~/x"),
        (f"{TILDE}b/x", "~b/x"),
        (f"{HOLE}/x", f"{HOLE}/x"),
        (f"{HOLE}/../x", f"{HOLE}/x"),
        ("cafe\u0301", "/home/a/p/caf\u00e9"),
    ],
)
def test_of_linux_and_macos(path: str, place: str) -> None:
    assert key(path, LINUX) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("x", "C:/Users/a/p/x"),
        (r"..\x", "C:/Users/a/x"),
        (r"\x", "C:/x"),
        (r"c:\x\..\y", "C:/y"),
        ("C:x", "C:/Users/a/p/x"),
        (r"\\?\C:\x", "C:/x"),
        (r"\\.\C:\x", "C:/x"),
        (r"\\?\UNC\Box\s\x", "//box/s/x"),
        (r"\\localhost\c$\x", "C:/x"),
        ("x. .", "C:/Users/a/p/x"),
        ("file:stream", "C:/Users/a/p/file"),
        (r"C:\PROGRA~1\x", f"C:/PROGRA{STAR}/x"),
    ],
)
def test_of_windows(path: str, place: str) -> None:
    assert key(path, WINDOWS) == place


def test_a_home_directory_has_two_names_and_a_folding_volume_a_third() -> None:
    assert keys("/home/a/x", LINUX) == ("/home/a/x", "~/x")
    assert keys("/home/b/x", whereabouts("/home/a/p", "/home/a")) == ("/home/b/x",)
    assert keys(f"{TILDE}/X", whereabouts("/home/a/p", "/home/a")) == ("/home/a/X", "~/X")
    assert "/etc/x" in keys("/ETC/X", MAC)


def test_a_pattern_fits_what_it_could_stand_for() -> None:
    assert could_be(f"/w/.en{QUEST}") == ["/w/.env"]
    assert could_be(f"/e{STAR}") == ["/etc"]
    assert could_be(f"/w/{STAR}") == []
    assert not could_be(f"/w/{STAR}.py")


def test_names_of_secrets_and_of_what_starts_later() -> None:
    assert all(map(is_secret, ["/w/.env", "/w/.env.production", "~/.ssh/id_rsa", "/etc/shadow", "/w/a.PEM"]))
    assert not any(map(is_secret, ["/w/.env.example", "~/.ssh/id_rsa.pub", "/w/environment.py", "/w/keys.py"]))
    assert starts_later("~/.bashrc")
    assert not starts_later("/w/bashrc.md")


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.sampled_from(["a", "b", ".", "..", "", "etc", "proc", "self", "root", "private"]), max_size=8))
def test_a_key_is_its_own_key_and_holds_nothing_to_fold(parts: list[str]) -> None:
    place = key("/" + "/".join(parts), LINUX)
    assert key(place, LINUX) == place
    assert not {"", ".", ".."} & set(place[1:].split("/")) or place == "/"


def test_the_real_place_is_looked_for_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert resolved(f"{tmp_path}/link/new") == str((tmp_path / "real" / "new").resolve())
    assert resolved("~/x") is None
    assert resolved(f"/a/{STAR}") is None
