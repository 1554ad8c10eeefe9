"""What a person agreed to lies outside of every project, is bound to what it was about, and is nobody else's."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyloop import agreed, outside
from policyloop.agreed import CONFIGURATION, KINDS, SPEC

DIGEST = "d" * 64


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def agree(folder: Path, kind: str = SPEC, digest: str = DIGEST) -> agreed.Agreed:
    return agreed.agree(kind, str(folder), digest, by="ann", at="2026-01-01T00:00:00+00:00")


def kept() -> list[Path]:
    return sorted(Path(outside.home()).rglob("*.json"))


def test_it_is_kept_and_its_owners_alone(tmp_path: Path, state: Path) -> None:
    assert agreed.agreed(SPEC, str(tmp_path), DIGEST) is None
    entry = agree(tmp_path)
    assert agreed.agreed(SPEC, str(tmp_path), DIGEST) == entry
    for path in (*kept(), state / "policyloop", state / "policyloop/agreed", state / "policyloop/agreed/spec"):
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077, path


@pytest.mark.sweep
@given(st.sampled_from(KINDS), st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_it_holds_for_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, digest: str, other: str
) -> None:
    folder = tmp_path_factory.mktemp("project")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    agree(folder, kind, digest)
    assert agreed.agreed(kind, str(folder), digest)
    assert not agreed.agreed(kind, str(folder), digest + other)
    assert not agreed.agreed(kind, str(folder / "copy"), digest)
    assert not any(agreed.agreed(name, str(folder), digest) for name in KINDS if name != kind)


def test_a_file_moved_to_another_name_is_no_agreement(tmp_path: Path) -> None:
    agree(tmp_path)
    agree(tmp_path, digest="e" * 64)
    mine, other = kept()
    mine.write_bytes(other.read_bytes())
    found = [agreed.agreed(SPEC, str(tmp_path), digest) for digest in (DIGEST, "e" * 64)]
    assert found.count(None) == 1


def test_a_link_to_the_project_is_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "link").symlink_to(project)
    agree(tmp_path / "link")
    assert agreed.agreed(SPEC, str(project), DIGEST)


LOOSENED = {
    "others may write the file": lambda file: file.chmod(0o666),
    "others may write the kind's folder": lambda file: file.parent.chmod(0o777),
    "others may write the folder": lambda file: file.parent.parent.chmod(0o770),
    "others may write the home": lambda file: file.parent.parent.parent.chmod(0o777),
    "it is a link": lambda file: (file.rename(file.with_suffix(".x")), file.symlink_to(file.with_suffix(".x"))),
    "it is a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "its folder is a link": lambda file: (
        file.parent.rename(file.parent.parent / "x"),
        file.parent.symlink_to(file.parent.parent / "x"),
    ),
}


@pytest.mark.parametrize("loosened", LOOSENED)
def test_what_others_can_write_is_not_believed(tmp_path: Path, loosened: str) -> None:
    agree(tmp_path)
    LOOSENED[loosened](kept()[0])
    with pytest.raises(outside.NotOurs):
        agreed.agreed(SPEC, str(tmp_path), DIGEST)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_users_file_is_not_believed(tmp_path: Path) -> None:
    agree(tmp_path)
    os.chown(kept()[0], 65534, 65534)
    with pytest.raises(outside.NotOurs):
        agreed.agreed(SPEC, str(tmp_path), DIGEST)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": 1}', "null"])
def test_what_is_no_agreement_agrees_to_nothing(tmp_path: Path, text: str) -> None:
    agree(tmp_path)
    kept()[0].write_text(text)
    assert agreed.agreed(SPEC, str(tmp_path), DIGEST) is None


@pytest.mark.sweep
def test_kills_leave_one_draft_at_most_and_no_half_agreement(tmp_path: Path, state: Path) -> None:
    script = (
        "import sys\nfrom policyloop import agreed\n"
        "for n in range(10_000):\n"
        f" agreed.agree('configuration', {str(tmp_path)!r}, str(n), by='x' * 4000, at='')\n print(n, flush=True)\n"
    )
    for round_ in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
        )
        assert child.stdout
        for _ in range(1 + round_ * 3):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        names = [path.name for path in (state / "policyloop/agreed/configuration").iterdir()]
        assert len([name for name in names if not name.endswith(".json")]) <= 1
        for number in range(len(names) - 1):
            assert agreed.agreed(CONFIGURATION, str(tmp_path), str(number))
    agree(tmp_path, CONFIGURATION)
    assert all(path.suffix == ".json" for path in (state / "policyloop/agreed/configuration").iterdir())


def test_it_is_cheap_to_import() -> None:
    script = "import sys; import policyloop.agreed; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    heavy = {"pathlib", "tempfile", "hashlib", "pydantic", "yaml", "typing_extensions", "subprocess", "dataclasses"}
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not heavy & (set(done.stdout.split()) - set(plain.stdout.split()))
