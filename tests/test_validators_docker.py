"""The docker runner: against a real engine with the pinned image, and against engines that are not there."""

import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner, Trouble
from policyloop.errors import Unavailable
from policyloop.validators.container import OWNER_LABEL
from policyloop.validators.docker import DockerRunner
from policyloop.validators.engine import connect
from policyloop.validators.owner import is_dead, this_process
from policyloop.validators.pinned import IMAGE
from policyloop.validators.select import open_runner
from test_validators_native import BUNDLE, POLICY, SUITE, overall

IMAGE_WITHOUT_TAG = IMAGE.rpartition(":")[0]


@pytest.fixture
def engine(docker_cerbos: Runner) -> Iterator[Any]:
    client = connect()
    yield client
    client.close()


def owned(client: Any) -> list[dict[str, Any]]:
    """All containers that policyloop started and that are still there."""
    return list(client.containers(all=True, filters={"label": OWNER_LABEL}))


def soon(check: Any) -> bool:
    """Whether `check` becomes true within ten seconds."""
    end = time.monotonic() + 10
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def container_of(runner: DockerRunner) -> str:
    return runner.container().id


@pytest.mark.docker
def test_it_judges_as_the_native_runner_does(docker_cerbos: Runner, cerbos: Runner) -> None:
    odd = Bundle({"a b/pølicy \n🙂.yaml": POLICY, "a b/doc_test.yaml": SUITE, ".git/x_test.yaml": "nonsense: 1"})
    broken = Bundle({"doc.yaml": POLICY.replace("effect", "efect")})
    for bundle in (BUNDLE, odd, broken, Bundle({})):
        with docker_cerbos.stage(bundle) as there, cerbos.stage(bundle) as here:
            for strict in (False, True):
                one, other = there.compile(strict=strict), here.compile(strict=strict)
                assert one.exit_code == other.exit_code
                assert json.loads(one.stdout) == json.loads(other.stdout)
                assert one.trouble is None


@pytest.mark.docker
def test_two_passes_side_by_side_and_stages_within_stages(docker_cerbos: Runner) -> None:
    wrong = Bundle({**BUNDLE.files, "doc_test.yaml": SUITE.replace("{view: EFFECT_ALLOW}", "{view: EFFECT_DENY}")})
    with docker_cerbos.stage(BUNDLE) as outer, docker_cerbos.stage(wrong) as inner:
        strict: list[int | None] = []
        thread = threading.Thread(target=lambda: strict.append(outer.compile(strict=True).exit_code))
        thread.start()
        traced = inner.compile(verbose=True)
        thread.join()
        assert outer.compile().exit_code == 0
    assert strict == [4]
    assert traced.exit_code == 4
    assert b"engineTrace" in traced.stdout
    assert overall(traced.stdout) == "RESULT_FAILED"


def large(count: int) -> Bundle:
    """`count` policies and as many suites."""
    plain = POLICY.partition("    - actions: [view]\n      effect: EFFECT_DENY")[0]
    many = {f"p{n}/doc.yaml": plain.replace("resource: doc", f"resource: doc{n}") for n in range(count)}
    suites = {f"p{n}/doc_test.yaml": SUITE.replace("kind: doc", f"kind: doc{n}") for n in range(count)}
    return Bundle(many | suites)


@pytest.mark.docker
def test_a_large_bundle_and_its_output_come_through_whole(docker_cerbos: Runner) -> None:
    with docker_cerbos.stage(large(300)) as staged:
        run = staged.compile()
    assert json.loads(run.stdout)["summary"]["testsCount"] == 300
    assert run.stderr == ""


@pytest.mark.docker
def test_the_container_is_hardened(engine: Any) -> None:
    runner = DockerRunner(IMAGE, 60)
    try:
        seen = engine.inspect_container(container_of(runner))
        host, config = seen["HostConfig"], seen["Config"]
        assert host["NetworkMode"] == "none"
        assert config["NetworkDisabled"] is True
        assert not seen["NetworkSettings"]["IPAddress"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["CapAdd"] in (None, [])
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["Privileged"] is False
        assert config["User"] == "65534:65534"
        assert 0 < host["Memory"] == host["MemorySwap"]
        assert 0 < host["PidsLimit"] <= 256
        assert host["AutoRemove"] is True
        assert host["Devices"] in (None, [])
        assert host["Binds"] in (None, [])
        assert [mount["Type"] for mount in seen["Mounts"] if mount["Destination"] == "/policies"] == ["volume"]
        assert all(mount["Type"] == "volume" for mount in seen["Mounts"])
        assert "ANTHROPIC" not in json.dumps(config["Env"])
    finally:
        runner.close()
    assert runner.info.digest.startswith("sha256:")
    assert (runner.info.version, runner.info.runner) == ("0.55.0", "docker")


@pytest.mark.docker
def test_one_container_serves_a_run_and_is_gone_after_it(engine: Any) -> None:
    runner = DockerRunner(IMAGE, 60)
    first = container_of(runner)
    for _ in range(2):
        with runner.stage(BUNDLE) as staged:
            staged.compile()
    assert container_of(runner) == first
    volumes = [mount["Name"] for mount in engine.inspect_container(first)["Mounts"]]
    runner.close()
    assert soon(lambda: first not in [one["Id"] for one in owned(engine)])
    left = [one["Name"] for one in engine.volumes()["Volumes"] or ()]
    assert not set(volumes) & set(left)
    with pytest.raises(Unavailable, match="stopped"), runner.stage(BUNDLE):
        pass


@pytest.mark.docker
def test_a_run_that_is_killed_leaves_no_container(engine: Any) -> None:
    code = f"""
        import os, signal
        from policyloop.validators.docker import DockerRunner
        runner = DockerRunner({IMAGE!r}, 60)
        print(runner.container().id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    said = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert len(said.stdout.strip()) == 64, said.stderr
    assert soon(lambda: said.stdout.strip() not in [one["Id"] for one in owned(engine)])


@pytest.mark.docker
def test_containers_that_dead_runs_created_are_swept_and_others_are_not(engine: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from policyloop.validators.owner import this_process; print(this_process())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        dead = process.stdout.read().strip()
    assert is_dead(dead)
    assert not is_dead(this_process())
    owners = [dead, this_process(), "another-boot/pid:[1] 1 1"]
    made = [engine.create_container(IMAGE, ["repl"], labels={OWNER_LABEL: owner})["Id"] for owner in owners]
    try:
        runner = DockerRunner(IMAGE, 60)
        container_of(runner)
        runner.close()
        there = [one["Id"] for one in owned(engine)]
        assert [one in there for one in made] == [False, True, True]
    finally:
        for one in made[1:]:
            engine.remove_container(one, v=True, force=True)


@pytest.mark.docker
def test_a_limit_ends_the_container_and_the_next_compile_gets_another(engine: Any) -> None:
    runner = DockerRunner(IMAGE, 0.001)
    try:
        with runner.stage(BUNDLE) as staged:
            first = container_of(runner)
            late = staged.compile()
            assert (late.trouble, late.exit_code) == (Trouble.TIMEOUT, None)
            assert soon(lambda: first not in [one["Id"] for one in owned(engine)])
            assert staged.compile().trouble is Trouble.TIMEOUT
            assert container_of(runner) != first
    finally:
        runner.close()


@pytest.mark.docker
def test_a_flood_is_ended(docker_cerbos: Runner) -> None:
    runner = DockerRunner(IMAGE, 60, output_bytes=100)
    try:
        with runner.stage(BUNDLE) as staged:
            run = staged.compile()
    finally:
        runner.close()
    assert (run.trouble, run.exit_code, len(run.stdout)) == (Trouble.FLOOD, None, 100)


@pytest.mark.docker
@pytest.mark.parametrize("when", ["before", "between"])
def test_a_container_that_vanishes_is_one_sentence_and_not_the_end(engine: Any, when: str) -> None:
    runner = DockerRunner(IMAGE, 60)
    try:
        with runner.stage(BUNDLE) as staged:
            if when == "between":
                staged.compile()
            engine.remove_container(container_of(runner), v=True, force=True)
            with pytest.raises(Unavailable, match="container of the compiler is gone"):
                staged.compile()
            assert staged.compile().exit_code == 0
    finally:
        runner.close()


@pytest.mark.docker
def test_leaving_the_stage_ends_what_still_runs(engine: Any) -> None:
    runner = DockerRunner(IMAGE, 60)
    first = container_of(runner)
    ended: list[object] = []

    def compile_it() -> None:
        try:
            ended.append(staged.compile())
        except Unavailable as error:
            ended.append(error)

    with runner.stage(large(1000)) as staged:
        thread = threading.Thread(target=compile_it)
        thread.start()
        time.sleep(0.05)
    thread.join(20)
    runner.close()
    assert len(ended) == 1
    assert isinstance(ended[0], Unavailable)
    assert soon(lambda: first not in [one["Id"] for one in owned(engine)])


@pytest.mark.docker
def test_an_absent_image_says_how_to_get_it(docker_cerbos: Runner) -> None:
    with pytest.raises(Unavailable, match=r"does not have the image \S+:0\.0\.1\..*docker pull"):
        DockerRunner(f"{IMAGE_WITHOUT_TAG}:0.0.1", 60)


@pytest.mark.docker
@pytest.mark.parametrize("remembered", [False, True])
def test_another_version_in_the_image_is_refused(
    docker_cerbos: Runner, *, remembered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if remembered:
        DockerRunner(IMAGE, 60).close()
    with pytest.raises(Unavailable, match=r"holds Cerbos 0\.55\.0, but 0\.56\.0 is the pinned"):
        DockerRunner(IMAGE, 60, version="0.56.0")


def test_no_engine_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    with pytest.raises(Unavailable, match=r"No Docker engine answers at unix:.*dead\.sock"):
        DockerRunner(IMAGE, 60)


def test_a_socket_nobody_serves_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "s.sock"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s.sock")
    with pytest.raises(Unavailable, match="No Docker engine answers"):
        DockerRunner(IMAGE, 60)


def test_a_socket_that_is_not_for_this_user_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may use every socket, so the refusal itself is made up; what comes of it on its way up here is not."""

    class Refusing(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Refusing)
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/not-for-you.sock")
    with pytest.raises(Unavailable, match=r"This user may not use the Docker socket unix:///run/not-for-you\.sock"):
        DockerRunner(IMAGE, 60)


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:9", "http://["])
def test_a_bad_address_is_one_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(Unavailable) as caught:
        DockerRunner(IMAGE, 60)
    assert address in caught.value.message
    assert "\n" not in caught.value.message


def test_something_else_on_the_socket_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-nonsense\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(Unavailable, match="engine"):
            DockerRunner(IMAGE, 60)


def test_auto_takes_the_binary_without_an_engine(
    cerbos: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    runner = open_runner(runner="auto", version="0.55.0", image=IMAGE, timeout_seconds=60)
    assert runner.info == cerbos.info


@pytest.mark.docker
def test_auto_takes_docker_where_it_can(docker_cerbos: Runner) -> None:
    runner = open_runner(runner="auto", version="0.55.0", image=IMAGE, timeout_seconds=60)
    runner.close()
    assert runner.info == docker_cerbos.info


def test_auto_with_neither_says_both_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        open_runner(runner="auto", version="0.55.0", image=IMAGE, timeout_seconds=60)
    assert "No Docker engine answers" in caught.value.message
    assert "There is no Cerbos 0.55.0 binary" in caught.value.message
    assert "policyloop doctor --install" in caught.value.hint
