"""Asking a PDP that is not what it should be: each way of it is told, in time, and the next question is answered."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from played_pdp import HANG, Played, chunked, counted, played, request, right, sent
from policyloop.decide.call import Call, Identity
from policyloop.decide.tools import effects_of
from policyloop.errors import UsageError
from policyloop.serve.asking import judged_by
from policyloop.serve.pdp import (
    Asking,
    Pdp,
    PdpError,
    PdpHealth,
    PolicyVersion,
    Reply,
    RunningPdp,
    opened,
)
from policyloop.serve.pdp.address import address_of
from policyloop.serve.pdp.wire import Answer, Misspoken, Reading
from test_serve_identity import Authority

PATIENT = Asking(seconds=30, reply_bytes=100_000, probe_seconds=60)
QUICK = Asking(seconds=0.4, reply_bytes=100_000, probe_seconds=60)
"""For what never comes, however long it is waited for."""
Said = Callable[[int, bytes], list[bytes | None]]


def over(pdp: Played, asking: Asking = PATIENT) -> RunningPdp:
    return RunningPdp(address=f"http://127.0.0.1:{pdp.port}", asking=asking)


async def asked(pdp: Pdp, id_: str = "c1", **more: Any) -> object:
    return (await pdp.check(request(id_, **more))).value


def changed(**fields: Any) -> Callable[[bytes], bytes]:
    return lambda body: sent({**right(body), **fields})


def other_result(**fields: Any) -> Callable[[bytes], bytes]:
    return lambda body: sent({**right(body), "results": [{**right(body)["results"][0], **fields}]})


ODD: dict[str, bytes | Callable[[bytes], bytes]] = {
    "no HTTP": b"hello\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "a length beyond all measure": b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a compressed body": counted(b"{}", headers="Content-Encoding: gzip\r\n"),
    "a header that is none": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
    "a folded header": b"HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\nContent-Length: 2\r\n\r\n{}",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000,
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk of another size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
    "chunks beyond all measure": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200_000,
    "a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
    "a second answer at once": lambda body: sent(right(body)) + sent(right(body)),
    "a redirect": counted(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "a fault": counted(b"{}", "500 Internal Server Error"),
    "an empty body": counted(b""),
    "no JSON": counted(b"<html>"),
    "no object": counted(b"[]"),
    "no UTF-8": counted(b'{"requestId": "\xff"}'),
    "a bottomless list": counted(b"[" * 90_000),
    "a number that is none": counted(b'{"results": NaN}'),
    "a key twice": lambda body: counted(json.dumps(right(body)).encode()[:-1] + b',"results":[]}'),
    "another request's id": changed(requestId="c0"),
    "no id": lambda body: sent({"results": right(body)["results"]}),
    "no results": changed(results=[]),
    "results of no form": changed(results={}),
    "a result too many": lambda body: sent({**right(body), "results": right(body)["results"] * 2}),
    "another resource": other_result(resource={"kind": "PreToolUse", "id": "c0"}),
    "another kind": other_result(resource={"kind": "PostToolUse", "id": "c1"}),
    "no resource": other_result(resource=None),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_answer_is_no_reply_and_the_next_question_is_answered(kind: str) -> None:
    async def run() -> None:
        said = ODD[kind]

        def answers(number: int, body: bytes) -> list[bytes | None]:
            return [sent(right(body))] if number else [said if isinstance(said, bytes) else said(body)]

        async with (
            played(answers) as pdp,
            opened(over(pdp)) as it,
        ):
            with pytest.raises(PdpError) as error:
                await asked(it)
            assert error.value.fault == "odd"
            assert str(error.value).isprintable()
            assert await asked(it, "c2") == right(pdp.bodies[1])

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "fault", "connections"),
    [
        ([None], "gone", 2),
        ([b"HTTP/1.1 200 OK\r\nContent-Le", None], "gone", 1),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", None], "gone", 1),
        ([HANG], "slow", 1),
        ([b"HTTP/1.1 200 OK\r\n", HANG], "slow", 1),
        ([counted(b'{"code":3}', "400 Bad Request")], "refused", 1),
        ([counted(b'{"code":8}', "429 Too Many Requests")], "refused", 1),
        ([counted(b"", "503 Service Unavailable")], "gone", 1),
        ([counted(b"", "504 Gateway Timeout")], "slow", 1),
    ],
)
def test_a_pdp_that_is_gone_slow_or_refuses(said: list[bytes | None], fault: str, connections: int) -> None:
    """Asked a second time only where a connection went before a byte came."""

    async def run() -> None:
        async with played(lambda _number, _body: said) as pdp:
            async with opened(over(pdp, QUICK if HANG in said else PATIENT)) as it:
                before = asyncio.get_running_loop().time()
                with pytest.raises(PdpError) as error:
                    await asked(it)
                # Far beyond what it takes: that it ends is what is looked at.
                assert asyncio.get_running_loop().time() - before < 20
            assert error.value.fault == fault
            # The first one was opened by the look at its health, and is used again.
            assert pdp.connections == connections
            assert len(pdp.bodies) == connections

    asyncio.run(run())


def test_a_drip_is_slow() -> None:
    async def run() -> None:
        answer: list[bytes | None] = [bytes([byte]) for byte in counted(b"{}")]
        async with played(lambda _number, _body: answer, 0.05) as pdp, opened(over(pdp, QUICK)) as it:
            with pytest.raises(PdpError) as error:
                await asked(it)
            assert error.value.fault == "slow"

    asyncio.run(run())


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    async def run() -> None:
        async with played(lambda number, body: [sent(right(body)), *([None] if number % 2 else [])]) as pdp:
            async with opened(over(pdp)) as it:
                for number in range(6):
                    assert await asked(it, f"c{number}")
                    await asyncio.sleep(0.01)
            assert pdp.connections == 3
            assert len(pdp.bodies) == 6

    asyncio.run(run())


def test_an_answer_that_nobody_asked_for_is_no_answer_to_the_next() -> None:
    """A second answer that comes later would lie on the connection when it is used again."""

    async def run() -> None:
        def answers(number: int, body: bytes) -> list[bytes | None]:
            late = right(body.replace(b"c0", b"c1"), "EFFECT_DENY")
            return [sent(right(body))] if number else [sent(right(body)), sent(late)]

        async with played(answers, 0.02) as pdp:
            async with opened(over(pdp)) as it:
                assert await asked(it, "c0") == right(pdp.bodies[0])
                await asyncio.sleep(0.1)
                assert await asked(it, "c1") == right(pdp.bodies[1])
            assert pdp.connections == 2

    asyncio.run(run())


def test_an_answer_that_comes_too_late_is_no_answer_to_the_next() -> None:
    async def run() -> None:
        def answers(number: int, body: bytes) -> list[bytes | None]:
            if number:
                return [sent(right(body))]
            late = sent(right(body.replace(b"c0", b"c1"), "EFFECT_DENY")).removeprefix(b"HTTP/1.1 200 OK\r\n")
            return [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 8, late]

        async with played(answers, 0.1) as pdp, opened(over(pdp, QUICK)) as it:
            with pytest.raises(PdpError):
                await asked(it, "c0")
            reply: object = None
            while reply is None:
                with suppress(PdpError):
                    reply = await asked(it, "c1")
            assert reply == right(pdp.bodies[-1])

    asyncio.run(run())


def test_who_leaves_takes_nobody_along() -> None:
    """Of several that are asked together, or wait, some go away: the others get their replies."""

    async def run() -> None:
        async with played(lambda _number, body: [sent(right(body))], 0.02) as pdp:
            async with opened(over(pdp)) as it:
                tasks = [asyncio.create_task(asked(it, f"c{number}")) for number in range(20)]
                await asyncio.sleep(0.01)
                for task in tasks[::2]:
                    task.cancel()
                replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(reply, asyncio.CancelledError) for reply in replies) > 5
            for number, reply in enumerate(replies):
                if number % 2 or not isinstance(reply, asyncio.CancelledError):
                    assert isinstance(reply, dict)
                    assert reply["requestId"] == reply["results"][0]["resource"]["id"] == f"c{number}"

    asyncio.run(run())


def test_nothing_there_is_gone_and_told_in_its_health() -> None:
    async def run() -> None:
        events = []
        async with opened(RunningPdp(address="unix:/nowhere/cerbos.sock", asking=QUICK), events.append) as it:
            assert not it.health().serving
            with pytest.raises(PdpError) as error:
                await asked(it)
            assert error.value.fault == "gone"
            assert "unix:/nowhere/cerbos.sock" in it.health().trouble

    asyncio.run(run())


def test_over_tls_only_whom_the_authority_vouches_for_is_asked(tmp_path: Path) -> None:
    ours, theirs = Authority("ours"), Authority("theirs")
    ours.issued(tmp_path, "server", (NameOID.COMMON_NAME, "localhost"))
    for authority, name in ((ours, "ours.pem"), (theirs, "theirs.pem")):
        authority.write(tmp_path / name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")

    async def run() -> None:
        async with played(lambda _number, body: [sent(right(body))], tls=context) as pdp:

            async def outcome(host: str, ca: str) -> object:
                patient = Asking(seconds=20, probe_seconds=60)
                settings = RunningPdp(address=f"{host}:{pdp.port}", ca=tmp_path / ca, asking=patient)
                async with opened(settings) as it:
                    try:
                        return await asked(it)
                    except PdpError as error:
                        return error.fault

            assert await outcome("https://localhost", "ours.pem") == right(pdp.bodies[0])
            assert await outcome("https://localhost", "theirs.pem") == "gone"
            # The certificate is for another name.
            assert await outcome("https://127.0.0.1", "ours.pem") == "gone"
            assert await outcome("http://localhost", "ours.pem") in ("gone", "odd")
            assert len(pdp.bodies) == 1

    asyncio.run(run())


class Changing:
    """A PDP whose policies change between calls. Its first reply to a call has the tool's input rewritten."""

    def __init__(self, versions: list[str]) -> None:
        self.versions = versions
        self.asked: list[dict[str, Any]] = []

    async def check(self, asked: Mapping[str, Any]) -> Reply:
        version = self.versions[min(len(self.asked), len(self.versions) - 1)]
        self.asked.append(dict(asked))
        reply = right(json.dumps(asked).encode())
        if asked["resources"][0]["resource"]["attr"]["tool_input"]["command"] == "true":
            output = {"src": "resource.PreToolUse.vdefault#a", "val": {"input": {"command": "false"}}}
            reply["results"][0]["outputs"] = [output]
        return Reply(reply, PolicyVersion(digest=version))

    def version(self) -> PolicyVersion:
        return PolicyVersion(digest="now")

    def health(self) -> PdpHealth:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("versions", "effect", "version", "calls"),
    [
        (["a"], "allow", "a", 2),
        (["a", "b"], "allow", "b", 4),
        (["a", "b", "b", "c"], "deny", "b", 4),
    ],
)
def test_a_call_is_judged_by_one_set_of_policies(versions: list[str], effect: str, version: str, calls: int) -> None:
    pdp = Changing(versions)
    call = Call(event="PreToolUse", tool="Bash", input={"command": "true"}, cwd="/app", identity=Identity(), id="c1")
    judged = asyncio.run(judged_by(pdp, call, effects_of, on_trial=(), in_thread=False))
    assert (judged.judged.decision.effect, judged.version.digest) == (effect, version)
    assert len(pdp.asked) == calls
    assert ("policies changed" in judged.judged.decision.trouble) == (effect == "deny")


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {1, 2}], ids=["nan", "half a character", "a set"])
def test_what_json_has_no_form_for_is_not_sent(value: object) -> None:
    async def run() -> None:
        async with played(lambda _number, body: [sent(right(body))]) as pdp:
            async with opened(over(pdp)) as it:
                with pytest.raises(PdpError) as error:
                    await asked(it, value=value)
                assert error.value.fault == "refused"
            assert pdp.bodies == []

    asyncio.run(run())


@given(
    body=st.binary(max_size=400),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    pieces=st.lists(st.integers(1, 600), max_size=8),
    in_chunks=st.booleans(),
)
def test_an_answer_is_the_same_however_it_is_cut(
    *, body: bytes, cuts: list[int], pieces: list[int], in_chunks: bool
) -> None:
    answer = chunked(body, *cuts) if in_chunks else counted(body)
    assert read(answer, pieces) == Answer(200, body)


@given(
    body=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    pieces=st.lists(st.integers(1, 200), max_size=4),
    place=st.integers(0, 200),
    instead=st.binary(max_size=3),
    taken=st.integers(0, 3),
)
def test_a_mutilated_answer_is_read_in_one_way_or_not_at_all(
    *, body: bytes, cuts: list[int], pieces: list[int], place: int, instead: bytes, taken: int
) -> None:
    """Whatever was done to it: cut in pieces or whole, it is the same answer, none yet, or refused."""
    for answer in (chunked(body, *cuts), counted(body)):
        spoilt = answer[:place] + instead + answer[place + taken :]
        assert read(spoilt, pieces) == read(spoilt, [])


def read(answer: bytes, pieces: list[int]) -> Answer | str | None:
    """The answer, None when it is not whole yet, or that it is none."""
    reading = Reading(100_000)
    places = sorted({0, len(answer), *(place for place in pieces if place < len(answer))})
    result: Answer | None = None
    for start, end in pairwise(places):
        if result is not None:
            return "beyond its end"
        try:
            result = reading.take(answer[start:end])
        except Misspoken as error:
            return "beyond its end" if "after the end" in str(error) else "misspoken"
    return result


@pytest.mark.parametrize(
    "text",
    [
        *("", "cerbos", "unix:cerbos.sock", "unix:", "unix:/a\0b", "unix:/" + "x" * 200, "ftp://a", "http://"),
        *("http://a:b", "http://a:99999", "http://u:p@a", "http://a/path", "https://a?q", "http://[::1"),
    ],
)
def test_an_address_that_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        address_of(text)


def test_addresses(tmp_path: Path) -> None:
    assert str(address_of("unix:/run/c.sock")) == "unix:/run/c.sock"
    assert str(address_of("http://127.0.0.1:3592")) == "http://127.0.0.1:3592"
    assert address_of("http://[::1]:3592/").authority == "[::1]:3592"
    assert address_of("https://pdp.example").tls is not None
    with pytest.raises(UsageError, match="CA"):
        address_of("https://pdp.example", tmp_path / "none.pem")
