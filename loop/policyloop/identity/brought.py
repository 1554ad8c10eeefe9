"""What a request brought along, as far as it says who asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A request, of which TLS and the socket are true and the headers are words."""

    peer: str = ""
    """The address of the other side, as the socket says; empty for a Unix socket."""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """All values of each header; names in small letters."""
    certificate: Mapping[str, tuple[str, ...]] | None = None
    """The subject of a client's certificate that TLS verified: field -> values (`commonName`, `organizationalUnitName`,
    and `email`, `uri` of its alternative names). None where there was none."""
    reported: Mapping[str, str] = field(default_factory=dict)
    """What the client says of itself."""

    def header(self, name: str) -> str | None:
        """The value of a header that stands there once. Twice is nobody's: who reads the first and who reads the last
        would see two people.
        """
        values = self.headers.get(name, ())
        return values[0] if len(values) == 1 else None
