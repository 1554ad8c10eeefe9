"""policyloop: let an AI write Cerbos policies without having to trust it.

    from policyloop import Cerbos, Lock, Recorded, load_bundle, run_loop

    bundle = load_bundle("policies")
    with Cerbos() as judge:
        result = run_loop(bundle, lock=Lock.of(bundle), judge=judge, model=Recorded("replies.yaml"))

What `__all__` names is public and changes only as semantic versioning says; every other module is inside. It is
imported when it is first asked for: a hook imports this package before every tool call.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policyloop.library import *  # noqa: F403

    __version__: str


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name == "__version__":
        return import_module("importlib.metadata").version("policyloop")
    if not name.startswith("_") and not _is_module(name):
        library = import_module("policyloop.library")
        if name in library.__all__:
            return getattr(library, name)
    raise AttributeError(f"module 'policyloop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*import_module("policyloop.library").__all__, "__version__"]


def _is_module(name: str) -> bool:
    """`from policyloop import agreed` asks here before it looks for the module; a hook must not load the library."""
    path = os.path.join(os.path.dirname(__file__), name)
    return os.path.isdir(path) or os.path.exists(f"{path}.py")
