"""A token that somebody's OpenID provider signed: checked against its published keys, with algorithms that are pinned.

The keys are fetched when a token names one that is not known, at most once in `KeyRules.pause`, and thrown away after
`KeyRules.longest`: without keys there is no identity.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policyloop.decide.call import Identity
from policyloop.extras import missing
from policyloop.identity.brought import Brought
from policyloop.identity.certificate import mapped

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Algorithms in which only the provider can sign. `none` and those with a shared secret are never taken."""
MOST_TOKEN = 16_000
"""Characters of a token."""
MOST_KEYS = 1_000_000
"""Bytes of the published keys."""
FETCH_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must be."""

    issuer: str
    audience: str
    algorithms: Sequence[str] = ("RS256", "ES256", "EdDSA")
    subject: str = "sub"
    """The claim that names the person."""
    roles: str = "groups"
    """The claim that has the roles; `a.b` is `b` in `a`."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Roles by what the claim calls them; where it is given, what it does not name is no role."""
    leeway: float = 30.0
    """Seconds that clocks may differ."""

    def __post_init__(self) -> None:
        for algorithm in self.algorithms:
            if algorithm not in ASYMMETRIC:
                raise ValueError(f"{algorithm} is not one of {', '.join(ASYMMETRIC)}")
        if not self.issuer or not self.audience:
            raise ValueError("a token needs an issuer and an audience")


class KeysGone(Exception):
    """The provider's keys cannot be had, and those that were are too old; the text says why."""


Fetch = Callable[[str], bytes]


def fetched(url: str) -> bytes:
    """The published keys, without following a redirect to a place that is not named. Raises `OSError`."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=FETCH_SECONDS) as answer:
        read: bytes = answer.read(MOST_KEYS + 1)
    if len(read) > MOST_KEYS:
        raise OSError("more than keys can be")
    return read


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Keys:
    """The provider's keys. Several threads may ask at once; one fetches."""

    def __init__(
        self,
        url: str,
        *,
        pause: float = 30.0,
        fresh: float = 600.0,
        longest: float = 3600.0,
        fetch: Fetch = fetched,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pause`: seconds between two tries; `fresh`: after which keys are fetched anew; `longest`: after which keys
        that could not be fetched anew are no longer believed, so that one that was withdrawn ends.
        """
        self._url, self._pause, self._fresh, self._longest = url, pause, fresh, longest
        self._fetch, self._clock = fetch, clock
        self._keys: dict[str, Any] = {}
        self._had = self._tried = float("-inf")
        self._trouble = "they were never fetched"
        self._one = threading.Lock()

    def key(self, name: str | None) -> Any:
        """The key with this name; the only one where a token names none. None where there is no such key.

        Raises `KeysGone`.
        """
        now = self._clock()
        if now - self._had > self._fresh or (name is not None and name not in self._keys):
            self._renew()
        if self._clock() - self._had > self._longest:
            raise KeysGone(f"the keys of {self._url} cannot be had: {self._trouble}")
        if name is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(name)

    def _renew(self) -> None:
        with self._one:
            now = self._clock()
            if now - self._tried < self._pause:
                return
            self._tried = now
            try:
                self._keys = _read(self._fetch(self._url))
            except (OSError, ValueError) as error:
                self._trouble = str(error) or type(error).__name__
            else:
                self._had = self._clock()


def _read(text: bytes) -> dict[str, Any]:
    """Keys by name. Those of a kind that cannot be used are left out. Raises `ValueError`."""
    jwt = _jwt()
    given = json.loads(text)
    listed = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(listed, list):
        raise ValueError("what is published there is no key set")  # noqa: TRY004
    keys: dict[str, Any] = {}
    for number, item in enumerate(listed):
        if not isinstance(item, dict) or item.get("use", "sig") != "sig" or item.get("kty") == "oct":
            continue
        try:
            keys[str(item.get("kid", f"#{number}"))] = jwt.PyJWK(item)
        except jwt.PyJWTError:
            continue
    return keys


def by_token(brought: Brought, rules: TokenRules, keys: Keys) -> tuple[Identity | None, str]:
    """The identity, or None and why. A token that does not hold is nobody: nothing else is tried in its place."""
    jwt = _jwt()
    given = brought.header("authorization")
    if given is None:
        several = "authorization" in brought.headers
        return None, "several Authorization headers" if several else "no token"
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= MOST_TOKEN:
        return None, "the Authorization header holds no token"
    try:
        head = jwt.get_unverified_header(token)
        if head.get("alg") not in rules.algorithms:
            return None, "the token is signed in a way that is not taken"
        name = head.get("kid")
        key = keys.key(name if isinstance(name, str) else None)
        if key is None:
            return None, "the token is signed by a key that the provider does not publish"
        claims = _claims(token, key, rules)
    except KeysGone as error:
        return None, str(error)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        return None, f"the token does not hold: {error}"
    subject = claims.get(rules.subject)
    if not isinstance(subject, str) or not subject:
        return None, f"the token has no {rules.subject}"
    identity = Identity(
        subject=subject,
        roles=mapped(_roles(claims, rules.roles), rules.renamed),
        verified="token",
        claims=claims,
        reported=brought.reported,
    )
    return identity, ""


def _claims(token: str, key: Any, rules: TokenRules) -> dict[str, Any]:
    claims: dict[str, Any] = _jwt().decode(
        token,
        key,
        algorithms=list(rules.algorithms),
        audience=rules.audience,
        issuer=rules.issuer,
        leeway=rules.leeway,
        options={"require": ["exp", "iss", "aud", rules.subject]},
    )
    return claims


def _roles(claims: Mapping[str, Any], path: str) -> list[str]:
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split()
    return [role for role in value if isinstance(role, str)] if isinstance(value, list) else []


def _jwt() -> Any:
    try:
        import jwt
    except ImportError:
        raise missing("Identity by token", "serve") from None
    return jwt
