"""A spec as sentences that a person can say yes or no to: what is new and assumed first, then rule by rule.

Names of examples are read as words there ("review of another team"); as they are written they stand in the full part.
"""

import textwrap
from collections.abc import Iterator, Sequence

from policyloop.printing import WHOLE, one_line
from policyloop.specification import Spec
from policyloop.specification.model import Decision, Question, ReleasedTest, Rule, Shows
from policyloop.view.blocks import Block, Line, Section
from policyloop.view.pages.spec_details import detail_lines
from policyloop.view.plain import lines
from policyloop.view.words import plural

MOST_LINES = 34
"""Lines of a screen before the question; with what frames them less than 40."""
_VERBS_OF_A_TEST = {"allow": "may", "deny": "may NOT", None: "may or may not"}
_VERBS = {"allow": "may", "deny": "may NEVER", None: "(may or may not?)"}


def spec_blocks(spec: Spec, changes: Sequence[str] = ()) -> Iterator[Block]:
    """All of a spec. `changes`: what is new or other than in the one before."""
    yield Line(f"request: {one_line(spec.request, WHOLE)}", "strong")
    yield from release_lines(spec.releases)
    yield from (Line(f"CHANGED: {change}", "warn") for change in changes)
    yield from _unsettled(spec)
    yield from (Line(rule_sentence(rule), "strong") for rule in spec.rules)
    for rule in spec.rules:
        decisions = [decision for decision in spec.decisions if decision.rule == rule.id]
        if decisions:
            yield Line(f"Under {rule.id}:", "strong")
        yield from (Line(decision_sentence(spec, decision), depth=1) for decision in decisions)
    known = {rule.id for rule in spec.rules}
    yield from (Line(decision_sentence(spec, left)) for left in spec.decisions if left.rule not in known)
    for question in spec.questions:
        if question.answer is not None and not question.assumed:
            yield Line(f"question {question.id}: {question.text} {_answer(question)}", "quiet")
    for entry in spec.irrelevant:
        parts = entry.model_dump(exclude_none=True, exclude={"because"})
        said = ", ".join(f"{name} {value}" for name, value in parts.items())
        yield Line(f"makes no difference: {said}: {entry.because}", "quiet")
    yield Section("full", "In full, word for word", tuple(Line(line) for line in detail_lines(spec)))


def screen(blocks: Sequence[Block], columns: int) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """As many of the first blocks as one screen of that width holds, and the others."""
    left = MOST_LINES
    for number, block in enumerate(blocks):
        left -= sum(len(textwrap.wrap(line, max(columns, 20) - 1)) or 1 for line in lines((block,)))
        if left < 0:
            return tuple(blocks[: max(number, 1)]), tuple(blocks[max(number, 1) :])
    return tuple(blocks), ()


def rule_sentence(rule: Rule) -> str:
    """`HR may view salary: always. (hr-sees-salaries)`."""
    roles = "everyone" if rule.subject == ("*",) else ", ".join(rule.subject)
    who = roles or "nobody yet"
    if rule.person is not None:
        who = f"{rule.person} alone" + (f", as {roles}" if roles else "")
    does = f"{who} {_VERBS[rule.decision]} {', '.join(rule.actions) or '?'} {rule.resource or '?'}"
    return one_line(f"{does}: {rule.condition or '?'} ({rule.id})", WHOLE)


def decision_sentence(spec: Spec, decision: Decision) -> str:
    """`mia (manager) may NOT view review of another team, because it is not so that ...`."""
    rule = spec.rule(decision.rule)
    actions = decision.actions or (rule.actions if rule else ())
    roles = _roles(spec, decision.principal)
    who = _spoken(decision.principal) + (f" ({', '.join(roles)})" if roles else "")
    verb = "may" if decision.expect == "allow" else "may NOT"
    why = f", because {_because(spec, decision.shows)}" if decision.shows else ""
    return one_line(f"{who} {verb} {', '.join(actions) or '?'} {_spoken(decision.resource)}{why}", WHOLE)


def release_lines(releases: Sequence[ReleasedTest]) -> Iterator[Line]:
    """The older tests that are let go of, in words, each with what it will demand instead: before all else."""
    if not releases:
        return
    many = len(releases) != 1
    yield Line(f"{plural(len(releases), 'older test')} {'are' if many else 'is'} let go of by a yes:", "warn")
    for test in releases:
        yield Line(one_line(_release_sentence(test), WHOLE), "warn", depth=1)


def _release_sentence(test: ReleasedTest) -> str:
    where = f"{test.suite} / {test.test}"
    who, does, what = (name if name != "*" else f"any {part}" for part, name in _wild(test))
    if test.demanded is None and test.instead is None:
        return f"released: {where}: {who} {does} {what}; replaced by rule {test.replaced_by}"
    before = f"{who} {_VERBS_OF_A_TEST[test.demanded]} {does} {what}"
    if test.instead is None:
        return f"released: {where}: {before}; nothing is demanded in its place (rule {test.replaced_by})"
    now = f"{who} {_VERBS_OF_A_TEST[test.instead]} {does} {what}"
    return f"released: {where}: {before}; from now on: {now} (rule {test.replaced_by})"


def _wild(test: ReleasedTest) -> tuple[tuple[str, str], ...]:
    return ("principal", test.principal), ("action", test.action), ("resource", test.resource)


def _unsettled(spec: Spec) -> Iterator[Line]:
    """What nobody has said yes to so far."""
    for question in spec.questions:
        if question.answer is None:
            yield Line(f"question {question.id}: {question.text} OPEN", "bad")
        elif question.assumed:
            words = f"question {question.id}: {question.text} ASSUMED, nobody confirmed it: {_answer(question)}"
            yield Line(words, "warn")
    yield from (Line(f"assumption: {text}", "warn") for text in spec.assumptions)


def _answer(question: Question) -> str:
    chosen = next((option.text for option in question.options if option.id == question.answer), None)
    return chosen or question.answer or "OPEN"


def _roles(spec: Spec, name: str) -> tuple[str, ...]:
    """The roles of an example, which may stand in one that it is like."""
    seen: set[str] = set()
    while name in spec.examples.principals and name not in seen:
        seen.add(name)
        example = spec.examples.principals[name]
        if example.roles is not None:
            return example.roles
        name = example.like or ""
    return ()


def _because(spec: Spec, shows: Shows) -> str:
    kind, name = shows.what
    match kind:
        case "condition":
            return f"it is not so that {_condition(spec, name)}"
        case "role":
            return f"they are no {name}"
        case "unknown_role":
            return f"no rule knows the role {name}"
        case "absent":
            return f"{name} is missing"
        case "tenant" | "scope":
            return f"it belongs to the {kind} {name or 'of everything'}"
        case "action":
            return f"the rule does not cover {name}"
        case "unknown_action":
            return f"nothing allows {name}"
        case "person":
            return f"the rule is for {name} alone"
    return f"{kind} {name}"


def _condition(spec: Spec, name: str) -> str:
    held = [part for rule in spec.rules for part in rule.conditions]
    held += [part for role in spec.derived_roles.values() for part in role.conditions]
    return next((part.words for part in held if part.id == name and part.words), name)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
