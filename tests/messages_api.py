"""A Messages API on loopback: real HTTP, real server-sent events, every request kept. Only the model is made up.

In a test:

    with MessagesApi(lambda request: answer({"edits": [...], "note": "", "read": []})) as api:
        environment = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": ...}

As a program, which prints its URL, then gives the proposals of a JSON file one a turn and the last one for ever:

    python tests/messages_api.py PROPOSALS.json [REQUESTS.jsonl]

The events and their order are those of https://platform.claude.com/docs/en/build-with-claude/streaming (read 2026-10).
"""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

Event = tuple[str, dict[str, Any]]
_IDS = count(1)


@dataclass(frozen=True)
class Request:
    """What a client sent. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The body as sent, for looking for what must not be in it."""
        return json.dumps(self.body)


@dataclass(frozen=True)
class Answer:
    """How a request is answered.

    `status` other than 200: the JSON `body` at once. Otherwise the `events`, then what `ending` says: `stop` closes
    properly, `cut` resets the connection in mid-stream, `hang` sends pings and nothing else until the server stops.
    `before`: seconds of silence before the first byte. `raw`: bytes sent in place of the events.
    """

    status: int = 200
    events: Sequence[Event] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    ending: str = "stop"
    before: float = 0.0
    raw: bytes | None = None


def usage(**tokens: int) -> dict[str, Any]:
    """Usage as `message_start` reports it."""
    written = tokens.get("cache_creation_input_tokens", 0)
    return {
        "input_tokens": 100,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
        **tokens,
    }


def answer(
    *proposals: Any,
    text: str | None = None,
    thinking: bool = False,
    stop_reason: str | None = None,
    output_tokens: int = 50,
    tokens: Mapping[str, int] | None = None,
    tool: str = "propose",
    calls: Sequence[tuple[str, Any]] = (),
    partial: str | None = None,
    **rest: Any,
) -> Answer:
    """A streamed answer that calls `tool` with each of `proposals`, then each of `calls`: a tool and its input.

    `partial`: the input of one call of `tool`, sent as it is.
    """
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if thinking:
        signature = {"type": "signature_delta", "signature": "c2lnbmVk"}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [signature]))
    if text is not None:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text}]))
    inputs = [(name, json.dumps(given)) for name, given in (*((tool, proposal) for proposal in proposals), *calls)]
    inputs += [(tool, partial)] if partial is not None else []
    for name, given in inputs:
        half = len(given) // 2
        pieces = ["", given[:half], given[half:]]
        start = {"type": "tool_use", "id": f"toolu_{next(_IDS):06}", "name": name, "input": {}}
        blocks.append((start, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]))
    stop = stop_reason or ("tool_use" if inputs else "end_turn")
    return Answer(events=list(_events(blocks, stop, output_tokens, tokens or {})), **rest)


def _events(
    blocks: Sequence[tuple[dict[str, Any], list[dict[str, Any]]]],
    stop_reason: str,
    output_tokens: int,
    tokens: Mapping[str, int],
) -> Iterator[Event]:
    message = {
        "id": f"msg_{next(_IDS):06}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(**tokens),
    }
    yield "message_start", {"type": "message_start", "message": message}
    yield "ping", {"type": "ping"}
    for index, (start, deltas) in enumerate(blocks):
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": stop_reason, "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": {"output_tokens": output_tokens}}
    yield "message_stop", {"type": "message_stop"}


_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def refusal(status: int, message: str = "as the test wants it", **headers: str) -> Answer:
    """An error as the API words it. `retry_after="0"` becomes the header `retry-after`."""
    body = {"type": "error", "error": {"type": _KINDS[status], "message": message}, "request_id": "req_000001"}
    return Answer(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class MessagesApi:
    """The server. `script` is called with each request to `/v1/messages`, in the thread that serves it."""

    def __init__(self, script: Callable[[Request], Answer]) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What `ANTHROPIC_BASE_URL` is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "MessagesApi":
        """Serve from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every answer that is under way, and the server."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> "MessagesApi":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: MessagesApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        """Claude Code asks so whether anybody is there."""
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        api = self.server.api
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, json.loads(raw or b"null"))
        api.requests.append(request)
        if self.path.split("?")[0] != "/v1/messages":
            given = refusal(404, f"no such path: {self.path}")
        elif not headers.get("authorization") and not headers.get("x-api-key"):
            given = refusal(401, "no key")
        else:
            given = api.script(request)
        api.stopping.wait(given.before)
        with suppress(OSError):
            self._send(given)

    def _send(self, given: Answer) -> None:
        if given.status != 200:
            body = json.dumps(given.body).encode()
            self.send_response(given.status)
            for name, value in {"content-type": "application/json", **given.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("cache-control", "no-cache")
        self.send_header("request-id", "req_000001")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, data in given.events if given.raw is None else ():
            self._chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        if given.raw is not None:
            self._chunk(given.raw)
        self._end(given.ending)

    def _end(self, ending: str) -> None:
        if ending == "stop":
            self.wfile.write(b"0\r\n\r\n")
        while ending == "hang" and not self.server.api.stopping.wait(0.05):
            self._chunk(b'event: ping\ndata: {"type": "ping"}\n\n')
        if ending == "cut":
            # With a linger of zero seconds, closing sends a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = ending != "stop"

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def main(proposals: str, requests: str | None = None) -> None:
    """Serve the proposals of a file until interrupted. Requests are written down with their keys masked."""
    replies = json.loads(Path(proposals).read_text())
    turns = count()

    def script(request: Request) -> Answer:
        if requests:
            masked = {n: "***" if n in ("authorization", "x-api-key") else v for n, v in request.headers.items()}
            with Path(requests).open("a") as file:
                file.write(json.dumps({"headers": masked, "body": request.body}) + "\n")
        return answer(replies[min(next(turns), len(replies) - 1)], thinking=True)

    with MessagesApi(script) as api:
        print(api.url, flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
