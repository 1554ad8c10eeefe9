"""A spec that changes: what changes, which older tests say otherwise, what people answer, confirm and release."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from policyloop.bundle import Bundle, Write
from policyloop.errors import UsageError
from policyloop.guard import Lock
from policyloop.specification import (
    Spec,
    answer_text,
    assuming,
    assumptions,
    changes,
    check_choices,
    check_spec,
    confirm,
    contradicted,
    releases_of,
    spec_of,
    suites_from,
    with_answers,
)
from specs import GOOD, SPECS, load, policies

LIMIT = """
name: Old
principals:
  {who}
resources:
  small: {{id: i1, kind: purchase, attr: {{amount: 1000}}}}
  middle: {{id: i2, kind: purchase, attr: {{amount: 3000, note: lunch}}}}
  edge: {{id: purchase, kind: purchase, attr: {{amount: 5000}}}}
  large: {{id: i3, kind: purchase, attr: {{amount: 9000}}}}
tests:
  - name: the limit is 1,000
    input: {{principals: [bob], resources: [small, middle, edge, large], actions: [approve]}}
    expected:
      - {{principal: bob, resource: small, actions: {{approve: EFFECT_ALLOW}}}}
"""


def purchases(limit: int = 5000) -> Spec:
    """Accountants approve up to a limit."""
    condition = {"id": "small", "words": "w", "looks_at": ["resource.attr.amount"]}
    rule = {"id": "approve", "subject": ["accountant"], "actions": ["approve"], "resource": "purchase"}
    decision = {"rule": "approve", "principal": "ada"}
    denied = {**decision, "expect": "deny", "control": "yes"}
    return spec_of(
        {
            "version": 1,
            "request": "r",
            "roles": {"accountant": "a", "clerk": "c"},
            "resources": {"purchase": {"actions": ["approve"], "attributes": {"amount": {"type": "number"}}}},
            "rules": [
                {
                    **rule,
                    "condition": "up to the limit",
                    "decision": "allow",
                    "purpose": "p",
                    "conditions": [{**condition, "boundary": {"operator": "<=", "value": limit}}],
                }
            ],
            "examples": {
                "principals": {"ada": {"roles": ["accountant"]}, "ada_as_clerk": {"like": "ada", "roles": ["clerk"]}},
                "resources": {
                    "purchase": {"kind": "purchase", "attr": {"amount": limit}},
                    "large": {"like": "purchase", "attr": {"amount": limit + 1}},
                },
            },
            "decisions": [
                {**decision, "id": "yes", "resource": "purchase", "expect": "allow"},
                {**denied, "id": "no", "resource": "large", "shows": {"condition": "small"}},
                {
                    **denied,
                    "id": "clerk",
                    "resource": "purchase",
                    "principal": "ada_as_clerk",
                    "shows": {"role": "accountant"},
                },
            ],
        }
    )


def old_lock(who: str) -> Lock:
    return Lock.of(Bundle({"old_test.yaml": LIMIT.format(who=who)}))


def test_a_raised_limit_contradicts_exactly_the_tests_between_the_old_and_the_new_one() -> None:
    found = contradicted(purchases(), old_lock("bob: {id: bob, roles: [accountant]}"))
    assert {(one.assertion.resource, one.demands, one.rule, one.decision, one.likely) for one in found} == {
        ("middle", "deny", "approve", "yes", True),
        ("edge", "deny", "approve", "yes", True),
    }
    assert "resource.attr.amount" in next(str(one) for one in found if one.assertion.resource == "middle")


def test_the_same_request_is_certain() -> None:
    found = contradicted(purchases(), old_lock("bob: {id: ada, roles: [accountant]}"))
    certain = [one for one in found if not one.likely]
    assert [(one.assertion.resource, one.differs) for one in certain] == [("edge", ())]


def test_what_the_rules_look_at_is_what_counts() -> None:
    others = [
        "bob: {id: ada, roles: [director]}",
        "bob: {id: ada, roles: [accountant], scope: uk}",
        "bob: {id: ada, roles: [accountant], policyVersion: v2}",
    ]
    for who in others:
        assert contradicted(purchases(), old_lock(who)) == ()
    extra = contradicted(purchases(), old_lock("bob: {id: ada, roles: [accountant, reader], attr: {team: blue}}"))
    assert {(one.assertion.resource, one.differs) for one in extra if one.assertion.resource == "edge"} == {
        ("edge", ("principal.attr.team", "roles"))
    }


def test_what_the_change_does_not_concern_is_not_named() -> None:
    lock = old_lock("bob: {id: bob, roles: [accountant]}")
    assert contradicted(purchases(limit=1000), lock) == ()
    assert {one.assertion.resource for one in contradicted(purchases(limit=500), lock)} == {"small"}


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_a_spec_does_not_contradict_its_own_tests(case: Path) -> None:
    spec = load(case / "spec.yaml")
    own = [Write(path, text) for path, text in suites_from(spec).items()]
    assert contradicted(spec, Lock.of(policies(case).apply(own))) == ()


def asks(decision: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(decision.get(key) for key in ("principal", "resource", "now", "claims", "globals"))


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_a_decision_turned_round_contradicts_the_test_that_came_from_it(case: Path) -> None:
    spec = load(case / "spec.yaml")
    lock = Lock.of(Bundle(suites_from(spec)))
    data = spec.plain()
    for decision in data["decisions"]:
        effect = "deny" if decision["expect"] == "allow" else "allow"
        turned = [{**one, "expect": effect} if asks(one) == asks(decision) else one for one in data["decisions"]]
        certain = [one for one in contradicted(spec_of({**data, "decisions": turned}), lock) if not one.likely]
        assert asks(decision) in [asks(one) for one in turned if one["id"] in {found.decision for found in certain}]
        assert all(one.demands != effect for one in certain)


def test_the_clock_matters_only_where_a_rule_looks_at_it() -> None:
    suite = """
name: Old
principals: {p: {id: stu, roles: [student]}}
resources:
  x:
    id: essay
    kind: assignment
    attr: {deadline: "2026-03-31T12:00:00Z", marked_at: "2026-04-10T00:00:00Z", course_ends: "2026-07-01"}
tests:
  - name: t
    OPTIONS
    input: {principals: [p], resources: [x], actions: [hand_in]}
    expected: [{principal: p, resource: x, actions: {hand_in: EFFECT_DENY}}]
"""
    spec = load(next(case for case in GOOD if case.name == "time_limits") / "spec.yaml")

    def found(options: str) -> tuple[Any, ...]:
        return contradicted(spec, Lock.of(Bundle({"a_test.yaml": suite.replace("OPTIONS", options)})))

    assert found("") == ()
    assert [one.likely for one in found('options: {now: "2026-03-31T13:59:59+02:00"}')] == [False]
    assert [one.differs for one in found('options: {now: "2026-03-01T00:00:00Z"}')] == [("now",)]
    assert found('options: {now: "2026-05-01T00:00:00Z"}') == ()


# --- changes ---------------------------------------------------------------------------------------------------------


def test_changes_are_told_in_sentences() -> None:
    old, new = purchases(1000), purchases(5000)
    assert changes(old, old) == ()
    assert "Rule approve: conditions: small: boundary: value changes from 1000 to 5000." in changes(old, new)
    data = new.plain()
    data["roles"]["director"] = "Leads"
    del data["roles"]["clerk"]
    data["decisions"] = data["decisions"][:2]
    data["assumptions"] = ["books close at night"]
    data["rules"][0]["output"] = "why"
    told = changes(new, spec_of(data))
    assert told == (
        "Role clerk is gone.",
        "Rule approve: output is new: why.",
        "Decision clerk is gone.",
        "Role director is new: Leads.",
        "The assumption that books close at night is new: books close at night.",
    )


@pytest.mark.sweep
@given(SPECS, SPECS)
@settings(max_examples=60, deadline=None)
def test_something_is_told_exactly_when_something_changes(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = spec_of(one), spec_of(other)
    unique = all(
        len({entry.id for entry in section}) == len(section)
        for spec in (before, after)
        for section in (spec.rules, spec.decisions, spec.questions)
    )
    assert changes(before, before) == ()
    if unique and before.digest != after.digest:
        assert changes(before, after) or changes(after, before)


# --- answers ---------------------------------------------------------------------------------------------------------


def asking() -> Spec:
    data = purchases().plain()
    options = [{"id": "y", "text": "yes, they may", "recommended": True}, {"id": "n", "text": "no"}]
    data["questions"] = [
        {"id": "q1", "text": "May they?", "options": options},
        {"id": "q2", "text": "Why?", "options": options},
    ]
    return spec_of(data)


def codes(spec: Spec) -> list[str]:
    return [gap.code for gap in check_spec(spec)]


def test_answers_close_questions_and_assumptions_do_so_openly() -> None:
    spec = asking()
    assert codes(spec).count("open-question") == 2
    answered = with_answers(spec, {"q1": "n"})
    assert codes(answered).count("open-question") == 1
    assert answer_text(answered.questions[0]) == "no"
    assumed = assuming(answered)
    assert "open-question" not in codes(assumed)
    assert assumptions(assumed) == ("Why? Assumed: yes, they may.",)
    assert assumptions(with_answers(assumed, {"q2": "because of the law"})) == ()


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(UsageError, match="Nobody asked the question `q3`"):
        with_answers(asking(), {"q1": "y", "q3": "y"})
    with pytest.raises(UsageError, match="is empty"):
        with_answers(asking(), {"q1": " "})


@pytest.mark.parametrize("said", ["?", "help", "ye", "maybe", "2", "YES", "y.", "y," * 10])
def test_one_word_that_is_no_option_is_refused_with_the_right_ones(said: str) -> None:
    with pytest.raises(UsageError, match="is no option of the question `q1`") as refused:
        check_choices(asking(), {"q1": said})
    assert "y (yes, they may)" in refused.value.hint


@pytest.mark.parametrize("said", ["y", "n", "only on Mondays", "\u53ea\u6709\u7ecf\u7406", "no" + "o" * 40])
def test_an_option_and_words_of_ones_own_are_taken(said: str) -> None:
    check_choices(asking(), {"q1": said})


def test_a_confirmation_holds_for_what_was_confirmed_and_nothing_else() -> None:
    spec = assuming(asking())
    assert not spec.is_confirmed
    confirmed = confirm(spec, "a person", "2026-01-31T08:00:00Z")
    assert confirmed.is_confirmed
    assert assumptions(confirmed) == ()
    data = confirmed.plain()
    assert spec_of(data).is_confirmed
    data["rules"][0]["purpose"] = "another"
    assert not spec_of(data).is_confirmed


def test_releases_become_those_of_the_lock() -> None:
    lock = old_lock("bob: {id: bob, roles: [accountant]}")
    data = purchases().plain()
    data["releases"] = [
        {"suite": "Old", "test": "the limit is 1,000", "resource": name, "replaced_by": "approve"}
        for name in ("middle", "edge")
    ]
    spec = spec_of(data)
    assert not {code for code in codes(spec) if code.startswith("unknown-rule")}
    rest, gone = lock.release(releases_of(spec))
    assert {one.id.resource for one in gone} == {"middle", "edge"}
    assert contradicted(spec, rest) == ()
    assert "replaced by rule approve" in releases_of(spec)[0].reason
