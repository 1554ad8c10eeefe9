"""One reader of CEL, and the real compiler: they take and refuse the same texts, and mean the same by them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cel_compiler import text_of, values, verdicts
from cel_corners import CORNERS
from drawing import drawn
from policyloop.access.cel import NotCel, parse, walk
from policyloop.access.mutate.expressions import tokens
from policyloop.access.prove.syntax import Unreadable
from policyloop.access.prove.syntax import parse as proving_parse
from policyloop.cerbos.run import Runner


def compare(cerbos: Runner, expressions: list[str]) -> int:
    """How many both take; they must agree on what is CEL, and what is rendered from our tree must come to the same."""
    trees: dict[str, Any] = {}
    for one, verdict in zip(expressions, verdicts(cerbos, expressions), strict=True):
        try:
            trees[one] = parse(one)
        except NotCel:
            assert verdict != "taken", one
            continue
        assert verdict != "no CEL", one
        if verdict != "taken":
            del trees[one]
    ours = [text_of(tree) for tree in trees.values()]
    bad = [pair for pair, said in zip(trees.items(), verdicts(cerbos, ours), strict=True) if said != "taken"]
    assert not bad
    for one, before, after in zip(trees, values(list(trees)), values(ours), strict=True):
        assert before == after, one
    return len(trees)


def test_corners(cerbos: Runner) -> None:
    assert compare(cerbos, list(CORNERS)) > 60


SIGNS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "in",
    "?",
    ":",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
]
WORDS = [
    *SIGNS,
    *(
        "{",
        "}",
        "!",
        "?",
        "`",
        "//",
        "\\",
        '"',
        "'",
        "\n",
        "\r",
        "\t",
        "\x0c",
        "\u0085",
        "\u2028",
        "\u00a0",
        " ",
        " ",
        " ",
    ),
    *(
        "R",
        "attr",
        "n",
        "a",
        "b",
        "d",
        "tags",
        "o",
        "x",
        "P",
        "true",
        "false",
        "null",
        "for",
        "in",
        "has",
        "size",
        "exists",
        "e",
        "u",
    ),
    *("0", "1", "2", "0x1F", "0X1", "1u", "1e3", "1.5", ".5", "1.", "1_0", "007", "-1", "9223372036854775808"),
    *(
        '"a"',
        "'b'",
        'r"\\d"',
        'b"a"',
        'br"a"',
        'rb"a"',
        '"""a"b"""',
        '"\\x41"',
        '"\\q"',
        '"\u0085"',
        "R.attr.n",
        "R.attr.tags",
    ),
]


def _written(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def said(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(form.format, *parts)

    sign = st.sampled_from(
        ["+", "-", "*", "==", "!=", "<", ">=", "&&", "||", " in ", " && ", "||\n", "-//-\n", "\r\n<\t"]
    )
    return st.one_of(
        said("{}{}{}", inner, sign, inner),
        said("{}{}{}", inner, sign, inner),
        said("({})", inner),
        said("!{}", inner),
        said("!!{}", inner),
        said("-{}", inner),
        said("--{}", inner),
        said("{} ? {}:{}", inner, inner, inner),
        said("[{}, {},]", inner, inner),
        said("[{}][0]", inner),
        said('{{"a": {}}}.a', inner),
        said("size([{}])", inner),
        said("[{}].exists(x, {})", inner, inner),
        said("dyn({})", inner),
    )


ATOMS = st.sampled_from(
    [
        *(
            "1",
            "0x1f",
            "1u",
            "1.5",
            ".5e1",
            "-2",
            "- 2",
            "true",
            "false",
            "null",
            '"a"',
            "'a'",
            r'"\u0061"',
            r'r"\d"',
            'b"a"',
            "R.attr.n",
        ),
        *(
            "R.attr.d",
            "R.attr.b",
            "R.attr.a",
            "R.attr.tags",
            "R.attr.o.x.y",
            'R.attr["n"]',
            "R.attr.`n`",
            "P.attr.level",
            "R . id",
            "x",
        ),
    ]
)
expressions = st.recursive(ATOMS, _written, max_leaves=6)


@pytest.mark.parametrize("number", range(2))
def test_random_expressions(cerbos: Runner, number: int) -> None:
    assert compare(cerbos, list(dict.fromkeys(drawn(expressions, 400, number)))) > 100


@pytest.mark.parametrize("number", range(2))
def test_random_words_are_read_or_refused_alike(cerbos: Runner, number: int) -> None:
    texts = drawn(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map("".join), 400, number)
    compare(cerbos, list(dict.fromkeys(texts)))


@given(st.one_of(expressions, st.lists(st.sampled_from(WORDS), max_size=12).map("".join), st.text(max_size=40)))
@settings(deadline=None)
def test_every_reader_is_the_same_one(text: str) -> None:
    """The words that mutants are made of are those of the tree, and a proof takes nothing that the tree does not."""
    try:
        tree = parse(text)
    except NotCel:
        with pytest.raises(Unreadable):
            proving_parse(text)
        return
    assert tokens(text)
    assert next(walk(tree)) is tree
