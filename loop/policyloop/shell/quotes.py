"""What stands between quotes, as the shell takes them off."""

import re

_ANSI = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def ansi_c(text: str) -> str:
    r"""The text of `$'...'`: `\x72` is `r`. As bash does, it ends at a NUL."""
    return decoded(text).split("\0", 1)[0]


def decoded(text: str) -> str:
    r"""Backslash escapes replaced: of `$'...'`, `printf` and `echo -e`. Bytes above 0x7F are left as they are."""
    return _ANSI.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    for base, digits in ((16, match[1]), (16, match[2]), (16, match[3]), (8, match[4])):
        if digits is not None:
            code = int(digits, base) if base == 16 else int(digits, base) & 0xFF
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "�"
    if match[5] is not None:
        return chr(ord(match[5][0]) & 0x1F)
    return _LETTERS.get(match[6], match[6] if match[6] in "\\'\"?" else f"\\{match[6]}")
