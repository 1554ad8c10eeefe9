"""All resources of a kind at once: what a resource may hold at each place that a condition looks at.

Of a list there is its size and, for each value that is looked for in it, whether it is there: no bound on its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import z3

from policyloop.access.prove.moments import (
    FIRST_MOMENT,
    FIRST_NOW,
    LAST_MOMENT,
    LAST_NOW,
    nanoseconds_of,
    no_moment,
)
from policyloop.access.prove.syntax import Unreadable
from policyloop.access.prove.values import NO, YES, Kind, Value, both, either, member, no, of_json, same, string, text

Path = tuple[str, ...]
KINDS: tuple[Kind, ...] = ("null", "bool", "number", "string", "list", "map", "nan", "far")
IN_JSON = 6
"""How many of them, the first ones, can be said in JSON: the PDP is asked in it, and a witness shown."""
ABSENT = 0
_MOST_ASKED = 200


@dataclass(eq=False, slots=True)
class Listed:
    """A list of the resource. `asked`: what was looked for in it, and whether it is there."""

    name: str
    size: Any
    asked: list[tuple[Value, Any]] = field(default_factory=list)

    def holds(self, wanted: Value) -> Any:
        """Whether a value, no error and of a plain kind, is in it."""
        for before, flag in self.asked:
            if before is wanted or _alike(before, wanted):
                return flag
        # The laws below hold each pair against each other, so they grow with the square.
        if len(self.asked) >= _MOST_ASKED:
            raise Unreadable("too much is looked for in one list")
        flag = z3.Bool(f"{self.name}#holds{len(self.asked)}")
        self.asked.append((wanted, flag))
        return flag

    def laws(self) -> Iterator[Any]:
        """What holds of every list: equal values are in it together, different ones take a place each."""
        yield self.size >= 0
        for value, flag in self.asked:
            if "nan" in value.kinds:
                # NaN equals nothing, itself not either, so it is in no list.
                yield z3.Implies(value.kinds["nan"], no(flag))
        for _, flag in self.asked:
            yield z3.Implies(flag, self.size >= 1)
        known = [flag for value, flag in self.asked if _literal(value)]
        if len(known) > 1:
            yield z3.Sum([z3.If(flag, 1, 0) for flag in known]) <= self.size
        for (left, one), (right, other) in combinations(self.asked, 2):
            if _literal(left) and _literal(right):
                continue
            equal = both(no(left.error), no(right.error), same(left, right)[0])
            yield z3.Implies(equal, one == other)
            # Else the solver could put two different values into a list of one.
            yield z3.Implies(both(one, other, no(equal)), self.size >= 2)


@dataclass(eq=False, slots=True)
class Mapped:
    """A map of the resource; what is in it are places of their own."""

    path: Path
    size: Any


def _literal(value: Value) -> bool:
    held = [value.held[kind] for kind, guard in value.kinds.items() if z3.is_true(guard) and kind in value.held]
    known = bool(held) or z3.is_true(value.kinds.get("null", NO))
    return known and all(isinstance(one, z3.AstRef) and not _variables(one) for one in held)


def _variables(formula: Any) -> bool:
    if z3.is_const(formula):
        return bool(formula.decl().kind() == z3.Z3_OP_UNINTERPRETED)
    return any(_variables(child) for child in formula.children())


def _alike(left: Value, right: Value) -> bool:
    return (
        left.error.eq(right.error)
        and left.kinds.keys() == right.kinds.keys()
        and all(left.kinds[kind].eq(right.kinds[kind]) for kind in left.kinds)
        and left.held.keys() == right.held.keys()
        and all(left.held[kind] is right.held[kind] or _eq(left.held[kind], right.held[kind]) for kind in left.held)
    )


def _eq(left: Any, right: Any) -> bool:
    return isinstance(left, z3.AstRef) and isinstance(right, z3.AstRef) and bool(left.eq(right))


class Places:
    """Every place of the resource that a question looks at, and what holds of all resources there."""

    def __init__(self) -> None:
        self._values: dict[Path, Value] = {}
        self._tags: dict[Path, Any] = {}
        self._lists: dict[Path, Listed] = {}
        self._whole: list[tuple[Path, Any, Any]] = []
        self._moments: list[tuple[Any, Any, Any]] = []
        self._texts: set[str] = set()
        self._maps: dict[Path, Mapped] = {(): Mapped((), z3.Int("R#size"))}
        self._laws: list[Any] = []
        self.id = text(z3.String("R.id"))
        self.timed = False
        """Whether this moment matters."""
        self._laws.append(z3.String("R.id") != "")

    @property
    def now(self) -> Any:
        """This moment, in nanoseconds since 1970: the same in both bundles."""
        now = z3.Int("now")
        if not self.timed:
            self.timed = True
            self._laws += [now >= FIRST_NOW, now <= LAST_NOW]
        return now

    def attribute(self, path: Path) -> Value:
        """What stands there: an error when it, or what should hold it, is absent."""
        if not path:
            return Value(NO, {"map": YES}, {"map": self._maps[()]})
        if path not in self._values:
            self._values[path] = self._fresh(path)
        return self._values[path]

    def has(self, of: Path, name: str) -> Value:
        """`has(of.name)`: an error where `of` is, and on a list; false on what has no fields."""
        holder = self.attribute(of)
        self.attribute((*of, name))
        present = self._tags[*of, name]
        return Value(
            either(holder.error, holder.is_("list")),
            {"bool": YES},
            {"bool": both(holder.is_("map"), present != ABSENT)},
        )

    def is_whole(self, path: Path, value: Any, name: str) -> Any:
        """Whether a list or map of the resource is exactly this JSON value."""
        atom = z3.Bool(name)
        if not any(found.eq(atom) for _, _, found in self._whole):
            self._whole.append((path, value, atom))
            if isinstance(value, list):
                for item in value:
                    if not isinstance(item, list | dict):
                        self._lists[path].holds(of_json(item))
        return atom

    def note(self, written: str) -> None:
        """A known string, which may be taken for a timestamp when a place is."""
        self._texts.add(written)

    def moment(self, written: Any) -> tuple[Any, Any]:
        """Whether a string is a timestamp, and which: for every string, known or not."""
        for before, good, nanoseconds in self._moments:
            if before.eq(written):
                return good, nanoseconds
        name = f"moment{len(self._moments)}"
        good, nanoseconds = z3.Bool(f"{name}#good"), z3.Int(f"{name}#at")
        self._moments.append((written, good, nanoseconds))
        self._laws += [nanoseconds >= FIRST_MOMENT, nanoseconds <= LAST_MOMENT]
        return good, nanoseconds

    def laws(self) -> list[Any]:
        """What holds of every resource at these places."""
        laws = list(self._laws)
        for listed in self._lists.values():
            laws.extend(listed.laws())
        for path, mapped in self._maps.items():
            inside = [z3.If(tag != ABSENT, 1, 0) for one, tag in self._tags.items() if one[:-1] == path]
            laws.append(mapped.size >= (z3.Sum(inside) if inside else 0))
        laws.extend(self._wholes())
        moments = list(self._moments)
        if moments:
            for written in sorted(self._texts):
                read = nanoseconds_of(written)
                if read is not None:
                    moments.append((string(written), YES, z3.IntVal(read)))
                elif no_moment(written):
                    moments.append((string(written), NO, z3.IntVal(0)))
        for (left, good, at), (right, fine, then) in combinations(moments, 2):
            laws.append(z3.Implies(left == right, both(good == fine, z3.Implies(good, at == then))))
        return laws

    def _wholes(self) -> Iterator[Any]:
        """What follows when a list or a map is one that is written down."""
        for (path, value, atom), (other, another, also) in combinations(self._whole, 2):
            if path == other and value != another:
                yield no(both(atom, also))
        for path, value, atom in self._whole:
            size = (self._lists if isinstance(value, list) else self._maps)[path].size
            yield z3.Implies(atom, size == len(value))
            if not value:
                yield z3.Implies(size == 0, atom)
            elif isinstance(value, list):
                yield from self._whole_list(self._lists[path], value, atom)
            else:
                for one, tag in self._tags.items():
                    if one[:-1] == path:
                        yield z3.Implies(atom, self._is_item(one, tag, value))

    def _whole_list(self, listed: Listed, items: list[Any], atom: Any) -> Iterator[Any]:
        for wanted, flag in listed.asked:
            held, vague = member(wanted, [of_json(item) for item in items])
            if z3.is_false(vague):
                yield z3.Implies(both(atom, no(wanted.error)), flag == held)
        if len(items) == 1 and not isinstance(items[0], list | dict):
            yield z3.Implies(both(listed.size == 1, listed.holds(of_json(items[0]))), atom)

    def _is_item(self, path: Path, tag: Any, whole: Mapping[str, Any]) -> Any:
        """Whether what stands at a place is what the whole map has there, as far as that is modelled."""
        if path[-1] not in whole:
            return tag == ABSENT
        expected = of_json(whole[path[-1]])
        found = self._values[path]
        return either(*same(Value(NO, found.kinds, found.held), expected))

    def like(self, model: Any) -> Any:
        """What tells the resource of a model from those that hold something of another kind, or other plain values."""
        parts = []
        for path, tag in self._tags.items():
            held = self._values[path].held
            parts.append(tag == model.eval(tag, model_completion=True))
            kind = model.eval(tag, model_completion=True).as_long()
            if kind and KINDS[kind - 1] in ("bool", "number", "string"):
                formula = held[KINDS[kind - 1]]
                parts.append(formula == model.eval(formula, model_completion=True))
        parts.append(self.id.held["string"] == model.eval(self.id.held["string"], model_completion=True))
        return both(*parts)

    def _fresh(self, path: Path) -> Value:
        name = "R." + ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in path)
        holder = self.attribute(path[:-1])
        tag = z3.Int(f"{name}#kind")
        self._tags[path] = tag
        self._laws += [tag >= ABSENT, tag <= len(KINDS)]
        self._lists[path] = Listed(name, z3.Int(f"{name}#length"))
        self._maps[path] = Mapped(path, z3.Int(f"{name}#size"))
        held: dict[Kind, Any] = {
            "bool": z3.Bool(f"{name}#bool"),
            "number": z3.Real(f"{name}#number"),
            "far": z3.Bool(f"{name}#above"),
            "string": z3.String(f"{name}#string"),
            "list": self._lists[path],
            "map": self._maps[path],
        }
        kinds: dict[Kind, Any] = {kind: tag == at for at, kind in enumerate(KINDS, 1)}
        return Value(either(no(holder.is_("map")), tag == ABSENT), kinds, held, "double")

    @property
    def tags(self) -> Mapping[Path, Any]:
        """The kind at each place, 0 for absent."""
        return self._tags

    @property
    def wholes(self) -> list[tuple[Path, Any, Any]]:
        """Places compared with whole values."""
        return self._whole

    @property
    def moments(self) -> list[tuple[Any, Any, Any]]:
        """Strings taken for timestamps."""
        return self._moments
