r"""Texts that go over several lines, as far as Cerbos and libyaml join their lines alike.

Both join as YAML says: a line break is a space, an empty line is a line break, spaces around them are dropped, and `\`
at the end of a line in double quotes joins without a space. Seen with Cerbos 0.55.0 (goccy/go-yaml 1.19.2), and the
corners that are in doubt because of it: in quotes a line break of two characters is kept; spaces before an escaped
break are dropped when an empty line follows, and so is an escaped space before a break; a line that begins with `''`
gains a space or a break; spaces in an empty line, and lines of different indentation, change bare text.
"""

import re

_ESCAPED = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^\n])")
_EMPTY_WITH_SPACES = re.compile(r"\n +\n")
_BREAK_AFTER_ESCAPE = re.compile(r"\0 *\n")
_ESCAPED_BREAK_BEFORE_EMPTY = re.compile(r"\\\n *(?:\n|\Z)")
_QUOTE_BEGINS_LINE = re.compile(r"\n *''")
_CONTINUED = re.compile(r"[^\s\-?:,\[\]{}#&*!|>%@`'\"]")


def quoted_doubt(raw: str, quote: str) -> str:
    """What is in doubt about a quoted text over several lines, with its quotes; empty when nothing is."""
    if "\r" in raw:
        return "a line break of two characters in quotes"
    if _EMPTY_WITH_SPACES.search(raw):
        return "an empty line with spaces in a text"
    if quote == "'":
        return "a quote at the beginning of a line of text" if _QUOTE_BEGINS_LINE.search(raw) else ""
    marked = _ESCAPED.sub("\0", raw)
    if _BREAK_AFTER_ESCAPE.search(marked) or _ESCAPED_BREAK_BEFORE_EMPTY.search(marked.removesuffix('"')):
        return "an escape at the end of a line of text"
    return ""


def plain_doubt(raw: str) -> str:
    """What is in doubt about the line breaks of a bare text over several lines; empty when nothing is."""
    _, *others = raw.split("\n")
    if not all(_CONTINUED.match(line.lstrip(" ")) for line in others):
        return "bare text over several lines"
    indents = {len(line) - len(line.lstrip(" ")) for line in others}
    return "" if len(indents) == 1 else "bare text over lines of different indentation"
