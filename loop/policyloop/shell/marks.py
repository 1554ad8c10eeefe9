"""Characters that stand for what a text leaves open: private-use, so that no quoted character is taken for one.

A word as we hand it on is a plain `str`. Where it holds none of these it is known to the last character, and a `*` in
it is a star that was quoted.
"""

import re

HOLE = "\ue000"
"""Any text, also none: a variable, the output of a program."""
STAR, QUEST, OPEN_SET, CLOSE_SET = "\ue001", "\ue002", "\ue003", "\ue004"
"""Unquoted `*`, `?`, `[` and `]`: the shell puts names of files in their place."""
TILDE = "\ue005"
"""An unquoted `~` at the beginning: somebody's home directory."""
OPEN_BRACE, COMMA, CLOSE_BRACE = "\ue006", "\ue007", "\ue008"
"""Unquoted `{`, `,` and `}`; only within this room, until braces are expanded."""

_SHOWN = str.maketrans(
    {
        HOLE: "…", STAR: "*", QUEST: "?", OPEN_SET: "[", CLOSE_SET: "]", TILDE: "~",
        OPEN_BRACE: "{", COMMA: ",", CLOSE_BRACE: "}",
    }
)  # fmt: skip
GLOBS = str.maketrans({"*": STAR, "?": QUEST, "[": OPEN_SET})
"""Signs as they were typed, to the marks of what the shell expands."""
ANY_MARK = re.compile("[\ue000-\ue00f]")
GLOB = re.compile(f"[{STAR}{QUEST}{OPEN_SET}]")


def shown(text: str) -> str:
    """As a person and a policy read it: `…` for what is not known, a pattern's signs as typed."""
    return text if text.isascii() else text.translate(_SHOWN)


def is_open(text: str) -> bool:
    """Whether something in it is not known."""
    return HOLE in text


def has_glob(text: str) -> bool:
    """Whether the shell would look for names of files that fit."""
    return not text.isascii() and GLOB.search(text) is not None
