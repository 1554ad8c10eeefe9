"""A client's certificate, which TLS has verified against the authority that the server was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policyloop.decide.call import Identity
from policyloop.identity.brought import Brought


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRules:
    """Which field of the subject is the person, and which has the roles."""

    subject: str = "commonName"
    roles: str = "organizationalUnitName"
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Roles by what the certificate calls them; without any its words are the roles."""


def by_certificate(brought: Brought, rules: CertificateRules) -> Identity | None:
    """The identity, or None where there is no certificate or it names nobody, or more than one."""
    if brought.certificate is None:
        return None
    subjects = brought.certificate.get(rules.subject, ())
    if len(subjects) != 1 or not subjects[0]:
        return None
    said = brought.certificate.get(rules.roles, ())
    return Identity(
        subject=subjects[0],
        roles=mapped(said, rules.renamed),
        verified="certificate",
        claims={name: list(values) for name, values in brought.certificate.items()},
        reported=brought.reported,
    )


def mapped(said: tuple[str, ...] | list[str], renamed: Mapping[str, str]) -> tuple[str, ...]:
    """The roles, each once. Where a mapping is given, what it does not name is no role."""
    roles = [renamed[role] for role in said if role in renamed] if renamed else [role for role in said if role]
    return tuple(dict.fromkeys(roles))
