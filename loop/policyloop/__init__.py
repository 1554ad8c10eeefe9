"""policyloop: let an AI write Cerbos policies without having to trust it.

    from policyloop import Cerbos, Lock, Recorded, load_bundle, run_loop

    bundle = load_bundle("policies")
    with Cerbos() as judge:
        result = run_loop(bundle, lock=Lock.of(bundle), judge=judge, model=Recorded("replies.yaml"))

What `__all__` names is public and changes only as semantic versioning says; every other module is inside. It is
imported when it is first asked for: a hook imports this package before every tool call.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policyloop.library import *  # noqa: F403
    from policyloop.library import __all__ as __all__

    __version__: str


def _library() -> Any:
    # Not `from policyloop import library`: that would ask `__getattr__` for it, without an end.
    return import_module("policyloop.library")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("policyloop")
    if name == "__all__":
        return __dir__()
    if name.startswith("_") or name not in _library().__all__:
        raise AttributeError(f"module 'policyloop' has no attribute {name!r}")
    return getattr(_library(), name)


def __dir__() -> list[str]:
    return [*_library().__all__, "__version__"]
