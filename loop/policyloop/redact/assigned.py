"""Secrets that are known by the name before them: in lines of an environment, YAML, JSON, shell, code, logs and diffs.

A value may be bare, quoted, a block of lines, or a list or mapping below the name. The name is read whole, so a
secret's word may stand anywhere in it.
"""

import re
from collections.abc import Iterator

from policyloop.redact.names import MARK, Named, about, is_secret, named

Span = tuple[int, int]

MAX_QUOTED = 4000
"""Characters of a quoted value, or of a list in brackets, that are looked at as one."""
MAX_LINES = 400
"""Lines below a name that are looked at."""

_PAIR = re.compile(
    r"(?<![\w.\-])[-+.]*(?P<name>[A-Za-z_][\w.\-]*+)(?:\\{0,3}[\"'])?\]?[ \t]{0,8}+"
    r"(?:(?<=[\w\"' \t])\n[ \t]{0,40}(?=:[ \t]))?(?P<sep>!==?|=>|={1,3}+|:=?)[ \t]{0,40}+"
)
_FLAG = re.compile(r"(?<![\w-])--?(?P<name>[A-Za-z][\w-]{2,60}+)[ \t]{1,4}+(?=[^\s-])")
_ENTRY = re.compile(
    r"(?i:\bname)(?:\\?[\"'])?\s{0,4}[:=]\s{0,4}(?:\\?[\"'])?(?P<name>[A-Za-z_][\w.\-]{0,200}+)(?:\\?[\"'])?\s{0,4},?"
    r"\s{0,80}(?:\\?[\"'])?(?i:value)(?:\\?[\"'])?\s{0,4}[:=][ \t]{0,4}"
)
_PROPERTIES = re.compile(
    r"(?:[!&][^\s,\[\]{}\"']*+[ \t]{1,4}){0,2}[burfBURF@]{0,2}(?=\\{0,3}[\"'])|(?:[!&][^\s,\[\]{}\"']*+[ \t]{1,4}){1,2}"
)
_QUOTED = re.compile(
    r"(?P<bars>\\{1,3})\"(?P<nested>[^\"\\\r\n]{1,4000}+)"
    r"|\"(?P<double>(?:[^\"\\]|\\.){0,4000}+)(?:\"|\Z)"
    r"|'(?P<single>(?:[^']|''){0,4000}+)(?:'|\Z)",
    re.DOTALL,
)
_OPEN = re.compile(r"\\{0,3}[\"'](?P<open>[^\r\n]{1,4000}+)")
_BARE = re.compile(r"[^\s\"'`,;&(){}\[\]<>|\\]{6,}+")
_BLOCK = re.compile(r"[|>][0-9+-]{0,2}[ \t]*+(?:#[^\n]*+)?\r?(?=\n|\Z)")
_EMPTY = re.compile(r"(?:#[^\n]*+)?\r?(?=\n)")
_INDENT = re.compile(r"(?:[> ] {0,6}\d{1,7} \| ?|[+-](?=[ +\-\n]|\w))?[ \t]*+")
_ITEM = re.compile(r"(?:- +)*+(?:[\"']?(?P<own>[\w.\-]{1,100}+)[\"']?[ \t]*+:[ \t]++)?(?P<value>[^\r\n]++)")
_LINE_START = re.compile(
    r"(?:[> ] {0,6}\d{1,7} \| ?)?[ \t+\-]*+(?:export[ \t]+|set[ \t]+|ENV[ \t]+|ARG[ \t]+)?[\"']?[-+.]*\Z"
)


def assigned(text: str) -> Iterator[Span]:
    """Where values stand behind a secret's name."""
    for pattern in (_PAIR, _FLAG, _ENTRY):
        for match in pattern.finditer(text):
            says = named(match["name"])
            if says is not None:
                yield from _value(text, match, says)


def _value(text: str, match: re.Match[str], says: Named) -> Iterator[Span]:
    at = match.end()
    if tags := _PROPERTIES.match(text, at):
        at = tags.end()
    sign = text[at : at + 1]
    if sign in {"'", '"', "\\"} and (spans := list(_quoted(text, at, says))):
        yield from spans
    elif sign in {"[", "{"}:
        yield from _bracketed(text, at, says)
    elif sign in {"|", ">"} and (head := _BLOCK.match(text, at)):
        yield from _block(text, match.start("name"), head.end() + 1, says)
    elif _EMPTY.match(text, at):
        yield from _below(text, match.start("name"), text.find("\n", at) + 1, says)
    else:
        yield from _bare(text, match, at, says)


def _quoted(text: str, at: int, says: Named) -> Iterator[Span]:
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        quoted = _OPEN.match(text, at)
    if quoted is not None:
        group = quoted.lastgroup or "open"
        if is_secret(says, quoted[group], quoted=True):
            yield quoted.span(group)


_IN_BRACKETS = re.compile(
    r"\\{0,3}\"(?P<double>(?:[^\"\\\n]|\\.){1,400})\"|'(?P<single>[^'\n]{1,400})'|(?P<bare>[^\s\"',:\[\]{}\\]{2,}+)"
)


def _bracketed(text: str, at: int, says: Named) -> Iterator[Span]:
    """The texts of a list or a mapping on one or more lines, up to its last bracket."""
    depth, end = 0, min(len(text), at + MAX_QUOTED)
    for place in range(at, end):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text[place], 0)
        if depth == 0:
            end = place
            break
    for match in _IN_BRACKETS.finditer(text, at + 1, end):
        group = match.lastgroup or ""
        is_key = text[match.end() : match.end() + 1] == ":"
        if not is_key and is_secret(says, match[group], quoted=group != "bare"):
            yield match.span(group)


def _column(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    return at - start - (text[at - 1 : at] in {'"', "'"})


def _lines(text: str, column: int, at: int, *, items: bool) -> Iterator[Span]:
    """The lines below, deeper than `column`; `items` may stand at it."""
    for _ in range(MAX_LINES):
        if at >= len(text):
            return
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        indent = _INDENT.match(text, at)
        start = min(indent.end(), end) if indent else at
        if start < end:
            deep = start - at
            if deep < column or (deep == column and not (items and text.startswith("- ", start))):
                return
            yield start, end
        at = end + 1


def _block(text: str, name: int, at: int, says: Named) -> Iterator[Span]:
    spans = list(_lines(text, _column(text, name), at, items=False))
    values = [text[start:end].strip() for start, end in spans]
    whole = " ".join(values)
    if is_secret(says, whole, quoted=True) or any(is_secret(says, value, quoted=True) for value in values):
        yield from ((start, end) for start, end in spans if MARK not in text[start:end])


def _below(text: str, name: int, at: int, says: Named) -> Iterator[Span]:
    for start, end in _lines(text, _column(text, name), at, items=True):
        item = _ITEM.match(text, start, end)
        if item is None or (item["own"] and (about(item["own"]) or named(item["own"]))):
            continue
        value, quotes = item["value"].rstrip(" \t,"), 0
        if value[:1] in {"'", '"'}:
            quotes = 1
            value = value[1:].rstrip(value[0])
        if is_secret(says, value, quoted=bool(quotes)):
            yield item.start("value") + quotes, item.start("value") + quotes + len(value)


def _bare(text: str, match: re.Match[str], at: int, says: Named) -> Iterator[Span]:
    """A value without quotes: to the end of the line where the name begins one, else as far as one word goes."""
    groups = match.groupdict()
    start = text.rfind("\n", max(0, match.start("name") - 200), match.start("name")) + 1
    if groups.get("sep") in {":", "="} and _LINE_START.match(text[start : match.start("name")]):
        end = text.find("\n", at)
        rest = text[at : len(text) if end < 0 else end].partition(" #")[0].rstrip().rstrip(",")
        if " " not in rest and is_secret(says, rest):
            yield at, at + len(rest)
            return
    word = _BARE.match(text, at)
    if word and is_secret(says, word[0]):
        yield word.span()
