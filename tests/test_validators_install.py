"""Getting the pinned compiler, and telling what is here."""

import json
import os
import shutil
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from policyloop.cerbos.run import Runner
from policyloop.errors import Unavailable
from policyloop.validators.install import ensure, install
from policyloop.validators.pinned import IMAGE, VERSION, cache_directory, cached_binary, npm_package
from policyloop.validators.probe import Diagnosis, Found, probe
from policyloop.validators.select import open_native

REAL = cached_binary(VERSION)
ENGINE = os.environ.get("DOCKER_HOST")


@pytest.fixture(autouse=True)
def fresh_cache(cerbos: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and no engine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    monkeypatch.delenv("POLICYLOOP_CERBOS", raising=False)
    return cache_directory()


@pytest.fixture
def engine(docker_cerbos: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is there after all."""
    if ENGINE is None:
        monkeypatch.delenv("DOCKER_HOST")
    else:
        monkeypatch.setenv("DOCKER_HOST", ENGINE)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, body: str) -> None:
    path.write_text(f"#!{sys.executable}\nimport os, sys\n{textwrap.dedent(body)}")
    path.chmod(0o755)


def bringing(binary: str) -> str:
    """An npm that brings a binary with this source text."""
    return f"""
        folder = sys.argv[sys.argv.index("--prefix") + 1]
        name = sys.argv[-1].rpartition("@")[0].removeprefix("@cerbos/")
        place = os.path.join(folder, "node_modules", "@cerbos", name)
        os.makedirs(place)
        open(os.path.join(place, name), "w").write({binary!r})
    """


def test_the_real_binary_comes_through_npm_once(fresh_cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(install, [VERSION, VERSION]))
    assert {one.path for one in both} == {cached_binary(VERSION)}
    assert any(one.fresh for one in both)
    assert install(VERSION).fresh is False
    assert both[0].identity.version == VERSION
    assert [path.name for path in cached_binary(VERSION).parent.iterdir()] == ["cerbos"]
    assert open_native(VERSION, 60).info.digest == f"sha256:{both[0].identity.sha256}"


def test_a_damaged_binary_in_the_cache_is_refused_and_replaced(fresh_cache: Path) -> None:
    target = cached_binary(VERSION)
    target.parent.mkdir(parents=True)
    shutil.copyfile(REAL, target)
    target.chmod(0o755)
    with target.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(Unavailable, match=r"is not the Cerbos that is pinned"):
        open_native(VERSION, 60)
    assert install(VERSION).fresh is True
    assert open_native(VERSION, 60).info.version == VERSION


def test_without_npm_it_says_so(fresh_cache: Path, tools: Path) -> None:
    with pytest.raises(Unavailable, match=r"npm is not here.*Install Node\.js"):
        install(VERSION)
    assert not cached_binary(VERSION).exists()


def test_a_registry_out_of_reach_is_one_sentence(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(fresh_cache / "npm"))
    with pytest.raises(Unavailable, match=r"npm cannot reach its registry to get @cerbos/cerbos-\S+ \(ECONNREFUSED\)"):
        install(VERSION)


@pytest.mark.parametrize(
    ("npm", "sentence"),
    [
        ("sys.exit(1)", r"npm could not get \S+ \(exit code 1\)"),
        ("print('npm error code E404', file=sys.stderr); sys.exit(1)", "npm's registry has no"),
        ("print('npm ERR! code EACCES', file=sys.stderr); sys.exit(243)", r"could not get \S+ \(EACCES\)"),
        ("pass", "does not hold the binary"),
        (bringing("#!/bin/sh\necho 0.55.0\n"), r"npm brought a Cerbos 0\.55\.0 with SHA-256 \w+; pinned is"),
    ],
    ids=["fails", "not found", "old words", "nothing in it", "another binary"],
)
def test_what_npm_does_wrong_is_one_sentence(fresh_cache: Path, tools: Path, npm: str, sentence: str) -> None:
    program(tools / "npm", npm)
    with pytest.raises(Unavailable, match=sentence):
        install(VERSION)
    assert not cached_binary(VERSION).exists()


def test_a_binary_that_is_not_the_pinned_one_is_never_run(fresh_cache: Path, tools: Path, tmp_path: Path) -> None:
    program(tools / "npm", bringing(f"#!/bin/sh\n: > {tmp_path}/ran\necho 0.55.0\n"))
    with pytest.raises(Unavailable, match="npm brought"):
        install(VERSION)
    assert not (tmp_path / "ran").exists()


def test_another_version_than_asked_for_is_not_installed(fresh_cache: Path, tools: Path) -> None:
    program(tools / "npm", bringing("#!/bin/sh\necho 0.51.0\n"))
    with pytest.raises(Unavailable, match=r"npm brought Cerbos 0\.51\.0, not the pinned 0\.54\.0"):
        install("0.54.0")


@pytest.mark.parametrize("where", ["variable", "path", "cache"])
def test_the_binary_is_found_where_it_may_be(
    fresh_cache: Path, tools: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "variable":
        monkeypatch.setenv("POLICYLOOP_CERBOS", str(REAL))
    elif where == "path":
        (tools / "cerbos").symlink_to(REAL)
    else:
        cached_binary(VERSION).parent.mkdir(parents=True)
        cached_binary(VERSION).symlink_to(REAL)
    assert open_native(VERSION, 60).info.version == VERSION


def test_a_binary_on_path_of_another_version_is_not_taken(fresh_cache: Path, tools: Path) -> None:
    program(tools / "cerbos", "print('0.51.0')")
    with pytest.raises(Unavailable, match=r"no Cerbos 0\.55\.0 binary at .*cerbos is not the Cerbos that is pinned"):
        open_native(VERSION, 60)


def test_a_named_binary_is_the_only_one_looked_at(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYLOOP_CERBOS", "/nowhere/cerbos")
    with pytest.raises(Unavailable, match="/nowhere/cerbos cannot be read"):
        open_native(VERSION, 60)


def test_ensure_is_content_with_one_runner(fresh_cache: Path) -> None:
    assert "is now at" in ensure(VERSION, IMAGE, "auto")
    assert "is already at" in ensure(VERSION, IMAGE, "auto")
    with pytest.raises(Unavailable, match="No Docker engine answers"):
        ensure(VERSION, IMAGE, "docker")


def test_ensure_with_neither_says_both_reasons(fresh_cache: Path, tools: Path) -> None:
    with pytest.raises(Unavailable, match=r"docker: No Docker engine answers .* native: npm is not here"):
        ensure(VERSION, IMAGE, "auto")


@pytest.mark.docker
def test_ensure_takes_the_engine_that_has_the_image(docker_cerbos: Runner, engine: None) -> None:
    assert f"already has {IMAGE} ({docker_cerbos.info.digest})" in ensure(VERSION, IMAGE, "auto")


@pytest.mark.docker
def test_an_image_that_cannot_be_pulled_is_one_sentence(engine: None) -> None:
    with pytest.raises(Unavailable, match=r"cannot pull 127\.0\.0\.1:9/cerbos:0\.0\.1: ") as caught:
        ensure(VERSION, "127.0.0.1:9/cerbos:0.0.1", "docker")
    assert "\n" not in str(caught.value)


def states(diagnosis: Diagnosis) -> dict[str, str]:
    return {found.name: found.state for found in diagnosis.found}


def named(diagnosis: Diagnosis, name: str) -> Found:
    return next(found for found in diagnosis.found if found.name == name)


def test_probe_of_a_bare_machine(fresh_cache: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    diagnosis = probe(VERSION, IMAGE)
    assert states(diagnosis) == {
        "python": "ok",
        "git": "missing",
        "npm": "missing",
        "native compiler": "missing",
        "docker engine": "missing",
        "image": "missing",
        "model key": "missing",
    }
    assert not diagnosis.usable
    assert all(found.hint for found in diagnosis.found if found.state != "ok" and found.name != "image")


def test_probe_with_a_binary_is_usable(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYLOOP_CERBOS", str(REAL))
    diagnosis = probe(VERSION, IMAGE)
    assert diagnosis.usable
    assert "as pinned" in named(diagnosis, "native compiler").detail


def test_probe_tells_broken_from_missing(fresh_cache: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tools / "npm", "sys.exit(3)")
    program(tools / "cerbos-old", "print('0.51.0')")
    monkeypatch.setenv("POLICYLOOP_CERBOS", str(tools / "cerbos-old"))
    monkeypatch.setenv("DOCKER_HOST", "nonsense")
    found = states(probe(VERSION, IMAGE))
    assert [found[name] for name in ("npm", "native compiler", "docker engine")] == ["broken"] * 3


@pytest.mark.docker
def test_probe_with_an_engine_is_usable(docker_cerbos: Runner, engine: None) -> None:
    diagnosis = probe(VERSION, IMAGE)
    assert diagnosis.usable
    assert docker_cerbos.info.digest in named(diagnosis, "image").detail
    assert named(probe(VERSION, f"{IMAGE}-absent"), "image").state == "missing"
    assert named(probe("0.56.0", IMAGE), "image").state == "broken"


def test_probe_tells_of_a_key_but_never_the_key(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-very-secret")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://user:pass-word@models.example:8443/v1?token=hidden")
    diagnosis = probe(VERSION, IMAGE)
    assert named(diagnosis, "model key") == Found("model key", "ok", "ANTHROPIC_API_KEY is set, for models.example")
    shown = json.dumps([str(found) for found in diagnosis.found])
    assert not any(secret in shown for secret in ("very-secret", "pass-word", "hidden"))


def test_probe_changes_nothing(fresh_cache: Path, tools: Path) -> None:
    probe(VERSION, IMAGE)
    assert not fresh_cache.exists() or not any(path.is_dir() for path in fresh_cache.iterdir())


def test_the_package_is_that_of_this_machine() -> None:
    assert npm_package("1.2.3").startswith("@cerbos/cerbos-")
    assert npm_package("1.2.3").endswith("@1.2.3")
