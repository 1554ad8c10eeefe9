"""A PDP that we keep: its replies name the policies that made them, whatever happens to these or to it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import environment
from kept_pdp import PATIENT, laid, mark_of, over, policy, process_of, under_load, until
from played_pdp import request
from policyloop.access.pdp import Settings
from policyloop.access.pdp import native as bare
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import PolicyloopError
from policyloop.serve.pdp import (
    Asking,
    ConfigurationFile,
    Pdp,
    PdpError,
    PdpEvent,
    PoliciesRefused,
    PolicyDirectory,
    Reply,
    RunningPdp,
    opened,
)
from policyloop.serve.pdp.address import address_of
from policyloop.serve.pdp.asker import Asker
from policyloop.serve.pdp.directory import signature
from policyloop.validators.pinned import VERSION
from policyloop.validators.select import open_native
from policyloop.workspace.read import read_bundle

pytestmark = pytest.mark.compiler

SUITE = """\
name: Tools
principals: {alex: {id: alex, roles: [engineer]}}
resources: {call: {kind: PreToolUse, id: call, attr: {n: 5}}}
tests:
  - name: a call
    input: {principals: [alex], resources: [call], actions: [Bash]}
    expected: [{principal: alex, resource: call, actions: {Bash: EFFECT_ALLOW}}]
"""


@pytest.fixture(scope="module")
def address(cerbos: Runner) -> Iterator[str]:
    """A PDP that runs, over two policies."""
    bundle = Bundle({"a.yaml": policy("a"), "b.yaml": policy("b", "SessionStart", "R.attr.text.startsWith(P.id)")})
    with bare.serve(open_native(VERSION, 60), bundle, Settings(strict=True, readable=False)) as (door, _):
        asyncio.run(answering(f"unix:{door.socket}"))
        yield f"unix:{door.socket}"


async def answering(address: str) -> None:
    """Wait until a PDP answers there."""
    async with opened(RunningPdp(address=address, asking=PATIENT)) as pdp:
        await until(lambda: pdp.health().serving)


REQUESTS = st.builds(
    request,
    st.sampled_from(["c1", "c2", "c3", "c4", "c5", "c6", ""]),
    subject=st.sampled_from(["alex", "mia"]),
    # The last one is no kind: the PDP refuses the whole call that it stands in.
    kind=st.sampled_from(["PreToolUse"] * 6 + ["SessionStart", "PostToolUse", ""]),
    n=st.integers(0, 8),
    text=st.sampled_from(["alexander", "mia", 'é\n"\\\u2028', "x" * 3000]),
)


@settings(deadline=None, max_examples=60)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=40))
def test_asked_together_is_answered_as_asked_alone(address: str, requests: list[dict[str, Any]]) -> None:
    async def outcome(asker: Asker, asked: dict[str, Any]) -> object:
        try:
            value = await asker.check(asked)
        except PdpError as error:
            return error.fault
        assert isinstance(value, dict)
        # The id of the call is that of the one call in which it was asked.
        return {key: field for key, field in value.items() if key != "cerbosCallId"}

    async def run() -> None:
        together, alone = Asker(address_of(address), PATIENT), Asker(address_of(address), Asking(seconds=20, batch=1))
        try:
            at_once = await asyncio.gather(*(outcome(together, asked) for asked in requests))
            assert at_once == [await outcome(alone, asked) for asked in requests]
        finally:
            await together.close()
            await alone.close()

    asyncio.run(run())


def test_many_of_one_principal_become_few_calls_and_one_bad_one_fails_alone(address: str) -> None:
    async def run() -> None:
        asker = Asker(address_of(address), PATIENT)
        requests = [request(f"c{number}", n=number, kind="" if number == 70 else "PreToolUse") for number in range(102)]
        replies = await asyncio.gather(*(asker.check(asked) for asked in requests), return_exceptions=True)
        for number, reply in enumerate(replies):
            if number == 70:
                assert isinstance(reply, PdpError)
                assert reply.fault == "refused"
            else:
                assert isinstance(reply, dict)
                assert mark_of(Reply(reply, None)) == "a"  # type: ignore[arg-type]
                assert reply["results"][0]["resource"]["id"] == reply["requestId"] == f"c{number}"
        # Two at once alone, then fifty and fifty, and the fifty with the bad one each for itself.
        assert asker.calls == 4 + 50
        await asker.close()

    asyncio.run(run())


class Changed:
    """Changes to a policy directory, and what became of each."""

    def __init__(self, pdp: Pdp, folder: Path, events: list[PdpEvent]) -> None:
        self.pdp = pdp
        self.folder = folder
        self.events = events

    async def serves(self, mark: str, change: Callable[[], object]) -> None:
        before = self.pdp.health().swaps
        change()
        await until(lambda: self.pdp.health().swaps > before and self.pdp.health().refused is None)
        assert mark_of(await self.pdp.check(request("c1", n=5))) == mark
        assert self.pdp.version().digest == read_bundle(self.folder).digest

    async def refuses(self, why: str, mark: str, change: Callable[[], object]) -> None:
        """What `change` makes is refused, with `why`, and `mark` goes on."""
        health = self.pdp.health()
        change()
        await until(lambda: self.pdp.health().refused not in (None, health.refused))
        refused = self.pdp.health().refused
        assert refused is not None
        assert why in refused.finding
        assert mark_of(await self.pdp.check(request("c1", n=5))) == mark
        assert self.pdp.health().swaps == health.swaps
        assert self.pdp.health().serving
        assert self.events[-1].kind == "refused"
        assert why in self.events[-1].text


def change_and_see(folder: Path, work: Callable[[Changed], Awaitable[None]]) -> None:
    """Let a PDP serve `folder` while `work` changes it."""
    events: list[PdpEvent] = []

    async def run() -> None:
        async with opened(over(folder), events.append) as pdp:
            await work(Changed(pdp, folder, events))
            assert pdp.health().restarts == 0

    asyncio.run(run())
    assert "died" not in {event.kind for event in events}


def test_what_does_not_pass_never_takes_over_and_what_passes_does(tmp_path: Path, cerbos: Runner) -> None:
    """Saves by half, renames, nothing at all: the last good one goes on, and it is told why."""
    folder = laid(tmp_path / "policies", tools=policy("one"), tools_test=SUITE)
    tools = folder / "tools.yaml"

    def saved_by_rename() -> None:
        for number in range(30):
            (folder / ".tools.yaml.swp").write_text(policy(f"storm{number}"))
            (folder / ".tools.yaml.swp").rename(tools)

    async def work(it: Changed) -> None:
        await it.serves("two", lambda: tools.write_text(policy("two")))
        await it.refuses("tools.yaml:9", "two", lambda: tools.write_text(policy("three", condition="R.attr.n >")))
        await it.refuses("tools_test.yaml", "two", lambda: tools.write_text(policy("three", condition="R.attr.n > 9")))
        await it.refuses("tools.yaml", "two", lambda: tools.write_text(policy("three")[:150]))
        # What was refused is taken back: there is nothing to be swapped.
        tools.write_text(policy("two"))
        await until(lambda: it.pdp.health().refused is None)
        await it.serves("storm29", saved_by_rename)
        await it.refuses("", "storm29", lambda: folder.rename(tmp_path / "away"))
        await it.refuses("no policy", "storm29", folder.mkdir)

    change_and_see(folder, work)


def test_links_that_are_swapped_are_followed(tmp_path: Path, cerbos: Runner) -> None:
    """A link in the directory's place, and a ConfigMap as Kubernetes mounts and changes it."""
    folder = tmp_path / "policies"
    folder.symlink_to(laid(tmp_path / "linked", tools=policy("linked")))

    def swapped() -> None:
        (tmp_path / "new").symlink_to(laid(tmp_path / "other", tools=policy("other")))
        (tmp_path / "new").rename(folder)

    def mounted() -> None:
        folder.unlink()
        laid(folder)
        laid(folder / "..2026_1", tools=policy("map1"))
        (folder / "..data").symlink_to("..2026_1")
        (folder / "tools.yaml").symlink_to("..data/tools.yaml")

    def mounted_anew() -> None:
        laid(folder / "..2026_2", tools=policy("map2"))
        (folder / "..data_tmp").symlink_to("..2026_2")
        (folder / "..data_tmp").rename(folder / "..data")
        shutil.rmtree(folder / "..2026_1")

    async def work(it: Changed) -> None:
        await it.serves("other", swapped)
        await it.serves("map1", mounted)
        await it.serves("map2", mounted_anew)

    change_and_see(folder, work)


@pytest.mark.parametrize(
    ("files", "exit_code"),
    [
        ({"tools": policy("one", condition="R.attr.n >")}, 3),
        ({"tools": policy("one", condition="R.attr.n > 9"), "tools_test": SUITE}, 4),
        ({}, 2),
        (None, 2),
    ],
)
def test_the_first_policies_must_pass(
    tmp_path: Path, cerbos: Runner, files: dict[str, str] | None, exit_code: int
) -> None:
    folder = tmp_path / "policies"
    if files is not None:
        laid(folder, **files)

    async def run() -> None:
        with pytest.raises(PoliciesRefused) as error:
            async with opened(over(folder)):
                pass
        assert error.value.exit_code == exit_code
        assert str(folder) in error.value.message

    asyncio.run(run())


def test_every_reply_names_the_policies_that_made_it_and_no_change_drops_one(tmp_path: Path, cerbos: Runner) -> None:
    folder = laid(tmp_path / "policies", tools=policy("v0"))
    marks = {read_bundle(folder).digest: "v0"}

    async def run() -> None:
        async with opened(over(folder)) as pdp:

            async def changes() -> None:
                for number in range(1, 4):
                    (folder / "new").write_text(policy(f"v{number}"))
                    (folder / "new").rename(folder / "tools.yaml")
                    marks[read_bundle(folder).digest] = f"v{number}"
                    await until(lambda number=number: pdp.health().swaps == number)  # type: ignore[misc]
                    await asyncio.sleep(0.05)

            heard = await under_load(pdp, changes)
        replies = [reply for reply in heard if isinstance(reply, Reply)]
        assert replies == heard
        assert {mark_of(reply) for reply in replies} == {f"v{number}" for number in range(4)}
        assert all(marks[reply.version.digest] == mark_of(reply) for reply in replies)
        assert {reply.version.pdp for reply in replies} == {VERSION}

    asyncio.run(run())


def test_one_that_hangs_is_replaced(tmp_path: Path, cerbos: Runner) -> None:
    folder = laid(tmp_path / "policies", tools=policy("v0"))
    events: list[PdpEvent] = []
    asking = Asking(seconds=0.5, probe_seconds=0.1)

    async def run() -> None:
        hasty = PolicyDirectory(policies=folder, look_seconds=0.05, asking=asking)
        async with opened(hasty, events.append) as pdp:
            hung = process_of(pdp)
            os.kill(hung, signal.SIGSTOP)
            with pytest.raises(PdpError):
                await pdp.check(request("c1", n=5))
            await until(lambda: "hung" in {event.kind for event in events})
            await until(lambda: pdp.health().serving)
            assert pdp.health().restarts >= 1
            with pytest.raises(ProcessLookupError):
                os.kill(hung, 0)

            reply: Reply | None = None
            while reply is None:
                with suppress(PdpError):
                    reply = await pdp.check(request("c1", n=5))
            assert mark_of(reply) == "v0"

    asyncio.run(run())


PROGRAM = """\
import asyncio, sys
from pathlib import Path
from policyloop.serve.pdp import PolicyDirectory, opened

async def main():
    async with opened(PolicyDirectory(policies=Path(sys.argv[1]))) as pdp:
        print(pdp._kept._serving.server.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a leash")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_pdp_outlives_us(tmp_path: Path, cerbos: Runner, number: signal.Signals) -> None:
    folder = laid(tmp_path / "policies", tools=policy("v0"))
    # Not below pytest's own folder: the path of a socket must be short.
    here = Path(tempfile.mkdtemp())
    surroundings = {**environment(), "TMPDIR": str(here)}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        process.send_signal(number)
        process.wait(60)
    for _ in range(500):
        if not Path(f"/proc/{server}/cmdline").exists() or not Path(f"/proc/{server}/cmdline").read_bytes():
            break
        time.sleep(0.02)
    else:
        raise AssertionError("it outlived us")
    assert number == signal.SIGKILL or list(here.iterdir()) == []
    shutil.rmtree(here)


def test_cerbos_own_configuration(tmp_path: Path, cerbos: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths in it are as where we are, its addresses are ours, and it is started again when it dies."""
    laid(tmp_path / "policies", tools=policy("own"))
    monkeypatch.chdir(tmp_path)
    text = (
        "server: {httpListenAddr: ':1', grpcListenAddr: ':2'}\nstorage: {driver: disk, disk: {directory: policies}}\n"
    )
    (tmp_path / "cerbos.yaml").write_text(text)

    async def run() -> None:
        async with opened(ConfigurationFile(config=Path("cerbos.yaml"), asking=PATIENT)) as pdp:
            assert mark_of(await pdp.check(request("c1", n=5))) == "own"
            assert (pdp.version().digest, pdp.version().pdp) == ("", VERSION)
            os.kill(process_of(pdp), signal.SIGKILL)
            await until(lambda: pdp.health().restarts == 1 and pdp.health().serving)
            assert mark_of(await pdp.check(request("c1", n=5))) == "own"
        (tmp_path / "cerbos.yaml").write_text("storage: {driver: none}\n")
        with pytest.raises(PolicyloopError) as error:
            async with opened(ConfigurationFile(config=Path("cerbos.yaml"))):
                pass
        assert "ended before it served" in error.value.message

    asyncio.run(run())


@pytest.mark.docker
def test_in_docker(tmp_path: Path, docker_cerbos: Runner) -> None:
    folder = laid(tmp_path / "policies", tools=policy("one"))

    async def run() -> None:
        async with opened(over(folder, runner="docker")) as pdp:
            assert mark_of(await pdp.check(request("c1", n=5))) == "one"
            (folder / "tools.yaml").write_text(policy("two"))
            await until(lambda: pdp.health().swaps == 1)
            assert mark_of(await pdp.check(request("c1", n=5))) == "two"

    asyncio.run(run())


def test_the_decision_log_and_the_commit(tmp_path: Path, cerbos: Runner) -> None:
    """The commit is told only of what git holds exactly so."""
    folder = laid(tmp_path / "policies", tools=policy("one"))
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@localhost", "-C", str(tmp_path))
    for words in (("init", "-q"), ("add", "policies"), ("commit", "-qm", "one")):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    log = tmp_path / "decisions.log"

    async def run() -> None:
        async with opened(over(folder, decision_log=log)) as pdp:
            reply = await pdp.check(request("c1", n=5))
            assert reply.version.commit == head
            (folder / "tools.yaml").write_text(policy("two"))
            await until(lambda: pdp.health().swaps == 1)
            assert pdp.version().commit == ""
            assert isinstance(reply.value, dict)
            # More than Cerbos takes unless it is told otherwise.
            assert mark_of(await pdp.check(request("c2", n=5, text="x" * 5_000_000))) == "two"
        assert reply.value["cerbosCallId"] in log.read_text()

    asyncio.run(run())


FILES = st.sampled_from(["a.yaml", "b.yaml", "sub/c.yaml", "sub/deep/d.json", "_schemas/e.json", "t_test.yaml"])
CHANGES = st.one_of(
    st.tuples(st.just("write"), FILES, st.sampled_from(["x: 1\n", "x: 2\n", "y: 10\n"])),
    st.tuples(st.just("delete"), FILES, st.just("")),
    st.tuples(st.just("rename"), FILES, FILES),
    st.tuples(st.just("other"), st.sampled_from(["log.txt", "sub/log.txt"]), st.text(max_size=5)),
)


@settings(deadline=None, max_examples=20)
@given(changes=st.lists(CHANGES, max_size=8))
def test_what_reads_otherwise_looks_otherwise(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, str]]
) -> None:
    """And what nobody reads as a policy does not make a directory look changed."""
    folder = tmp_path_factory.mktemp("policies")
    laid(folder, a="x: 1\n")
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "_schemas").mkdir()
    digest, looked = read_bundle(folder).digest, signature(folder)
    for kind, name, more in changes:
        path = folder / name
        with suppress(FileNotFoundError):
            if kind in ("write", "other"):
                path.write_text(more, encoding="utf-8")
                # As a write in another tick of the clock.
                moment = time.time_ns() + 20_000_000
                os.utime(path, ns=(moment, moment))
            elif kind == "delete":
                path.unlink()
            else:
                path.rename(folder / more)
        before, digest = digest, read_bundle(folder).digest
        before_looked, looked = looked, signature(folder)
        assert digest == before or looked != before_looked
        assert kind != "other" or looked == before_looked
