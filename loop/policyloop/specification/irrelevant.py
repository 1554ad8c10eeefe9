"""What a person was told makes no difference, so that nothing need be decided about it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from policyloop.specification.gap import Gaps
from policyloop.specification.model import Irrelevant, Spec


@dataclass(frozen=True, slots=True)
class Cell:
    """Something that could be decided about a resource, by all that is known of it."""

    attribute: str | None = None
    value: str | None = None
    scope: str | None = None
    role: str | None = None
    action: str | None = None


def is_irrelevant(spec: Spec, kind: str, cell: Cell) -> bool:
    """Whether a statement fits, with its reason: all that it names is so of the cell."""
    return any(entry.resource == kind and entry.because.strip() and _fits(entry, cell) for entry in spec.irrelevant)


def check_irrelevant(spec: Spec, gaps: Gaps) -> None:
    """The gaps of statements that say nothing, or not why."""
    for number, entry in enumerate(spec.irrelevant):
        path = ("irrelevant", number)
        if entry.attribute is None and entry.value is not None:
            add = "Say which `attribute` has it, such as resource.attr.status."
            gaps.add("irrelevant-nothing", path, "it names a value of no attribute", add)
        elif (entry.attribute, entry.scope, entry.role, entry.action) == (None, None, None, None):
            add = "Say which attribute, value, scope, role or action makes no difference."
            gaps.add("irrelevant-nothing", path, "it does not say what is irrelevant", add)
        if not entry.because.strip():
            gaps.add("irrelevant-unexplained", path, "it does not say why", "Say under `because` why.")


def _fits(entry: Irrelevant, cell: Cell) -> bool:
    said: Sequence[str | None] = (entry.attribute, entry.value, entry.scope, entry.role, entry.action)
    named = [pair for pair in zip(said, astuple(cell), strict=True) if pair[0] is not None]
    return bool(named) and all(wanted == given for wanted, given in named)
