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

    __version__: str

_LIBRARY = frozenset(
    [
        "AssertionId",
        "AssertionResult",
        "Attempt",
        "Budget",
        "Bundle",
        "Cerbos",
        "Choose",
        "Claude",
        "CompilerInfo",
        "Delete",
        "Edit",
        "Ending",
        "ErrorClass",
        "Finding",
        "Judge",
        "Lock",
        "Model",
        "Outcome",
        "PersonNeeded",
        "PolicyloopError",
        "Program",
        "Proposal",
        "Ran",
        "Recorded",
        "Replace",
        "Reply",
        "Report",
        "Result",
        "Selection",
        "Spent",
        "Task",
        "Unavailable",
        "Usage",
        "UsageError",
        "Weakened",
        "Write",
        "check_policies",
        "diff_access",
        "guard_tests",
        "load_bundle",
        "run_loop",
        "show_all",
    ]
)
# Written out: `from policyloop import agreed` asks here for the name before it looks for the module, and a hook must
# not load the library for that. A test holds it against `library.__all__`.
__all__ = [*sorted(_LIBRARY), "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LIBRARY:
        return getattr(import_module("policyloop.library"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("policyloop")
    raise AttributeError(f"module 'policyloop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
