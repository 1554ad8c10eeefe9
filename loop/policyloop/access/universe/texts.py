"""Beginnings, endings, parts and patterns of texts, and places in a hierarchy."""

from policyloop.access.cel import Call, Const, Node
from policyloop.access.universe.fields import Assignment, merged
from policyloop.access.universe.near import Guesses
from policyloop.access.universe.patterns import matching
from policyloop.access.universe.patterns import near as near_texts
from policyloop.access.universe.terms import constant, made_of
from policyloop.access.universe.values import OTHER, SHARED


def text(name: str, left: Node, right: Node) -> Guesses | None:
    known, part = constant(right)
    if not known or not isinstance(part, str):
        return _two_texts(name, left, right)
    holds = {"startsWith": str.startswith, "endsWith": str.endswith}.get(name, str.__contains__)
    true: list[Assignment] = []
    false: list[Assignment] = []
    for text in (part, f"{part}x", f"x{part}", f"x{part}x", part[:-1], part[1:], part.swapcase(), OTHER, ""):
        (true if holds(text, part) else false).extend(made_of(left, text))
    return (true, false) if true or false else None


def _two_texts(name: str, left: Node, right: Node) -> Guesses | None:
    """Whether a text begins with, ends with or holds another one, neither of them a constant."""
    true: list[Assignment] = []
    false: list[Assignment] = []
    longer = {"startsWith": f"{SHARED}x", "endsWith": f"x{SHARED}"}.get(name, f"x{SHARED}x")
    for whole, part, into in (
        (SHARED, SHARED, true),
        (longer, SHARED, true),
        (SHARED, "", true),
        (SHARED, OTHER, false),
    ):
        for first in made_of(left, whole)[:3]:
            both = (merged(first, second) for second in made_of(right, part)[:3])
            into.extend(one for one in both if one is not None)
    return (true, false) if true or false else None


def matched(pattern: str, left: Node) -> Guesses | None:
    """Texts that a pattern takes, and texts beside them; which of these it takes as well is for the PDP to say."""
    inside = matching(pattern)
    loose = [*(f"x{text}" for text in inside[:2]), *(f"{text}x" for text in inside[:2])]
    true = [one for text in (*inside, *loose) for one in made_of(left, text)]
    false = [one for text in (OTHER, "", *near_texts(inside)) for one in made_of(left, text)]
    if not true:
        plain = pattern.strip("^$").replace("\\", "").replace(".*", "").replace(".+", "x")
        return text("contains", left, Const(plain))
    return true, false


def kin(left: Node, right: Node) -> Guesses | None:
    """`hierarchy(a).ancestorOf(hierarchy(b))` and its like: places in a tree, with a dot between them."""
    known, place = constant(right.args[0]) if isinstance(right, Call) and right.args else (False, None)
    places = [("a", "a.b"), ("a.b", "a"), ("a", "a.b.c"), ("a.b.c", "a"), ("a.b", "a.c"), ("a.b", "a.b")]
    if known:
        above = str(place).rpartition(".")[0] or str(place)
        places = [(text, str(place)) for text in (above, str(place), f"{place}.x", f"{place}.x.y", f"{above}.z")]
    either: list[Assignment] = []
    for first, second in places:
        for one in made_of(left, first)[:2]:
            both = (merged(one, other) for other in (made_of(right, second)[:2] or [{}]))
            either.extend(each for each in both if each is not None)
    return (either, list(either)) if either else None
