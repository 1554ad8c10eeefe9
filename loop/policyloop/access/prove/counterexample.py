"""A model of the solver, read as the resource that it stands for."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import z3

from policyloop.access.prove.moments import nanoseconds_of, written_as
from policyloop.access.prove.resource_values import ABSENT, KINDS, Listed, Path, Places
from policyloop.access.prove.values import Kind, Value

_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


def resource(places: Places, model: Any) -> tuple[str, dict[str, Any]]:
    """The id and the attributes."""
    return _text(model, places.id.held["string"]) or "x", _Reading(places, model).inside(())


class _Reading:
    """A model of the solver, read as a resource."""

    def __init__(self, places: Places, model: Any) -> None:
        self._places = places
        self._model = model

    def inside(self, path: Path) -> dict[str, Any]:
        found = {}
        for one, tag in self._places.tags.items():
            kind = _whole_number(self._model, tag)
            if one[:-1] == path and one and kind != ABSENT:
                found[one[-1]] = self._at(one, KINDS[kind - 1])
        held: Any = self._places.attribute(path).held["map"]
        return _filled(found, min(_whole_number(self._model, held.size), len(found) + 20))

    def _at(self, path: Path, kind: Kind) -> Any:
        for one, value, atom in self._places.wholes:
            if one == path and _true(self._model, atom) and isinstance(value, list if kind == "list" else dict):
                return value
        held = self._places.attribute(path).held
        match kind:
            case "null":
                return None
            case "bool":
                return _true(self._model, held["bool"])
            case "number":
                return _number(self._model, held["number"])
            case "string":
                return self._string(held["string"])
            case "list":
                return self._list(held["list"])
        return self.inside(path)

    def _string(self, formula: Any) -> str:
        """As the model has it, but a timestamp that can be read where it stands for one."""
        found = _text(self._model, formula)
        for written, good, at in self._places.moments:
            if written.eq(formula) and _true(self._model, good):
                nanoseconds = _whole_number(self._model, at)
                # The solver knows that the text stands for this moment, not what such a text looks like.
                return found if nanoseconds_of(found) == nanoseconds else written_as(nanoseconds)
        return found

    def _list(self, listed: Listed) -> list[Any]:
        found: list[Any] = []
        for value, flag in listed.asked:
            if _true(self._model, flag) and not _true(self._model, value.error):
                item = self._plain(value)
                if not any(type(item) is type(before) and item == before for before in found):
                    found.append(item)
        # The solver may choose a list of any length; the PDP is asked with one that can be sent.
        size = min(_whole_number(self._model, listed.size), len(found) + 1_000)
        # What is there already, so that nothing is added that was said not to be in the list.
        filler = found[0] if found else "policyloop: something else"
        return found + [filler] * (size - len(found))

    def _plain(self, value: Value) -> Any:
        held = value.held
        for kind, guard in value.kinds.items():
            if _true(self._model, guard):
                match kind:
                    case "bool":
                        return _true(self._model, held[kind])
                    case "number":
                        return _number(self._model, held[kind])
                    case "string":
                        return self._string(held[kind])
        return None


def _filled(found: dict[str, Any], size: int) -> dict[str, Any]:
    number = 0
    while len(found) < size:
        number += 1
        found.setdefault(f"policyloop_{number}", None)
    return found


def _true(model: Any, formula: Any) -> bool:
    return bool(z3.is_true(model.eval(formula, model_completion=True)))


def _whole_number(model: Any, formula: Any) -> int:
    return int(model.eval(formula, model_completion=True).as_long())


def _number(model: Any, formula: Any) -> float | int:
    found = model.eval(formula, model_completion=True)
    value = Fraction(str(found.as_fraction())) if z3.is_rational_value(found) else Fraction(0)
    # Beyond 2^53 a double no longer holds every whole number, and JSON's numbers are doubles to Cerbos.
    return int(value) if value.denominator == 1 and abs(value) < 2**53 else float(value)


def _text(model: Any, formula: Any) -> str:
    found = model.eval(formula, model_completion=True).as_string()
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), found)
