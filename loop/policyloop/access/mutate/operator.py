"""What a mutation operator is. A file in `operators/`, a section in docs/codes/mutate.md, a fixture."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from policyloop.access.source import Definition, Node, Policy, Rule, Splice
from policyloop.access.source.policies import Expression


@dataclass(frozen=True, slots=True)
class Names:
    """The roles and the derived roles that the whole bundle names, sorted."""

    roles: tuple[str, ...]
    derived_roles: tuple[str, ...]


class Edit(NamedTuple):
    """One mistake: what was changed (`rule x`), the node whose line is told, what was done, and the change itself."""

    where: str
    at: Node
    words: str
    splice: Splice


class Rewrite(NamedTuple):
    """What was done to one CEL expression, and the expression that comes of it."""

    words: str
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One policy as an operator sees it: as it is read, the text of its file, and the names of the bundle."""

    policy: Policy
    text: str
    names: Names

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Each expression of a condition or a variable, after the words for where it stands."""
        for rule in self.policy.rules:
            yield from ((rule_words(rule), leaf) for leaf in rule.conditions)
        for definition in self.policy.definitions:
            yield from ((definition_words(definition), leaf) for leaf in definition.conditions)
        for variable in self.policy.variables:
            yield f"variable {variable.of}", variable

    def conditions(self) -> Iterator[tuple[str, Node]]:
        """Each whole `condition` of a rule or a derived role, after the words for where it stands."""
        owners = [(rule_words(rule), rule.node) for rule in self.policy.rules]
        owners += [(definition_words(one), one.node) for one in self.policy.definitions]
        for where, node in owners:
            pair = node.pair("condition")
            if pair is not None:
                yield where, pair[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One file of `operators/`. A mistake in a policy's shape is `in_policy`, one in a CEL expression `in_expression`.

    `in_expression` is asked about each expression of conditions and variables; it need not know where that stands.
    """

    name: str
    in_policy: Callable[[Subject], Iterable[Edit]] = lambda _: ()
    in_expression: Callable[[str], Iterable[Rewrite]] = lambda _: ()


def rule_words(rule: Rule) -> str:
    """`rule x`, as a mutant names it."""
    return f"rule {rule.name}"


def definition_words(definition: Definition) -> str:
    """`derived role x`, as a mutant names it."""
    return f"derived role {definition.name}"
