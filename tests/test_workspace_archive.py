"""Archives and mounted ConfigMaps are read as the real compiler reads them, by commands that only look."""

import gzip
import io
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import DOCS, lay, policyloop
from policyloop.errors import UsageError
from policyloop.validators.install import install
from policyloop.validators.pinned import VERSION
from policyloop.workspace import Workspace, read_baseline, read_bundle

Entry = tuple[str, bytes | str | None]
"""A name, and what it holds: bytes, where a link leads, or None for a folder."""
KINDS = ("zip", "tar", "tar.gz", "tgz")


def packed(path: Path, entries: list[Entry]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, held in entries:
                info = zipfile.ZipInfo(name if held is not None else f"{name}/")
                mode = stat.S_IFLNK if isinstance(held, str) else stat.S_IFREG if held is not None else stat.S_IFDIR
                info.external_attr = (mode | 0o755) << 16
                archive.writestr(info, held or b"", zipfile.ZIP_DEFLATED)
        return path
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, held in entries:
            member = tarfile.TarInfo(name)
            if isinstance(held, bytes):
                member.size = len(held)
                archive.addfile(member, io.BytesIO(held))
            else:
                member.type, member.linkname = (tarfile.SYMTYPE, held) if held else (tarfile.DIRTYPE, "")
                archive.addfile(member)
    return path


def docs() -> list[Entry]:
    return [(path, text.encode()) for path, text in DOCS.items()]


def cerbos() -> str:
    return str(install(VERSION).path)


def mounted(folder: Path, files: dict[str, str]) -> Path:
    """As Kubernetes mounts a ConfigMap."""
    lay(files, folder / "..2026_01_01_00_00_00.1")
    (folder / "..data").symlink_to("..2026_01_01_00_00_00.1")
    for name in files:
        (folder / name).symlink_to(f"..data/{name}")
    return folder


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_bundle(path)
    return str(error.value)


@pytest.mark.compiler
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_real_compiler_reads_is_read(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"policies.{kind}", docs())
    folder = lay(DOCS, tmp_path / "policies")
    assert read_bundle(archive) == read_bundle(folder) == read_baseline(str(archive), folder)
    codes = {
        subprocess.run([cerbos(), "compile", place], capture_output=True, check=False).returncode
        for place in (archive, folder)
    }
    ours = {policyloop("check", place, "--runner", "native").code for place in (archive, folder)}
    assert len(codes) == len(ours) == 1
    kept = policyloop("guard", f"./{archive.name}", "policies", cwd=tmp_path)
    assert kept.code == 0, kept.err


@pytest.mark.compiler
@pytest.mark.parametrize("kind", ["gz", "ZIP", "tar.bz2"])
def test_what_the_real_compiler_does_not_take_for_an_archive(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / "p.tgz", docs()).rename(tmp_path / f"p.{kind}")
    assert subprocess.run([cerbos(), "compile", archive], capture_output=True, check=False).returncode
    assert "is not a directory" in refused(archive)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (("../out.yaml", b"x"), "leads out of it"),
        (("a/../../out.yaml", b"x"), "leads out of it"),
        (("/etc/out.yaml", b"x"), "leads out of it"),
        (("a//b.yaml", b"x"), "leads out of it"),
        (("link.yaml", "/etc/passwd"), "is a link or a device"),
        (("folder", ".."), "is a link or a device"),
        (("doc.yaml/below.yaml", b"x"), "a file has too"),
        (("doc.yaml", b"other"), "stands there twice"),
        (("./doc.yaml", b"other"), "stands there twice"),
        (("sub/policyloop.yaml", b"x"), "name of policyloop's own"),
        (("d/" * 70 + "a.yaml", b"x"), "deeper than 64 folders"),
        (("bad.yaml", b"\xff"), "is not UTF-8"),
        (("large.yaml", b"#" * (8 * 1_048_576 + 1)), "at most 8 MiB are read"),
    ],
)
def test_what_nobody_would_expect_is_refused(kind: str, entry: Entry, told: str, tmp_path: Path) -> None:
    assert told in refused(packed(tmp_path / f"p.{kind}", [*docs(), entry]))


@pytest.mark.sweep
def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    many = [(f"{n}.yaml", b"#" * 8_000_000) for n in range(20)]
    assert "128 MiB of policies" in refused(packed(tmp_path / "p.zip", many))
    member = tarfile.TarInfo("zeros.bin")
    member.size = 1 << 40
    with gzip.open(tmp_path / "p.tgz", "wb", compresslevel=1) as out:
        out.write(member.tobuf())
        for _ in range(520):
            out.write(bytes(1 << 20))
    assert "unpacked" in refused(tmp_path / "p.tgz")


@given(cut=st.integers(0, 600), flip=st.integers(0, 600), kind=st.sampled_from(KINDS))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spoilt_archive_is_a_sentence(cut: int, flip: int, kind: str, tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / f"p.{kind}", docs()).read_bytes())
    data[flip % len(data)] ^= 0x55
    spoilt = tmp_path / f"spoilt.{kind}"
    spoilt.write_bytes(data[: len(data) - cut % len(data)])
    told = ""
    try:
        read_bundle(spoilt)
    except UsageError as error:
        told = str(error)
    assert not told or told.isprintable()


@pytest.mark.compiler
def test_a_mounted_config_map_is_read_as_the_real_compiler_reads_it(tmp_path: Path) -> None:
    flat = {path.replace("/", "-"): text for path, text in DOCS.items()}
    policies = mounted(tmp_path / "policies", flat)
    assert dict(read_bundle(policies).files) == flat
    compiled = subprocess.run([cerbos(), "compile", policies], capture_output=True, check=False)
    plain = subprocess.run([cerbos(), "compile", lay(flat, tmp_path / "plain")], capture_output=True, check=False)
    assert compiled.returncode == plain.returncode
    done = policyloop("run", "--policies", policies, "--runner", "native", "--model-command", "false")
    assert done.code == 2
    assert "mounted by Kubernetes" in done.err


def test_no_other_link_is_followed(tmp_path: Path) -> None:
    for number, (name, target) in enumerate(
        [("x.yaml", "/etc/hostname"), ("x.yaml", "..data/doc.yaml"), ("sub", "..data/sub"), ("x.yaml", "../y.yaml")]
    ):
        policies = mounted(tmp_path / str(number), {"doc.yaml": "a"})
        (policies / "..2026_01_01_00_00_00.1" / "sub").mkdir()
        (policies / name).symlink_to(target)
        assert f"{name} is a symbolic link" in refused(policies)
    for number, target in enumerate(["/etc", "../aside", "plain", "..gone"]):
        policies = lay({"plain/doc.yaml": "a"}, tmp_path / f"data{number}")
        (policies / "..data").symlink_to(target)
        (policies / "doc.yaml").symlink_to("..data/doc.yaml")
        with pytest.raises(UsageError):
            read_bundle(policies)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_to_an_archive(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"p.{kind}", docs())
    with pytest.raises(UsageError, match=r"is an archive: it can be looked at.*Unpack it"):
        Workspace.open(archive)
