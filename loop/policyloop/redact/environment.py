"""The values of secret environment variables, in every form in which such a value usually travels."""

import base64
import html
import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

from policyloop.redact.names import dense, named, worth_hiding
from policyloop.redact.shapes import shaped

_FOLDERS = frozenset({"PWD", "OLDPWD"})
"""Where a shell stands and stood, whatever the name of MySQL's password is."""
_USERINFO = re.compile(r"://[^\s/:@]{0,128}:([^\s/@]{8,256})@")


def needles() -> tuple[str, ...]:
    """Every form of every secret of the environment as it is now."""
    return _of_variables(tuple(os.environ.items()))


@lru_cache(maxsize=8)
def _of_variables(variables: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """A server that records thousands of calls looks through the same environment only once."""
    return _needles(frozenset(secrets_of(variables)))


def secrets_of(variables: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The values that are secret by their names, and what is secret in any value by its shape."""
    for name, given in variables:
        value = given.strip()
        if _by_name(name, value):
            yield value
        elif len(value) >= 12:
            yield from _inside(value)


def _by_name(name: str, value: str) -> bool:
    says = None if name in _FOLDERS else named(name)
    if says is None or not worth_hiding(value):
        return False
    if says.about:
        return not value.startswith(("/", "~", ".")) and dense(value)
    return says.kind == "password" or not value.isdigit()


@lru_cache(maxsize=512)
def _inside(value: str) -> tuple[str, ...]:
    parts = [value[start:end] for start, end in shaped(value)]
    parts += [unquote(match[1]) for match in _USERINFO.finditer(value)]
    return tuple(part for part in parts if worth_hiding(part))


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


def known(text: str, needles: Iterable[str]) -> Iterator[tuple[int, int]]:
    for needle in needles:
        start = text.find(needle)
        while start >= 0:
            yield start, start + len(needle)
            start = text.find(needle, start + 1)
