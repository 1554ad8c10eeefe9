"""Takes keys, tokens and passwords out of any text before it reaches the ledger, the screen or a prompt.

Two kinds of secrets go: the values of environment variables whose names say that they are secret, in every form
in which such a value usually travels (plain, URL-encoded, base64 at any alignment, JSON- or HTML-escaped, hex), and
texts of a well-known shape (vendors' key prefixes, private keys, JWTs, passwords in URLs, `password: value`).
A text must be redacted before it is cut: half of an unknown secret is not recognised.

Every search here is linear in the length of the text: a pattern starts with a fixed word and then either takes a
run of characters for good, or gives up after a bounded number of them.
"""

import base64
import html
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
"""What stands in place of a secret. An edit that carries it must be refused: it would write the mark into a policy."""
MIN_SECRET = 8
"""The fewest characters of an environment variable's value that is taken for a secret."""
MAX_DEPTH = 200
"""How deep lists and objects may be nested in `redact_value`."""

_SECRET_NAME = re.compile(r"(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|APIKEY|(?:^|_)(?:KEY|PAT))S?_?\d*\Z")
_TRIVIAL = frozenset(
    {
        *("anonymous", "changeme", "credentials", "development", "disabled", "external", "internal", "localhost"),
        *("optional", "password", "production", "required", "undefined", "username"),
    }
)


def redact(text: str) -> str:
    """`text` with every secret that is recognised replaced by `MARK`."""
    return _redact(text, _needles(_environment_secrets()))


def redact_value(value: object) -> Any:
    """A copy of JSON-like data with every key and text redacted; tuples become lists.

    Raises `ValueError` for what JSON cannot hold (other types, NaN, keys that are no text), and for more than
    `MAX_DEPTH` levels.
    """
    return _redact_value(value, _needles(_environment_secrets()), MAX_DEPTH)


def sound_key(text: str) -> bool:
    """Whether a text can be a key at all: printable ASCII, and no blank in it."""
    return text.isascii() and text.isprintable() and " " not in text


def holds_mark(text: str) -> bool:
    """Whether a redacted text was carried over into `text`."""
    return MARK in text


def _redact_value(value: object, needles: tuple[str, ...], depth: int) -> Any:
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return _redact(value, needles)
    if isinstance(value, list | tuple):
        return [_redact_value(item, needles, depth - 1) for item in value]
    if isinstance(value, Mapping):
        result: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a key is {type(key).__name__}, not text")  # noqa: TRY004
            result[_free(_redact(key, needles), result)] = _redact_value(item, needles, depth - 1)
        return result
    raise ValueError(f"{type(value).__name__} {value!r:.40} is not JSON")


def _free(key: str, taken: Mapping[str, object]) -> str:
    """Two keys that hid different secrets stay two keys."""
    name, number = key, 2
    while name in taken:
        name, number = f"{key} ({number})", number + 1
    return name


def _redact(text: str, needles: tuple[str, ...]) -> str:
    spans = sorted([*_known(text, needles), *_shaped(text)])
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if end <= done:
            continue
        if start >= done and not (parts and start == done):
            parts += (text[done:start], MARK)
        done = end
    return "".join((*parts, text[done:]))


# The values of secret environment variables


def _environment_secrets() -> frozenset[str]:
    found = set()
    for name, value in os.environ.items():
        secret = value.strip()
        if _SECRET_NAME.search(name.upper()) and _worth_hiding(secret):
            found.add(secret)
    return frozenset(found)


def _worth_hiding(value: str) -> bool:
    return len(value) >= MIN_SECRET and value.lower() not in _TRIVIAL and len(set(value)) > 2


@lru_cache(maxsize=8)
def _needles(secrets: frozenset[str]) -> tuple[str, ...]:
    """Every form of every secret, and the long lines of those that have several."""
    lines = {line.strip() for s in secrets if "\n" in s for line in s.splitlines()}
    whole = {*secrets, *(line for line in lines if len(line) >= 24 and " " not in line)}
    return tuple(sorted({form for secret in whole for form in _forms(secret)}))


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield secret
    for encoded in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield encoded
        yield re.sub("%..", lambda m: m[0].lower(), encoded)
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
        yield json.dumps(escaped)[1:-1]
        # Go's encoder, which the compiler uses, also escapes these three.
        yield escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    yield html.escape(secret)
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):
        # Only the characters that depend on nothing but the secret: what stands beside it is not known.
        text = base64.b64encode(b"\0" * before + raw).decode()
        inner = text[math.ceil(before * 8 / 6) : (before + len(raw)) * 8 // 6]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def _known(text: str, needles: Iterable[str]) -> Iterator[tuple[int, int]]:
    for needle in needles:
        start = text.find(needle)
        while start >= 0:
            yield start, start + len(needle)
            start = text.find(needle, start + 1)


# Well-known shapes

_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrtu])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4}))"
"""The start of a word, also behind an escape: in `\nsk-...` the `n` is no letter of the word."""

_WHOLE = (
    ("sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}+"),
    ("gh", r"gh[opsur]_[A-Za-z0-9]{20,}+"),
    ("github_pat_", r"github_pat_[A-Za-z0-9_]{20,}+"),
    ("glpat-", r"glpat-[A-Za-z0-9_-]{16,}+"),
    ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,}+"),
    ("xapp-", r"xapp-[A-Za-z0-9-]{20,}+"),
    ("IA", r"A[KS]IA[A-Z0-9]{16}"),
    ("AIza", r"AIza[A-Za-z0-9_-]{35}"),
    ("k_", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
    ("npm_", r"npm_[A-Za-z0-9]{36}"),
    ("pypi-", r"pypi-[A-Za-z0-9_-]{50,}+"),
    ("hf_", r"hf_[A-Za-z0-9]{30,}+"),
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*+(?:-{5,6}END [A-Z0-9 ]{0,60}-----)?",
    ),
    ("LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{16,}+"),
)
"""A word without which there is no match, and a pattern that matches nothing but a secret."""

_IN_URL = r"[^\s/\"'<>`]"
_KEYS = r"pass(?:word|wd|phrase)|pwd|(?:api|access|secret|private|signing|encryption)[_-]?key|secret|token|credentials?"
_VALUE = (
    r"(?:\\\"(?P<nested>[^\"\\\r\n]{8,}+)|\"(?P<double>(?:[^\"\\\r\n]|\\[^\r\n]){8,}+)|'(?P<single>[^'\r\n]{8,}+)"
    r"|(?P<bare>[^\s\"'`,;&(){}\[\]<>|\\]{8,}+))"
)
_GAP = r"[ \t]{0,4}+"
_PERHAPS = (
    (("sk-",), _START + r"sk-(?P<bare>[A-Za-z0-9_-]{16,}+)"),
    (("eyJ",), r"(?P<jwt>eyJ[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]*+){0,4}+)"),
    (("://",), rf"://[^\s/:@\"'<>`]{{0,128}}:(?P<url>{_IN_URL}{{1,256}})@"),
    (("://",), r"://(?P<bare>[^\s/:@\"'<>`]{16,256})@"),
    (
        ("pass", "pwd", "key", "secret", "token", "credential"),
        rf"(?i:(?P<key>{_KEYS}))(?:\\?[\"'])?{_GAP}(?:={{1,3}}+|:=?|=>){_GAP}{_VALUE}",
    ),
    (("--",), r"--(?P<key>password|token|api-key|secret)[ \t]{1,4}+(?P<bare>[^\s\"'-][^\s\"']{7,}+)"),
    (
        ("authorization",),
        rf"(?i:(?P<key>authorization)(?:\\?[\"'])?{_GAP}[:=]{_GAP}(?:\\?[\"'])?(?:basic|bearer|digest|token|apikey))"
        r"[ \t]{1,4}+(?P<header>[^\s\"'\\,]{4,}+)",
    ),
    (("bearer",), r"(?i:bearer)[ \t]{1,4}+(?P<bare>[A-Za-z0-9._~+/=-]{16,}+)"),
)
"""Words of which one must be there (in lower case), and a pattern whose last named group is looked at once more."""

_WHOLE_PATTERNS = tuple((hint, re.compile(pattern)) for hint, pattern in _WHOLE)
_PERHAPS_PATTERNS = tuple((tuple(h.lower() for h in hints), re.compile(pattern)) for hints, pattern in _PERHAPS)


def _shaped(text: str) -> Iterator[tuple[int, int]]:
    for hint, pattern in _WHOLE_PATTERNS:
        if hint in text:
            for match in pattern.finditer(text):
                yield match.span()
    lower = text.lower()
    for hints, pattern in _PERHAPS_PATTERNS:
        if any(hint in lower for hint in hints):
            yield from _looked_at(pattern, text)


def _looked_at(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    position = 0
    while match := pattern.search(text, position):
        group = match.lastgroup or ""
        start, end = match.span(group)
        if _secret_like(match, group):
            yield start, end
            position = end
        else:
            # Another key may stand inside what was taken for this key's value; the other patterns have no inside.
            position = start if "key" in pattern.groupindex else end


def _secret_like(match: re.Match[str], group: str) -> bool:
    value = match[group]
    if MARK in value or value.startswith(("$", "{{", "%(", "<")):
        return False
    if group == "jwt":
        parts = value.split(".")
        return len(parts) >= 3 and len(parts[0]) >= 8 and len(parts[1]) >= 8
    if group in {"url", "header"}:
        return True
    key = (match.groupdict().get("key") or "").lower()
    return _assigned(key, value) if key else _dense(value)


_PATH = re.compile(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _assigned(key: str, value: str) -> bool:
    """Whether what stands behind `key:` is a secret rather than a policy's word, a CEL expression, an id or a date."""
    if _PATH.match(value) or _UUID.match(value) or _DATE.match(value):
        return False
    letters, digits = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    if key.startswith(("pass", "pwd")):
        odd = any(not c.isalnum() and c not in "-_.:/ " for c in value)
        return " " not in value and (digits or (letters and odd))
    if "key" in key:
        return " " not in value and letters and digits
    return _dense(value)


def _dense(value: str) -> bool:
    """Letters and digits mixed in one long run, as no name or sentence has them."""
    return any(
        len(run) >= 12 and sum(c.isdigit() for c in run) >= 2 and any(c.isalpha() for c in run)
        for run in re.split(r"[^A-Za-z0-9]", value)
    )
