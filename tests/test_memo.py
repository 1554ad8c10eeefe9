"""A note in the cache that others could have written is none: another program is not the pinned compiler by it."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policyloop.errors import Unavailable
from policyloop.validators.identity import identify
from policyloop.validators.memo import recall, remember

PINNED = "0" * 64


def _open_note(note: Path) -> None:
    note.chmod(0o666)


def _open_folder(note: Path) -> None:
    note.parent.chmod(0o777)


def _linked(note: Path) -> None:
    note.rename(note.with_name("elsewhere"))
    note.symlink_to("elsewhere")


def _given_away(note: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    os.chown(note, 12345, 12345)


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    binary = tmp_path / "cerbos"
    shutil.copy(shutil.which("true") or "/bin/true", binary)
    return binary


def _note(binary: Path) -> Path:
    status = binary.stat()
    state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    remember(str(binary), state, {"sha256": PINNED, "version": "0.55.0"})
    name = hashlib.sha256(str(binary).encode()).hexdigest()[:16]
    return Path(os.environ["XDG_CACHE_HOME"]) / "policyloop" / f"identity-{name}.json"


@pytest.mark.parametrize("spoil", [_open_note, _open_folder, _linked, _given_away])
def test_a_note_of_others_says_nothing(binary: Path, spoil: Callable[[Path], None]) -> None:
    note = _note(binary)
    assert identify(binary, expected=PINNED).version == "0.55.0", "a note of this user's own is believed: it saves time"
    spoil(note)
    with pytest.raises(Unavailable, match="is not the Cerbos that is pinned"):
        identify(binary, expected=PINNED)


def test_a_note_from_another_machine_says_nothing(binary: Path) -> None:
    note = _note(binary)
    held = json.loads(note.read_text())
    binary.touch()  # laid out anew: another time of its last change, which nobody chooses
    assert recall(str(binary), f"{held['state']}0") == {}
    with pytest.raises(Unavailable, match="is not the Cerbos that is pinned"):
        identify(binary, expected=PINNED)
