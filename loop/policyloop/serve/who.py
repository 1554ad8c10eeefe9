"""Who asks: what a request brought along, handed to `identity`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from policyloop.config.serving import IdentityConfig
from policyloop.decide.call import Identity
from policyloop.errors import UsageError
from policyloop.identity import Brought, Identities, Keys, TokenRules, identify
from policyloop.identity.certificate import CertificateRules
from policyloop.identity.header import HeaderRules

MOST_SAID = 200
"""Characters of what a header says of the client, as it is recorded."""
CERTIFICATE = "policyloop.certificate"
"""The key of a request's scope under which its connection's verified certificate stands."""
UNIX = "policyloop.unix"
"""The key under which it stands whether the connection came over a Unix socket."""


def ways_of(config: IdentityConfig) -> Identities:
    """By what it is believed who asks. Raises `UsageError` for what can be no address and no rule."""
    try:
        return Identities(
            certificate=_certificate_rules(config),
            token=_token_rules(config),
            header=_header_rules(config),
        )
    except ValueError as error:
        raise UsageError(f"serve.identity: {error}.", "See docs/decision-point.md.") from None


def _certificate_rules(config: IdentityConfig) -> CertificateRules | None:
    rules = config.certificate
    if rules is None:
        return None
    return CertificateRules(subject=rules.subject, roles=rules.roles, renamed=rules.renamed)


def _token_rules(config: IdentityConfig) -> tuple[TokenRules, Keys] | None:
    rules = config.token
    if rules is None:
        return None
    if not rules.jwks.startswith(("https://", "http://")):
        raise ValueError(f"token.jwks: {rules.jwks} is no address of published keys")
    token_rules = TokenRules(
        issuer=rules.issuer,
        audience=rules.audience,
        algorithms=tuple(rules.algorithms),
        subject=rules.subject,
        roles=rules.roles,
        renamed=rules.renamed,
    )
    return token_rules, Keys(rules.jwks)


def _header_rules(config: IdentityConfig) -> HeaderRules | None:
    rules = config.headers
    if rules is None:
        return None
    trusted = HeaderRules.of(list(rules.trusted), unix_socket=rules.unix_socket)
    return HeaderRules(
        trusted=trusted.trusted,
        unix_socket=rules.unix_socket,
        subject=rules.subject.lower(),
        roles=rules.roles.lower(),
    )


async def who_asks(
    scope: Mapping[str, Any], ways: Identities, reported: Mapping[str, str]
) -> tuple[Identity, tuple[str, ...]]:
    """The identity, and why it is nobody where it is."""
    brought = _brought(scope, reported)
    if ways.token is not None and "authorization" in brought.headers:
        # The provider's keys may have to be fetched, and a signature is checked: others go on meanwhile.
        return await asyncio.to_thread(identify, brought, ways)
    return identify(brought, ways)


def _brought(scope: Mapping[str, Any], reported: Mapping[str, str]) -> Brought:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        headers[key] = (*headers.get(key, ()), _text(value))
    said = dict(reported)
    for name in ("x-claude-user", "x-claude-user-roles", "user-agent"):
        if name in headers:
            said[name] = ", ".join(headers[name])[:MOST_SAID]
    return Brought(
        peer=_peer(scope),
        headers=headers,
        certificate=scope.get(CERTIFICATE),
        reported=said,
    )


def _peer(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    if client:
        return str(client[0])
    # Who has gone again has no address either, and must not pass for somebody at the Unix socket.
    return "" if scope.get(UNIX) else "gone"


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def certificate_fields(certificate: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]] | None:
    """A certificate as Python's TLS tells it (`getpeercert`), field by field. None where none was verified."""
    if not certificate:
        return None
    fields: dict[str, tuple[str, ...]] = {}
    named: Sequence[Sequence[tuple[str, str]]] = certificate.get("subject", ())
    for part in named:
        for name, value in part:
            fields[name] = (*fields.get(name, ()), value)
    for kind, value in certificate.get("subjectAltName", ()):
        key = {"email": "email", "URI": "uri"}.get(kind)
        if key is not None:
            fields[key] = (*fields.get(key, ()), value)
    return fields
