"""What a person lets go of: by spec, by file, honoured and told to the model; and nothing else goes with it."""

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from command import lay, picture, policyloop, speaker
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.confirmed.against import pinned, unreleased
from policyloop.confirmed.beginning import beginning
from policyloop.confirmed.believed import remember
from policyloop.confirmed.letting_go import idle, let_go
from policyloop.errors import UsageError
from policyloop.guard import Lock, parse_releases
from policyloop.specification import FILE_NAME, Spec, confirm, parse_spec, spec_of, spec_to_yaml
from policyloop.specification.by_rules import said_by_rules
from policyloop.specification.case_request import CaseRequest
from policyloop.specification.implied import completed
from policyloop.validators.judge import validate
from test_spec_flow import ASKED, FIX, LIMIT, OWN, POLICY, RIGHT, bought, document, run

NOBODY = f"{sys.executable} -c 'raise SystemExit(9)'"
BOTH = OWN.replace("bea: {id: bea, roles: [buyer]}", "bea: {id: bea, roles: [accountant, director]}").replace(
    "    expected:\n", "    expected:\n      - {principal: bea, resource: lunch, actions: {approve: EFFECT_ALLOW}}\n"
)
"""A test of somebody whose roles no decision has together."""
SILENT = OWN.replace("kind: purchase", "kind: gift")
"""Tests about a kind of which the spec says nothing."""


def release(**more: str) -> dict[str, str]:
    return {"suite": "Purchases", "test": "the limit", "replaced_by": "accountants-approve", **more}


def spec(limit: int = 5000, *releases: dict[str, str], directors: bool = False) -> Spec:
    """Up to a limit. `directors`: they have a higher one, in a rule of their own."""
    data = parse_spec(LIMIT.format(limit=limit, more=limit + 1)).plain()
    if directors:
        data["roles"]["director"] = "Leads"
        (rule,) = data["rules"]
        higher = {**rule["conditions"][0], "id": "large", "boundary": {"operator": "<=", "value": 2 * limit}}
        data["rules"].append({**rule, "id": "directors-approve", "subject": ["director"], "conditions": [higher]})
        data["examples"]["principals"]["dan"] = {"roles": ["director"]}
        data["examples"]["resources"]["edge"] = {"like": "purchase", "attr": {"amount": 2 * limit}}
        data["examples"]["resources"]["over"] = {"like": "purchase", "attr": {"amount": 2 * limit + 1}}
        more = {"rule": "directors-approve", "principal": "dan"}
        over = {"id": "over", "resource": "over", "expect": "deny", "control": "leads", "shows": {"condition": "large"}}
        data["decisions"] += [{**more, "id": "leads", "resource": "edge", "expect": "allow"}, {**more, **over}]
    return completed(spec_of({**data, "releases": list(releases)}))


def bundle(own: str = OWN, **more: str) -> Bundle:
    return Bundle({"purchase.yaml": POLICY, "purchase_test.yaml": own, **more})


def going(held: Spec, there: Bundle) -> dict[tuple[str, str], str | None]:
    """Who and what of the tests that go: what is demanded in their place."""
    return {(gone.id.principal, gone.id.resource): gone.instead for gone in let_go(held, Lock.of(there))}


# --- honoured, whether or not a decision repeats it


def test_what_rules_state_takes_the_place_of_a_released_test_that_no_decision_repeats() -> None:
    held = spec(5000, release(principal="bea", resource="laptop"), directors=True)
    there = bundle(BOTH)
    assert going(held, there) == {("bea", "laptop"): "allow"}
    first = beginning(held, there)
    (gone,) = first.released
    assert str(gone) == (
        "Purchases / the limit: bea approve laptop; now it must be EFFECT_ALLOW (rule accountants-approve)"
    )
    kept = {one.id.test: one.demand.effect for one in first.lock if one.id.file.endswith("released_spec_test.yaml")}
    assert kept == {"Purchases / the limit: bea approve laptop": "EFFECT_ALLOW"}
    names = [(one.id.principal, one.id.resource) for one in first.lock if one.id.suite == "Purchases"]
    assert len(names) == len(set(names)) == len(Lock.of(there)) - 1


def test_where_nothing_is_said_a_released_test_goes_and_the_report_says_so() -> None:
    held = spec(5000, release(principal="bob", resource="laptop"))
    first = beginning(held, bundle(SILENT))
    assert [str(gone) for gone in first.released] == [
        "Purchases / the limit: bob approve laptop; nothing is demanded in its place"
    ]
    assert not [path for path in first.bundle if path.endswith("released_spec_test.yaml")]


def test_what_a_person_says_takes_the_place_where_the_rules_say_nothing() -> None:
    held = spec(5000, release(principal="bob", resource="laptop", demanded="deny", instead="allow"))
    first = beginning(held, bundle(SILENT))
    (path,) = [path for path in first.bundle if path.endswith("released_spec_test.yaml")]
    assert "approve: EFFECT_ALLOW" in first.bundle[path]


def test_after_green_a_release_has_done_its_work(tmp_path: Path, cerbos) -> None:
    """The whole way: released, replaced, corrected by the model, and in the next run the same release is idle."""
    policies = lay({"purchase.yaml": POLICY, "purchase_test.yaml": BOTH}, tmp_path / "project" / "policies")
    path = policies.parent / FILE_NAME
    held = spec(5000, release(principal="bea", resource="laptop"), release(principal="bob", resource="laptop"),
                directors=True)  # fmt: skip
    held = confirm(held.model_copy(update={"request": ASKED}), "a reviewer", "2026-01-01T00:00:00Z")
    path.write_text(spec_to_yaml(held))
    remember(held, path)
    rule = (
        "    - name: directors-approve\n      actions: [approve]\n      effect: EFFECT_ALLOW\n"
        "      roles: [director]\n      condition: {match: {expr: R.attr.amount <= 10000}}\n"
    )
    second = {"path": "purchase.yaml", "old": "    - name: acc", "new": rule + "    - name: acc"}
    line = "      - {principal: WHO, resource: laptop, actions: {approve: EFFECT_ALLOW}}\n"
    right = {**RIGHT, "new": line.replace("WHO", "bob") + line.replace("WHO", "bea") + RIGHT["old"]}
    done = document(run(policies, ASKED, model=speaker([{"edits": [FIX, second, right]}], tmp_path)))
    assert done["outcome"] == "green", done
    assert len(done["released"]) == 2
    assert any("bea approve laptop; now it must be EFFECT_ALLOW" in name for name in done["released"])
    again = document(run(policies, ASKED, model=NOBODY))
    assert (again["outcome"], again["released"]) == ("green", [])
    checked = policyloop("spec", "check", path, "--policies", policies, "--format", "json")
    assert len(checked.json["notes"]) == 2
    assert all("demands already what rule accountants-approve says" in note for note in checked.json["notes"])
    new = Bundle({name: text.decode() for name, text in picture(policies).items()})
    unchanged = Lock.of(bundle(BOTH))
    assert {(one.id.principal, one.id.resource) for one in unchanged.lost_in(new)} == {
        ("bob", "laptop"), ("bea", "laptop"),
    }  # fmt: skip


# --- without effect, and told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"test": "a limit"}, "no test of that name is there"),
        ({"principal": "nobody"}, "no test of that name is there"),
        ({"principal": "bob", "resource": "car"}, "demands already what rule accountants-approve says"),
        ({"principal": "bob", "resource": "laptop", "demanded": "allow"}, "no test of that name is there"),
    ],
)
def test_a_release_that_lets_nothing_go_is_told(more: dict[str, str], words: str) -> None:
    held, there = spec(5000, release(**more)), bundle()
    assert going(held, there) == {}
    (told,) = idle(held, tuple(Lock.of(there)))
    assert words in told


def test_check_and_confirm_tell_it(tmp_path: Path) -> None:
    policies = lay({"purchase.yaml": POLICY}, tmp_path / "project" / "policies")
    path = policies.parent / FILE_NAME
    path.write_text(spec_to_yaml(spec(5000, release(principal="bob", resource="laptop"))))
    told = "has no effect: no test of that name is there"
    checked = policyloop("spec", "check", path, "--policies", policies, "--format", "plain")
    assert checked.code == 0
    assert told in " ".join(checked.out.split())
    confirmed = policyloop("spec", "confirm", path, "--by", "ann", "--yes", "--policies", policies)
    assert confirmed.code == 0, confirmed.err
    assert told in " ".join(confirmed.err.split())


def test_a_file_that_releases_nothing_is_refused(tmp_path: Path) -> None:
    there = bundle()
    for text in ("test: no such", "test: the limit, principal: bob, resource: laptop, demanded: allow"):
        (named,) = parse_releases(f"releases:\n  - {{suite: Purchases, {text}, reason: r}}\n", "r.yaml")
        with pytest.raises(UsageError, match="names no locked assertion"):
            Lock.of(there).release([named])


# --- the model is told


def test_without_a_spec_the_model_is_told_what_a_file_released(tmp_path: Path, cerbos) -> None:
    policies = bought(tmp_path)
    file = tmp_path / "release.yaml"
    names = {"suite": "Purchases", "test": "the limit", "principal": "bob", "resource": "laptop", "action": "approve"}
    file.write_text(json.dumps({"releases": [{**names, "reason": "agreed", "instead": "allow"}]}))
    keep = tmp_path / "task.json"
    program = tmp_path / "model.py"
    program.write_text(
        f"import pathlib, sys\npathlib.Path({str(keep)!r}).write_text(sys.stdin.read())\nprint('{{}}')\n"
    )
    run(policies, "Up to 5000.", "--no-spec", "--release", file, "--attempts-per-class", 1,
        model=f"{sys.executable} {program}")  # fmt: skip
    task = json.loads(keep.read_text())
    assert task["released"] == ["Purchases / the limit: bob approve laptop; now it must be EFFECT_ALLOW"]
    assert "purchase_test.yaml" in task["files"]


# --- and nothing else goes


def test_a_glob_takes_nothing_along_that_is_right(tmp_path: Path) -> None:
    held = spec(5000, release())
    assert going(held, bundle()) == {("bob", "laptop"): "allow"}


def test_another_suite_with_a_test_of_that_name_stays(tmp_path: Path) -> None:
    other = OWN.replace("name: Purchases", "name: Gifts")
    held = spec(5000, release(principal="bob", resource="laptop"))
    there = bundle(gift_test_yaml=other)
    assert {gone.id.suite for gone in let_go(held, Lock.of(there))} == {"Purchases"}


def test_another_file_with_a_suite_of_that_name_stays(tmp_path: Path) -> None:
    """The names of a suite are no place: what code writes for a person names the file, too."""
    there = Bundle({"a_test.yaml": SILENT, "b_test.yaml": SILENT})
    held = spec(5000, release(principal="bob", resource="laptop", demanded="deny", instead="allow", file="a_test.yaml"))
    assert {gone.id.file for gone in let_go(held, Lock.of(there))} == {"a_test.yaml"}
    # The other one still demands what nothing can meet beside it, so it is shown, and not let go of in silence.
    assert {one.file for one in unreleased(held, there)} == {"b_test.yaml"}


def test_a_release_of_before_lets_nothing_of_the_next_change_go() -> None:
    first, there = spec(5000, release()), bundle()
    kept = pinned(first, spec(50000, release()), there)
    assert [(one.resource, one.demanded, one.instead, one.file) for one in kept.releases] == [
        ("laptop", "deny", "allow", "purchase_test.yaml")
    ]
    assert {(one.principal, one.resource) for one in unreleased(kept, there)} == {("bob", "car")}


def test_what_was_corrected_once_is_not_let_go_of_again() -> None:
    corrected = OWN.replace("    expected:\n", "    expected:\n" + RIGHT["new"].splitlines()[0] + "\n")
    pinned_to = release(principal="bob", resource="laptop", demanded="deny", instead="allow")
    for own, held in ((corrected, spec(5000, release())), (corrected.replace("kind: purchase", "kind: gift"),
                                                           spec(5000, pinned_to))):  # fmt: skip
        assert going(held, bundle(own)) == {}


# --- what rules state, held against the real compiler


def _drawn(dice: random.Random, kind: str) -> Spec:
    """Rules with limits, presence, roles and one person, whose effects code can work out."""
    rules = []
    for number in range(dice.randint(1, 3)):
        parts: list[dict[str, Any]] = []
        if dice.random() < 0.8:
            limit = {"operator": dice.choice(["<", "<=", ">", ">="]), "value": dice.randint(1, 4)}
            parts.append({"id": "limit", "looks_at": ["resource.attr.amount"], "boundary": limit})
        if dice.random() < 0.3:
            parts.append({"id": "noted", "looks_at": ["resource.attr.note"], "presence": True})
        rules.append(
            {
                "id": f"r{number}",
                "subject": dice.choice([["a"], ["b"], ["a", "c"], ["*"]]),
                "actions": ["do"],
                "resource": kind,
                "condition": "as follows" if parts else "always",
                "conditions": parts,
                "decision": dice.choice(["allow", "allow", "deny"]),
                **({"person": "u1"} if dice.random() < 0.2 else {}),
            }
        )
    attributes = {"amount": {"type": "number"}, "note": {"type": "text", "optional": True}}
    return spec_of(
        {
            "version": 1, "request": "r", "roles": {"a": "", "b": "", "c": ""}, "rules": rules,
            "resources": {kind: {"actions": ["do"], "attributes": attributes}},
        }
    )  # fmt: skip


def _policy(kind: str, held: Spec) -> str:
    rules = []
    for rule in held.rules:
        parts = [f"P.id == '{rule.person}'"] if rule.person else []
        for part in rule.conditions:
            boundary = part.boundary
            limit = f"R.attr.amount {boundary.operator} {boundary.value}" if boundary else "has(R.attr.note)"
            parts.append(limit)
        effect = {"allow": "EFFECT_ALLOW", "deny": "EFFECT_DENY"}[rule.decision or "deny"]
        condition = {"condition": {"match": {"expr": " && ".join(parts)}}} if parts else {}
        rules.append({"name": rule.id, "actions": ["do"], "effect": effect, "roles": list(rule.subject), **condition})
    policy = {"resource": kind, "version": "default", "rules": rules}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy})


def test_what_rules_state_is_what_the_compiler_finds(cerbos: Runner) -> None:
    dice = random.Random(7)
    files, asked, silent = {}, 0, 0
    for number in range(40):
        kind = f"kind{number}"
        held = _drawn(dice, kind)
        tests, principals, resources = [], {}, {}
        for case in range(12):
            roles = sorted(dice.sample(["a", "b", "c", "z"], dice.randint(1, 2)))
            attr = {"amount": dice.randint(0, 5), **({"note": "x"} if dice.random() < 0.5 else {})}
            who = dice.choice(["u1", "u2"])
            request = CaseRequest(who, frozenset(roles), {}, "", "", kind, "r", attr, "", "", {}, {}, "", "do")
            said = said_by_rules(held, request)
            if said is None:
                silent += 1
                continue
            asked += 1
            principals[f"p{case}"] = {"id": who, "roles": roles}
            resources[f"r{case}"] = {"id": "r", "kind": kind, "attr": attr}
            effect = {"allow": "EFFECT_ALLOW", "deny": "EFFECT_DENY"}[said.effect]
            tests.append(
                {
                    "name": f"t{case}",
                    "input": {"principals": [f"p{case}"], "resources": [f"r{case}"], "actions": ["do"]},
                    "expected": [{"principal": f"p{case}", "resource": f"r{case}", "actions": {"do": effect}}],
                }
            )
        files[f"{kind}.json"] = _policy(kind, held)
        if tests:
            suite = {"name": kind, "principals": principals, "resources": resources, "tests": tests}
            files[f"{kind}_test.json"] = json.dumps(suite)
    assert asked > silent > 0
    there = Bundle(files)
    report = validate(cerbos, there, lock=Lock.of(there))
    assert report.findings == ()


def test_what_is_stated_in_words_only_is_not_worked_out() -> None:
    held = spec_of({**spec().plain(), "rules": [{**spec().plain()["rules"][0], "conditions": []}]})
    request = CaseRequest(
        "u", frozenset({"accountant"}), {}, "", "", "purchase", "p", {}, "", "", {}, {}, "", "approve"
    )
    assert said_by_rules(held, request) is None
