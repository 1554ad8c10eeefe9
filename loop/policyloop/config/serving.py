"""The section `serve:`: what the decision point listens on, asks, believes and keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval, Len

Text = Annotated[str, Len(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PdpConfig:
    """The PDP that is asked: a directory of `policies`, a `config` file of Cerbos, or the `address` of one that runs.

    Over `policies` the pinned Cerbos is started and watched; `config` is started with Cerbos's own configuration;
    `address` is `unix:/run/cerbos.sock` or a URL, `ca` the file (PEM) that an `https` one is verified with. `seconds`:
    after which there is no reply. `decision_log`: a file for Cerbos's own log. `environment`: variables for `config`.
    """

    policies: Text | None = None
    config: Text | None = None
    address: Text | None = None
    ca: Text | None = None
    decision_log: Text | None = None
    environment: Sequence[Text] = ()
    seconds: Annotated[float, Interval(ge=0.05, le=30)] = 2.0

    def __post_init__(self) -> None:
        """Raises `ValueError` where not exactly one is named."""
        if sum(place is not None for place in (self.policies, self.config, self.address)) != 1:
            raise ValueError("pdp needs one of policies, config and address")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateConfig:
    """Which fields of a client's certificate are the person and the roles; `renamed`: roles by what it calls them."""

    subject: Text = "commonName"
    roles: Text = "organizationalUnitName"
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """A token of an OpenID provider. `jwks`: where its keys are published; `roles`: the claim with the roles."""

    jwks: Text
    issuer: Text
    audience: Text
    algorithms: Sequence[Text] = ("RS256", "ES256", "EdDSA")
    subject: Text = "sub"
    roles: Text = "groups"
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadersConfig:
    """Headers that name the person, believed only from `trusted` addresses and networks, or over the Unix socket."""

    trusted: Sequence[Text] = ()
    unix_socket: bool = False
    subject: Text = "x-claude-user"
    roles: Text = "x-claude-user-roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """By what it is believed who asks, in this order; without any, everybody is `unknown`."""

    certificate: CertificateConfig | None = None
    token: TokenConfig | None = None
    headers: HeadersConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfig:
    """`decisions`: the age at which records are taken out, never by default. `content`: whether all of it is kept."""

    decisions: Annotated[str, Len(2)] | None = None
    content: Literal["none", "all"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorConfig:
    """Where checkpoints are told besides the store: a `file` that grows, or a `command` that reads them."""

    file: Text | None = None
    command: Text | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` where not exactly one is named."""
        if (self.file is None) == (self.command is None):
            raise ValueError("an anchor is a file or a command")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """The record: a file of SQLite, or the URL of a PostgreSQL database, and the file of the key that signs it."""

    store: Text = ".policyloop/audit.db"
    key: Text | None = None
    anchors: Sequence[AnchorConfig] = ()
    keep: KeepConfig = field(default_factory=KeepConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """The server's certificate and key (PEM), and the authority that certificates of clients are verified with."""

    certificate: Text
    key: Text
    client_ca: Text | None = None
    clients: Literal["optional", "required"] = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """`policyloop serve`. Paths are from the folder of the configuration.

    `listen`: an address with its port, or `unix:PATH`. `mode`: `observe` records and lets everything go, `enforce`
    denies. `on_trial`: names that rules look for in `R.attr.on_trial`, to be recorded and not yet enforced.
    `undecided`: what is answered to a tool call when the PDP is not heard. `seconds`: after which an answer leaves in
    any case. `places: resolved`: server and agents see the same disk, and links are followed.
    """

    listen: Text = "127.0.0.1:3594"
    mode: Literal["observe", "enforce"] = "observe"
    on_trial: Sequence[Text] = ()
    undecided: Literal["deny", "ask"] = "deny"
    seconds: Annotated[float, Interval(ge=0.2, le=60)] = 5.0
    places: Literal["lexical", "resolved"] = "lexical"
    pdp: PdpConfig | None = None
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    tls: TlsConfig | None = None
