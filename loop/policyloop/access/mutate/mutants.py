"""The mutants of a bundle: each differs from it in one small mistake that a person or a model could make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policyloop.access.mutate.operator import Edit, Names, Operator, Subject
from policyloop.access.mutate.operators import OPERATORS
from policyloop.access.source import Policy, policies_of, spliced
from policyloop.access.source.splice import rewritten
from policyloop.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed file. `line` counts from 1 and is the same before and after; `where` names the rule or the role."""

    operator: str
    file: str
    line: int
    where: str
    words: str
    text: str

    def of(self, bundle: Bundle) -> Bundle:
        """The bundle with this one mistake."""
        return bundle.overlaid({self.file: self.text})


def mutants_of(bundle: Bundle, *, only: str | None = None) -> tuple[Mutant, ...]:
    """Every mutant, by file and line, each text once. `only`: of this file alone."""
    policies = policies_of(bundle)
    names = _names_of(policies)
    mutants: dict[tuple[str, str], Mutant] = {}
    for policy in policies:
        if only in (None, policy.file):
            subject = Subject(policy, bundle[policy.file], names)
            for mutant in _of_policy(subject):
                if mutant.text != subject.text:
                    mutants.setdefault((mutant.file, mutant.text), mutant)
    return tuple(sorted(mutants.values(), key=lambda mutant: (mutant.file, mutant.line)))


def _of_policy(subject: Subject) -> Iterator[Mutant]:
    file = subject.policy.file
    for operator in OPERATORS.values():
        for edit in _edits(operator, subject):
            text = spliced(subject.text, [edit.splice])
            yield Mutant(operator.name, file, edit.at.line, edit.where, edit.words, text)


def _edits(operator: Operator, subject: Subject) -> Iterator[Edit]:
    yield from operator.in_policy(subject)
    for where, leaf in subject.expressions():
        for rewrite in operator.in_expression(leaf.text):
            yield Edit(where, leaf.node, rewrite.words, rewritten(subject.text, leaf.node, rewrite.text))


def _names_of(policies: Sequence[Policy]) -> Names:
    rules = [rule for policy in policies for rule in policy.rules]
    definitions = [definition for policy in policies for definition in policy.definitions]
    roles = {role for rule in rules for role in rule.roles}
    roles |= {role for definition in definitions for role in definition.parent_roles}
    derived = {role for rule in rules for role in rule.derived_roles}
    derived |= {definition.name for definition in definitions}
    return Names(tuple(sorted(roles - {"*", ""})), tuple(sorted(derived)))
