"""The fields of a request that a condition can look at, and requests made of values for some of them."""

from collections.abc import Mapping
from typing import Any, Final

from policyloop.access.cel import Call, Const, Name, Node, Select

Path = tuple[str, ...]
"""Where a field stands: `("R", "attr", "owner")`, `("P", "id")`, `("J", "aud")` for a claim, `("now",)`."""

NOW: Final[Path] = ("now",)
ROLES: Final[Path] = ("P", "roles")


WHO: Final[Path] = ("P", "id")
_SINGLE = frozenset((WHO, ("R", "id"), NOW, ("P", "policyVersion"), ("P", "scope")))
"""The fields outside of attributes that a request can give any text."""


class _Mark:
    """What is said of a field instead of a value."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ABSENT: Final = _Mark("ABSENT")
"""The field is not there."""
PRESENT: Final = _Mark("PRESENT")
"""The field is there, with whatever value: `ANYTHING` where nothing else asks for one."""
ANYTHING = "x"

Assignment = Mapping[Path, Any]
"""Field -> JSON value, `ABSENT` or `PRESENT`. What is not in it is left as it is."""

_ROOTS: Mapping[str, Path] = {"P": ("P",), "R": ("R",), "G": ("G",), "globals": ("G",)}
_REQUEST: Mapping[str, Path] = {"principal": ("P",), "resource": ("R",)}
_SPELLED = {"policyVersion": "policyVersion", "policy_version": "policyVersion"}


def path_of(node: Node) -> Path | None:
    """The field that an expression is, if it is nothing but one."""
    match node:
        case Name(name=name):
            return _ROOTS.get(name) or ((name,) if name.startswith("#") else None)
        case Select(of=Name(name="request"), field=field):
            return _REQUEST.get(field)
        case Select(of=Select(of=Name(name="request"), field="aux_data" | "auxData"), field="jwt"):
            return ("J",)
        case Select(of=of, field=field) | Call(function="[]" | "[?]", args=(of, Const(value=str(field))), target=None):
            above = path_of(of)
            return (*above, _SPELLED.get(field, field)) if above else None
    return None


def settable(path: Path) -> bool:
    """Whether a request can give the field any value."""
    free = len(path) > 2 and path[:2] in (("P", "attr"), ("R", "attr"))
    return free or (len(path) > 1 and path[0] == "J") or path[0].startswith("#") or path in _SINGLE


def merged(first: Assignment, second: Assignment) -> dict[Path, Any] | None:
    """Both, or None where they disagree."""
    both = dict(first)
    for path, value in second.items():
        known = both.get(path, PRESENT if value is not ABSENT else ABSENT)
        if known is PRESENT and value is not ABSENT:
            both[path] = value
        elif value is not PRESENT or known is ABSENT:
            if not same(known, value):
                return None
            both[path] = value
    return both


def same(one: Any, other: Any) -> bool:
    """Whether two values are one: `True` is not 1."""
    return type(one) is type(other) and bool(one == other)


def placed(attr: Mapping[str, Any], values: Assignment, root: Path) -> dict[str, Any]:
    """`attr` with the values of all fields below `root` put in, shorter paths first."""
    result: dict[str, Any] = dict(attr)
    for path in sorted((p for p in values if p[: len(root)] == root and len(p) > len(root)), key=len):
        _put(result, path[len(root) :], values[path])
    return result


def _put(into: dict[str, Any], path: Path, value: Any) -> None:
    here = into
    for name in path[:-1]:
        below = here.get(name)
        if not isinstance(below, dict):
            if value is ABSENT:
                return
            below = {}
        here[name] = dict(below)
        here = here[name]
    if value is ABSENT:
        here.pop(path[-1], None)
    else:
        here[path[-1]] = ANYTHING if value is PRESENT else value
