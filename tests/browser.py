"""A real browser without a window, driven through the pipe that Chromium offers for it."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    "--remote-debugging-pipe",
)
MOVE_PIPES = """
import fcntl, os, sys
orders, answers = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(orders, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads orders from 3 and answers on 4."""
SECONDS = 120.0
"""The longest wait for one answer; a loaded machine takes its time."""


@contextmanager
def browser() -> Iterator["Browser"]:
    """Chromium. Where there is none the test is skipped, but never where it must be there."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium is installed")
        pytest.skip("no Chromium is installed, so no page can be opened")
    with tempfile.TemporaryDirectory(prefix="policyloop-browser-", ignore_cleanup_errors=True) as folder:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(
            [sys.executable, "-c", MOVE_PIPES, str(theirs_in), str(theirs_out), program, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_in, ours_out)
        finally:
            process.kill()
            process.wait()
            os.close(ours_in)
            os.close(ours_out)


class Browser:
    """One page. `events` are all that Chromium told meanwhile: requests, console messages, exceptions."""

    def __init__(self, answers: int, orders: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._answers, self._orders = answers, orders
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.order("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.order("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.order(f"{domain}.enable")
        self.order("Emulation.setDeviceMetricsOverride", width=1100, height=900, deviceScaleFactor=1, mobile=False)
        nothing = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.order("Network.emulateNetworkConditions", offline=True, **nothing)

    def order(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One order and its answer."""
        self._number += 1
        order = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            order["sessionId"] = self._session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            said = self._next(deadline)
            if said.get("id") == self._number:
                assert "error" not in said, said
                return dict(said["result"])
            self.events.append(said)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser is gone"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def open(self, file: Path, *, scheme: str = "light") -> None:
        """Show a file, whole."""
        self.order("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.order("Page.navigate", url=file.resolve().as_uri())
        self._wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript gives; it is ours, the page has none."""
        answer = self.order("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """A real click of the mouse on the middle of an element."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{find}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.ask(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({find}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.order("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """One key down and up."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.order("Input.dispatchKeyEvent", type="keyDown", **known, **text)
        self.order("Input.dispatchKeyEvent", type="keyUp", **known)

    def visible(self, selector: str) -> bool:
        """Whether an element takes up any room."""
        shown = f"(e => !!e && e.getClientRects().length > 0)(document.querySelector({json.dumps(selector)}))"
        return bool(self.ask(shown))

    def picture(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.order("Page.captureScreenshot", format="png")["data"])

    def _wait(self, expression: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.ask(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.05)

    def complaints(self) -> list[dict[str, Any]]:
        """Everything on the console, and every exception."""
        bad = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")
        return [event for event in self.events if event.get("method") in bad]

    def fetched(self) -> list[str]:
        """The addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
