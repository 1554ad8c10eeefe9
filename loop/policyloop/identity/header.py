"""Headers that a trusted proxy sets. Anybody can write them, so it matters who sent them, as the socket says."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from policyloop.decide.call import Identity
from policyloop.identity.brought import Brought

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRules:
    """From where headers are believed. Nothing is trusted that is not named, loopback neither."""

    trusted: Sequence[Network]
    unix_socket: bool = False
    """Whether who comes over the Unix socket, which the file system guards, is trusted."""
    subject: str = "x-claude-user"
    roles: str = "x-claude-user-roles"

    @staticmethod
    def of(trusted: Sequence[str], *, unix_socket: bool = False) -> "HeaderRules":
        """From addresses and networks as text. Raises `ValueError`."""
        networks = [ipaddress.ip_network(text) for text in trusted]
        return HeaderRules(trusted=networks, unix_socket=unix_socket)


def by_header(brought: Brought, rules: HeaderRules) -> tuple[Identity | None, str]:
    """The identity, or None and why."""
    subject = brought.header(rules.subject)
    if rules.subject not in brought.headers:
        return None, "no header"
    if not _trusted(brought.peer, rules):
        return None, f"the header {rules.subject} came from {brought.peer or 'a socket'}, which is not trusted"
    if not subject or not subject.strip():
        return None, f"the header {rules.subject} is empty or stands there twice"
    said = brought.header(rules.roles) or ""
    roles = dict.fromkeys(role.strip() for role in said.split(",") if role.strip())
    return Identity(subject=subject.strip(), roles=tuple(roles), verified="header", reported=brought.reported), ""


def _trusted(peer: str, rules: HeaderRules) -> bool:
    if not peer:
        return rules.unix_socket
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    # `::ffff:127.0.0.1` is how a socket for both kinds names 127.0.0.1.
    real = getattr(address, "ipv4_mapped", None) or address
    return any(real in network for network in rules.trusted if network.version == real.version)
