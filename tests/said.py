"""What is said of two bundles, held against real PDPs: every question that the solver calls proved, every word of a
report, every cell of a matrix. A request that contradicts is an `AssertionError` with the bundles in it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from conditions import thrown
from matrix_cells import states_of
from odd_policies import Pack
from policyloop.access.ask.request import Batch, Principal, Request, Resource
from policyloop.access.cel import Const, NotCel, parse, walk
from policyloop.access.compare.answers import differences
from policyloop.access.matrix import matrices_of
from policyloop.access.mutate import Mutant, mutants_of, mutate
from policyloop.access.pdp import Pdp, Refused, Settings, serving_all
from policyloop.access.prove import Asked, Limits, NotProved, Proved, Verdict, proving
from policyloop.access.prove.coverage import OTHER
from policyloop.access.prove.prover import Prover
from policyloop.access.prove.shape import sanitized
from policyloop.access.source import policies_of
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.documents.mutate import mutate_document
from policyloop.shape import to_json
from policyloop.validators.judge import validate

NATIVE = Settings(runner="native")
LIMITS = Limits(rows=64)
"""More conditions at once are left unproved here: their cases would take most of the time."""
_PLACED = re.compile(r"\b([pq]\d*_)\w+\.yaml")


def compiling(runner: Runner, whole: Pack) -> Pack:
    """The pack without the pairs that the real compiler does not take."""
    for _ in range(6):
        bad: set[str] = set()
        for files in (whole.before, whole.after):
            report = validate(runner, Bundle(dict(files)), require_tests=False)
            for finding in report.findings:
                bad.update(_PLACED.findall(f"{finding.file} {finding.message}")[:1])
            assert report.green or bad, report.findings
        if not bad:
            return whole
        whole = whole.without(sorted(bad))
    raise AssertionError(bad)


@dataclass
class Heard:
    """Every verdict of every prover, with whether evaluation was strict."""

    verdicts: list[tuple[bool, Verdict]] = field(default_factory=list)

    def proved(self, *, strict: bool) -> list[Proved]:
        """What was called proved."""
        return [one for how, one in self.verdicts if how is strict and isinstance(one, Proved)]

    @property
    def confused(self) -> int:
        """How many questions were left open since Cerbos takes conditions for each other."""
        return sum(isinstance(one, NotProved) and "for each other" in one.because for _, one in self.verdicts)


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear every verdict; none is changed."""
    heard = Heard()
    asking = Prover.compare

    def compare(self: Prover, *arguments: Any, **more: Any) -> Iterator[Verdict]:
        for verdict in asking(self, *arguments, **more):
            heard.verdicts.append((self.strict, verdict))
            yield verdict

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prover, "compare", compare)
        yield heard


class Asking:
    """Random requests about two bundles, made of the names that the PDP itself reads in them."""

    def __init__(self, dice: Random, pdps: Sequence[Pdp], people: int, each: int) -> None:
        self._dice, self._people, self._each = dice, people, each
        read = [one for pdp in pdps for one in pdp.policies().values()]
        bodies = [(top, body) for one in read for top, body in one.items() if isinstance(body, Mapping)]
        self.roles = sorted(_found(bodies, "roles", "parentRoles", "role"))
        self.actions = sorted({name for name in _found(bodies, "actions", "allowActions", "action") if name})
        self.kinds = sorted(_found([b for b in bodies if b[0] == "resourcePolicy"], "resource"))
        self.persons = sorted(_found(bodies, "principal"))
        self.versions = sorted(_found(bodies, "version"))
        self.scopes = sorted({scope.removeprefix(".") for scope in _found(bodies, "scope")})
        self._texts = [expr for one in read for expr in _exprs(one)]
        self._constants = [value for _, body in bodies for value in _values(body.get("constants", {}))]
        self._constants += [value for top, body in bodies if top == "exportConstants" for value in _values(body)]

    def literals(self) -> list[Any]:
        """Constants of policies and of conditions."""
        found: dict[str, Any] = {repr(value): value for value in self._constants}
        for text in dict.fromkeys(self._texts):
            try:
                nodes = list(walk(parse(text)))
            except NotCel:
                continue
            found.update(
                {repr(n.value): n.value for n in nodes if isinstance(n, Const) and not isinstance(n.value, bytes)}
            )
        return [value for value in found.values() if not (isinstance(value, float) and math.isnan(value))]

    def named_actions(self) -> tuple[str, ...]:
        """What is asked: each name, something for each pattern, and what nothing names."""
        told = [re.sub(r"[*?]+", "x", action) for action in self.actions]
        return tuple(dict.fromkeys([*self.actions, *told, OTHER, f"{OTHER}:{OTHER}", "zz"]))

    def batches(self) -> Iterator[Batch]:
        """Everybody about everything."""
        dice, literals, actions = self._dice, self.literals(), self.named_actions()
        for kind in (*self.kinds, *(dice.sample(self.kinds, 2) if len(self.kinds) > 1 else ())):
            asked = kind if dice.random() < 0.8 else dice.choice((sanitized(kind), f"{kind}x", OTHER))
            for _ in range(self._people):
                version = dice.choice(["", "", "", "", *self.versions, "default", OTHER])
                scope = dice.choice(
                    ["", "", "", "", *self.scopes, *self.scopes, *(f"{s}.{OTHER}" for s in self.scopes), OTHER]
                )
                held = [Resource(asked, self._id(), self._attr(literals), version, scope) for _ in range(self._each)]
                yield Batch(self._who(), held, actions, dice.choice([{}, {}, {"iss": "me"}]))

    def meant(self, asked: Asked, literals: Sequence[Any]) -> Iterator[Batch]:
        """Some of those requests that a question stands for."""
        place = asked.policy_version, asked.scope
        for _ in range(3):
            held = [Resource(asked.kind, self._id(), self._attr(literals), *place) for _ in range(10)]
            who, claims = asked.principal, asked.claims
            if asked.anybody:
                other = self._who()
                name = who.id if who.id in self.persons else "somebody" if other.id in self.persons else other.id
                who = Principal(name, who.roles, other.attr, who.policy_version, who.scope)
                claims = self._dice.choice([{}, {"iss": "me"}])
            yield Batch(who, held, (asked.action,), claims)

    def _id(self) -> str:
        return self._dice.choice(("x", "ann", "a", "1", *self.persons))

    def _who(self) -> Principal:
        dice = self._dice
        known = [*self.roles * 3, OTHER, "zz", "admin"]
        roles = tuple(sorted({dice.choice(known) for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))} - {"*", ""})) or (
            OTHER,
        )
        attr: dict[str, Any] = {
            "team": dice.choice(["a", "", "b", 1]),
            "teams": dice.choice([[], ["a"], ["a", "b"], [1, "ab", None], "x"]),
        }
        attr |= {"level": dice.choice([0, 1, 2, "1"]), "none": dice.choice([[], ["a"]]), "m": {"x": 1}, "lost": 1}
        kept = {key: value for key, value in attr.items() if dice.random() < 0.75}
        name = dice.choice(["ann", "bob", *self.persons, *self.persons])
        return Principal(
            name,
            roles,
            kept,
            dice.choice(["", "", "", *self.versions, OTHER]),
            dice.choice(["", "", "", *self.scopes, OTHER]),
        )

    def _attr(self, literals: Sequence[Any]) -> dict[str, Any]:
        dice = self._dice
        attr = thrown(dice)
        for name in ("a", "n", "s", "tags", "o", "t", "b"):
            draw = dice.random()
            if draw < 0.35 and literals:
                value = dice.choice(literals)
                attr[name] = [value] if name == "tags" and not isinstance(value, list) else value
            elif draw < 0.45:
                attr[name] = dice.choice([True, False, ["x", "b"], {"x": "a", "b": 1}, 3, "2020-01-01T00:00:00Z"])
        return attr


def _found(bodies: Iterable[tuple[str, Any]], *keys: str) -> set[str]:
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                if key in keys:
                    found.update([item] if isinstance(item, str) else [one for one in item if isinstance(one, str)])
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for _, body in bodies:
        look(body)
    return found


def _exprs(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "expr" and isinstance(item, str):
                yield item
            yield from _exprs(item)
        if isinstance(value.get("variables"), Mapping):
            yield from (one for one in value["variables"].get("local", {}).values() if isinstance(one, str))
    elif isinstance(value, list):
        for item in value:
            yield from _exprs(item)


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _values(item)
    elif not isinstance(value, list):
        yield value


@dataclass
class Count:
    """What was held against what."""

    pairs: int = 0
    requests: int = 0
    questions: int = 0
    proved: int = 0
    differences: int = 0
    confused: int = 0
    mutants: int = 0
    mutants_proved: int = 0
    states: Counter[str] = field(default_factory=Counter)


def held(runner: Runner, whole: Pack, dice: Random, *, strict: bool, count: Count) -> Pack:
    """`hold_proofs` on those pairs that the compiler takes; these."""
    matrix = dice.random() < 0.3
    try:
        hold_proofs(whole, dice, strict=strict, count=count, matrix=matrix)
    except Refused:
        whole = compiling(runner, whole)
        hold_proofs(whole, dice, strict=strict, count=count, matrix=matrix)
    return whole


def hold_proofs(whole: Pack, dice: Random, *, strict: bool, count: Count, each: int = 7, matrix: bool = True) -> None:
    """Some questions about each pair, put to the solver as `diff`, `run`, `mutate` and a review do: for everybody.

    No random request may contradict what it calls proved.
    """
    old, new = Bundle(dict(whole.before)), Bundle(dict(whole.after))
    settings = Settings(runner="native", strict=strict)
    with serving_all((old, new), settings) as pdps:
        with listening() as heard, proving(old, new, *pdps, settings, LIMITS) as prover:
            asked = _some(prover.coverage().asked, whole, dice, each)
            for _ in prover.compare(asked):
                pass
        hold_verdicts(whole, pdps, heard, dice, strict=strict, count=count)
        if not strict and matrix:
            hold_matrix(whole, pdps, dice, count)


def _some(questions: Sequence[Asked], whole: Pack, dice: Random, each: int) -> list[Asked]:
    """So many questions about each kind, and about kinds that nothing names."""
    found: list[Asked] = []
    for kind in dict.fromkeys(one.kind for one in questions):
        mine = [one for one in questions if one.kind == kind]
        named = [one for one in mine if not one.action.startswith(OTHER) and one.principal.roles != (OTHER,)] or mine
        found += dice.sample(named, min(each - 2, len(named))) + dice.sample(mine, min(2, len(mine)))
    return list(dict.fromkeys(found))


def hold_verdicts(
    whole: Pack, pdps: tuple[Pdp, ...], heard: Heard, dice: Random, *, strict: bool, count: Count
) -> None:
    """Requests that belong to a question which is called proved: none is answered otherwise than it says."""
    asking = Asking(dice, pdps, 8, 6)
    literals = asking.literals()
    proved: dict[Asked, set[str]] = {}
    for one in heard.proved(strict=strict):
        proved.setdefault(one.asked, set()).add(one.direction)
        count.proved += 1
    meant = [(one, batch) for one in proved for batch in asking.meant(one, literals)]
    before = pdps[0].asked
    for question, batch in meant:
        for each in differences(pdps[0], pdps[1], [batch]):
            direction = "wider" if each.wider else "narrower"
            assert direction not in proved[question], (strict, direction, question, files_of(whole, each.request))
            count.differences += 1
    count.requests += pdps[0].asked - before
    count.pairs += len(whole.kinds)
    count.questions += len({one.asked for _, one in heard.verdicts})
    count.confused += heard.confused


def hold_document(whole: Pack, document: Mapping[str, Any], dice: Random) -> None:
    """The words of `diff --format json`, and of `access` in that of `run`: that nothing is left unproved, and that
    nobody gets in by a rule.
    """
    old, new = Bundle(dict(whole.before)), Bundle(dict(whole.after))
    with serving_all((old, new), NATIVE) as pdps:
        batches = Asking(dice, pdps, max(8, 60 // len(whole.kinds)), 8).batches()
        wider = [one.request for one in differences(pdps[0], pdps[1], batches) if one.wider]
    shown = {reason["resource"] for reason in document["reasons"] if reason["direction"] == "wider"}
    about = {path: rule for path in whole.after for rule in policies_of(Bundle({path: whole.after[path]}))}
    for request in wider:
        if document["proofs"]["unproved"] == 0:
            assert request.resource.kind in shown, ("0 not proved", files_of(whole, request))
        for rule in document["rules"]:
            if rule["wider"] == "proved" and rule["change"] != "removed" and rule["file"] in about:
                policy = about[rule["file"]]
                mine = [one.actions for one in policy.rules if one.line == rule["line"]]
                named = any(request.action in actions for actions in mine)
                assert not (named and request.resource.kind == policy.name), (rule, files_of(whole, request))


def hold_survivors(files: Mapping[str, str], document: Mapping[str, Any], made: Sequence[Mutant], dice: Random) -> int:
    """Mutants that `mutate --format json` calls proved: no random request tells them from the bundle. How many."""
    bundle = Bundle(dict(files))
    proved = [one for one in document["survivors"] if one["alike"] == "proved"]
    for said in proved:
        place = (said["operator"], said["file"], said["line"], said["where"], said["change"])
        mutant = next(m for m in made if (m.operator, m.file, m.line, m.where, m.words) == place)
        both = bundle, mutant.of(bundle)
        for strict in (False, True):
            with serving_all(both, Settings(runner="native", strict=strict)) as pdps:
                found = list(differences(pdps[0], pdps[1], Asking(dice, pdps, 40, 8).batches()))
            mine = [each.request for each in found]
            assert not mine, (strict, said["change"], mine[0].to_json(), bundle.files, both[1].files)
    return len(proved)


def files_of(whole: Pack, request: Request) -> str:
    """The files about the kind of a request, before and after."""
    prefix = next((p for p, kind in whole.kinds.items() if sanitized(kind) == sanitized(request.resource.kind)), "q_")
    told = []
    for path in sorted({*whole.before, *whole.after}):
        if path.startswith((prefix, "q_")):
            old, new = whole.before.get(path, ""), whole.after.get(path, "")
            told.append(f"--- {path}\n{old}" + (f"+++ {path}\n{new}" if new != old else ""))
    return f"{request.to_json()}\n" + "\n".join(told)


def hold_matrix(whole: Pack, pdps: Sequence[Pdp], dice: Random, count: Count) -> None:
    """No cell of the matrix of the new bundle, beside the old one, is contradicted by a request."""
    old, new = Bundle(dict(whole.before)), Bundle(dict(whole.after))
    matrices, missing = matrices_of(old, new, NATIVE, None)
    if missing:
        count.states["not drawn"] += 1
        assert all("not drawn" in one for one in missing), missing
        return
    for batch in Asking(dice, pdps, max(6, 60 // len(whole.kinds)), 4).batches():
        for side, pdp in zip(("before", "after"), pdps, strict=True):
            count.states += states_of(matrices, pdp, batch, side, lambda request: files_of(whole, request))
            count.requests += len(batch)


TESTED = """\
name: something
principals: {nobody: {id: nobody, roles: [nobody]}}
resources: {nothing: {kind: nothing, id: x}}
tests:
  - name: nothing
    input: {principals: [nobody], resources: [nothing], actions: [x]}
    expected: [{principal: nobody, resource: nothing, actions: {x: EFFECT_DENY}}]
"""


def hold_mutants(runner: Runner, whole: Pack, prefix: str, dice: Random, count: Count) -> None:
    """Mutants of one bundle of a pack that are called equivalent: no random request tells them from it."""
    files = {path: text for path, text in whole.before.items() if path.startswith(prefix)}
    bundle = Bundle({**files, "something_test.yaml": TESTED})
    result = mutate(runner, bundle, "policies", limit=2, seed=dice.randrange(1000), settings=NATIVE)
    count.mutants += len(result.survivors)
    count.mutants_proved += hold_survivors(bundle.files, to_json(mutate_document(result)), mutants_of(bundle), dice)
