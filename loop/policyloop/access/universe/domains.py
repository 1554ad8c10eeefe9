"""Field -> the values worth trying for it, over all that the rules of a kind look at."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from policyloop.access.ask.request import canonical
from policyloop.access.cel import Call, Select, walk
from policyloop.access.universe.fields import ABSENT, NOW, PRESENT, Assignment, Path, path_of, settable
from policyloop.access.universe.goals import Goal
from policyloop.access.universe.near import Near
from policyloop.access.universe.shapes import Shape
from policyloop.access.universe.terms import constant
from policyloop.access.universe.values import ODD_TYPES, OTHER, around, json_of

SOMEBODY = "u1"
"""The id of whoever asks, where no condition names one."""
_REGISTERED = ("iss", "sub", "aud", "jti")
_TIMES = ("exp", "iat", "nbf")
_MOST_VALUES = 24


def constants_of(goals: Sequence[Goal]) -> dict[Path, tuple[Any, ...]]:
    """Each field with the constants that it is compared with somewhere, those that are equal to it in the end too."""
    found: dict[Path, dict[str, Any]] = {("P", "id"): {f'"{SOMEBODY}"': SOMEBODY}}
    for goal in goals:
        for node in walk(goal.condition):
            if isinstance(node, Call) and node.function in ("==", "!=", "in", "<", "<=", ">", ">="):
                values = [value for part in (*node.args,) for known, value in (constant(part),) if known]
                for path in (p for part in node.args if (p := path_of(part)) and settable(p)):
                    for value in itertools.chain(*(v if isinstance(v, list) else [v] for v in values)):
                        if value is not None:
                            found.setdefault(path, {})[repr(value)] = json_of(value)
    return {path: tuple(values.values()) for path, values in found.items()}


def domain_of(
    tried: Iterable[Assignment], near: Near, goals: Sequence[Goal], shapes: Iterable[Shape]
) -> dict[Path, tuple[Any, ...]]:
    """Field -> every value to try for it: those of any rule, what is around constants, absence, other types."""
    found: dict[Path, dict[str, Any]] = {path: {} for goal in goals for path in _looked_at(goal)}
    for one in tried:
        for path, value in one.items():
            if path != NOW and value is not ABSENT and value is not PRESENT:
                found.setdefault(path, {})[canonical(value)] = value
    for shape in shapes:
        for path, values in shape.values.items():
            if len(path) > 2:
                found.setdefault(path, {}).update({canonical(value): value for value in values})
    whole = {path: tuple(_worth_trying(path, held, near)) for path, held in found.items()}
    return {path: values for path, values in whole.items() if values}


def is_token(claims: Mapping[str, Any]) -> bool:
    """Whether a PDP takes these claims for those of a token: the registered ones have types of their own (RFC 7519)."""
    audience = claims.get("aud", "")
    several = audience if isinstance(audience, list) else [audience]
    texts = [*(claims[name] for name in _REGISTERED if name in claims and name != "aud"), *several]
    moments = [claims[name] for name in _TIMES if name in claims]
    return all(isinstance(one, str) for one in texts) and all(type(one) in (int, float) and one >= 0 for one in moments)


def _looked_at(goal: Goal) -> Iterator[Path]:
    """The fields of a condition that a request can give any value."""
    for node in walk(goal.condition):
        path = path_of(node) if isinstance(node, Select | Call) else None
        if path and settable(path) and path[0] in ("P", "R", "J") and len(path) > 1:
            yield path


def _worth_trying(path: Path, held: Mapping[str, Any], near: Near) -> Iterator[Any]:
    constants = near.constants.get(path, ())
    kept = list({**held, **{canonical(v): v for c in constants for v in around(c)}}.values())[:_MOST_VALUES]
    if path in (("P", "id"), ("R", "id")):
        yield from (value for value in dict.fromkeys((*constants, OTHER)) if isinstance(value, str) and value)
    elif path[0] == "J" and path[1] in _REGISTERED:
        # A token whose registered claims are of another type is no token.
        yield from (*(value for value in kept if isinstance(value, str)), ABSENT)
    else:
        yield from (*kept, ABSENT, *ODD_TYPES)
