"""The two effects of Cerbos, and the words for them: in a spec, and in what a person reads."""

ALLOW = "EFFECT_ALLOW"
DENY = "EFFECT_DENY"
DECISIONS = {ALLOW: "allow", DENY: "deny"}
"""As a spec has them."""
WORDS = {ALLOW: "allowed", DENY: "denied"}
"""As a person reads them."""
