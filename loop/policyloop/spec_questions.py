"""Requests near the decisions of a spec: full and ordinary ones, as a person would think of them next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.ask.decided import question_of
from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import Request
from policyloop.specification import Spec
from policyloop.specification.cases import Cases
from policyloop.specification.vocabulary import Attribute

MOST = 1_500
"""The most requests about one kind of resource."""
ANYTHING_ELSE = "anything_else"
"""An action that stands for all that a resource does not list."""


def questions_of(spec: Spec) -> Mapping[str, Sequence[Question]]:
    """Kind -> what the decisions ask, then the same with each other action, value, scope and role; each once."""
    found: dict[str, dict[tuple[str, str], Question]] = {kind: {} for kind in spec.resources}
    asked = [(case.request, question_of(case.request)) for case in Cases(spec) if case.request.kind in found]
    for request, question in asked:
        held = found[request.kind]
        for other in (question, *_with_actions(question, spec)):
            held.setdefault(other.key, other)
    for request, question in asked:
        held = found[request.kind]
        for changed in _changed(question.request, spec):
            for other in _with_actions(replace(question, request=changed), spec):
                if len(held) >= MOST:
                    break
                held.setdefault(other.key, other)
    return {kind: tuple(held.values()) for kind, held in found.items()}


def _with_actions(question: Question, spec: Spec) -> Iterator[Question]:
    actions = spec.resources[question.request.resource.kind].actions
    for action in (question.request.action, *actions, ANYTHING_ELSE):
        yield replace(question, request=replace(question.request, action=action))


def _changed(request: Request, spec: Spec) -> Iterator[Request]:
    """The request with one other value, scope or role."""
    who, what = request.principal, request.resource
    declared = spec.resources[what.kind]
    for attr in _other_values(what.attr, declared.attributes):
        yield replace(request, resource=replace(what, attr=attr))
    for attr in _other_values(who.attr, spec.principals.attributes):
        yield replace(request, principal=replace(who, attr=attr))
    for claims in _other_values(request.claims, spec.principals.claims):
        yield replace(request, claims=claims)
    for scope in declared.scopes:
        yield replace(request, resource=replace(what, scope=scope))
    for role in spec.roles:
        yield replace(request, principal=replace(who, roles=(role,)))


def _other_values(given: Mapping[str, Any], declared: Mapping[str, Attribute]) -> Iterator[dict[str, Any]]:
    for name, attribute in declared.items():
        if name not in given:
            continue
        if attribute.type == "boolean":
            yield {**given, name: not given[name]}
        for value in attribute.one_of:
            yield {**given, name: value}
