"""What a check needs to put its suspicion to the real Cerbos: with and without the rule, and which answer shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.ask.questions import Question
from policyloop.access.inquiry.question_pool import Effects, Pool, size
from policyloop.access.inquiry.rounds import Ask, Steps
from policyloop.access.lint.hole import Code, Hole, Shown, hole
from policyloop.access.source import Rule, spliced
from policyloop.access.source.splice import as_list, without_item, without_pair
from policyloop.bundle import Bundle
from policyloop.effects import ALLOW, DENY

Looked = Steps[tuple[Hole, ...]]
"""An investigation, and the holes that it finds. Raises `NotLookedAt`."""


class NotLookedAt(Exception):
    """The compiler does not take the bundle that would tell."""


def without(bundle: Bundle, rule: Rule) -> dict[str, str]:
    """The text of the rule's file without it."""
    text, place = bundle[rule.file], rule.place
    return {rule.file: spliced(text, [without_item(text, place.key, place.node, place.index)])}


def for_everyone(bundle: Bundle, rule: Rule) -> dict[str, str] | None:
    """The text of the rule's file in which it is about every role; None for a rule of derived roles alone."""
    pair, derived = rule.node.pair("roles"), rule.node.pair("derivedRoles")
    if pair is None:
        return None
    text = bundle[rule.file]
    edits = [as_list(text, *pair, ["*"])]
    if derived is not None:
        edits.append(without_pair(text, rule.node, *derived))
    return {rule.file: spliced(text, edits)}


def allowed_questions(pool: Pool, kinds: tuple[str, ...], *, schemas: bool) -> Steps[Sequence[Question]]:
    """What is allowed where schemas are enforced; or, of what is denied there, what is allowed where they are not.

    An enforced schema only denies. So nothing else can differ, and nothing else need be asked.
    """
    questions = pool.questions(kinds)
    normal = answered((yield Ask(kinds=kinds, questions=questions)))
    if schemas:
        return pool.chosen(questions, normal, ALLOW)
    if not pool.has_schemas(kinds):
        return ()
    denied = pool.chosen(questions, normal, DENY)
    without_ = answered((yield Ask(kinds=kinds, questions=denied, schemas=False)))
    return pool.chosen(denied, without_, ALLOW)


def answered(effects: Effects | None) -> Effects:
    """The answers; raises `NotLookedAt` where the compiler did not take what would tell."""
    if effects is None:
        raise NotLookedAt
    return effects


def hole_of_rule(pool: Pool, code: Code, rule: Rule, message: str, witness: Shown | None, **more: Any) -> Hole:
    """A finding about a rule, with the request that shows it."""
    return hole(pool.parts.bundle, code, rule.file, rule.node, message, witness=witness, **more)


def smallest(questions: Sequence[Question]) -> Question:
    """The smallest of some questions."""
    return min(questions, key=size)


def roles_of(question: Question) -> set[str]:
    """The roles of who asks."""
    return set(question.request.principal.roles)


def may_be_about(rule: Rule, action: str) -> bool:
    """Whether the rule may be about an action: a pattern may be about any."""
    return action in rule.actions or any("*" in pattern for pattern in rule.actions)


def once(questions: Iterable[Question]) -> list[Question]:
    """The questions without doubles, in their order."""
    return list({question.key: question for question in questions}.values())


def with_roles(question: Question, roles: tuple[str, ...]) -> Question:
    """The same question of somebody with other roles."""
    request = question.request
    return replace(question, request=replace(request, principal=replace(request.principal, roles=roles)))


def listed(roles: Iterable[str]) -> str:
    """Names, with commas between them."""
    return ", ".join(roles)
