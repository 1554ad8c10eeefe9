"""The server's log: one JSON object a line on standard error. Nobody waits for who reads it."""

import json
import logging
import queue
import threading
import time
from typing import Any

from policyloop.audit.record import Record, moment
from policyloop.printing import one_line, say

MOST_WAITING = 10_000
"""Lines that may wait for a slow reader; more are counted and dropped."""
MOST_NAME = 100
"""Characters of a name in a line."""


class _Passed(logging.Handler):
    """Takes what the libraries log: one line of it, and of an exception its name. A traceback is no log line."""

    def __init__(self, lines: "Lines") -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on."""
        raised = record.exc_info[1] if record.exc_info else None
        text = f"{record.getMessage()} {type(raised).__name__ if raised else ''}"
        self._lines.tell("library", record.levelname.lower(), name=record.name, text=one_line(text))


class Lines:
    """What is written, by a thread of its own."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._write, name="log-lines", daemon=True)
        self._thread.start()
        self._passed = _Passed(self)
        logging.getLogger().addHandler(self._passed)

    def tell(self, what: str, level: str = "info", **about: Any) -> None:
        """A line: when, how bad, what, and what there is to know about it."""
        try:
            self._waiting.put_nowait({"time": moment(time.time()), "level": level, "what": what, **about})
        except queue.Full:
            self.lost += 1

    def decided(self, record: Record, identity: tuple[str, ...]) -> None:
        """The line of a decision: no input, no path, nothing but what is needed to find its record."""
        about: dict[str, Any] = {
            "id": record.id,
            "event": record.event,
            "tool": _short(record.tool),
            "who": _short(record.who.subject),
            "verified": record.who.verified,
            "session": _short(record.session),
            "decision": record.decision,
            "mode": record.mode,
            "rule": record.rule,
            "policy": record.policy.id,
            "ms": round(record.latency_us / 1000, 2),
        }
        if record.would_be is not None:
            about["would_be"] = record.would_be
        if record.trouble:
            about["trouble"] = record.trouble
        if identity:
            about["unknown_because"] = one_line("; ".join(identity), 300)
        self.tell("decision", "warning" if record.trouble else "info", **about)

    def close(self, patience: float = 2.0) -> None:
        """Write what waits; a reader that has gone is not waited for."""
        logging.getLogger().removeHandler(self._passed)
        try:
            self._waiting.put(None, timeout=patience)
        except queue.Full:
            return
        self._thread.join(patience)

    def _write(self) -> None:
        while True:
            line = self._waiting.get()
            if line is None:
                return
            try:
                say(json.dumps(line, ensure_ascii=True, default=str), err=True)
            except (OSError, ValueError):
                self.lost += 1


def _short(text: str) -> str:
    """A name of bounded length. Secrets are taken out of the whole line when it is printed, and before a text is cut:
    half of one is not recognised.
    """
    return text if len(text) <= MOST_NAME else one_line(text, MOST_NAME)
