"""Conditions as rules of a bundle of our own: what each of them gives for very many values, by the real PDP."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from policyloop.access.ask.request import Attributes, Batch, Principal, Resource, canonical
from policyloop.access.cel import Call, ListOf, MapOf, Name, Node, Select, Unwritable, walk, written
from policyloop.access.pdp import Pdp, Refused, Settings, allowed, encode, serving
from policyloop.access.universe.changes import Change
from policyloop.access.universe.domains import is_token
from policyloop.bundle import Bundle
from policyloop.effects import ALLOW

MOMENT = "policyloop_now"
"""The resource's attribute that stands for the moment: a server cannot be told the time."""
MOST_PARTS = 12
"""The most parts of two conditions that are looked at one by one."""
MOST_TERMS = 2_500
"""The most terms of a condition that is tried by itself: the PDP needs far longer for many."""
_MOST_TRIES = 8
_AT_ONCE = 48

Values = tuple[bool | None, ...]
"""What the old condition, the new one and each part give: None for an error, or for a value that is no boolean."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One try: who asks, what for, and the claims."""

    principal: Principal
    resource: Resource
    claims: Attributes


@dataclass(frozen=True, slots=True)
class Written:
    """A change as expressions: the old condition, the new one, and the parts that are looked at."""

    change: Change
    name: str
    texts: tuple[str, ...]
    parts: tuple[Node, ...]
    unread: int
    """How many parts there are that are not looked at."""

    @property
    def actions(self) -> tuple[str, ...]:
        """For each expression the action that it allows, and the one that its opposite does."""
        return tuple(f"{self.name}_{n}{sign}" for n in range(len(self.texts)) for sign in ("", "_not"))


def write(change: Change, name: str) -> Written | None:
    """A change as expressions; None where not all of its conditions can be written again, or one is too long."""
    if max(_terms(condition) for condition in (change.before, change.after)) > MOST_TERMS:
        return None
    try:
        whole = tuple(written(_timed(condition)) for condition in (change.before, change.after))
    except (Unwritable, RecursionError):
        return None
    atoms = change.atoms()
    parts: list[Node] = []
    texts = list(whole)
    for atom in atoms[:MOST_PARTS] if len(atoms) > 1 else ():
        try:
            texts.append(written(_timed(atom)))
        except (Unwritable, RecursionError):
            continue
        parts.append(atom)
    return Written(change, name, tuple(texts), tuple(parts), len(atoms) - len(parts) if len(atoms) > 1 else 0)


def _terms(node: Node) -> int:
    return sum(1 for _ in walk(node))


class Probe:
    """A PDP over the expressions of some changes. `refused`: those that it does not take."""

    def __init__(self, some: Sequence[Written], versions: Mapping[str, Iterable[str]], settings: Settings) -> None:
        """`versions`: kind -> the policy versions that it is asked about."""
        self.refused: list[Written] = []
        self.asked = 0
        self._some = list(some)
        self._versions = versions
        self._settings = replace(settings, schemas="none", strict=False, lenient_scope_search=True)
        self._stack = ExitStack()
        self._pdps: dict[str, Pdp] = {}

    def __enter__(self) -> Self:
        tries = _MOST_TRIES
        waiting = [self._some] if self._some else []
        while waiting:
            part = waiting.pop()
            try:
                pdp = self._stack.enter_context(serving(self._bundle(part), self._settings))
            except Refused:
                tries -= 1
                if len(part) == 1 or tries < 0:
                    self.refused += part
                else:
                    waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
                continue
            self._pdps.update({one.name: pdp for one in part})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def values(self, one: Written, tries: Sequence[Asked]) -> list[Values]:
        """What the expressions give for each try; all None for a request that the PDP does not take."""
        pdp = self._pdps[one.name]
        actions = one.actions
        found: list[Values] = [(None,) * len(one.texts)] * len(tries)
        batches = list(_batched(tries, actions))
        answers = pdp.answers((batch, encode(batch)) for batch, _ in batches)
        for (batch, numbers), (_, answer) in zip(batches, answers, strict=True):
            effects = allowed(answer, batch) if answer else []
            for at, number in enumerate(numbers if effects else ()):
                mine = effects[at * len(actions) : (at + 1) * len(actions)]
                pairs = zip(mine[::2], mine[1::2], strict=True)
                found[number] = tuple(True if yes else False if no else None for yes, no in pairs)
        self.asked += len(tries) * len(actions)
        return found

    def _bundle(self, some: Sequence[Written]) -> Bundle:
        kinds: dict[str, list[Written]] = {}
        for one in some:
            for kind in self._versions if "*" in one.change.goal.kind else (one.change.goal.kind,):
                kinds.setdefault(kind, []).append(one)
        files: dict[str, str] = {}
        for number, (kind, held) in enumerate(kinds.items()):
            rules = [rule for one in held for rule in _rules(one)]
            for version in dict.fromkeys(("default", *(v or "default" for v in self._versions.get(kind, ())))):
                policy = {"resource": kind, "version": version, "rules": rules}
                whole = {"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy}
                files[f"probe_{number}_{len(files)}.json"] = json.dumps(whole, ensure_ascii=False)
        return Bundle(files)


def _rules(one: Written) -> Iterator[dict[str, Any]]:
    for n, text in enumerate(one.texts):
        for sign, whole in (("", text), ("_not", f"!({text})")):
            yield {
                "actions": [f"{one.name}_{n}{sign}"],
                "effect": ALLOW,
                "roles": ["*"],
                "condition": {"match": {"expr": whole}},
            }


def _batched(tries: Sequence[Asked], actions: Sequence[str]) -> Iterator[tuple[Batch, list[int]]]:
    """Those that ask as the same principal together, and where they stand."""
    held: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(tries):
        if is_token(one.claims):
            held.setdefault((one.principal.key, canonical(one.claims)), []).append(number)
    for numbers in held.values():
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            first = tries[some[0]]
            yield Batch(first.principal, [tries[n].resource for n in some], actions, first.claims), some


def _timed(node: Node) -> Node:
    """The moment as an attribute. Raises `Unwritable` for what only the bundle itself knows."""
    match node:
        case Name(name="runtime"):
            raise Unwritable("runtime")
        case Call(function="now", args=(), target=None):
            return Call("timestamp", (Select(Select(Name("R"), "attr"), MOMENT),))
        case Call(function="timeSince", args=(), target=since) if since is not None:
            return Call("-", (_timed(Call("now", ())), _timed(since)))
        case Select(of=of):
            return replace(node, of=_timed(of))
        case Call(function=function, args=args, target=target):
            return Call(function, tuple(map(_timed, args)), _timed(target) if target is not None else None)
        case ListOf(items=items):
            return replace(node, items=tuple(map(_timed, items)))
        case MapOf(pairs=pairs):
            return replace(node, pairs=tuple((_timed(key), _timed(value)) for key, value in pairs))
    return node


__all__ = ["MOMENT", "Asked", "Probe", "Values", "Written", "write"]
