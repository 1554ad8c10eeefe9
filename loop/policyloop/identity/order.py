"""In which order it is asked who somebody is: certificate, token, header; else nobody."""

from dataclasses import dataclass

from policyloop.decide.call import Identity
from policyloop.identity.brought import Brought
from policyloop.identity.certificate import CertificateRules, by_certificate
from policyloop.identity.header import HeaderRules, by_header
from policyloop.identity.token import Keys, TokenRules, by_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The ways that the configuration names; None is a way that is not gone."""

    certificate: CertificateRules | None = None
    token: tuple[TokenRules, Keys] | None = None
    header: HeaderRules | None = None


def identify(brought: Brought, ways: Identities) -> tuple[Identity, tuple[str, ...]]:
    """Who asks, and why it is nobody where it is: `unknown` without roles.

    A token that is there and does not hold is not passed over for a header beside it.
    """
    why: list[str] = []
    if ways.certificate is not None:
        identity = by_certificate(brought, ways.certificate)
        if identity is not None:
            return identity, ()
        why.append("no certificate that names somebody")
    if ways.token is not None:
        identity, trouble = by_token(brought, *ways.token)
        if identity is not None:
            return identity, ()
        why.append(trouble)
        if "authorization" in brought.headers:
            return Identity(reported=brought.reported), tuple(why)
    if ways.header is not None:
        identity, trouble = by_header(brought, ways.header)
        if identity is not None:
            return identity, ()
        why.append(trouble)
    return Identity(reported=brought.reported), tuple(why)
