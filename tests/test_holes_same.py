"""`lint` and `mutate` give the same answer each time, ask what must always be asked, and cost what they should."""

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import policyloop.access.inquiry.rounds as rounds_room
from bundles import FIXTURES, read, synthetic
from command import environment
from policyloop.access.ask.parts import Parts
from policyloop.access.ask.request import Batch, Principal, Resource
from policyloop.access.inquiry.near_tests import MOST_ALWAYS, material_of
from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Ask, Rounds, Steps, ask_server
from policyloop.access.lint import MOST_ALWAYS as LINT_ALWAYS
from policyloop.access.lint import MOST_FURTHER as LINT_FURTHER
from policyloop.access.lint import lint
from policyloop.access.lint.requests import for_everyone, without
from policyloop.access.pdp import Pdp, Settings, serving
from policyloop.access.source import Rule, policies_of
from policyloop.bundle import Bundle, Write
from policyloop.cerbos.run import Runner
from policyloop.effects import ALLOW, DENY

NATIVE = Settings(runner="native")
SEEDS = int(os.environ.get("POLICYLOOP_SEEDS", "1"))
"""How many seeds beside 0 each bundle is looked at with; `make seeds-long` asks for all ten."""
HEAD = "apiVersion: api.cerbos.dev/v1\n"


AT_ONCE = 8
"""So many policy directories are looked at by one process."""
SHARE = (
    "access/pairs/deny-narrowed/new",
    "redteam/said-mutate-scores-the-same-for-every-seed/project/policies",
)


def bundles() -> list[list[Path]]:
    """Every policy directory in fixtures that a person could have, some together; with one seed more, a share."""
    if SEEDS == 1:
        return [[FIXTURES / name for name in SHARE]]
    places = [*FIXTURES.glob("bundles/*/policies"), *FIXTURES.glob("examples/*/policies"), FIXTURES / "demo/policies"]
    places += [*FIXTURES.glob("access/pairs/*/new"), *FIXTURES.glob("redteam/*/project/policies")]
    whole = sorted(path for path in places if path.is_dir())
    return [whole[start : start + AT_ONCE] for start in range(0, len(whole), AT_ONCE)]


def documents(policies: list[Path], seed: int, kept: Path) -> dict[str, Any]:
    """What is said with this seed, in a process that orders sets in another way."""
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "seeds.py", kept, str(seed), *policies],
        env=environment(PYTHONHASHSEED=str(seed + 1)),
        capture_output=True,
        check=False,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)["documents"]
    return told


@pytest.mark.sweep
@pytest.mark.parametrize("policies", bundles(), ids=lambda paths: paths[0].relative_to(FIXTURES).parts[-2])
def test_every_seed_says_the_same(policies: list[Path], tmp_path: Path) -> None:
    """Nothing is drawn; what can differ is the order of sets and of what runs side by side. Each seed is a process."""
    kept = tmp_path / "kept"
    first = documents(policies, 0, kept)
    assert len(first) == 2 * len(policies)
    for seed in range(1, SEEDS) if SEEDS > 1 else (7,):
        assert documents(policies, seed, kept) == first


ROLES, ACTIONS = ("a", "b", "c"), ("x", "y")
ATTRIBUTES: tuple[Mapping[str, Any], ...] = tuple(
    {name: value for name, value in (("flag", flag), ("n", n)) if value is not None}
    for flag in (None, True, False)
    for n in (None, 1.0, 5.0)
)
CONDITIONS = ("", "", "R.attr.flag == true", "R.attr.n > 3.0", "R.attr.flag && R.attr.n < 3.0", "!has(R.attr.flag)")


def drawn(seed: int) -> Bundle:
    """A policy of a few rules over very few roles, actions and attributes: all there is can be asked."""
    dice = random.Random(seed)
    rules = []
    for _ in range(dice.randint(3, 5)):
        roles = dice.choice([["*"], *([role] for role in ROLES), list(ROLES[:2])])
        effect = dice.choice(["ALLOW", "DENY", "ALLOW"])
        condition = dice.choice(CONDITIONS)
        match = f", condition: {{match: {{expr: '{condition}'}}}}" if condition else ""
        actions = json.dumps(dice.sample(ACTIONS, dice.randint(1, 2)))
        rules.append(f"    - {{actions: {actions}, effect: EFFECT_{effect}, roles: {json.dumps(roles)}{match}}}\n")
    return Bundle(
        {"doc.yaml": f"{HEAD}resourcePolicy:\n  resource: doc\n  version: default\n  rules:\n{''.join(rules)}"}
    )


def everything(pdp: Pdp) -> dict[tuple[tuple[str, ...], int, str], bool]:
    """Whether each set of roles may do each action to a resource with each of `ATTRIBUTES`."""
    sets = itertools.chain(*(itertools.combinations(ROLES, size) for size in (1, 2, 3)))
    resources = [Resource("doc", f"d{number}", dict(attr)) for number, attr in enumerate(ATTRIBUTES)]
    batches = [Batch(Principal("u", roles), resources, ACTIONS) for roles in sets]
    said: dict[tuple[tuple[str, ...], int, str], bool] = {}
    for batch, allowed in pdp.effects(batches):
        for number, allows in enumerate(allowed):
            resource, action = divmod(number, len(ACTIONS))
            said[batch.principal.roles, resource, ACTIONS[action]] = allows
    return said


def served(bundle: Bundle, changed: Mapping[str, str], *, strict: bool = False) -> dict[Any, bool]:
    with serving(
        bundle.apply([Write(path, text) for path, text in changed.items()]), Settings(runner="native", strict=strict)
    ) as pdp:
        return everything(pdp)


@pytest.mark.parametrize("seed", range(2 if SEEDS == 1 else 6 * SEEDS))
def test_whatever_is_defeated_or_fails_open_in_a_small_world_is_found(seed: int, cerbos: Runner) -> None:
    bundle = drawn(seed)
    rules = [rule for policy in policies_of(bundle) for rule in policy.rules if rule.denies]
    normal, strict = served(bundle, {}), served(bundle, {}, strict=True)
    defeated, open_ = set(), set()
    for rule in rules:
        if _defeated(bundle, rule, normal):
            defeated.add(rule.line)
        if rule.conditional:
            without_it = served(bundle, without(bundle, rule), strict=True)
            if any(normal[key] and not strict[key] and without_it[key] for key in normal):
                open_.add(rule.line)
    holes = lint(cerbos, bundle, "policies", settings=NATIVE).holes
    assert {one.line for one in holes if one.code == "deny-defeated"} == defeated
    assert {one.line for one in holes if one.code == "deny-fails-open"} >= open_


def _defeated(bundle: Bundle, rule: Rule, normal: Mapping[Any, bool]) -> bool:
    wide = for_everyone(bundle, rule)
    if "*" in rule.roles or wide is None:
        return False
    after, own = served(bundle, wide), set(rule.roles)
    return any(normal[key] and not after[key] and set(key[0]) & own and set(key[0]) - own for key in normal)


def test_what_must_always_be_asked_is_asked() -> None:
    """Each attribute of a fixture dropped, each role added and taken, each condition made true and false."""
    bundle = read(FIXTURES / "examples" / "salaries" / "policies")
    parts = Parts(bundle)
    for kind in parts.kinds:
        material = material_of(parts, kind)
        assert material.left == 0
        asked = {case.key for case in material.cases}
        named = {role for policy in parts.policies_about(kind) for rule in policy.rules for role in rule.roles} - {"*"}
        for question in parts.tested.get(kind, ()):
            own = next(case for case in material.cases if case.asks(question.request.action).key == question.key)
            held = own.principal.roles
            for role in named:
                assert own.of_roles(*held, role).key in asked
            for role in held if len(held) > 1 else ():
                assert own.of_roles(*(other for other in held if other != role)).key in asked
    assert material_of(parts, parts.kinds[0]) == material_of(Parts(bundle), parts.kinds[0])


def test_more_tests_than_the_bound_leave_room_for_the_rules() -> None:
    rules = "[{actions: [read], effect: EFFECT_DENY, roles: [user], condition: {match: {expr: R.attr.shut == 'x'}}}]"
    names = [f"r{number}" for number in range(MOST_ALWAYS)]
    resources = ", ".join(f"{name}: {{id: {name}, kind: doc}}" for name in names)
    expected = ", ".join(f"{{principal: ann, resource: {name}, actions: {{read: EFFECT_DENY}}}}" for name in names)
    suite = (
        "name: many\nprincipals: {ann: {id: ann, roles: [user]}}\n"
        f"resources: {{{resources}}}\n"
        f"tests: [{{name: t, input: {{principals: [ann], resources: [{', '.join(names)}], "
        f"actions: [read]}}, expected: [{expected}]}}]\n"
    )
    policy = f"{HEAD}resourcePolicy: {{resource: doc, version: default, rules: {rules}}}\n"
    parts = Parts(Bundle({"doc.yaml": policy, "doc_test.yaml": suite}))
    assert len(parts.tested["doc"]) == MOST_ALWAYS
    material = material_of(parts, "doc")
    assert material.left > 0
    assert any(case.resource.attr.get("shut") == "x" for case in material.cases[: MOST_ALWAYS // 2])


def test_a_part_answers_as_the_whole(cerbos: Runner) -> None:
    more = {
        "role.yaml": f"{HEAD}rolePolicy:\n  role: clerk\n  parentRoles: [employee]\n"
        "  rules: [{resource: invoice_0000, allowActions: [read]}]\n",
        "ann.yaml": f"{HEAD}principalPolicy:\n  principal: ann\n  version: default\n"
        "  rules: [{resource: order_0001, actions: [{action: read, effect: EFFECT_ALLOW}]}]\n",
    }
    bundle = Bundle({**synthetic(3).files, **more})
    parts = Parts(bundle)
    pool = Pool(parts, always=200, most=50)
    with serving(bundle, NATIVE) as pdp:
        for kind in parts.kinds:
            part = parts.about([kind])
            assert len(part) < len(bundle)
            assert ("ann.yaml" in part) is (kind == "order_0001")
            with serving(part, NATIVE) as small:
                assert ask_server(pdp, pool.questions([kind])) == ask_server(small, pool.questions([kind]))


def asking(ask: Ask) -> Steps[object]:
    return (yield ask)


def test_a_change_under_another_name_is_answered_as_by_itself(cerbos: Runner) -> None:
    bundle = synthetic(2)
    pool = Pool(Parts(bundle), always=300, most=50)
    asks = [
        Ask(kinds=(policy.name,), questions=pool.questions([policy.name]), changed=without(bundle, rule))
        for policy in policies_of(bundle)
        if policy.what == "resource"
        for rule in policy.rules
    ]
    together = dict(Rounds(cerbos, pool, NATIVE).results([asking(ask) for ask in asks]))
    for number, ask in enumerate(asks):
        changed = bundle.apply([Write(path, text) for path, text in ask.changed.items()])
        with serving(changed, Settings(runner="native", schemas="reject")) as pdp:
            assert together[number] == ask_server(pdp, ask.questions)
    assert len({together[number] for number in range(len(asks))}) >= len(asks) // 2


@pytest.mark.parametrize(("seed", "enforcement"), [(0, "reject"), (1, "none")])
def test_what_is_left_unasked_in_a_mode_could_not_have_differed(seed: int, enforcement: str, cerbos: Runner) -> None:
    """Whoever is denied normally is none that a deny failed for, and a schema that is not enforced opens only."""
    schema = '{"type": "object", "properties": {"n": {"const": 1}, "flag": {"type": "boolean"}}, "required": ["n"]}'
    text = f"{drawn(seed)['doc.yaml']}  schemas: {{resourceSchema: {{ref: 'cerbos:///doc.json'}}}}\n"
    bundle = Bundle({"doc.yaml": text, "_schemas/doc.json": schema})
    pool = Pool(Parts(bundle), always=LINT_ALWAYS, most=LINT_FURTHER)
    assert pool.has_schemas(["doc"])
    assert not Pool(Parts(drawn(seed))).has_schemas(["doc"])
    questions = pool.questions(["doc"])
    asks = [Ask(kinds=("doc",), questions=questions, schemas=on) for on in (True, False)]
    told = dict(Rounds(cerbos, pool, NATIVE).results([asking(ask) for ask in asks]))
    rejecting, letting = told[0], told[1]
    assert rejecting is not None
    assert letting is not None
    differing = [(a, b) for a, b in zip(rejecting, letting, strict=True) if a != b]
    assert differing
    assert set(differing) <= {(DENY, ALLOW)}
    said = lint(cerbos, bundle, "policies", settings=NATIVE, enforcement=enforcement)
    shown = [one for one in said.holes if one.code == "schema-not-enforced" and one.witness]
    assert bool(shown) is (enforcement == "none" and bool(differing))


def test_an_ordinary_kind_costs_few_requests_and_what_a_bound_cut_off_is_named(cerbos: Runner) -> None:
    bundle = synthetic(2)
    pool = Pool(Parts(bundle), always=LINT_ALWAYS, most=LINT_FURTHER)
    kinds = pool.parts.kinds
    each = LINT_ALWAYS + 2 * LINT_FURTHER
    assert all(len(pool.questions([kind])) <= each for kind in kinds)
    result = lint(cerbos, bundle, "policies", settings=NATIVE)
    assert result.asked <= len(kinds) * 2 * each
    assert [kind for kind, _ in pool.left] == list(kinds)
    assert list(result.unasked) == [
        f"about {kind}, {left} or more requests near its tests and rules" for kind, left in pool.left
    ]


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each server that is started serves."""
    counted: list[int] = []
    real = rounds_room.serving

    def counting(bundle: Bundle, settings: Settings) -> Any:
        counted.append(len(bundle))
        return real(bundle, settings)

    monkeypatch.setattr(rounds_room, "serving", counting)
    return counted


def test_the_work_grows_with_the_policies_and_not_with_their_square(cerbos: Runner, starts: list[int]) -> None:
    def looked_at(count: int) -> tuple[int, int, int]:
        starts.clear()
        rules = "[{actions: [read], effect: EFFECT_ALLOW, roles: [user]}, {actions: [read], effect: EFFECT_DENY, "
        rules += "roles: [intern], condition: {match: {expr: R.attr.shut}}}]"
        head = f"{HEAD}resourcePolicy:\n  version: default\n  resource: "
        bundle = Bundle({f"p{n}.yaml": f"{head}kind{n}\n  rules: {rules}\n" for n in range(count)})
        result = lint(cerbos, bundle, "policies", settings=NATIVE)
        assert sum(one.code == "deny-defeated" for one in result.holes) == count
        assert sum(one.code == "deny-fails-open" for one in result.holes) == count
        return result.asked, len(starts), sum(starts)

    few, many = looked_at(3), looked_at(9)
    assert many[0] == 3 * few[0]
    assert many[1] == few[1]
    assert many[2] == 3 * few[2]


def test_a_deny_that_decides_is_no_hole(cerbos: Runner) -> None:
    """The small worlds hold denies of both sorts, so that the comparison above can fail."""
    seen = set()
    for seed in range(6):
        bundle = drawn(seed)
        normal = served(bundle, {})
        for policy in policies_of(bundle):
            seen |= {_defeated(bundle, rule, normal) for rule in policy.rules if rule.effect == DENY}
    assert seen == {True, False}
