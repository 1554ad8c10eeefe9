"""A name that stands for all others is one that no policy means, whoever has read which names we take."""

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import policyloop
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.ask.unnamed import is_pattern, may_fit, sample, unnamed
from policyloop.access.lint import lint
from policyloop.access.matrix import OTHERS, matrices_of
from policyloop.access.pdp import Settings, serving
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

WORD = "policyloop_other"
LITERALS = st.text("abcpolicy_other:", max_size=6)
NAMES = st.lists(
    st.one_of(
        st.just(WORD),
        st.just(f"{WORD}:{WORD}"),
        st.just(f"{WORD}_2"),
        LITERALS,
        st.builds("{}*{}".format, LITERALS, LITERALS),
        st.builds("{}?{}".format, st.text("abcp", min_size=1, max_size=3), LITERALS),
    ),
    max_size=12,
)


@given(NAMES)
def test_nothing_names_it_and_no_pattern_fits_it(names: list[str]) -> None:
    name = unnamed(WORD, names)
    for candidate in (name, f"{name}:{name}"):
        assert candidate not in names
        for pattern in filter(is_pattern, names):
            assert not may_fit(pattern, candidate) or not set(pattern) - set("*?:")


@given(NAMES, st.builds("{}*".format, LITERALS))
def test_a_sample_fits_its_pattern_and_is_no_name(names: list[str], pattern: str) -> None:
    made = sample(pattern, WORD, [*names, pattern])
    assert may_fit(pattern, made)
    assert made not in names


def invented() -> list[str]:
    """Every word in the code that could be such a name, so that a new one is tried as well."""
    found: set[str] = set()
    for file in (Path(policyloop.__file__).parent / "access").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_name(node.value):
                found.add(node.value)
    return sorted(found)


def _is_name(text: str) -> bool:
    words = ("policyloop", "unknown_", "another-", "nothing_names", "something", "someone", "somebody")
    return any(word in text for word in words) and text.replace("_", "").replace("-", "").isalnum()


RULE = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: {kind}
  version: default
  rules:
    - actions: {actions}
      roles: [user]
      effect: EFFECT_ALLOW
"""


def test_the_column_of_any_other_action_fits_no_pattern(cerbos: Runner) -> None:
    """Patterns made of the beginnings and the ends of every name that the code could take; nobody may do the rest."""
    names = invented()
    assert {"policyloop_other", "another-role", "action_that_nothing_names"} <= set(names)
    patterns = sorted({f"{name[:size]}*" for name in names for size in (1, 3)} | {f"*{name[-2:]}" for name in names})
    kinds = {f"kind{number}": pattern for number, pattern in enumerate(patterns)}
    bundle = Bundle(
        {f"{kind}.yaml": RULE.format(kind=kind, actions=f'["{pattern}"]') for kind, pattern in kinds.items()}
    )
    settings = Settings(runner="native", strict=False)
    matrices, missing = matrices_of(None, bundle, settings, None)
    assert not missing
    assert {matrix.resource for matrix in matrices} == set(kinds)
    for matrix in matrices:
        assert OTHERS not in matrix.actions, (matrix.resource, kinds[matrix.resource], matrix.actions)
        assert any(cell.after.state == "always" for row in matrix.rows for cell in row.cells)
    with serving(bundle, settings) as pdp:
        for kind, pattern in kinds.items():
            asked = Request(Principal("ann", ("user",)), Resource(kind, "one"), pattern.replace("*", "x"))
            assert pdp.decide(asked).allowed


def test_a_wildcard_is_shown_by_a_role_and_an_action_that_nothing_names(cerbos: Runner) -> None:
    """Also where the rules name the very words that would else stand for everybody, and for every action."""
    names = [name for name in invented() if not name[0].isdigit()]
    rules = "".join(f"    - {{actions: [{name}], roles: [{name}], effect: EFFECT_DENY}}\n" for name in names)
    wild = '    - {actions: ["*"], roles: ["*"], effect: EFFECT_ALLOW}\n'
    head = RULE.partition("  rules:")[0].format(kind="doc") + "  rules:\n"
    bundle = Bundle({"doc.yaml": head + wild + rules})
    result = lint(cerbos, bundle, "policies", settings=Settings(runner="native", strict=False))
    shown = {hole.code: hole.witness.question.request for hole in result.holes if hole.witness is not None}
    assert shown["wildcard-role"].principal.roles[0] not in names
    assert shown["wildcard-action"].action not in names
