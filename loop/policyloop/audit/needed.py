"""What comes with an extra."""

from types import ModuleType

from policyloop.extras import missing


def ed25519() -> ModuleType:
    """The keys of Ed25519. Raises `Unavailable` without the extra."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519 as module
    except ImportError:
        raise missing("The audit log", "serve") from None
    return module
