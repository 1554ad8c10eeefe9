"""Who asks, worked out from what a request brought. What the client says of itself is kept apart and never believed."""

from policyloop.identity.brought import Brought
from policyloop.identity.order import Identities, identify
from policyloop.identity.token import Keys, TokenRules

__all__ = ["Brought", "Identities", "Keys", "TokenRules", "identify"]
