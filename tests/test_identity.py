"""Who asks: what a request brought, read in order, and nothing believed that was only said."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from policyloop.decide.call import Identity
from policyloop.identity.brought import Brought
from policyloop.identity.certificate import CertificateRules
from policyloop.identity.header import HeaderRules
from policyloop.identity.order import Identities, identify
from policyloop.identity.token import Keys, TokenRules

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
RULES = TokenRules(issuer="https://id.example.com", audience="policyloop")
REPORTED = {"user": "root", "team": "admins"}


class Provider:
    """What an OpenID provider publishes, and a clock."""

    def __init__(self, **published: Any) -> None:
        self.published: dict[str, Any] | None = published or {"first": KEY}
        self.now = 0.0
        self.asked = 0

    def fetch(self, _: str) -> bytes:
        self.asked += 1
        if self.published is None:
            raise OSError("connection refused")
        keys = []
        for name, key in self.published.items():
            algorithm = (
                jwt.algorithms.ECAlgorithm
                if isinstance(key, ec.EllipticCurvePrivateKey)
                else jwt.algorithms.RSAAlgorithm
            )
            keys.append({**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"})
        return json.dumps({"keys": keys}).encode()

    def keys(self) -> Keys:
        return Keys("https://id.example.com/keys", fetch=self.fetch, clock=lambda: self.now)


def token(key: Any = KEY, kid: str | None = "first", algorithm: str = "ES256", **claims: Any) -> str:
    import time

    given = {
        "iss": RULES.issuer,
        "aud": RULES.audience,
        "sub": "alex@example.com",
        "exp": time.time() + 300,
        "groups": ["engineer", "oncall"],
        **claims,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(given, key, algorithm, {"kid": kid} if kid else None)


def asked(
    text: str, keys: Keys | None = None, rules: TokenRules = RULES, **headers: str
) -> tuple[Identity, tuple[str, ...]]:
    brought = Brought(
        peer="192.0.2.1",
        headers={"authorization": (f"Bearer {text}",), **{name: (value,) for name, value in headers.items()}},
        reported=REPORTED,
    )
    return identify(
        brought, Identities(token=(rules, keys or Provider().keys()), header=HeaderRules.of(["192.0.2.0/24"]))
    )


def is_nobody(identity: Identity) -> bool:
    return (identity.subject, identity.roles, identity.verified) == ("unknown", (), "none")


def test_a_token_names_somebody_with_roles():
    identity, why = asked(token())
    assert (identity.subject, identity.roles, identity.verified) == (
        "alex@example.com",
        ("engineer", "oncall"),
        "token",
    )
    assert identity.reported == REPORTED
    assert why == ()


def forged_none() -> str:
    head, claims = ({"alg": "none", "typ": "JWT"}, jwt.decode(token(), options={"verify_signature": False}))
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, claims)]
    return ".".join([*parts, ""])


def signed_with_the_public_key() -> str:
    """The old trick: the provider's public key taken for a shared secret."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    secret = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(token(), options={"verify_signature": False})
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "first"}, claims)
    ]
    mac = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()])


BAD: dict[str, Callable[[], str]] = {
    "expired": lambda: token(exp=1_000_000_000),
    "no expiry": lambda: token(exp=None),
    "not yet": lambda: token(nbf=4_000_000_000),
    "another audience": lambda: token(aud="other"),
    "no audience": lambda: token(aud=None),
    "another issuer": lambda: token(iss="https://evil.example.com"),
    "no issuer": lambda: token(iss=None),
    "no subject": lambda: token(sub=None),
    "empty subject": lambda: token(sub=""),
    "another key": lambda: token(OTHER),
    "an unknown key": lambda: token(OTHER, "second"),
    "no algorithm": forged_none,
    "a shared secret": signed_with_the_public_key,
    "another algorithm": lambda: token(rsa.generate_private_key(65537, 2048), algorithm="RS512"),
    "a changed claim": lambda: token().replace(".", ".e30", 1),
    "half": lambda: token()[:-10],
    "empty": lambda: "",
    "words": lambda: "who am I",
    "huge": lambda: token(more="x" * 20_000),
}


@pytest.mark.parametrize("name", BAD)
def test_a_token_that_does_not_hold_is_nobody_also_with_a_header_beside_it(name: str):
    identity, why = asked(BAD[name](), **{"x-claude-user": "alex", "x-claude-user-roles": "admin"})
    assert is_nobody(identity)
    assert why
    assert all(reason for reason in why)
    assert "eyJ" not in str(why)


@given(st.text(max_size=60))
def test_any_text_is_no_token(text: str):
    assert is_nobody(asked(text)[0])


def test_two_authorizations_are_nobody():
    brought = Brought(headers={"authorization": (f"Bearer {token()}", "Bearer x")})
    assert is_nobody(identify(brought, Identities(token=(RULES, Provider().keys())))[0])


def test_a_key_that_was_rotated_is_fetched_and_the_old_one_ends():
    provider = Provider()
    keys = provider.keys()
    assert asked(token(), keys)[0].verified == "token"
    provider.published = {"second": OTHER}
    provider.now = 31
    assert asked(token(OTHER, "second"), keys)[0].verified == "token"
    assert is_nobody(asked(token(), keys)[0])
    assert provider.asked == 2


def test_who_names_unknown_keys_makes_us_ask_no_more_than_the_pause_allows():
    provider = Provider()
    keys = provider.keys()
    for number in range(50):
        assert is_nobody(asked(token(OTHER, f"unknown{number}"), keys)[0])
    assert provider.asked == 1


def test_keys_that_are_gone_are_believed_for_a_while_and_then_nobody_is_anybody():
    provider = Provider()
    keys = provider.keys()
    assert asked(token(), keys)[0].verified == "token"
    provider.published = None
    provider.now = 3_000
    assert asked(token(), keys)[0].verified == "token"
    provider.now = 3_700
    identity, why = asked(token(), keys)
    assert is_nobody(identity)
    assert "connection refused" in str(why)
    provider.published = {"first": KEY}
    provider.now = 3_800
    assert asked(token(), keys)[0].verified == "token"


def test_keys_that_were_never_there_are_nobody():
    provider = Provider()
    provider.published = None
    assert is_nobody(asked(token(), provider.keys())[0])


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1, {"kty": "oct", "k": "AA", "kid": "first"}]}']
)
def test_what_is_published_and_is_no_key_set_is_nobody(text: bytes):
    keys = Keys("https://id.example.com", fetch=lambda _: text)
    assert is_nobody(asked(token(), keys)[0])


def test_roles_come_from_the_claim_that_is_named_and_by_the_mapping():
    rules = TokenRules(
        issuer=RULES.issuer, audience=RULES.audience, roles="realm.roles", renamed={"grp-eng": "engineer"}
    )
    identity, _ = asked(token(realm={"roles": ["grp-eng", "admin", 3, None]}), rules=rules)
    assert identity.roles == ("engineer",)
    for odd in (None, 5, {"a": 1}, [[]]):
        assert asked(token(realm=odd), rules=rules)[0].roles == ()


@pytest.mark.parametrize("algorithm", ["none", "HS256", "hs256", ""])
def test_an_algorithm_that_proves_nothing_cannot_be_configured(algorithm: str):
    with pytest.raises(ValueError, match="is not one of"):
        TokenRules(issuer="x", audience="y", algorithms=[algorithm])


HEADERS = {"x-claude-user": ("alex",), "x-claude-user-roles": ("engineer, oncall,,engineer",)}


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("10.2.0.1", False),
        ("::1", False),
        ("", False),
        ("localhost", False),
        ("127.0.0.1.evil.example.com", False),
    ],
)
def test_headers_are_believed_from_who_is_named_alone(peer: str, believed: bool):  # noqa: FBT001
    ways = Identities(header=HeaderRules.of(["127.0.0.1", "10.1.0.0/16"]))
    identity, why = identify(Brought(peer=peer, headers=HEADERS, reported=REPORTED), ways)
    if believed:
        assert (identity.subject, identity.roles, identity.verified) == ("alex", ("engineer", "oncall"), "header")
    else:
        assert is_nobody(identity)
        assert "not trusted" in str(why)
    assert identity.reported == REPORTED


def test_without_a_configuration_nothing_is_believed():
    identity, _ = identify(Brought(peer="127.0.0.1", headers=HEADERS), Identities())
    assert is_nobody(identity)
    assert not HeaderRules.of([]).unix_socket
    socket = Identities(header=HeaderRules.of([], unix_socket=True))
    assert identify(Brought(headers=HEADERS), socket)[0].verified == "header"


@pytest.mark.parametrize("values", [("alex", "root"), ("",), (" ",)])
def test_a_header_that_names_nobody_or_two_is_nobody(values: tuple[str, ...]):
    ways = Identities(header=HeaderRules.of(["127.0.0.1"]))
    assert is_nobody(identify(Brought(peer="127.0.0.1", headers={"x-claude-user": values}), ways)[0])


def test_a_certificate_comes_before_a_token():
    certificate = {"commonName": ("build-host",), "organizationalUnitName": ("ci", "ci")}
    ways = Identities(certificate=CertificateRules(), token=(RULES, Provider().keys()))
    brought = Brought(certificate=certificate, headers={"authorization": (f"Bearer {token()}",)})
    identity, _ = identify(brought, ways)
    assert (identity.subject, identity.roles, identity.verified) == ("build-host", ("ci",), "certificate")
    assert identify(Brought(headers=brought.headers), ways)[0].verified == "token"
    for nobody in ({}, {"commonName": ("a", "b")}, {"commonName": ("",)}):
        assert is_nobody(identify(Brought(certificate=nobody), Identities(certificate=CertificateRules()))[0])
