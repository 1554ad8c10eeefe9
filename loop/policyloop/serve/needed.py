"""What comes with the extra `serve`."""

from importlib.util import find_spec

from policyloop.extras import missing

_MODULES = ("starlette", "uvicorn", "httptools", "prometheus_client", "tree_sitter", "tree_sitter_bash", "cryptography")


def require_extra() -> None:
    """Raises `Unavailable` where a part of it is not installed."""
    if any(find_spec(name) is None for name in _MODULES):
        raise missing("The decision point", "serve")
