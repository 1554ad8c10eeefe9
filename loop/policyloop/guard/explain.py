"""Why a locked assertion is no longer demanded: found by matching it against the closest test of the candidate."""

from dataclasses import replace

from policyloop.bundle import Bundle
from policyloop.findings import Weakened
from policyloop.guard.candidate import Candidate, Standing, State
from policyloop.guard.canon import decode, fits
from policyloop.guard.demand import Assertion
from policyloop.guard.lookalike import skeleton
from policyloop.guard.suite_demands import SuiteDemands
from policyloop.guard.wording import named, part_change, show

_PARTS = (("principal", "principals"), ("resource", "resources"), ("auxData", "auxData"), ("options", ""))


class Explainer:
    """Explains what one candidate weakens. `before` are the lock's own readings, `texts` its files by content."""

    def __init__(self, candidate: Candidate, bundle: Bundle, before: dict[str, SuiteDemands]) -> None:
        self._candidate, self._bundle, self._before = candidate, bundle, before

    def explain(self, locked: Assertion) -> Weakened:
        """How `locked` is weakened, given that nothing of the candidate keeps it."""
        # First whether the very same demand still stands there and only does not run: that is the most exact thing to
        # say.
        meeting = [one for one in self._candidate.meeting(locked) if one.state is not State.RUNS]
        if meeting:
            return _weakened(locked, meeting[0].state.value, "it runs", _place(meeting[0], locked))
        closest = self._closest(locked)
        if closest is not None:
            if closest.state is not State.RUNS:
                return _weakened(locked, closest.state.value, "it runs", _place(closest, locked))
            found = self._changed(locked, closest)
            called = _alike_names(locked, closest.assertion)
            return replace(found, after=f"{found.after} (under {called})") if called else found
        return self._lost(locked)

    def _closest(self, locked: Assertion) -> Standing | None:
        """The candidate's assertion of the same names, else one of the same suite or test that asks nearly the same."""
        best, most = None, 0
        for one in self._candidate.near(locked):
            score = _likeness(locked, one.assertion)
            if score > most:
                best, most = one, score
        return best

    def _changed(self, locked: Assertion, now: Standing) -> Weakened:
        want, have = locked.demand, now.assertion.demand
        for (part, kind), before, after in zip(_PARTS, want.inputs[:4], have.inputs[:4], strict=True):
            if before != after and not fits(decode(before), decode(after)):
                old, new = part_change(before, after)
                return _weakened(locked, f"{part} changed", old, new + self._moved(locked, now, part, kind))
        if want.effect != have.effect:
            return _weakened(locked, "expectation changed", want.effect or "unreadable", have.effect or "unreadable")
        missing = sorted(want.outputs - have.outputs)
        if not missing:
            called = f"{now.assertion.id.test!r} in {now.assertion.id.suite!r}"
            return _weakened(locked, "gone", "a part of it cannot be read, so it goes by its names", f"it is {called}")
        got = dict(have.outputs)
        before, after = _outputs(missing), _outputs([(src, got[src]) for src, _ in missing if src in got])
        return _weakened(locked, "expectation changed", before, after or "no such output expected")

    def _moved(self, locked: Assertion, now: Standing, part: str, kind: str) -> str:
        """Where the fixture comes from now, if that is another place than before."""
        old = self._before.get(locked.id.file)
        name = {"principal": locked.id.principal, "resource": locked.id.resource}.get(part)
        if old is None or name is None:
            return ""
        was, now_from = old.source(kind, name), now.reading.source(kind, name)
        if not was or not now_from or was == now_from:
            return ""
        shadows = now.reading.file == locked.id.file and was in self._bundle
        return f" (now from {now_from}" + (f", which goes before {was})" if shadows else ")")

    def _lost(self, locked: Assertion) -> Weakened:
        before = f"{locked.id.action}: {locked.demand.effect or 'demanded'}"
        hidden = self._hidden(locked.id.file)
        if hidden:
            return _weakened(locked, "unreachable", locked.id.file, hidden)
        reading = self._candidate.readings.by_file.get(locked.id.file)
        for other in [reading] if reading else self._candidate.readings:
            if other.broken and (other is reading or other.name == locked.id.suite):
                return _weakened(locked, "unreachable", before, f"{other.file}: {other.broken}")
        return _weakened(locked, "gone", before, self._lookalike(locked) or _nowhere(reading, locked))

    def _hidden(self, file: str) -> str:
        """A file that is no suite now, although it holds the text that was one."""
        old = self._before.get(file)
        if old is None or file in self._bundle:
            return ""
        # A suite that was moved to where Cerbos runs none stays green for ever.
        for path, text in self._bundle.files.items():
            if text == old.texts[0] and path not in self._candidate.readings.by_file:
                return f"{path}, where Cerbos runs no suite"
        return ""

    def _lookalike(self, locked: Assertion) -> str:
        """A name that looks like one of the locked assertion's and is another."""
        for one in self._candidate.near(locked):
            called = _alike_names(locked, one.assertion)
            if called:
                return called
        return ""


def _alike_names(locked: Assertion, other: Assertion) -> str:
    """The names of `other` that differ from those of `locked` without looking different; empty when any does."""
    pairs = list(zip(locked.names(), other.names(), strict=True))
    alike = all(skeleton(a) == skeleton(b) for a, b in pairs)
    return "; ".join(named(a, b) for a, b in pairs if a != b) if alike else ""


def _likeness(locked: Assertion, other: Assertion) -> int:
    """0 for assertions that have nothing to do with each other, more for the closer ones."""
    if locked.demand.inputs.action != other.demand.inputs.action:
        return 0
    same_names = [a == b for a, b in zip(locked.names(), other.names(), strict=True)]
    alike = [skeleton(a) == skeleton(b) for a, b in zip(locked.names(), other.names(), strict=True)]
    same_parts = [a == b for a, b in zip(locked.demand.inputs[:4], other.demand.inputs[:4], strict=True)]
    # Another principal or resource of another name is no change of this one: this one is gone.
    related = (alike[2] or same_parts[0]) and (alike[3] or same_parts[1])
    if not all(alike) and not (related and sum(same_parts) >= 3):
        return 0
    close = 100 * all(same_names) + 50 * all(alike) + 10 * sum(same_parts) + sum(same_names)
    return close + 5 * (locked.id.file == other.id.file) + (locked.demand.effect == other.demand.effect)


def _place(standing: Standing, locked: Assertion) -> str:
    file = standing.reading.file
    return standing.why if file == locked.id.file else f"{file}: {standing.why}"


def _nowhere(reading: SuiteDemands | None, locked: Assertion) -> str:
    if reading is None:
        return f"no suite demands it; {locked.id.file} is gone"
    return "no test demands it"


def _outputs(pairs: list[tuple[str, str]]) -> str:
    return "; ".join(f"output {src}: {show(decode(val)) if val else 'nothing'}" for src, val in pairs)


def _weakened(locked: Assertion, how: str, before: str, after: str) -> Weakened:
    suite, test, principal, resource, action = (name or "*" for name in locked.names())
    return Weakened(suite, test, principal, resource, action, how, before, after)
