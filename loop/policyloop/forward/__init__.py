"""`policyloop hook forward`: for agents whose hooks only run commands. The event on stdin goes to a decision point, and
its answer comes back in the agent's own form.

It runs at every tool call, so it imports nothing but what it needs of the standard library. It fails closed: whatever
goes wrong, and a time limit that has passed, is that agent's denial, with exit code 2, which blocks in each of them.
"""

import os
import sys
import threading
from collections.abc import Sequence

from policyloop.forward.forms import FORMS, Answered, Form, Unclear

USAGE = (
    "policyloop hook forward --to URL --client claude|codex|cursor|gemini "
    "[--seconds N] [--token-variable NAME] [--ca FILE]"
)
SECONDS = 8.0
"""Within which there is an answer: less than the time limit of any agent's hook that is set to 10 s or more."""
MOST_BYTES = 10 * 1_048_576
"""Of an event."""
BLOCKED = 2
UNHEARD = "The decision point was not heard, so this is not allowed. Try again, or tell the people who run it."


class _Usage(Exception):
    """The command line is none; the text says why."""


class _Once:
    """Whoever says something first: the answer, or the time limit."""

    def __init__(self, form: Form) -> None:
        self._lock = threading.Lock()
        self.form = form
        self.event: str = ""

    def say(self, answer: Answered) -> int:
        """Print the answer and give the exit code; never returns to who comes second."""
        self._lock.acquire()
        try:
            out, code = self.form.words(self.event, answer)
            _write(1, out)
            if code:
                _write(2, answer.reason + "\n")
        except BaseException:  # noqa: BLE001 - an answer that cannot be said is a denial
            code = BLOCKED
        os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Answer the event on stdin, and end the process: 0 with what was decided, 2 with a denial.

    2 is also for a command line that is none, since an agent would take any other code for a yes.
    """
    try:
        given = _options(arguments)
        form = FORMS[given["--client"]]
        seconds = _seconds(given.get("--seconds", str(SECONDS)))
    except (_Usage, ValueError) as wrong:
        _write(2, f"policyloop hook forward: {wrong}. Nothing can be decided, so this is not allowed. {USAGE}\n")
        return BLOCKED
    once = _Once(form)
    try:
        # Where the machine has no thread left this raises, and any other exit code than 2 would let the tool go.
        clock = threading.Timer(seconds, once.say, [Answered("deny", UNHEARD)])
        clock.daemon = True
        clock.start()
        return once.say(_decided(once, given, seconds))
    except Unclear as wrong:
        return once.say(Answered("deny", str(wrong)))
    except BaseException:  # noqa: BLE001 - whatever it is, the tool must not run
        return once.say(Answered("deny", UNHEARD))


def _decided(once: _Once, given: dict[str, str], seconds: float) -> Answered:
    from policyloop.forward.post import Point

    body = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise Unclear("The hook's input is too large to be decided about.")
    events = once.form.events(body)
    once.event = events[0].name
    variable = given.get("--token-variable", "")
    token = os.environ.get(variable, "") if variable else ""
    if variable and not token:
        raise Unclear(f"{variable} holds no token, so nobody can say who asks.")
    point = Point(given["--to"], once.form.client, token, given.get("--ca"), seconds)
    answers = [once.form.heard(event, point.post(event.body)) for event in events]
    return max(answers, key=lambda answer: answer.strength)


def _options(arguments: Sequence[str]) -> dict[str, str]:
    known = {"--to", "--client", "--seconds", "--token-variable", "--ca"}
    given: dict[str, str] = {}
    words = list(arguments)
    while words:
        name, sign, value = words.pop(0).partition("=")
        if name not in known or name in given:
            raise _Usage(f"{name} is no option, or stands twice")
        if not sign:
            if not words:
                raise _Usage(f"{name} has no value")
            value = words.pop(0)
        given[name] = value
    for name in ("--to", "--client"):
        if not given.get(name):
            raise _Usage(f"{name} is missing")
    if given["--client"] not in FORMS:
        raise _Usage(f"--client is one of {', '.join(FORMS)}")
    return given


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 60:
        raise _Usage("--seconds is from 0.1 to 60")
    return seconds


def _write(descriptor: int, text: str) -> None:
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(descriptor, data) :]
