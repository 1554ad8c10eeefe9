"""The PDP room: it starts over a bundle, answers in order, and is gone afterwards, however it is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import DOCS, FIXED, environment
from policyloop.access.ask.request import Batch, Principal, Request, Resource
from policyloop.access.pdp import Refused, Settings, serving, serving_all
from policyloop.bundle import Bundle
from policyloop.errors import Unavailable

pytestmark = pytest.mark.compiler

NATIVE = Settings(runner="native")
ALICE = Principal("alice", ("user",))
DOC = Bundle({"doc.yaml": FIXED})
SCHEMA = '{"type": "object", "properties": {"owner": {"type": "string"}}, "required": ["owner"]}'
WITH_SCHEMA = FIXED.replace("  rules:", '  schemas: {resourceSchema: {ref: "cerbos:///doc.json"}}\n  rules:')


def hers(owner: object = "alice") -> Resource:
    return Resource("doc", "d1", {"owner": owner})


def test_decisions_come_in_the_order_of_the_batch() -> None:
    batch = Batch(ALICE, [hers(), hers("bob"), Resource("doc", "d3")], ["read", "write", "fly"])
    with serving(DOC, NATIVE) as pdp:
        told = pdp.check(batch)
        assert [one.allowed for one in told] == [True, True, False] + [False] * 6
        assert told[0].policy == "resource.doc.vdefault"
        assert list(pdp.effects([batch, batch])) == [(batch, [one.allowed for one in told])] * 2
        assert [batch.request(n).action for n in (0, 4)] == ["read", "write"]
        assert pdp.asked == 27


def test_a_plan_is_over_all_resources() -> None:
    with serving(DOC, NATIVE) as pdp:
        plan = pdp.plan(ALICE, ["read"], "doc")
        assert plan.kind == "KIND_CONDITIONAL"
        assert plan.condition is not None
        assert pdp.plan(Principal("x", ("guest",)), ["read"], "doc").kind == "KIND_ALWAYS_DENIED"


@pytest.mark.parametrize(("strict", "allowed"), [(False, True), (True, False)])
def test_strict_evaluation_turns_an_error_into_a_denial(*, strict: bool, allowed: bool) -> None:
    deny = "    - {actions: [read], effect: EFFECT_DENY, roles: [user], condition: {match: {expr: R.attr.sealed}}}\n"
    with serving(Bundle({"doc.yaml": FIXED + deny}), Settings(runner="native", strict=strict)) as pdp:
        assert pdp.decide(Request(ALICE, hers(), "read")).allowed is allowed


def test_schemas_are_enforced_only_when_asked_for() -> None:
    bundle = Bundle({"doc.yaml": WITH_SCHEMA.replace("R.attr.owner == P.id", "true"), "_schemas/doc.json": SCHEMA})
    with serving(bundle, NATIVE) as pdp:
        assert pdp.decide(Request(ALICE, hers(1), "read")).allowed
    with serving(bundle, Settings(runner="native", schemas="reject")) as pdp:
        told = pdp.decide(Request(ALICE, hers(1), "read"))
    assert not told.allowed
    assert [(one.source, one.path) for one in told.errors] == [("resource", "/owner")]


def test_claims_and_globals_reach_the_conditions() -> None:
    text = FIXED.replace("R.attr.owner == P.id", "request.aux_data.jwt.client == G.client")
    with serving(Bundle({"doc.yaml": text}), Settings(runner="native", globals={"client": "web"})) as pdp:
        assert pdp.decide(Request(ALICE, hers(), "read", {"client": "web"})).allowed
        assert not pdp.decide(Request(ALICE, hers(), "read", {"client": "api"})).allowed
        assert not pdp.decide(Request(ALICE, hers(), "read")).allowed


def test_a_bundle_that_does_not_compile_is_refused_with_the_log() -> None:
    broken = Bundle({"doc.yaml": FIXED.replace("R.attr.owner == P.id", "R.attr.owner ==")})
    with pytest.raises(Refused) as refused, serving_all((DOC, broken), NATIVE):
        pass
    assert "doc.yaml" in refused.value.log


def test_a_batch_that_is_none_is_told_and_the_pdp_lives_on() -> None:
    with serving(DOC, NATIVE) as pdp:
        with pytest.raises(ValueError, match="400"):
            pdp.decide(Request(Principal("", ("user",)), hers(), "read"))
        assert pdp.decide(Request(ALICE, hers(), "read")).allowed


def test_a_pdp_that_dies_is_told_in_a_sentence(tmp_path: Path) -> None:
    with serving(DOC, NATIVE) as pdp:
        for pid in servers_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="PDP"):
            pdp.decide(Request(ALICE, hers(), "read"))


def test_it_is_gone_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), serving_all((DOC, DOC), NATIVE):
        1 / len(servers_of(os.getpid())[2:])
    assert servers_of(os.getpid()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_after_a_signal(number: int, tmp_path: Path) -> None:
    """Also when nobody can clean up after a kill -9: it dies with whoever started it."""
    program = tmp_path / "serve.py"
    program.write_text(
        "import signal, time\n"
        "from policyloop.access.pdp import Settings, serving\n"
        "from policyloop.bundle import Bundle\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        f"with serving(Bundle({dict(DOCS)!r}), Settings(runner='native')):\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(0.1)\n"
    )
    started = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, env=environment(), text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    pids = servers_of(started.pid)
    assert pids
    started.send_signal(number)
    started.wait(60)
    started.stdout.close()
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "the server outlived whoever started it"
        time.sleep(0.05)


@pytest.mark.docker
def test_in_docker_it_answers_alike(docker_cerbos: object) -> None:
    with serving(DOC, Settings(runner="docker")) as pdp:
        assert pdp.info.runner == "docker"
        assert pdp.decide(Request(ALICE, hers(), "read")).allowed
        assert not pdp.decide(Request(ALICE, hers("bob"), "read")).allowed


def servers_of(parent: int) -> list[int]:
    """The servers that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError, ValueError):
                continue
            if above == parent and b"server" in line:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
