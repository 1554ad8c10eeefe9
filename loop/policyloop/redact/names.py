"""Which names say that what stands behind them is a secret, and which values then are one.

A secret's word may stand anywhere in a name (`MYSQL_PWD`, `API_KEY_PROD`, `npmAuth`). A name whose last word says that
it is about a secret (`TOKEN_URL`, `secretName`) holds one only if its value looks random.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

MARK = "[redacted]"
"""What stands in place of a secret. An edit that carries it must be refused: it would write the mark into a policy."""
MIN_SECRET = 8
"""The fewest characters of an environment variable's value that is taken for a secret."""
MIN_PASSWORD = 6
"""The fewest characters of what stands behind a password's name in a text."""

TRIVIAL = frozenset(
    {
        *("anonymous", "changeme", "credentials", "development", "disabled", "external", "internal", "localhost"),
        *("optional", "password", "production", "required", "undefined", "username"),
    }
)


class Named(NamedTuple):
    """What a name says of its value. `about`: it is only about a secret. `exact`: its last word is the secret's."""

    kind: Literal["password", "key", "secret"]
    about: bool
    exact: bool
    shouted: bool
    """Written as environment variables are."""


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode")
_PASSES = frozenset({"pass", "pwd", "psw", "passwords"})
_NO_PASSES = frozenset({"bypass", "compass", "encompass", "surpass", "trespass", "askpass"})
_KEYS = re.compile(
    r"(?:api|access|secret|private|sign|signing|encrypt|encryption|master|account|shared|ssh|deploy|storage|client"
    r"|subscription|service|license|webhook|hmac|rsa|aes|server|app|admin|consumer|auth)keys?"
)
_SECRETS = ("token", "secret", "credential", "bearer", "connectionstring", "authkey", "apikey")
_SECRET_WORDS = frozenset({"key", "keys", "auth", "oauth", "pat", "pats", "cred", "creds", "cookie", "dsn", "sas"})
_ABOUT = frozenset(
    {
        *("type", "types", "method", "mode", "url", "uri", "endpoint", "host", "port", "user", "username", "name"),
        *("names", "file", "path", "dir", "folder", "home", "sock", "socket", "ttl", "expiry", "expires", "expired"),
        *("length", "size", "count", "max", "min", "limit", "enabled", "required", "policy", "version", "algorithm"),
        *("issuer", "audience", "provider", "scope", "scopes", "realm", "prefix", "header", "format", "store", "ring"),
        *("state", "status", "changed", "at", "date", "time", "id", "ids", "hint", "description", "title", "pattern"),
        *("expr", "match", "condition", "examples", "items", "properties", "owner", "region", "email", "rotation"),
    }
)


@lru_cache(maxsize=4096)
def named(name: str) -> Named | None:
    """What a name says; None for one that has nothing to do with secrets."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return None
    joined = re.sub(r"[^a-z0-9]", "", name.lower())
    told = [word for word in words if not word.isdigit()] or words
    last = told[-1]
    kind = _kind(words, joined)
    if kind is None:
        return None
    return Named(kind, last in _ABOUT, _kind([last], last) is not None, name.isupper())


def about(name: str) -> bool:
    """Whether the last word of a name says that it holds no secret itself."""
    words = _WORD.findall(name)
    return bool(words) and words[-1].lower() in _ABOUT


def _kind(words: list[str], joined: str) -> Literal["password", "key", "secret"] | None:
    if any(word in joined for word in _PASSWORDS) or any(_is_pass(word) for word in words):
        return "password"
    if _KEYS.search(joined):
        return "key"
    if any(word in joined for word in _SECRETS) or any(_is_secret(word) for word in words):
        return "secret"
    return None


def _is_pass(word: str) -> bool:
    return word in _PASSES or (word.endswith(("pwd", "pass")) and word not in _NO_PASSES)


def _is_secret(word: str) -> bool:
    return word in _SECRET_WORDS or (word.endswith(("key", "auth")) and word not in {"monkey", "turkey", "hotkey"})


_PATH = re.compile(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def is_secret(name: Named, value: str, *, quoted: bool = False) -> bool:
    """Whether what stands behind a name is a secret rather than a policy's word, a CEL expression, an id or a date."""
    if _is_plain(value):
        return False
    if name.about:
        return not value.startswith(("/", "~", ".")) and dense(value)
    if name.kind == "password":
        return _may_be_password(name, value, quoted=quoted)
    if len(value) < MIN_SECRET:
        return False
    if name.kind == "key" or name.shouted:
        return " " not in value and (_is_mixed(value) or dense(value))
    return dense(value)


def _is_plain(value: str) -> bool:
    """Whether nobody would take it for a secret, whatever its name says."""
    if MARK in value or value.startswith(("$", "{{", "%(", "<")) or value.lower() in TRIVIAL:
        return True
    return any(shape.match(value) for shape in (_PATH, _UUID, _DATE))


def _may_be_password(name: Named, value: str, *, quoted: bool) -> bool:
    """A password is short, or one of several words: so its name, its quotes and its odd characters count as well."""
    if " " in value:
        return quoted and name.exact and len(value) >= MIN_SECRET
    if len(value) < MIN_PASSWORD:
        return False
    if any(character.isdigit() for character in value):
        return True
    has_letters = any(character.isalpha() for character in value)
    return has_letters and any(not character.isalnum() and character not in "-_.:/ " for character in value)


def _is_mixed(value: str) -> bool:
    return any(character.isalpha() for character in value) and any(character.isdigit() for character in value)


def dense(value: str) -> bool:
    """Letters and digits mixed in one long run, or capitals and small letters, as no name or sentence has them."""
    return any(_random(run) for run in re.split(r"[^A-Za-z0-9]", value))


def _random(run: str) -> bool:
    if len(run) < MIN_SECRET:
        return False
    digits = sum(c.isdigit() for c in run)
    if len(run) >= 12 and digits >= 2 and digits < len(run):
        return True
    kinds = ["0" if c.isdigit() else "A" if c.isupper() else "a" for c in run]
    changes = sum(before != after for before, after in pairwise(kinds))
    return digits < len(run) and changes >= 0.4 * (len(run) - 1)


def worth_hiding(value: str) -> bool:
    """Whether a value is long and odd enough to be looked for everywhere."""
    return len(value) >= MIN_SECRET and value.lower() not in TRIVIAL and len(set(value)) > 2
