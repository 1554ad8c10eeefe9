"""What happens to the server itself, as records name it. No event of a client may have one of these names."""

from typing import Literal, get_args

from policyloop.audit.prune import EVENT as PRUNE

Own = Literal[
    "ServerStart", "ServerStop", "AuditGap", "PolicyChanged", "PolicyRefused", "PdpGone", "PdpServing", "Unreadable"
]

OWN: frozenset[str] = frozenset((*get_args(Own), PRUNE))
"""Who counts records by their event alone would else be told of gaps and stops by whoever can send a hook."""
