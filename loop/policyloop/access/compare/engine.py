"""Old and new side by side: what does the new bundle allow that the old one denied, and the other way round?"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from policyloop.access.ask.questions import Question, put
from policyloop.access.ask.request import Batch, Request
from policyloop.access.ask.smaller import smallest, weight
from policyloop.access.compare.accepted import NOTHING, Accepted, Accepts, Place, without_rules
from policyloop.access.compare.answers import differences
from policyloop.access.compare.blame import deciding
from policyloop.access.compare.kinds_of_change import Found, Group, Key
from policyloop.access.compare.proofs import ask_solver
from policyloop.access.compare.totals import capped, totals_of
from policyloop.access.compare.unsure import by_luck, unreadable
from policyloop.access.pdp import Pdp, Refused, Settings, serving_all
from policyloop.access.pdp.settings import Schemas
from policyloop.access.search import known_of, search
from policyloop.access.search.hunt import Hunted
from policyloop.access.source import policies_of
from policyloop.access.universe import MOST_REQUESTS, Universe, this_minute
from policyloop.access_report import AccessReport, Proofs, Reason
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.effects import ALLOW, DENY

MOST_GROUPS = 300
"""The most kinds of changes of which a witness is kept while requests are asked."""
MOST_CLOCK = 2_000
MOST_PROOFS = 400
"""How many questions are put to the solver where nobody says otherwise."""
MOST_ROUNDS = 3
"""How often it is looked behind the accepted rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a comparison may cost, and what makes it repeatable: the seed and the moment."""

    seed: int = 0
    most: int = MOST_REQUESTS
    now: datetime | None = None
    prove: Literal["auto", "off"] = "auto"
    """Whether the second engine is asked as well; `auto` is where the solver is installed."""
    proofs: int = MOST_PROOFS


def compare_access(
    old: Bundle,
    new: Bundle,
    runner: Runner,
    settings: Settings,
    bounds: Bounds,
    accepted: Accepted = NOTHING,
    told: Callable[[str], None] = lambda _: None,
) -> AccessReport:
    """What changed from `old` to `new`, by decisions of the real PDP. Each witness is confirmed on both.

    With JSON Schemas in a bundle everything is asked twice: enforced, and not, as is the PDP's default. What `accepted`
    names is looked behind: everything is asked once more of a bundle without the accepted rules, so that they hide
    nothing else. `told` hears how it goes on. Raises `Refused` for a bundle that does not compile, and `Unavailable`
    without a PDP.
    """
    now = bounds.now or this_minute()
    universe = Universe((old, new), bounds.seed, bounds.most, now, only=_affected(old, new))
    report = AccessReport(seed=bounds.seed, moment=universe.now.isoformat())
    if old.without_tests() == new.without_tests():
        return replace(report, notes=("The policies and schemas are the same, so nothing was asked.",))
    asked = _Comparison(old, runner, settings, universe, bounds, told)
    asked.search()
    reasons = asked.reasons(new, accepted)
    proofs, notes = asked.proofs, asked.notes
    without = new
    for _ in range(MOST_ROUNDS):
        places = {place for one in reasons if one.asked_for and (place := _place(one))}
        fewer = without_rules(without, places)
        if fewer == without:
            break
        without = fewer
        try:
            more = asked.reasons(without, accepted)
        except Refused:
            notes.append("What lies behind the accepted rules could not be asked: without them nothing compiles.")
            break
        reasons += [one for one in more if one.wider and _subject(one) not in {_subject(r) for r in reasons}]
    luck, beside = by_luck(old, new)
    notes += beside
    totals = totals_of(reasons)
    shown, left_out = capped(reasons)
    if left_out:
        notes.append(left_out)
    return replace(
        report,
        reasons=shown,
        totals=totals,
        rules=(*unreadable(old, new), *luck, *known_of(asked.hunted, reasons, asked.proved, universe.cut)),
        requests=universe.asked + asked.clock_questions,
        complete=universe.complete,
        proofs=proofs,
        notes=tuple(notes),
    )


class _Comparison:
    """The old bundle, held against one new bundle after the other with the same questions."""

    def __init__(
        self,
        old: Bundle,
        runner: Runner,
        settings: Settings,
        universe: Universe,
        bounds: Bounds,
        told: Callable[[str], None],
    ) -> None:
        self.clock_questions = 0
        self.proofs: Proofs | None = None
        self.notes: list[str] = []
        self.hunted: list[Hunted] = []
        """What the search of each changed rule found."""
        self.proved: frozenset[tuple[str, str]] = frozenset()
        """Kinds and actions for which all that was put to the solver was proved."""
        self._old, self._runner, self._settings, self._universe = old, runner, settings, universe
        self._bounds, self._told = bounds, told

    def search(self) -> None:
        """What tells each changed rule from what it was; that is asked of both bundles before anything else."""
        if self._universe.changes:
            self._told(f"{len(self._universe.changes)} changed rules searched for what tells them from what they were")
        self.hunted = search(self._universe, self._settings, self._bounds.most)
        self._universe.first = [(one.change, list(one.telling())) for one in self.hunted]

    def reasons(self, new: Bundle, accepted: Accepted) -> list[Reason]:
        """Every kind of change, each with its smallest witness and the rules that decide it."""
        modes: tuple[Schemas, ...] = ("none", "reject") if _has_schemas(self._old, new) else ("none",)
        found: list[Found] = []
        for schemas in modes:
            mode = replace(self._settings, schemas=schemas)
            with ExitStack() as stack:
                before, after = stack.enter_context(serving_all((self._old, new), mode))
                groups: dict[Key, Group] = {}
                _gather(groups, (before, after), self._universe, schemas, self._told)
                if schemas == "none" and self.proofs is None:
                    self._prove(groups, (before, after), new, mode)
                sorts = itertools.chain(*(one.sorts(accepted.requests, after) for one in groups.values()))
                for one in sorted(sorts, key=lambda f: weight(f.request)):
                    if not _known(one, found, before, after):
                        found.append(_shrunk(one, before, after, accepted.requests))
        found += self._by_the_clock(new, found)
        return self._explained(found, new, accepted.rules)

    def _prove(self, groups: dict[Key, Group], pdps: tuple[Pdp, Pdp], new: Bundle, settings: Settings) -> None:
        """What the solver finds joins the changes found by decisions; what it proves is counted."""
        if self._bounds.prove == "off":
            return
        from policyloop.access.prove import Asked, Unprovable, proving

        self._told("what changed, put to the solver")
        people = (
            Asked(principal, of, action, *place, claims)
            for principal, of, action, place, claims in self._universe.subjects()
        )
        changed = self._old.without_tests().changed(new.without_tests())
        try:
            with proving(self._old, new, *pdps, settings) as prover:
                said = ask_solver(prover, people, changed, self._bounds.proofs)
        except Unprovable as reason:
            self.notes.append(f"Nothing was proved, because {reason}.")
            return
        for request, wider in said.witnesses:
            found = Found(request, wider, "none", engine="proof")
            groups.setdefault(found.key, Group(found)).take(found)
        self.proofs = said.proofs
        self.proved = said.proved

    def _by_the_clock(self, new: Bundle, known: Sequence[Found]) -> Iterator[Found]:
        """What differs at another moment than this one: asked of the compiler's engine, which can be told the time."""
        questions = list(itertools.islice(self._universe.clock(), MOST_CLOCK))
        if not questions:
            return
        self.clock_questions += len(questions)
        strict = self._settings.strict
        before, after = (put(self._runner, one, questions, strict=strict, schemas=False) for one in (self._old, new))
        seen: set[Key] = set()
        for question, was, now in sorted(
            zip(questions, before, after, strict=True), key=lambda each: weight(each[0].request)
        ):
            found = Found(question.request, now == ALLOW, "none", question.now)
            if {was, now} == {ALLOW, DENY} and found.key not in seen:
                seen.add(found.key)
                if not any(other.same_but_for_roles(found) for other in known):
                    yield found

    def _explained(self, found: Sequence[Found], new: Bundle, allowed: frozenset[str]) -> list[Reason]:
        """Each with the rules that decide it in both bundles; one of each kind is enough."""
        reasons: dict[object, Reason] = {}
        for schemas in dict.fromkeys(one.schemas for one in found):
            mine = [one for one in found if one.schemas == schemas]
            moment = self._universe.now.isoformat().replace("+00:00", "Z")
            questions = [Question(one.request, one.now or moment) for one in mine]
            was, now = (
                deciding(self._runner, bundle, questions, strict=self._settings.strict, schemas=schemas == "reject")
                for bundle in (self._old, new)
            )
            for one, before, after in zip(mine, was, now, strict=True):
                reason = one.reason(before, after, strict=self._settings.strict)
                at = reason.now_is
                named = allowed & {at.rule, f"{at.file}:{at.rule}"}
                if reason.wider and named:
                    reason = replace(reason, asked_for=min(named))
                reasons.setdefault(_subject(reason), reason)
        return _for_anybody(reasons.values(), self._universe.unknown_role)


def _for_anybody(reasons: Iterable[Reason], unknown: str) -> list[Reason]:
    """A rule that lets in the role `unknown`, which nothing names, lets in every role: one reason is enough."""
    anybody = {_subject(one, roles=False) for one in reasons if one.roles == (unknown,) and one.lets_in.line}
    return [one for one in reasons if one.roles == (unknown,) or _subject(one, roles=False) not in anybody]


def _known(one: Found, found: Iterable[Found], old: Pdp, new: Pdp) -> bool:
    """Whether the very same request shows the change also with the fewer roles of a witness that is there already."""
    for other in found:
        if other.same_but_for_roles(one) and other.accepted == one.accepted:
            roles = other.request.principal.roles
            fewer = replace(one.request, principal=replace(one.request.principal, roles=roles))
            if roles == one.request.principal.roles or _shows(fewer, wider=one.wider, old=old, new=new):
                return True
    return False


def _shows(request: Request, *, wider: bool, old: Pdp, new: Pdp) -> bool:
    return new.decide(request).allowed is wider and old.decide(request).allowed is not wider


def _gather(
    groups: dict[Key, Group],
    pdps: tuple[Pdp, Pdp],
    universe: Universe,
    schemas: Schemas,
    told: Callable[[str], None],
) -> None:
    """Keep the smallest request of each kind of change and some others; memory does not grow with the requests."""
    old, new = pdps

    def batches() -> Iterator[Batch]:
        for batch in universe.batches():
            yield batch
            told(f"{universe.asked} requests asked of both, at most {universe.most} of each mode")

    for one in differences(old, new, batches()):
        found = Found(one.request, one.wider, schemas)
        known = groups.get(found.key)
        if known is None and len(groups) >= MOST_GROUPS:
            universe.complete = False
        elif known is None:
            groups[found.key] = Group(found)
        else:
            known.take(found)


def _shrunk(found: Found, old: Pdp, new: Pdp, accepts: Accepts) -> Found:
    """The same difference with the smallest request that shows it, and that the same rule asks for, or none."""

    def shows(request: Request) -> bool:
        alike = _shows(request, wider=found.wider, old=old, new=new)
        return alike and (not found.wider or accepts(request, new) == found.accepted)

    return replace(found, request=smallest(found.request, shows))


def _subject(reason: Reason, *, roles: bool = True) -> object:
    """Reasons with the same subject are one for a reader: the same rule for the same roles, action and resource."""
    at = reason.lets_in
    held = reason.roles if roles else ()
    told = (reason.direction, reason.resource, reason.action, held, at.file, at.line)
    return (*told, reason.now is None, reason.asked_for)


def _place(reason: Reason) -> Place | None:
    at = reason.now_is
    return (at.file, at.line) if at.file is not None and at.line is not None and at.rule else None


def _affected(old: Bundle, new: Bundle) -> frozenset[str] | None:
    """The kinds whose own resource policies changed; None, for all, when anything else did that could reach others."""
    changed = set(old.without_tests().changed(new.without_tests()))
    found: set[str] = set()
    for bundle in (old, new):
        held = {one.file: one for one in policies_of(bundle) if one.file in changed}
        if any(path not in held or held[path].what != "resource" for path in changed if path in bundle):
            return None
        found |= {one.name for one in held.values()}
    return frozenset(found)


def _has_schemas(*bundles: Bundle) -> bool:
    return any(bundle.schemas() for bundle in bundles)
