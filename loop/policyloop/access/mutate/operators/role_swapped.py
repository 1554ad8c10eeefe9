"""A rule is about another role, or a derived role has another parent: one that the bundle names elsewhere."""

from collections.abc import Iterator, Sequence

from policyloop.access.mutate.operator import Edit, Operator, Subject, definition_words, rule_words
from policyloop.access.source import Node
from policyloop.access.source.splice import rewritten


def _swapped(subject: Subject) -> Iterator[Edit]:
    names = subject.names
    for rule in subject.policy.rules:
        yield from _listed(subject, rule_words(rule), rule.node.listed("roles"), names.roles)
        yield from _listed(subject, rule_words(rule), rule.node.listed("derivedRoles"), names.derived_roles)
    for definition in subject.policy.definitions:
        where = definition_words(definition)
        yield from _listed(subject, where, definition.node.listed("parentRoles"), names.roles)


def _listed(subject: Subject, where: str, roles: Sequence[Node], known: Sequence[str]) -> Iterator[Edit]:
    named = {role.text for role in roles}
    others = [name for name in known if name not in named]
    for number, role in enumerate(roles):
        if others and role.text != "*":
            other = others[number % len(others)]
            yield Edit(where, role, f"{role.text} became {other}", rewritten(subject.text, role, other))


OPERATOR = Operator(name="role-swapped", in_policy=_swapped)
