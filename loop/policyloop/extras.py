"""What to say where an extra is missing."""

from policyloop.errors import Unavailable


def missing(what: str, extra: str) -> Unavailable:
    """The error of something that needs an extra which is not installed."""
    return Unavailable(f"{what} needs an extra that is not installed.", f"pip install 'policyloop[{extra}]'")
