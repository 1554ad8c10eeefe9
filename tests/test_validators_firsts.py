"""What judges is what was meant: a tag, a version or a variable that comes to name another program is for a person."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import DOCS, Done, environment, lay, policyloop
from policyloop.cerbos.run import Runner
from policyloop.validators import pinned
from policyloop.validators.engine import connect
from policyloop.validators.pinned import IMAGE, VERSION, cached_binary, platform_name
from screen import Screen

REAL = cached_binary(VERSION)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay({f"policies/{path}": text for path, text in DOCS.items()}, tmp_path / "project")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def engine(docker_cerbos: Runner) -> Iterator[Any]:
    client = connect()
    yield client
    client.close()


@pytest.fixture
def tag(engine: Any) -> Iterator[str]:
    """A tag of this test's own, which stands for the pinned image."""
    name = f"policyloop-test-{os.getpid()}:{VERSION}"
    engine.tag(IMAGE, *name.split(":"))
    yield name
    engine.remove_image(name, noprune=True)


def another(engine: Any, tag: str) -> str:
    """Make the tag stand for another image, with the same Cerbos in it, as a pull may; its id."""
    made = engine.create_container(IMAGE)["Id"]
    try:
        changed = engine.commit(made, *tag.split(":"), message="another")
    finally:
        engine.remove_container(made)
    return str(changed["Id"])


def check(project: Path, state: Path, *arguments: str, **env: str) -> Done:
    return policyloop("check", "policies", *arguments, cwd=project, env={"XDG_STATE_HOME": str(state), **env})


@pytest.mark.docker
def test_another_image_under_the_same_tag_is_for_a_person(engine: Any, tag: str, project: Path, state: Path) -> None:
    docker = {"POLICYLOOP_CERBOS_IMAGE": tag, "POLICYLOOP_CERBOS_RUNNER": "docker"}
    first = check(project, state, **docker)
    assert first.code in {0, 4}, first.err
    changed = another(engine, tag)
    for more in (docker, {**docker, "POLICYLOOP_CERBOS_RUNNER": "auto"}):
        refused = check(project, state, **more)
        assert refused.code == 5, refused.out + refused.err
        assert f"The image {tag} is another one than before: it is {changed} now" in refused.err
        typed = f"policyloop agree --program 'image {tag}={changed}'"
        assert typed in refused.err.replace("\n", " ")
    diff = policyloop("diff", "./policies", "./policies", cwd=project, env={"XDG_STATE_HOME": str(state), **docker})
    assert diff.code == 5, diff.out + diff.err
    assert check(project, state, **docker, POLICYLOOP_AGREED=changed).code == first.code, "a pipeline names it"
    assert check(project, state, **docker, POLICYLOOP_AGREED=changed, CLAUDECODE="1").code == 5
    agree = ("agree", "--program", f"image {tag}={changed}")
    assert policyloop(*agree, cwd=project, env={"XDG_STATE_HOME": str(state)}).code == 5
    marked = {"XDG_STATE_HOME": str(state), "CLAUDECODE": "1"}
    assert policyloop(*agree, "--yes", cwd=project, env=marked).code == 5
    assert policyloop(*agree, "--yes", cwd=project, env={"XDG_STATE_HOME": str(state)}).code == 0
    assert check(project, state, **docker).code == first.code
    engine.tag(IMAGE, *tag.split(":"))
    assert check(project, state, **docker).code == first.code, "the one from before stays known"


@pytest.mark.docker
def test_an_image_that_turns_out_to_be_another_version_is_not_kept(
    engine: Any, tag: str, project: Path, state: Path
) -> None:
    docker = {"POLICYLOOP_CERBOS_IMAGE": tag, "POLICYLOOP_CERBOS_RUNNER": "docker"}
    wrong = check(project, state, **docker, POLICYLOOP_CERBOS_VERSION="0.54.0")
    assert wrong.code == 8, wrong.err
    assert not list(state.rglob("*.json"))


# --- binaries ---------------------------------------------------------------------------------------------------------


def another_binary(path: Path) -> Path:
    """Cerbos with a byte more: it runs as before, and is another file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REAL, path)
    with path.open("ab") as file:
        file.write(b"\0")
    path.chmod(0o755)
    return path


UNPINNED = """
import sys
from policyloop.validators import pinned
pinned.SHA256.clear()
from policyloop.cli import main
main()
"""
"""The command on a platform for which no hash is pinned."""


def unpinned(project: Path, state: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", UNPINNED, *arguments],
        cwd=project,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "POLICYLOOP"))},
            "XDG_STATE_HOME": str(state),
            "POLICYLOOP_CERBOS_RUNNER": "native",
            **env,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_no_hash_is_pinned_the_first_binary_is_the_one(
    cerbos: Runner, project: Path, state: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    place = cache / "policyloop" / f"cerbos-{VERSION}" / "cerbos"
    place.parent.mkdir(parents=True)
    shutil.copyfile(REAL, place)
    place.chmod(0o755)
    first = unpinned(project, state, "check", "policies", XDG_CACHE_HOME=str(cache))
    assert first.returncode in {0, 4}, first.stderr
    another_binary(place)
    refused = unpinned(project, state, "check", "policies", XDG_CACHE_HOME=str(cache))
    assert refused.returncode == 5, refused.stderr
    assert f"binary of Cerbos {VERSION} for {platform_name()} is another one than before" in refused.stderr


def test_npm_may_not_bring_another_binary_later(cerbos: Runner, project: Path, state: Path, tmp_path: Path) -> None:
    """The npm is a stand-in that brings the real Cerbos, then one with a byte more; neither version nor name tells."""
    tools, ran = tmp_path / "bin", tmp_path / "ran"
    later = another_binary(tmp_path / "later")
    name = f"cerbos-{platform_name()}"
    lay(
        {
            "npm": f"""#!{sys.executable}
import os, shutil, sys
folder = sys.argv[sys.argv.index("--prefix") + 1]
place = os.path.join(folder, "node_modules", "@cerbos", {name!r})
os.makedirs(place)
shutil.copyfile({str(later)!r} if os.path.exists({str(ran)!r}) else {str(REAL)!r}, os.path.join(place, {name!r}))
open({str(ran)!r}, "w")
"""
        },
        tools,
    )
    (tools / "npm").chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    install = ("doctor", "--install", "--runner", "native", "--format", "json")
    first = unpinned(project, state, *install, XDG_CACHE_HOME=str(tmp_path / "one"), PATH=path)
    assert first.returncode == 0, first.stderr
    again = unpinned(project, state, *install, XDG_CACHE_HOME=str(tmp_path / "two"), PATH=path)
    assert again.returncode == 5, again.stderr
    assert "is another one than before" in again.stderr
    assert not list((tmp_path / "two").rglob("cerbos"))


def test_under_an_agent_a_variable_names_no_compiler_that_nobody_knows(
    cerbos: Runner, project: Path, state: Path, tmp_path: Path
) -> None:
    """A project's settings set variables for an agent's commands: nothing of such a program is run before a yes."""
    mark = tmp_path / "ran"
    evil = project / "tools" / "cerbos"
    lay({"tools/cerbos": f"#!/bin/sh\ntouch {mark}\necho {VERSION}\n"}, project)
    evil.chmod(0o755)
    env = {"POLICYLOOP_CERBOS": str(evil), "POLICYLOOP_CERBOS_RUNNER": "native", "CLAUDECODE": "1"}
    refused = check(project, state, **env)
    assert refused.code == 5, refused.out + refused.err
    assert not mark.exists()
    assert "which is not the Cerbos that is pinned" in refused.err
    assert check(project, state, **{**env, "POLICYLOOP_CERBOS": str(REAL)}).code in {0, 4}, "the pinned one is known"
    mine = another_binary(tmp_path / "mine" / "cerbos")
    env["POLICYLOOP_CERBOS"] = str(mine)
    said = check(project, state, **env)
    assert said.code == 5
    program = said.err.partition("--program '")[2].partition("'")[0]
    person = [sys.executable, "-m", "policyloop", "agree", "--program", program]
    with Screen(person, cwd=project, environment=environment(XDG_STATE_HOME=str(state))) as screen:
        screen.wait("May policyloop use this?")
        screen.enter("y")
        screen.wait("agreed")
    assert check(project, state, **env).code in {0, 4}


def test_the_table_of_hashes_is_the_real_one(cerbos: Runner) -> None:
    """The tests above empty it in processes of their own only."""
    assert pinned.SHA256
