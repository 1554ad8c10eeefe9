"""The `claude` model against a Messages API on loopback: real SDK, real HTTP, real streaming."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import messages_api
from messages_api import Answer, MessagesApi, Request, answer, refusal
from policyloop.bundle import Delete, Replace, Write
from policyloop.errors import Exit, Unavailable
from policyloop.findings import ErrorClass
from policyloop.models import pricing
from policyloop.models.claude import DEFAULT_MODEL, ClaudeModel
from policyloop.models.tool import INPUT_SCHEMA, PROPOSE
from policyloop.task import Proposal
from policyloop.usage import Left
from tasks import finding, task

KEY = "sk-" + "ant-" + "notakey" * 6
EDIT = {"edits": [{"path": "a.yaml", "old": "x", "new": "y"}], "note": "corrects a", "read": []}
PLENTY = Left(attempts=3, cycles=10, tokens=400_000, usd=2.0, seconds=60)

Serve = Callable[[Callable[[Request], Answer]], MessagesApi]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Starts a server with a script, and points the SDK to it."""
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    running: list[MessagesApi] = []

    def start(script: Callable[[Request], Answer]) -> MessagesApi:
        api = MessagesApi(script).start()
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        running.append(api)
        return api

    yield start
    for api in running:
        api.stop()


def in_turn(answers: Sequence[Answer]) -> Callable[[Request], Answer]:
    rest = list(answers)
    return lambda _: rest.pop(0)


@pytest.mark.sweep
def test_a_proposal_is_read_from_the_stream(serve: Serve) -> None:
    edits = [
        {"path": "a.yaml", "old": "x", "new": "ÿ\n\"'"},
        {"path": "b.yaml", "content": "b: 1\n"},
        {"path": "c.yaml", "delete": True},
    ]
    proposal = {"edits": edits, "note": "n", "read": []}
    api = serve(lambda _: answer(proposal, thinking=True, text="Here it comes."))
    model = ClaudeModel()
    reply = model.propose(task())
    model.close()
    made = (Replace("a.yaml", "x", "ÿ\n\"'"), Write("b.yaml", "b: 1\n"), Delete("c.yaml"))
    assert reply.proposal == Proposal(edits=made, note="n")
    assert reply.malformed is None
    assert len(api.requests) == 1


def test_what_is_sent(serve: Serve) -> None:
    api = serve(lambda _: answer(EDIT))
    ClaudeModel(max_output_tokens=3_000).propose(task(files={"a.yaml": "text of a\n"}))
    request = api.requests[0]
    body = request.body
    assert body["model"] == DEFAULT_MODEL
    assert body["max_tokens"] == 3_000
    assert body["stream"] is True
    assert body["tools"] == [PROPOSE]
    # The current models answer a forced tool with a 400.
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert [block["cache_control"] for block in body["system"]] == [{"type": "ephemeral"}]
    assert body["cache_control"] == {"type": "ephemeral"}
    lesson, asked = body["messages"][0]["content"]
    assert "# Class schema" in lesson["text"]
    assert lesson["cache_control"] == {"type": "ephemeral"}
    assert asked["text"].startswith("The marker of this message is ")
    assert "text of a" in asked["text"]


def test_the_key_is_in_its_header_and_nowhere_else(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    api = serve(lambda _: answer(EDIT))
    model = ClaudeModel()
    reply = model.propose(task(files={"a.yaml": f"# {KEY}\n"}, request=f"use {KEY}"))
    headers = api.requests[0].headers
    assert [name for name, value in headers.items() if KEY in value] == ["authorization"]
    assert KEY not in api.requests[0].text
    assert KEY not in repr(model) + repr(reply)
    assert KEY not in "".join(capfd.readouterr())


def test_the_strict_schema_is_one_that_the_sdk_leaves_as_it_is() -> None:
    from anthropic import transform_schema

    assert transform_schema(INPUT_SCHEMA) == INPUT_SCHEMA


def test_usage_and_its_price(serve: Serve) -> None:
    tokens = {"input_tokens": 1_000, "cache_creation_input_tokens": 4_000, "cache_read_input_tokens": 20_000}
    serve(lambda _: answer(EDIT, tokens=tokens, output_tokens=500))
    usage = ClaudeModel("claude-sonnet-5-5").propose(task()).usage
    assert (usage.input_tokens, usage.output_tokens) == (1_000, 500)
    assert (usage.cache_write_tokens, usage.cache_read_tokens) == (4_000, 20_000)
    assert usage.tokens == 25_500
    # $2, $10, $2.50 and $0.10 a million.
    assert usage.usd == pytest.approx(0.002 + 0.005 + 0.010 + 0.002)


def test_an_unknown_price_counts_as_the_highest_and_says_so(serve: Serve) -> None:
    serve(lambda _: answer(EDIT, tokens={"input_tokens": 1_000_000}, output_tokens=0))
    model = ClaudeModel("claude-of-tomorrow")
    assert model.note is not None
    assert "claude-of-tomorrow" in model.note
    assert model.propose(task()).usage.usd == pytest.approx(max(p.input for p in pricing.PRICES.values()))
    assert ClaudeModel("claude-sonnet-4-5-20250929").note is None


def test_the_conversation_goes_on_within_a_class(serve: Serve) -> None:
    api = serve(lambda _: answer(EDIT, thinking=True))
    model = ClaudeModel()
    model.propose(task(files={"a.yaml": "first text\n", "b.yaml": "same text\n"}))
    model.propose(task(files={"a.yaml": "second text\n", "b.yaml": "same text\n"}, refusal="tests get weaker"))
    first, second = (request.body for request in api.requests)
    assert second["system"] == first["system"]
    assert second["tools"] == first["tools"]
    assert second["messages"][:1] == first["messages"]
    question, said, result = second["messages"]
    kinds = [block["type"] for block in said["content"]]
    assert kinds == ["thinking", "tool_use"]
    assert said["content"][0]["signature"] == "c2lnbmVk"
    assert said["content"][1]["input"] == EDIT
    assert result["content"][0]["type"] == "tool_result"
    assert result["content"][0]["tool_use_id"] == said["content"][1]["id"]
    text = result["content"][1]["text"]
    assert "second text" in text
    assert "tests get weaker" in text
    assert "same text" in question["content"][1]["text"]
    assert "same text" not in text


def test_the_conversation_starts_anew(serve: Serve) -> None:
    api = serve(lambda _: answer(EDIT))
    model = ClaudeModel()
    model.propose(task())
    model.propose(task(afresh=True))
    assert [len(request.body["messages"]) for request in api.requests] == [1, 1]


def test_every_stage_and_class_goes_on_on_one_prefix(serve: Serve) -> None:
    """What was sent stands at the beginning of the next request as it was, so that the cache has it."""
    api = serve(lambda _: answer(EDIT))
    model = ClaudeModel()
    compile_ = {"error_class": ErrorClass.COMPILE, "findings": (finding(error_class=ErrorClass.COMPILE),)}
    for more in ({"stage": "spec"}, {}, compile_, {}, {"error_class": None, "findings": ()}):
        model.propose(task(**more))
    bodies = [request.body for request in api.requests]
    for before, after in pairwise(bodies):
        assert (after["tools"], after["system"]) == (before["tools"], before["system"])
        assert after["messages"][: len(before["messages"])] == before["messages"]
    breakpoints = json.dumps(bodies[-1]).count("cache_control")
    assert breakpoints <= 4, "the API takes no more"
    taught = [block["text"].split("\n")[0] for m in bodies[-1]["messages"] for block in m["content"] if "text" in block]
    lessons = [line for line in taught if line.startswith("# ")]
    assert len(lessons) == len(set(lessons)) == 5, "each reference is given once"


def test_a_read_is_answered_by_the_file_alone(serve: Serve) -> None:
    asks = {"edits": [], "note": "", "read": ["b.yaml"]}
    api = serve(in_turn([answer(asks), answer(EDIT)]))
    model = ClaudeModel()
    shown = {"a.yaml": "text of a\n" * 200}
    model.propose(task(request="Owners may view.", files=shown, index=("b.yaml",)))
    model.propose(task(request="Owners may view.", files={**shown, "b.yaml": "text of b\n"}))
    text = api.requests[1].body["messages"][-1]["content"][-1]["text"]
    assert "text of b" in text
    assert "text of a" not in text
    assert "Owners may view." not in text
    assert len(text) < 600


def test_what_the_model_wrote_itself_is_not_shown_to_it_again(serve: Serve) -> None:
    edits = [{"path": "a.yaml", "old": "a: 1", "new": "a: 2"}, {"path": "b.yaml", "content": "b: 1\n"}]
    api = serve(lambda _: answer({"edits": edits, "note": "", "read": []}))
    model = ClaudeModel()
    model.propose(task(files={"a.yaml": "a: 1\n"}))
    model.propose(task(files={"a.yaml": "a: 2\n", "b.yaml": "b: 1\n"}))
    model.propose(task(files={"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"}, refusal="undone"))
    kept, undone = (request.body["messages"][-1]["content"][-1]["text"] for request in api.requests[1:])
    assert "FILE" not in kept
    assert "FILE a.yaml (1 line)\na: 1" in undone, "what was undone is shown as it is"
    assert "FILE b.yaml" not in undone


def test_after_an_answer_that_is_no_proposal_the_conversation_starts_anew(serve: Serve) -> None:
    api = serve(in_turn([answer(text="I would rather talk."), answer(EDIT)]))
    model = ClaudeModel()
    assert model.propose(task()).proposal is None
    assert model.propose(task()).proposal is not None
    assert len(api.requests[1].body["messages"]) == 1


NO_PROPOSALS = {
    "text only": (answer(text="Sure, I will do that."), "0 tool calls"),
    "two calls": (answer(EDIT, EDIT), "2 tool calls"),
    "another tool": (answer(EDIT, tool="bash"), "`propose`"),
    "wrong shape": (answer({"edits": [{"path": "a"}]}), "edit 1"),
    "unknown key": (answer({**EDIT, "sudo": True}), "'sudo'"),
    "cut off": (answer(partial='{"edits": [{"path": "a.ya', stop_reason="max_tokens"), "cut off"),
    "declined": (answer(stop_reason="refusal"), "declined"),
    "too long": (answer(stop_reason="model_context_window_exceeded"), "longer than"),
    "empty": (answer(), "empty"),
}


@pytest.mark.parametrize(("given", "why"), NO_PROPOSALS.values(), ids=NO_PROPOSALS)
def test_an_answer_that_is_no_proposal_is_told_and_counted(serve: Serve, given: Answer, why: str) -> None:
    serve(lambda _: given)
    reply = ClaudeModel().propose(task())
    assert reply.proposal is None
    assert why in (reply.malformed or "")
    assert reply.usage.output_tokens == 50
    assert reply.usage.usd > 0
    assert reply.over_budget is None


BROKEN = {
    "connection cut": Answer(events=answer(EDIT).events[:6], ending="cut"),
    "stream ends early": Answer(events=answer(EDIT).events[:6]),
    "input is not JSON": answer(partial="{nonsense"),
    "event is not JSON": Answer(raw=b"".join([b"event: message_start\ndata: {oops\n\n"])),
    "nothing at all": Answer(raw=b"\n\n"),
    "a web page": Answer(raw=b"<html>please log in</html>"),
    "events out of order": Answer(events=answer(EDIT).events[2:]),
}


@pytest.mark.parametrize("given", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_is_a_failed_attempt(serve: Serve, given: Answer) -> None:
    serve(lambda _: given)
    reply = ClaudeModel(max_output_tokens=2_000).propose(task())
    assert reply.proposal is None
    assert (reply.malformed or "").startswith("No proposal: the answer")
    if given.events and given.events[0][0] == "message_start":
        # What the end would have told is counted at its bound.
        assert reply.usage.output_tokens == 2_000


REFUSED = {
    "401": (refusal(401), "401", 1),
    "403": (refusal(403), "403", 1),
    "404": (refusal(404, "model: nope"), "knows no model", 1),
    "400": (refusal(400, "tool_choice: not for this model"), "tool_choice: not for this model", 1),
    "429": (refusal(429, retry_after="0.01"), "rate", 3),
    "500": (refusal(500, retry_after="0.01"), "500", 3),
    "529": (refusal(529, retry_after="0.01"), "overloaded", 3),
}


@pytest.mark.parametrize(("given", "words", "tries"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_of_the_service_is_one_clear_sentence(serve: Serve, given: Answer, words: str, tries: int) -> None:
    api = serve(lambda _: given)
    with pytest.raises(Unavailable) as caught:
        ClaudeModel().propose(task())
    assert words in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code is Exit.ENVIRONMENT
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(api.requests) == tries


def test_a_passing_overload_is_retried(serve: Serve) -> None:
    serve(in_turn([refusal(529, retry_after="0.01"), answer(EDIT)]))
    assert ClaudeModel().propose(task()).proposal is not None


def test_an_error_in_the_stream_is_one_of_the_service(serve: Serve) -> None:
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    serve(lambda _: Answer(events=[*answer(EDIT).events[:3], ("error", failed)]))
    with pytest.raises(Unavailable, match="overloaded"):
        ClaudeModel().propose(task())


def test_what_the_service_says_is_shown_without_secrets(serve: Serve) -> None:
    serve(lambda _: refusal(400, f"bad header: Bearer {KEY}\nTraceback"))
    with pytest.raises(Unavailable) as caught:
        ClaudeModel().propose(task())
    assert "bad header" in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_listens(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    api = serve(lambda _: answer(EDIT))
    api.stop()
    monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url.replace("http://", "http://user:pass-word-1@"))
    with pytest.raises(Unavailable) as caught:
        ClaudeModel().propose(task())
    assert "cannot be reached" in str(caught.value)
    assert "pass-word-1" not in str(caught.value)


def test_a_silent_service(serve: Serve) -> None:
    serve(lambda _: answer(EDIT, before=30))
    with pytest.raises(Unavailable, match="did not answer in time"):
        ClaudeModel(silence_seconds=0.05).propose(task())


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"])
@pytest.mark.parametrize("value", [KEY + "\r", "http://[::1", "not a url", "ké" + "y" * 20, "ftp://127.0.0.1:1"])
def test_settings_that_cannot_work_are_named_without_their_value(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    serve(lambda _: refusal(401))
    monkeypatch.setenv(variable, value)
    with pytest.raises(Unavailable) as caught:
        ClaudeModel().propose(task())
    assert KEY not in str(caught.value)


def test_no_key(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    api = serve(lambda _: answer(EDIT))
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(Unavailable, match="no API key"):
        ClaudeModel().propose(task())
    assert api.requests == []


def test_a_profile_that_is_not_there(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(lambda _: answer(EDIT))
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "nobody")
    with pytest.raises(Unavailable, match="credentials") as caught:
        ClaudeModel().propose(task())
    assert "nobody" in str(caught.value)


@pytest.mark.parametrize(
    ("left", "cap"),
    [
        (Left(3, 10, 9_000, 2.0, 60), "tokens"),
        (Left(3, 10, 400_000, 0.01, 60), "usd"),
        (Left(3, 10, 400_000, 2.0, 0), "wall_seconds"),
    ],
    ids=["tokens", "usd", "wall_seconds"],
)
def test_no_call_that_the_budget_does_not_cover(serve: Serve, left: Left, cap: str) -> None:
    api = serve(lambda _: answer(EDIT))
    reply = ClaudeModel().propose(task(left=left))
    assert reply.over_budget == cap
    assert reply.proposal is None
    assert reply.usage.tokens == 0
    assert api.requests == []


def test_the_answer_is_bounded_by_what_is_left(serve: Serve) -> None:
    api = serve(lambda _: answer(EDIT))
    model = ClaudeModel(max_output_tokens=16_000)
    model.propose(task(left=PLENTY))
    model.propose(task(left=Left(3, 10, 30_000, 2.0, 60), afresh=True))
    model.propose(task(left=Left(3, 10, 400_000, 0.10, 60), afresh=True))
    plenty, by_tokens, by_usd = (request.body["max_tokens"] for request in api.requests)
    assert plenty == 16_000
    prompt = sum(len(json.dumps(api.requests[0].body[part])) for part in ("system", "messages", "tools"))
    assert 1_024 <= by_tokens <= 30_000 - prompt // 4
    # The dearest outcome: the whole prompt written to the cache, and an answer of full length.
    assert 1_024 <= by_usd <= (0.10 - prompt / 4 * 2.50 / 1e6) / (10 / 1e6)


def test_a_stream_of_pings_cannot_hold_a_run(serve: Serve) -> None:
    serve(lambda _: Answer(events=answer(EDIT).events[:3], ending="hang"))
    started = time.monotonic()
    reply = ClaudeModel(max_output_tokens=2_000).propose(task(left=Left(3, 10, 400_000, 2.0, 2.0)))
    assert reply.over_budget == "wall_seconds"
    assert reply.usage.output_tokens == 2_000
    assert time.monotonic() - started < 30


def test_a_retry_that_is_asked_for_later_than_the_end_cannot_hold_a_run(serve: Serve) -> None:
    serve(lambda _: refusal(429, retry_after="3600"))
    reply = ClaudeModel().propose(task(left=Left(3, 10, 400_000, 2.0, 2.0)))
    assert reply.over_budget == "wall_seconds"


def test_after_the_time_was_up_the_model_can_be_asked_again(serve: Serve) -> None:
    release = threading.Event()
    slow = answer(EDIT)

    def script(_: Request) -> Answer:
        release.wait(20)
        return slow

    serve(script)
    model = ClaudeModel()
    assert model.propose(task(left=Left(3, 10, 400_000, 2.0, 1.0))).over_budget == "wall_seconds"
    release.set()
    assert model.propose(task()).proposal is not None


def test_the_server_as_a_program(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replies, log = tmp_path / "replies.json", tmp_path / "requests.jsonl"
    replies.write_text(json.dumps([EDIT, {**EDIT, "note": "the last"}]))
    command = [sys.executable, str(Path(messages_api.__file__)), str(replies), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.stdout.readline().strip())
            model = ClaudeModel()
            notes = [(model.propose(task()).proposal or Proposal()).note for _ in range(3)]
        finally:
            server.terminate()
    assert notes == ["corrects a", "the last", "the last"]
    assert len(log.read_text().splitlines()) == 3
    assert KEY not in log.read_text()


NO_COUNTS = (float("nan"), float("inf"), 1e308, -1, "many", "", [], 10**30)
"""None besides for what the API may not leave out."""


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("input_tokens", count) for count in (*NO_COUNTS, None)),
        *(("output_tokens", count) for count in (*NO_COUNTS, None)),
        *(("cache_read_input_tokens", count) for count in NO_COUNTS),
    ],
)
def test_usage_that_is_no_count_is_booked_at_the_most_that_the_call_can_have_cost(
    serve: Serve, name: str, count: Any
) -> None:
    tokens, last = ({}, {"output_tokens": count}) if name == "output_tokens" else ({name: count}, {})
    serve(lambda _: answer(EDIT, tokens=tokens, **last))
    model = ClaudeModel()
    most = model.most(task(left=PLENTY))
    reply = model.propose(task(left=PLENTY))
    assert reply.proposal is not None
    assert reply.usage == most
    assert 0 < reply.usage.usd <= PLENTY.usd


def test_an_answer_is_not_read_without_end(serve: Serve) -> None:
    noise = b'event: ping\ndata: {"type": "ping", "more": "' + b"x" * 1_000_000 + b'"}\n\n'
    serve(lambda _: Answer(raw=noise * 18))
    reply = ClaudeModel().propose(task())
    assert reply.proposal is None
    assert "has more than 16777216 bytes" in str(reply.malformed)


def test_nothing_compressed_is_unpacked(serve: Serve) -> None:
    api = serve(lambda _: Answer(status=400, headers={"content-encoding": "gzip"}))
    with pytest.raises(Unavailable, match="compressed, though it was asked not to"):
        ClaudeModel().propose(task())
    assert {request.headers["accept-encoding"] for request in api.requests} == {"identity"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve: Serve, status: int) -> None:
    with MessagesApi(lambda _: answer(EDIT)) as other:
        serve(lambda _: Answer(status=status, headers={"location": f"{other.url}/v1/messages"}))
        with pytest.raises(Unavailable, match=rf"redirect \({status}\), which is not followed"):
            ClaudeModel().propose(task())
        assert not other.requests
