"""The CEL reader: trees of what conditions are made of, and a plain refusal of the rest."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyloop.access.cel import Call, Const, ListOf, Name, NotCel, Select, parse, walk

R_OWNER = Select(Select(Name("R"), "attr"), "owner")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("R.attr.owner", R_OWNER),
        ('R.attr["a b"]', Call("[]", (Select(Name("R"), "attr"), Const("a b")))),
        ("a && b || c", Call("||", (Call("&&", (Name("a"), Name("b"))), Name("c")))),
        ("a || b && c", Call("||", (Name("a"), Call("&&", (Name("b"), Name("c")))))),
        ("!a == b", Call("==", (Call("!", (Name("a"),)), Name("b")))),
        ("1 - 2 - 3", Call("-", (Call("-", (Const(1), Const(2))), Const(3)))),
        ("a ? b : c ? d : e", Call("?:", (Name("a"), Name("b"), Call("?:", (Name("c"), Name("d"), Name("e")))))),
        ("x in [1, -2.5, 'a', null, true]", None),
        ("a.exists(m, m.id == 1)", None),
        ("has(R.attr.x)", Call("has", (Select(Select(Name("R"), "attr"), "x"),))),
        ("0x10 + 2u", Call("+", (Const(16), Const(2, uint=True)))),
        (r"'\u00e4\x41' + r'\d'", Call("+", (Const("äA"), Const(r"\d")))),
        ("a // a comment\n && b", Call("&&", (Name("a"), Name("b")))),
        ("in_x in y", Call("in", (Name("in_x"), Name("y")))),
    ],
)
def test_a_tree(text: str, tree: object) -> None:
    found = parse(text)
    if tree is not None:
        assert found == tree
    assert next(walk(found)) is found


def test_the_items_of_a_list() -> None:
    found = parse("x in [1, -2.5, 'a', null, true]")
    assert isinstance(found, Call)
    assert found.args[1] == ListOf((Const(1), Const(-2.5), Const("a"), Const(None), Const(value=True)))


@pytest.mark.parametrize(
    "text", ["", "a ==", "(a", "a b", "a..b", "'open", "1 +* 2", "a ? b", "[1, 2", "(" * 5000, "!" * 5000]
)
def test_what_is_no_cel_is_refused(text: str) -> None:
    with pytest.raises(NotCel):
        parse(text)


@given(st.text(alphabet="abR.()[]{}'\"&|!=<>+-*/%?:,0123456789 \\\n", max_size=60))
def test_any_text_is_a_tree_or_refused(text: str) -> None:
    with contextlib.suppress(NotCel):
        parse(text)
