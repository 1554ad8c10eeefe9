"""The one door through which policyloop prints: nothing else here writes to stdout, to stderr or to a terminal.

What is printed was often written by others: names of files and tests, conditions, a compiler's messages, a model's
words, fields of a ledger. In what leaves here no secret that is recognised stands, no character moves the cursor, sets
a title, links or turns the direction of writing, and no line is a command to the runner of a pipeline. That is so
whatever the environment says: a log of GitHub Actions may also show what ran in a container that knew nothing of it.

Hooks answer through here too and are waited for, so nothing is imported before it is needed.
"""

import json
import re
import sys
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from policyloop.next_command import Next

WHOLE = 10_000_000
"""Characters that no text here has: what a person says yes to is never cut."""

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_COMMAND = re.compile(r"^(\s*):(?=:)")
_OLDER_COMMAND = re.compile(r"##(?=\w*\[)")
_WRAPPED_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;?]*[A-Za-z])*):(?=:)", re.MULTILINE)


def clean(text: str) -> str:
    """`text` without secrets, and with what no eye can see written out; line feeds and tabs stay.

    That is control, bidirectional and invisible characters, and halves of characters, which no file or terminal takes.
    """
    from policyloop.redact import redact

    return visible(redact(text))


def visible(text: str) -> str:
    """`text` with what no eye can see written out; line feeds and tabs stay. Secrets stay too: see `clean`."""
    return _UNSEEN.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def inert(line: str) -> str:
    """A line as it is printed: cleaned, one line, and no command to the runner of a pipeline.

    GitHub's runner takes `::error::` behind any blanks, and `##[error]` anywhere, from both streams; those of Azure
    and TeamCity take `##vso[..]` and `##teamcity[..]`.
    """
    return _no_command(clean(line).replace("\n", " "))


def one_line(text: str, most: int = 300) -> str:
    """`text` cleaned, on one line, cut to `most` characters."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def say(line: str = "", *, err: bool = False, out: TextIO | None = None, end: str = "\n") -> None:
    """Print one line, on stdout if nothing else is asked for. `out`: another stream, such as a buffer."""
    _write(inert(line) + end, out or (sys.stderr if err else sys.stdout))


def say_lines(text: str, *, err: bool = False, out: TextIO | None = None) -> None:
    """Print a text of several lines."""
    for line in clean(text).removesuffix("\n").split("\n"):
        say(line, err=err, out=out)


def say_document(document: object) -> None:
    """Print a document as JSON on stdout. It is the same JSON, in which a runner sees no command."""
    from policyloop.redact import redact_value
    from policyloop.shape import to_json

    text = json.dumps(redact_value(to_json(document)), indent=2, ensure_ascii=True)
    _write(_OLDER_COMMAND.sub(r"#\\u0023", text) + "\n", sys.stdout)


def say_answer(answer: dict[str, object]) -> None:
    """Print what a hook answers, one JSON object; its words are shown on a terminal by whoever asked.

    Only `updatedInput`, which a tool is run with, stays as it is.
    """
    _write(_OLDER_COMMAND.sub(r"#\\u0023", json.dumps(_cleaned(answer))) + "\n", sys.stdout)


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: item if name == "updatedInput" else _cleaned(item) for name, item in value.items()}
    return value


def printable(text: str) -> bool:
    """Whether `say_lines` prints `text` as it is."""
    return all(inert(line) == line for line in text.split("\n"))


def say_next(commands: "Iterable[Next]") -> None:
    """Print what can be typed now on standard error, each on a line of its own, never broken."""
    for command in commands:
        say(str(command), err=True)


def say_over(line: str, *, err: bool = True) -> None:
    """Put a line in place of the last one on a terminal, without ending it; an empty one clears it."""
    _write(f"\r\x1b[K{inert(line)}", sys.stderr if err else sys.stdout)


def annotate(
    level: str, title: str, text: str, file: str = "", line: int | None = None, col: int | None = None
) -> None:
    """Print an annotation of GitHub Actions: a command of ours, in which others' words are only words.

    An unknown level is a notice. In the text `%`, CR and LF are escaped, in properties also `:` and `,`.
    """
    given = {"file": file, "line": line, "col": col, "title": one_line(title)}
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in given.items() if value)
    known = level if level in {"error", "warning", "notice"} else "notice"
    _write(f"::{known} {listed}::{_data(text)}\n", sys.stdout)


def say_unheard(text: str) -> None:
    """Print lines between which GitHub's runner is told to hear no command at all."""
    import secrets

    token = secrets.token_hex(16)
    _write(f"::stop-commands::{token}\n", sys.stdout)
    say_lines(text.rstrip())
    _write(f"::{token}::\n", sys.stdout)


def ask(question: str) -> bool:
    """Ask a person on the terminal for a yes or a no; Enter alone is a no. An interrupt is a `KeyboardInterrupt`."""
    while True:
        said = typed(f"{question} [y/N]: ").strip().lower()
        if said in {"y", "yes"}:
            return True
        if said in {"", "n", "no"}:
            return False
        say("Answer y or n.")


def typed(prompt: str) -> str:
    """The line that a person types after `prompt`. An interrupt, or the end of the input, is a `KeyboardInterrupt`.

    `input()` would sleep through a Ctrl-C that comes between its prompt and its read; `select` cannot, because what the
    signal writes into the pipe stays there. A terminal hands out one line at a time, so none waits in a buffer unseen.
    """
    import os
    import select
    import signal

    say(prompt, end="")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake)
    try:
        select.select([sys.stdin, woken], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line


class Unheard:
    """A stream for a renderer with escape codes of its own: it folds long lines, and a fold may begin a command.

    What it is handed was cleaned before, word by word; here only lines are looked at.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Hand it on, with no line that is a command."""
        self._stream.write(_OLDER_COMMAND.sub("## ", _WRAPPED_COMMAND.sub(r"\1: ", text)))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def tell_of_faults() -> None:
    """What would be printed by Python itself, of an exception that nobody caught, goes through here too."""
    import threading

    sys.excepthook = _fault
    threading.excepthook = lambda given: _fault(given.exc_type, given.exc_value, given.exc_traceback)
    sys.unraisablehook = lambda given: _fault(given.exc_type, given.exc_value, given.exc_traceback)


def _fault(kind: type[BaseException], error: BaseException | None, trace: "TracebackType | None") -> None:
    import traceback

    if not issubclass(kind, SystemExit):
        say_lines("".join(traceback.format_exception(kind, error, trace)), err=True)


def _no_command(line: str) -> str:
    return _OLDER_COMMAND.sub("## ", _COMMAND.sub(r"\1: ", line))


def _data(text: str) -> str:
    """One line of a command's text. Its older form is heard anywhere in a line, also in this one."""
    return _OLDER_COMMAND.sub("## ", clean(text)).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _write(text: str, stream: TextIO) -> None:
    stream.write(text)
    stream.flush()
