"""`policyloop run` with the `claude` model against a Messages API on loopback: real HTTP, real streaming."""

import uuid
from pathlib import Path

import pytest

from command import DOCS, FIX, FIXED, lay, picture, policyloop
from messages_api import Answer, MessagesApi, Request, answer, refusal
from published_schemas import hold_to_schema

FLIP = {"edits": [{"path": "doc_test.yaml", "old": "write: EFFECT_DENY", "new": "write: EFFECT_ALLOW"}], "note": "flip"}


@pytest.fixture
def key() -> str:
    """A key that is nobody's, new each time, so that finding it anywhere means that it leaked."""
    return f"sk-ant-{'test'}-{uuid.uuid4().hex}"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return lay(DOCS, tmp_path / "project" / "policies")


def run(docs: Path, api: MessagesApi, key: str, *more: object):
    return policyloop(
        "run", "--policies", docs, "--runner", "native", "--format", "json", *more,
        env={"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": key},
    )  # fmt: skip


def test_a_run_with_claude_ends_green_and_the_key_is_nowhere(docs: Path, key: str, tmp_path: Path, cerbos):
    turns = iter([answer({**FLIP, "read": [], "dispute": None}), answer({**FIX, "read": [], "dispute": None})])
    with MessagesApi(lambda _: next(turns)) as api:
        done = run(docs, api, key)
    doc = done.json
    hold_to_schema(doc, "run")
    assert doc["outcome"] == "green", done.err
    assert [bool(a["weakened"]) for a in doc["attempts"]] == [True, False]
    assert (docs / "doc.yaml").read_text() == FIXED
    assert doc["usage"]["input_tokens"] == 200
    assert doc["usage"]["output_tokens"] == 100
    assert doc["usage"]["usd"] > 0

    assert len(api.requests) == 2
    for request in api.requests:
        assert key in request.headers.get("authorization", "") + request.headers.get("x-api-key", "")
        assert key not in request.text
        assert request.body["stream"] is True
    everything = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert key.encode() not in everything
    assert key not in done.out + done.err


def test_a_key_that_a_policy_holds_never_reaches_the_model(docs: Path, key: str, cerbos):
    """The person's own file holds the key by mistake: the prompt, the screen and the ledger do not."""
    lay({"doc.yaml": f"# key: {key}\n" + DOCS["doc.yaml"]}, docs)
    with MessagesApi(lambda _: answer({"edits": [], "note": "?", "read": [], "dispute": None})) as api:
        done = run(docs, api, key)
    assert done.code == 4
    assert api.requests
    assert all(key not in request.text for request in api.requests)
    assert key not in done.out + done.err
    state = docs.parent / ".policyloop"
    assert all(key.encode() not in f.read_bytes() for f in state.rglob("*") if f.is_file())


@pytest.mark.parametrize(
    ("status", "word"), [(401, "key"), (404, "model"), (429, ""), (529, "")], ids=["401", "404", "429", "529"]
)
def test_an_api_that_refuses_ends_in_8_and_the_run_goes_on_later(status: int, word: str, docs: Path, key: str, cerbos):
    before = picture(docs)
    first = [answer({"edits": [{"path": "doc.yaml", "old": "apiVersion", "new": "# a\napiVersion"}], "note": "try"})]

    def script(_: Request) -> Answer:
        return first.pop() if first else refusal(status, retry_after="0")

    with MessagesApi(script) as api:
        done = run(docs, api, key)
    doc = done.json
    assert (done.code, doc["outcome"]) == (8, "unavailable")
    assert word in doc["message"]
    assert "Traceback" not in done.err
    assert picture(docs) == before
    with MessagesApi(lambda _: answer(FIX)) as api:
        resumed = run(docs, api, key, "--resume", doc["run"])
    assert resumed.json["outcome"] == "green", resumed.err
    assert [a["note"] for a in resumed.json["attempts"]] == ["try", "only owners write"]
    assert len(api.requests) == 1


def test_a_truncated_answer_is_a_failed_attempt(docs: Path, key: str, cerbos):
    cut = answer(partial='{"edits": [{"path": "doc.y', stop_reason="max_tokens")
    turns = iter([cut, answer(FIX)])
    with MessagesApi(lambda _: next(turns)) as api:
        done = run(docs, api, key)
    assert done.json["outcome"] == "green"
    assert done.json["attempts"][0]["refusal"]


def test_no_key_ends_in_8_and_says_what_to_do(docs: Path, cerbos):
    done = policyloop("run", "--policies", docs, "--runner", "native", "--format", "plain")
    assert done.code == 8
    assert "ANTHROPIC_API_KEY" in done.out + done.err


def test_a_dollar_budget_is_kept(docs: Path, key: str, cerbos):
    with MessagesApi(lambda _: answer(FIX)) as api:
        done = run(docs, api, key, "--usd", "0.001")
    assert (done.code, done.json["stopped_by"]) == (4, "usd")
    assert not api.requests


def test_a_missing_key_is_named_before_anything_is_compiled_or_written(docs: Path, cerbos):
    arguments = ("--policies", docs, "--runner", "native", "--format", "plain")
    done = policyloop("run", "Interns may read.", *arguments)
    assert done.code == 8
    assert "There is no API key for Claude." in done.err
    assert "Set ANTHROPIC_API_KEY" in done.err
    assert not list(docs.parent.rglob("*.jsonl"))


def test_a_program_that_is_not_there_is_named_before_anything_is_compiled(docs: Path, cerbos):
    arguments = ("--policies", docs, "--runner", "native", "--format", "plain")
    done = policyloop("run", "Interns may read.", *arguments, "--model-command", "no-such-program --flag")
    assert done.code == 8
    assert "no-such-program cannot be started" in done.err
    assert not list(docs.parent.rglob("*.jsonl"))


def test_what_needs_no_model_needs_no_key(docs: Path, cerbos, key: str):
    """A repair of what is green asks nobody."""
    with MessagesApi(lambda _: answer(FIX)) as api:
        assert run(docs, api, key).code == 0
    assert policyloop("run", "--policies", docs, "--runner", "native", "--format", "plain").code == 0
