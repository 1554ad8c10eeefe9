"""A spec in full, one line each: whom and what its names stand for, where its limits are, and each decision.

A person who says yes to a spec says yes to all of it, so nothing of it is left out here, and nothing is cut.
"""

from collections.abc import Iterator, Mapping, Sequence

from policyloop.printing import WHOLE, one_line
from policyloop.specification import Spec
from policyloop.specification.vocabulary import Condition, Part
from policyloop.yaml_text.writing import flow

_CIRCUMSTANCES = {"now", "claims", "globals", "outputs"}


def detail_lines(spec: Spec) -> Iterator[str]:
    """Roles, conditions, attributes, examples, and the circumstances of decisions, in the order of the spec."""
    if spec.now:
        yield _line("now", "", spec.now)
    for role, meaning in spec.roles.items():
        yield _line("role", role, meaning)
    yield from _who(spec)
    yield from _written("attribute of people", spec.principals.attributes)
    yield from _written("claim", spec.principals.claims)
    yield from _written("resource", spec.resources)
    yield from _written("example of a person", spec.examples.principals)
    yield from _written("example of a thing", spec.examples.resources)
    yield from _written("example of a token", spec.examples.claims)
    for decision in spec.decisions:
        shows = f"shows {decision.shows}" if decision.shows else ""
        against = f"against {decision.control}" if decision.control else ""
        given = decision.model_dump(mode="json", exclude_defaults=True, include=_CIRCUMSTANCES)
        does = f"{decision.principal} {', '.join(decision.actions) or 'all'} {decision.resource}: {decision.expect}"
        parts = (f"of {decision.rule}", does, shows, against, flow(given) if given else "")
        yield _line("decision", decision.id, "; ".join(filter(None, parts)))


def _who(spec: Spec) -> Iterator[str]:
    """Derived roles and rules, with the parts of their conditions."""
    for name, derived in spec.derived_roles.items():
        parents = ", ".join("everyone" if parent == "*" else parent for parent in derived.parents)
        yield _line("derived role", name, f"{parents or '?'}; {derived.meaning}")
        yield from _conditions(name, derived.conditions)
    for rule in spec.rules:
        if rule.scope is not None:
            only = " (may only narrow what the scopes above allow)" if rule.may_only_narrow else ""
            yield _line("scope of", rule.id, f"{rule.scope or 'none'} and below{only}")
        if rule.purpose:
            yield _line("purpose of", rule.id, rule.purpose)
        yield from _conditions(rule.id, rule.conditions)
        if rule.output:
            yield _line("output of", rule.id, rule.output)


def _conditions(owner: str, conditions: Sequence[Condition]) -> Iterator[str]:
    for one in conditions:
        fields = f"looks at {', '.join(one.looks_at)}" if one.looks_at else ""
        limit = f"limit {flow(_plain(one.boundary))}" if one.boundary else ""
        presence = "holds as soon as its field is there" if one.presence else ""
        yield _line(f"condition of {owner}", one.id, "; ".join(filter(None, (one.words, fields, limit, presence))))


def _written(what: str, table: Mapping[str, Part]) -> Iterator[str]:
    return (_line(what, name, flow(_plain(one))) for name, one in table.items())


def _plain(part: Part) -> dict[str, object]:
    return part.model_dump(mode="json", exclude_defaults=True)


def _line(what: str, name: str, said: str) -> str:
    return one_line(f"{what} {name}".strip() + f": {said}", WHOLE)
