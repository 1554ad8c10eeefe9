"""What comes with an extra, and what to say where it is missing."""

from types import ModuleType

from policyloop.errors import Unavailable


def ed25519() -> ModuleType:
    """The keys of Ed25519. Raises `Unavailable` without the extra."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519 as module
    except ImportError:
        raise missing("The audit log", "serve") from None
    return module


def missing(what: str, extra: str) -> Unavailable:
    """The error of something that needs an extra which is not installed."""
    return Unavailable(f"{what} needs an extra that is not installed.", f"pip install 'policyloop[{extra}]'")
