"""What changes between two specs, in sentences that a person can say yes or no to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policyloop.specification.case_request import same
from policyloop.specification.model import Spec
from policyloop.yaml_text.writing import flow

_SECTIONS = ("roles", "derived_roles", "resources", "rules", "examples", "decisions", "questions", "releases")
_ONE = {"derived_roles": "Derived role", "releases": "Release of"}
_UNTOLD = frozenset({"confirmed", "version"})


def changes(old: Spec, new: Spec) -> tuple[str, ...]:
    """One sentence for each thing that is new, gone or other, in the order of the sections; empty when nothing is."""
    before, after = _parts(old), _parts(new)
    return tuple(sentence for key in dict.fromkeys([*before, *after]) for sentence in _told(key, before, after))


def _told(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if key not in before:
        yield f"{key} is new: {_shown(after[key])}."
    elif key not in after:
        yield f"{key} is gone."
    elif not same(before[key], after[key]):
        yield from _fields(key, before[key], after[key])


def _fields(name: str, before: Any, after: Any) -> Iterator[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        yield f"{name} changes from {_shown(before)} to {_shown(after)}."
        return
    for key in dict.fromkeys([*before, *after]):
        if key not in before:
            yield f"{name}: {key} is new: {_shown(after[key])}."
        elif key not in after:
            yield f"{name}: {key} is gone (it was {_shown(before[key])})."
        elif not same(before[key], after[key]):
            yield from _fields(f"{name}: {key}", _by_id(before[key]), _by_id(after[key]))


def _parts(spec: Spec) -> dict[str, Any]:
    """Everything that can be told apart, by what people call it."""
    data = spec.plain()
    found: dict[str, Any] = {}
    for section, value in data.items():
        if section in _UNTOLD:
            continue
        if section == "examples":
            pairs = ((f"Example of {kind} {name}", one) for kind in value for name, one in value[kind].items())
            found.update(pairs)
        elif section in _SECTIONS:
            word = _ONE.get(section, section.removesuffix("s").capitalize())
            found.update((f"{word} {name}", one) for name, one in _named(value))
        elif section == "assumptions":
            found.update((f"The assumption that {text}", text) for text in value)
        else:
            found[f"The {section}"] = value
    return found


def _named(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
        return
    for one in value:
        name = one.get("id") or f"{one['suite']} / {one['test']}: {flow([one.get(k, '*') for k in _RELEASED])}"
        yield name, {key: item for key, item in one.items() if key != "id"}


_RELEASED = ("principal", "action", "resource")


def _by_id(value: Any) -> Any:
    """A list of things with ids as a mapping, so that each is told by itself."""
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "id" in one for one in value):
        return dict(_named(value))
    return value


def _shown(value: Any) -> str:
    """Whole: what is left out of a sentence nobody can say no to."""
    return value if isinstance(value, str) else flow(value)
