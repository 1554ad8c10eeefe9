"""The matrix of a review: no request that the real PDP is asked may contradict a cell of it.

`make cells-long` asks 200,000 requests, `POLICYLOOP_CELL_REQUESTS=N` at least N, some thousands without it.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import strategies as st

from conditions import Held, derived_roles, files, pairs, thrown, translated
from drawing import drawn
from matrix_cells import states_of
from policyloop.access.ask.request import Batch, Principal, Resource
from policyloop.access.matrix import OTHERS, Cell, Matrix, matrices_of
from policyloop.access.matrix.formula import narrowed, relevant, terms
from policyloop.access.pdp import Pdp, Settings, serving
from policyloop.bundle import Bundle

pytestmark = pytest.mark.compiler

REQUESTS = int(os.environ.get("POLICYLOOP_CELL_REQUESTS", "8000"))
PER_BUNDLE = 12
PER_CELL = 40
NATIVE = Settings(runner="native")
_HEAD = "apiVersion: api.cerbos.dev/v1\n"


def matrix(bundle: Bundle, kind: str, person: str = "", old: Bundle | None = None) -> Matrix:
    matrices, missing = matrices_of(old, bundle, NATIVE, None)
    assert missing == ()
    return next(m for m in matrices if (m.resource, m.person) == (kind, person))


def cell(matrix: Matrix, role: str, action: str, scope: str = "", derived: str = "") -> Cell:
    [row] = [row for row in matrix.rows if (row.roles, row.scope, row.derived) == ((role,), scope, derived)]
    return row.cells[matrix.actions.index(action)]


def said(cell: Cell) -> object:
    return cell.after.state if cell.after.state != "when" else [
        [(held.text, held.line, true) for held, true in term] for term in cell.after.terms
    ]  # fmt: skip


def test_always_never_and_when_in_the_words_of_the_policy() -> None:
    policy = (
        _HEAD
        + """\
resourcePolicy:
  resource: doc
  version: default
  rules:
    - {actions: [read], effect: EFFECT_ALLOW, roles: [user, admin]}
    - actions: [write, read]
      effect: EFFECT_DENY
      roles: [user]
      condition: {match: {expr: R.attr.sealed}}
    - actions: [write]
      effect: EFFECT_ALLOW
      roles: [user]
      condition:
        match:
          any:
            of:
              - expr: R.attr.owner == P.id
              - expr: R.attr.open
"""
    )
    drawn_matrix = matrix(Bundle({"doc.yaml": policy}), "doc")
    assert said(cell(drawn_matrix, "admin", "read")) == "always"
    assert said(cell(drawn_matrix, "admin", "write")) == "never"
    assert said(cell(drawn_matrix, "user", "read")) == [[("R.attr.sealed", 10, False)]]
    assert said(cell(drawn_matrix, "user", "write")) == [
        [("R.attr.sealed", 10, False), ("R.attr.owner == P.id", 18, True)],
        [("R.attr.sealed", 10, False), ("R.attr.open", 19, True)],
    ]
    assert OTHERS not in drawn_matrix.actions


def test_scopes_derived_roles_and_persons_have_rows_of_their_own() -> None:
    derived = (
        _HEAD
        + """\
derivedRoles:
  name: roles
  definitions:
    - {name: owner, parentRoles: [user], condition: {match: {expr: R.attr.owner == P.id}}}
"""
    )
    base = (
        _HEAD
        + """\
resourcePolicy:
  resource: doc
  version: default
  importDerivedRoles: [roles]
  rules:
    - {actions: [edit], effect: EFFECT_ALLOW, derivedRoles: [owner]}
"""
    )
    scoped = base.replace("version: default", "version: default\n  scope: acme").replace("EFFECT_ALLOW", "EFFECT_DENY")
    person = (
        _HEAD
        + """\
principalPolicy:
  principal: mia
  version: default
  rules:
    - resource: doc
      actions: [{action: edit, effect: EFFECT_ALLOW}]
"""
    )
    bundle = Bundle({"roles.yaml": derived, "doc.yaml": base, "acme.yaml": scoped, "mia.yaml": person})
    everybody, mia = matrix(bundle, "doc"), matrix(bundle, "doc", "mia")
    assert said(cell(everybody, "user", "edit")) == [[("R.attr.owner == P.id", 5, True)]]
    assert said(cell(everybody, "user", "edit", derived="owner")) == "always"
    assert said(cell(everybody, "user", "edit", scope="acme")) == "never"
    assert said(cell(mia, "user", "edit", scope="acme")) == "always"
    assert said(cell(mia, OTHERS, "edit")) == "always"


def test_what_patterns_of_roles_and_actions_may_fit_is_not_known() -> None:
    """A role `abc` fits `a*`, and an action `b` fits `[bc]`: no other role or action is an example of all."""
    rules = "{actions: ['[bc]', read], effect: EFFECT_ALLOW, roles: ['a*', user]}"
    head = "resourcePolicy: {resource: doc, version: default, rules: ["
    drawn_matrix = matrix(Bundle({"doc.yaml": f"{_HEAD}{head}{rules}]}}\n"}), "doc")
    assert {row.roles for row in drawn_matrix.rows} == {("user",), (OTHERS,)}
    assert said(cell(drawn_matrix, "user", "read")) == "always"
    assert said(cell(drawn_matrix, OTHERS, "read")) == "unknown"
    assert said(cell(drawn_matrix, "user", OTHERS)) == "unknown"


def test_a_change_is_drawn_also_where_no_request_was_found() -> None:
    def policy(condition: str) -> Bundle:
        rule = f"{{actions: [read], effect: EFFECT_ALLOW, roles: [user], condition: {{match: {{expr: {condition}}}}}}}"
        head = "resourcePolicy: {resource: doc, version: default, rules: ["
        return Bundle({"doc.yaml": f"{_HEAD}{head}{rule}]}}\n"})

    drawn_matrix = matrix(policy("R.attr.a == 2"), "doc", old=policy("R.attr.a == 1"))
    before, after = cell(drawn_matrix, "user", "read").before, cell(drawn_matrix, "user", "read").after
    assert before is not None
    assert before.meaning != after.meaning
    same = matrix(policy("R.attr.a == 1"), "doc", old=policy("R.attr.a == 1"))
    before, after = cell(same, "user", "read").before, cell(same, "user", "read").after
    assert before is not None
    assert before.meaning == after.meaning


@pytest.mark.parametrize("number", range(200))
def test_the_words_are_the_table(number: int) -> None:
    dice = Random(number)
    count = dice.randint(1, 4)
    table = [dice.choice([True, False, None] if number % 2 else [True, False]) for _ in range(1 << count)]
    kept = relevant(table, count)
    told = terms(narrowed(table, count, kept), len(kept))
    for case, allowed in enumerate(table):
        true = [bool(case >> (count - 1 - number) & 1) for number in kept]
        met = any(all(true[at] == wanted for at, wanted in term) for term in told)
        assert allowed is None or met == allowed, (table, told)


def wider(held: Held, dice: Random) -> Held:
    """The same, with more actions, patterns and a wildcard role."""
    rules = [
        {**rule, "actions": dice.choice([["view"], ["*"], ["view", "edit"], ["edit:*"], ["edit:own", "v*"]])}
        for rule in held.rules
    ]
    return Held(rules, held.scoped, held.consent, held.ann, held.guest)


def people(dice: Random) -> Iterator[Principal]:
    for _ in range(PER_CELL):
        roles = dice.choice([("user",), ("guest",), ("stranger",)])
        name = dice.choice(["ann", "bob", "carl"])
        attr = {"team": dice.choice(["a", "", "b"]), "teams": dice.choice([[], ["a"], ["a", "b"]])}
        yield Principal(name, roles, {**attr, "level": dice.choice([0, 1, 2])})


@pytest.mark.parametrize("number", range(-(-REQUESTS // 12_000)))
def test_no_request_contradicts_a_cell(number: int) -> None:
    dice = Random(number)
    examples = drawn(pairs(), PER_BUNDLE, 900 + number)
    roles = drawn(st.tuples(translated, translated), 2, 900 + number)[-1]
    held = [wider(before, dice) for before, _ in examples]
    bundle = Bundle({**files(held), "derived.json": derived_roles(*roles)})
    matrices, missing = matrices_of(None, bundle, NATIVE, None)
    assert missing == ()
    states: Counter[str] = Counter()
    with serving(bundle, NATIVE) as pdp:
        for kind in {drawn_matrix.resource for drawn_matrix in matrices} - {OTHERS}:
            own = [drawn_matrix for drawn_matrix in matrices if drawn_matrix.resource == kind]
            for who in people(dice):
                states += _hold(own, pdp, kind, who, dice)
    assert states["always"]
    assert states["never"]
    assert states["when"]
    # Where scopes with and without consent hold the same conditions, the server takes one for the other.
    assert states["always"] + states["never"] + states["when"] > states["unknown"]


def _hold(matrices: Sequence[Matrix], pdp: Pdp, kind: str, who: Principal, dice: Random) -> Counter[str]:
    """Some requests of one principal, each held against the rows and the columns that it belongs to."""
    scope = dice.choice(["", "acme", "consenting"])
    actions = ("view", "edit", "edit:own", "edit:x", "vanish", "delete")
    resources = tuple(Resource(kind, dice.choice(["x", who.id]), thrown(dice), "", scope) for _ in range(5))
    return states_of(matrices, pdp, Batch(who, resources, actions))
