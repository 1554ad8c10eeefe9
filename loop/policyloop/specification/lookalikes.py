"""Names that no eye can tell apart: what a person reads must be what the policies will say."""

import unicodedata
from collections.abc import Iterator

from policyloop.guard.lookalike import odd_letters, quoted, skeleton
from policyloop.specification.gap import Gaps
from policyloop.specification.model import Spec
from policyloop.specification.vocabulary import Path

_ADD = "Write it with the letters that it seems to have; names that look alike must be the same."


def check_lookalikes(spec: Spec, gaps: Gaps) -> None:
    """A gap for each name that passes for another, or that holds what cannot be seen."""
    first: dict[str, str] = {}
    for name, path in _names(spec):
        look = " ".join(skeleton(name).split())
        known = first.setdefault(look, name)
        if known != name:
            odd = odd_letters(known, name) or "spaces"
            message = f"{quoted(name)} looks like {quoted(known)} and is another name ({odd})"
            gaps.add("lookalike-name", path, message, _ADD, contradiction=True)
        elif not name.isprintable() or " ".join(name.split()) != name:
            gaps.add("invisible-letters", path, f"{name!a} holds letters that cannot be seen", _ADD)
        elif _mixed(name):
            gaps.add("lookalike-name", path, f"{quoted(name)} mixes letters that look alike", _ADD)


def _mixed(name: str) -> bool:
    """Whether foreign letters that pass for plain ones stand among plain ones."""
    alike = any(not c.isascii() and c != skeleton(c) and skeleton(c).isascii() and not _marked(c) for c in name)
    return alike and skeleton(name).isascii() and any(c.isascii() and c.isalpha() for c in name)


def _marked(letter: str) -> bool:
    """Whether an eye can tell it from the plain one: an accent is seen."""
    return len(unicodedata.normalize("NFD", letter)) > 1


def _names(spec: Spec) -> Iterator[tuple[str, Path]]:
    """Everything in a spec by which policies and requests are matched."""
    for role in spec.roles:
        yield role, ("roles", role)
    for derived in spec.derived_roles:
        yield derived, ("derived_roles", derived)
    for table in ("attributes", "claims"):
        for name in getattr(spec.principals, table):
            yield name, ("principals", table, name)
    for kind, resource in spec.resources.items():
        yield kind, ("resources", kind)
        yield from ((action, ("resources", kind, "actions")) for action in resource.actions)
        yield from ((name, ("resources", kind, "attributes", name)) for name in resource.attributes)
    for who, person in spec.examples.principals.items():
        yield who, ("examples", "principals", who)
        yield from ((role, ("examples", "principals", who, "roles")) for role in person.roles or ())
    for section in ("resources", "claims"):
        yield from ((name, ("examples", section, name)) for name in getattr(spec.examples, section))
