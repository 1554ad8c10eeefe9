"""Asking the solver for a resource that one bundle allows and the other does not, and the PDPs whether it is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import z3

from policyloop.access.ask.request import Request, Resource
from policyloop.access.prove.counterexample import resource
from policyloop.access.prove.coverage import Coverage, coverage
from policyloop.access.prove.reduced import Policy
from policyloop.access.prove.resource_values import IN_JSON, Places
from policyloop.access.prove.side import Side, TooMany
from policyloop.access.prove.syntax import Call, Entries, Items, Name, Select, Tree
from policyloop.access.prove.translate import Translator
from policyloop.access.prove.values import both, no
from policyloop.access.prove.verdict import Asked, Counterexample, Direction, Limits, NotProved, Proved, Verdict
from policyloop.errors import Unavailable

T = TypeVar("T")
BOTH: tuple[Direction, ...] = ("wider", "narrower")
_SOON = 600 * 1_000_000_000
"""How long a moment counts as now, in nanoseconds: a witness is confirmed at the PDP's own clock, and shown later."""


@dataclass(frozen=True, slots=True)
class _Formulas:
    old: Any
    new: Any
    laws: list[Any]
    places: Places
    vague: tuple[str, ...]
    """What is not translated, in words."""


class Prover:
    """Two bundles side by side; see `policyloop.access.prove.proving`. Not for two threads at once."""

    def __init__(self, old: Side, new: Side, limits: Limits, *, same_schemas: bool | None) -> None:
        """`same_schemas`: whether the schema files are the same, None where the PDPs do not look at them."""
        self._old = old
        self._new = new
        self._limits = limits
        self._same_schemas = same_schemas
        self.strict = old.strict
        """Whether a condition that ends in an error denies: what is proved holds for such PDPs only."""

    def compare(self, asked: Iterable[Asked], directions: Sequence[Direction] = BOTH) -> Iterator[Verdict]:
        """A verdict for each question and direction, in order."""
        for one in asked:
            formulas = _or_why(partial(self._formulas, one))
            for direction in directions:
                if isinstance(formulas, str):
                    yield NotProved(one, direction, formulas)
                    continue
                verdict: Verdict | str = _or_why(partial(self._verdict, one, direction, formulas))
                yield NotProved(one, direction, verdict) if isinstance(verdict, str) else verdict

    def coverage(self, only: Iterable[str] | None = None) -> Coverage:
        """Every question about the two bundles, for everybody. `only`: about these kinds of resource."""
        return coverage((self._old.shape, self._new.shape), strict=self.strict, only=only)

    def kind_of(self, file: str) -> str | None:
        """The one kind of resource that a file is about; None where it is about more, or is none that is known."""
        about = {one.name if one.what == "resource" else None for one in self._policies() if one.file == file}
        return about.pop() if len(about) == 1 else None

    def _policies(self) -> Iterator[Policy]:
        yield from self._old.shape.policies
        yield from self._new.shape.policies

    def equivalent(self, asked: Iterable[Asked]) -> Verdict | None:
        """The first verdict that is not a proof, in either direction; None when the bundles decide all of it alike."""
        return next((one for one in self.compare(asked) if not isinstance(one, Proved)), None)

    def _formulas(self, asked: Asked) -> _Formulas | str:
        """Both sides as formulas, or why there are none."""
        schemas = (side.shape.schemas(asked.kind) for side in (self._old, self._new))
        if self._same_schemas is False or (self._same_schemas and len(set(map(repr, schemas))) > 1):
            # A schema can reject what the conditions allow, and no formula here knows of it.
            return "the PDP enforces schemas, and they are not the same in both"
        places = Places()
        translator = Translator(places)
        try:
            old, hidden = self._old.allows(asked, translator)
            new, more = self._new.allows(asked, translator)
        except TooMany as reason:
            return str(reason)
        vague = (*hidden, *more, *(_why_open(tree) for tree in translator.unclear))
        return _Formulas(old, new, places.laws(), places, tuple(dict.fromkeys(vague)))

    def _verdict(self, asked: Asked, direction: Direction, formulas: _Formulas) -> Verdict:
        wanted, unwanted = (formulas.new, formulas.old) if direction == "wider" else (formulas.old, formulas.new)
        difference = both(wanted, no(unwanted))
        # The same formula on both sides: nothing has to be searched, whatever could not be read in it.
        if wanted.eq(unwanted) or z3.is_false(difference):
            return Proved(asked, direction)
        solver = _Solver(self._limits, [*formulas.laws, difference])
        found = solver.check()
        if found == z3.unsat:
            return Proved(asked, direction)
        # Unknown is no proof, however long it was looked for.
        if found != z3.sat:
            return NotProved(asked, direction, "the solver gave up")
        return self._witness(asked, direction, formulas, difference)

    def _witness(self, asked: Asked, direction: Direction, formulas: _Formulas, difference: Any) -> Verdict:
        """What the solver found, once both PDPs say so."""
        places = formulas.places
        wanted = [*formulas.laws, difference, *(tag <= IN_JSON for tag in places.tags.values())]
        if places.timed:
            # A request cannot set the PDP's clock, so the difference must hold now and for as long as it is looked at.
            now, later = time.time_ns(), z3.substitute(difference, (places.now, places.now + _SOON))
            wanted += [places.now >= now, places.now <= now + _SOON, later]
        solver = _Solver(self._limits, wanted)
        for tried in range(self._limits.tries):
            found_one = solver.check()
            if found_one != z3.sat:
                if tried == 0 and found_one == z3.unsat and not places.timed:
                    return NotProved(
                        asked, direction, "only a number that is NaN or infinite, as gRPC takes it, differs"
                    )
                break
            model = solver.model()
            name, attributes = resource(places, model)
            found = Resource(asked.kind, name, attributes, asked.policy_version, asked.scope)
            request = Request(asked.principal, found, asked.action, asked.claims)
            # The last word is the PDP's: our formulas may be wrong, and a request that shows nothing is not shown.
            if self._differs(request, direction):
                return Counterexample(asked, direction, request)
            # Not the same resource again: another one may be confirmed.
            solver.add(z3.Not(places.like(model)))
        because = "; ".join(sorted(formulas.vague, key=lambda why: "of whoever asks" not in why)[:3])
        if not because and asked.anybody:
            because = "nothing was found that differs, nor that there is nothing"
        if not because and places.timed:
            because = "a difference needs another moment than now"
        return NotProved(asked, direction, because or "the PDP does not confirm what the solver found")

    def _differs(self, request: Request, direction: Direction) -> bool:
        old, new = (side.pdp.decide(request).allowed for side in (self._old, self._new))
        return (new and not old) if direction == "wider" else (old and not new)


class _Solver:
    """A solver that has seen nothing before, so that it answers the same whatever was asked earlier."""

    def __init__(self, limits: Limits, formulas: Sequence[Any]) -> None:
        self._context = z3.Context()
        self._solver = z3.SimpleSolver(ctx=self._context)
        self._solver.set("random_seed", 0)
        # Steps before time: what depends on how busy a machine is would be proved today and not tomorrow.
        self._solver.set("rlimit", limits.steps)
        self._solver.set("timeout", limits.milliseconds)
        self.add(*formulas)

    def add(self, *formulas: Any) -> None:
        """What must hold as well."""
        self._solver.add(*(one.translate(self._context) for one in formulas))

    def check(self) -> Any:
        """Satisfiable, unsatisfiable or unknown."""
        return self._solver.check()

    def model(self) -> Any:
        """What satisfies it."""
        return self._solver.model().translate(z3.main_ctx())


def _or_why(work: Callable[[], T | str]) -> T | str:
    """What comes of it; else why nothing does: whatever goes wrong in here proves nothing, and ends nothing.

    Only what the environment does (a PDP that is gone, an interrupt) is for others. Raises `Unavailable`.
    """
    try:
        return work()
    except Unavailable:
        raise
    # Told apart only for the words: in any case nothing is proved.
    except RecursionError:
        return "it is nested too deep"
    except MemoryError:
        return "the memory is used up"
    except Exception as error:  # noqa: BLE001 - the solver and the PDP fail in more ways than can be listed
        return f"the prover failed: {type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _why_open(tree: Tree) -> str:
    """What is not known of an expression, in words."""
    asked = " and ".join(dict.fromkeys(_asked_of_somebody(tree)))
    looks = f"a condition looks at {asked} of whoever asks"
    if asked and not isinstance(tree, Call):
        return looks
    what = f"{tree.function}()" if isinstance(tree, Call) and tree.function.isidentifier() else "an expression"
    return f"{what} is not translated" + (f", and {looks}" if asked else "")


def _asked_of_somebody(tree: Tree) -> Iterator[str]:
    """What an expression asks about the principal and the token, such as `principal.roles`."""
    match tree:
        case Name(name=name) if name.startswith(("principal.", "claims.")):
            yield name
        case Select(of=of):
            yield from _asked_of_somebody(of)
        case Call(arguments=arguments, on=on):
            for part in (*arguments, *([on] if on is not None else [])):
                yield from _asked_of_somebody(part)
        case Items(items=items):
            for item in items:
                yield from _asked_of_somebody(item)
        case Entries(entries=entries):
            for part in (part for entry in entries for part in entry):
                yield from _asked_of_somebody(part)


__all__ = ["BOTH", "Prover"]
