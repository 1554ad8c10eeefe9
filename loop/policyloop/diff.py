"""One file's change as a unified diff that `git apply` and `patch -p1` take, whatever its name and line ends are."""

import difflib
from collections.abc import Callable, Iterator, Sequence

MAX_COMPARED = 10_000_000
"""Lines before x lines after, without what both begin and end with. Above it, difflib can take minutes for a text made
to be slow (about one second at this bound), so all of the lines between are shown as replaced."""

_CONTEXT = 3
_C_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def file_diff(path: str, before: str | None, after: str | None, clean: Callable[[str], str] | None = None) -> str:
    """What leads from `before` to `after`, None where there is no file. `path` has no leading `a/` or `b/`.

    `clean` takes secrets out of a text for a diff that is only shown. It is given whole texts, since what says that a
    line holds a secret may stand far above it, where no hunk shows it; a line must stay a line.
    """
    head = f"diff --git {_quoted(f'a/{path}')} {_quoted(f'b/{path}')}\n"
    if before is None:
        head += "new file mode 100644\n"
    if after is None:
        head += "deleted file mode 100644\n"
    hunks = "".join(_hunks(*_sides(before, clean), *_sides(after, clean)))
    if not hunks:
        return head
    return f"{head}--- {_label('a/', path, before)}\n+++ {_label('b/', path, after)}\n{hunks}"


def _sides(text: str | None, clean: Callable[[str], str] | None) -> tuple[Sequence[str], Sequence[str]]:
    """The lines that are compared, and those that are shown in their place."""
    lines = _lines(text)
    shown = _lines(clean(text)) if clean and text else lines
    # Should a line not have stayed one, what is shown is compared: less is told, and no secret.
    return (lines if len(shown) == len(lines) else shown), shown


def _hunks(old: Sequence[str], was: Sequence[str], new: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    """`was` and `now`: what is shown of the lines of `old` and `new`."""
    for group in _groups(old, new):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (_line(" ", text) for text in was[i1:i2])
            else:
                yield from (_line("-", text) for text in was[i1:i2])
                yield from (_line("+", text) for text in now[j1:j2])


_Opcode = tuple[str, int, int, int, int]


def _groups(old: Sequence[str], new: Sequence[str]) -> Iterator[Sequence[_Opcode]]:
    """As `SequenceMatcher.get_grouped_opcodes`, in bounded time."""
    start, end = _alike(old, new)
    a, b = len(old) - end, len(new) - end
    above, below = min(_CONTEXT, start), min(_CONTEXT, end)
    if (a - start) * (b - start) > MAX_COMPARED:
        yield (
            ("equal", start - above, start, start - above, start),
            ("replace", start, a, start, b),
            ("equal", a, a + below, b, b + below),
        )
        return
    offset = start - above
    matcher = difflib.SequenceMatcher(None, old[offset : a + below], new[offset : b + below])
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        yield [(tag, i1 + offset, i2 + offset, j1 + offset, j2 + offset) for tag, i1, i2, j1, j2 in group]


def _alike(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines both begin with, and how many of the others both end with."""
    most = min(len(old), len(new))
    start = next((i for i in range(most) if old[i] != new[i]), most)
    most -= start
    end = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    return start, end


def _range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _line(sign: str, text: str) -> str:
    return sign + text if text.endswith("\n") else f"{sign}{text}\n\\ No newline at end of file\n"


def _label(prefix: str, path: str, text: str | None) -> str:
    if text is None:
        return "/dev/null"
    # A tab ends the name where a space in it could be taken for its end, as git writes it.
    return _quoted(prefix + path) + ("\t" if " " in path else "")


def _quoted(name: str) -> str:
    """A name as git writes it in a diff: in C's quotes when it holds a quote, a backslash or a control character."""
    if not any(c in '"\\' or c < " " or c == "\x7f" for c in name):
        return name
    return '"' + "".join(_C_ESCAPES.get(c) or (f"\\{ord(c):03o}" if c < " " or c == "\x7f" else c) for c in name) + '"'


def _lines(text: str | None) -> list[str]:
    """Split at line feeds only, as git does: CR, form feeds and U+2028 belong to the line."""
    parts = (text or "").split("\n")
    ended = [part + "\n" for part in parts[:-1]]
    return [*ended, parts[-1]] if parts[-1] else ended
