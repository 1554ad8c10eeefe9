"""Completeness by code: every gap of a spec, each with what to add."""

from collections.abc import Iterator

from policyloop.specification.allowed import check_allowed
from policyloop.specification.answers import is_answered
from policyloop.specification.case_request import MISSING, same
from policyloop.specification.cases import Case, Cases
from policyloop.specification.choices import check_choice
from policyloop.specification.coverage import check_rules
from policyloop.specification.gap import OPEN_QUESTION, Gap, Gaps
from policyloop.specification.irrelevant import check_irrelevant
from policyloop.specification.isolation import Flaw, Isolation, all_unknown, isolation_of, mismatch
from policyloop.specification.lookalikes import check_lookalikes
from policyloop.specification.model import Question, Shows, Spec
from policyloop.specification.names import check_names
from policyloop.specification.narrowing import check_narrowing
from policyloop.specification.resources import check_resources
from policyloop.specification.undecided import check_undecided
from policyloop.specification.vocabulary import Path


def check_spec(spec: Spec) -> tuple[Gap, ...]:
    """Everything that is missing or contradicts itself, in the order of the spec's sections; empty when complete."""
    cases, gaps = Cases(spec), Gaps(spec)
    if not spec.request.strip():
        gaps.add("empty-request", ("request",), "it is empty", "Say in a sentence what is wanted.")
    if not spec.rules:
        gaps.add("no-rules", (), "there are no rules", "Add at least one.")
    check_names(spec, cases, gaps)
    check_lookalikes(spec, gaps)
    check_narrowing(spec, gaps)
    check_irrelevant(spec, gaps)
    _contradictions(cases, gaps)
    isolations = list(_isolations(cases, gaps))
    check_allowed(spec, cases, isolations, gaps)
    check_rules(spec, cases, isolations, gaps)
    check_resources(spec, cases, isolations, gaps)
    check_undecided(spec, cases, isolations, gaps)
    for number, question in enumerate(spec.questions):
        _question(question, ("questions", number), gaps)
        check_choice(question, spec, ("questions", number), gaps)
    return tuple(gaps)


def _contradictions(cases: Cases, gaps: Gaps) -> None:
    first: dict[str, Case] = {}
    for case in cases:
        path: Path = ("decisions", case.number)
        rule = cases.rules.get(case.decision.rule)
        if rule is not None and rule.decision == "deny" and case.allowed:
            message = f"rule `{rule.id}` denies, but this decision of it is allowed"
            add = "Let it belong to the rule that allows it, or expect a denial."
            gaps.add("deny-rule-allows", path, message, add, contradiction=True)
        known = first.setdefault(case.request.key, case)
        other = known.decision
        named = other.id == case.decision.control or other.control == case.decision.id
        if known.allowed != case.allowed and not named:
            message = f"`{case.action}` is the same request as in `{other.id}`, which must be {_effect(known)}"
            add = "Say which of the two holds."
            gaps.add("two-effects", path, message, add, contradiction=True)
        elif known is not case and not _outputs_agree(known, case):
            message = f"`{case.action}` is the same request as in `{other.id}`, with another output"
            gaps.add("two-outputs", path, message, "Say which of the two holds.", contradiction=True)


def _effect(case: Case) -> str:
    return "allowed" if case.allowed else "denied"


def _outputs_agree(one: Case, other: Case) -> bool:
    if one.decision.rule != other.decision.rule:
        return True
    known = {output.src: output.value for output in one.decision.outputs}
    return all(out.src not in known or same(known[out.src], out.value) for out in other.decision.outputs)


def _isolations(cases: Cases, gaps: Gaps) -> Iterator[Isolation]:
    """The denials that are isolated; for the others, and for allowed decisions that show nothing of the kind, a gap."""
    for case in cases:
        path: Path = ("decisions", case.number)
        if case.allowed:
            wrong = _claim(case, cases)
            if wrong:
                gaps.add("shows-otherwise", path, wrong, "Correct `shows`, or the example.")
            continue
        found = isolation_of(case, cases)
        if isinstance(found, Flaw):
            gaps.add(found.code, path, found.message, found.add, contradiction=found.contradiction)
            continue
        wrong = mismatch(found, cases.spec)
        if wrong is None:
            yield found
        elif case.decision.shows is None:
            add = f"Say `shows:` with one of {', '.join(Shows.model_fields)}."
            gaps.add("no-shows", path, f"it does not say what it shows; what differs is {found.difference}", add)
        else:
            gaps.add("shows-otherwise", path, wrong, "Correct `shows`, or the example.")


def _claim(case: Case, cases: Cases) -> str | None:
    """What is wrong with what an allowed decision says that it shows."""
    shows, request, spec = case.decision.shows, case.request, cases.spec
    if shows is None:
        return None
    kind, name = shows.what
    resource = spec.resources.get(request.kind)
    tenant = request.field(f"resource.attr.{resource.tenant}") if resource and resource.tenant else MISSING
    rule = cases.rules.get(case.decision.rule)
    fits = {
        "role": rule is None or name in rule.subjects,
        "condition": True,
        "absent": request.field(name) is MISSING,
        "tenant": tenant == name,
        "scope": name in (request.resource_scope, request.principal_scope),
        "unknown_role": all_unknown(case, name, spec),
        "action": False,
        "person": rule is None or name == rule.person == request.principal,
        "unknown_action": False,
    }
    return None if fits[kind] else f"it is allowed and says that it shows {shows}, which it does not"


def _question(question: Question, path: Path, gaps: Gaps) -> None:
    if not is_answered(question):
        options = "; ".join(option.text + " (recommended)" * option.recommended for option in question.options)
        add = f"Answer it: {options}." if options else "Answer it."
        gaps.add(OPEN_QUESTION, path, f"it is not answered: {question.text}", add)
    if len(question.options) < 2:
        gaps.add("too-few-options", path, "it offers fewer than two answers", "Offer at least two concrete ones.")
    elif sum(option.recommended for option in question.options) != 1:
        gaps.add("no-recommendation", path, "it does not recommend exactly one answer", "Mark one `recommended: true`.")
    if len({option.id for option in question.options}) < len(question.options):
        gaps.add("duplicate-option", path, "two of its options have one id", "Rename one of them.")
