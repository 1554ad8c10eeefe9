"""Reading a CEL expression as cel-go's parser does. Source: the CEL language definition, and Cerbos 0.55.0 itself.

`tests/test_cel_compiler.py` puts the same expressions to the real compiler.

What the compiler takes and this does not is unknown to everything that is built on it, never false.
"""

from collections.abc import Sequence

from policyloop.access.cel.chain import balanced
from policyloop.access.cel.literals import number_of, text_of
from policyloop.access.cel.tree import Call, Const, ListOf, MapOf, Name, Node, Select
from policyloop.access.cel.words import NotCel, Word, words

MAX_CHARACTERS = 65_536
MAX_DEPTH = 60
"""How deep an expression may be nested, and how many arithmetic or relational operators may follow each other."""

_BINARY = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}
_LOGICAL = ("&&", "||")
_LITERALS = {"true": True, "false": False, "null": None}
_STATEMENTS = ("break", "continue", "else", "for", "function", "if", "loop", "return", "while")
RESERVED = frozenset({*_STATEMENTS, "as", "const", "import", "let", "namespace", "package", "var", "void"})
"""Names that nothing may have; a field may."""


def parse(expression: str) -> Node:
    """The tree of `expression`. Raises `NotCel`, also for one that is too long or too deep."""
    if len(expression) > MAX_CHARACTERS:
        raise NotCel("it is too long")
    reader = _Reader(words(expression))
    tree = reader.whole(0)
    reader.end()
    return tree


class _Reader:
    def __init__(self, held: Sequence[Word]) -> None:
        self._words = [*held, Word("end", "", 0, 0)]
        self._at = 0

    @property
    def _next(self) -> Word:
        return self._words[self._at]

    def _is(self, *signs: str) -> bool:
        return self._next.kind == "sign" and self._next.text in signs

    def _skip(self, *signs: str) -> str:
        """Take the next word if it is one of these signs."""
        if not self._is(*signs):
            return ""
        self._at += 1
        return self._words[self._at - 1].text

    def _take(self, sign: str) -> None:
        if not self._skip(sign):
            raise NotCel(f"{self._next.text or 'its end'!r} stands where {sign!r} should")

    def end(self) -> None:
        """Nothing may be left."""
        if self._next.kind != "end":
            raise NotCel(f"{self._next.text!r} stands where its end should")

    def whole(self, depth: int) -> Node:
        """An expression with everything in it."""
        if depth > MAX_DEPTH:
            raise NotCel("it is nested too deep")
        condition = self._binary(1, depth)
        if not self._skip("?"):
            return condition
        first = self._binary(1, depth)
        self._take(":")
        return Call("?:", (condition, first, self.whole(depth + 1)))

    def _binary(self, least: int, depth: int) -> Node:
        left = self._unary(depth)
        count = 0
        while self._next.kind == "sign" and (rank := _BINARY.get(self._next.text, 0)) >= least:
            operator = self._next.text
            if operator in _LOGICAL:
                left = self._logical(left, operator, rank, depth)
                continue
            self._at += 1
            count += 1
            if count > MAX_DEPTH:
                raise NotCel("it is nested too deep")
            left = Call(operator, (left, self._binary(rank + 1, depth)))
        return left

    def _logical(self, first: Node, operator: str, rank: int, depth: int) -> Node:
        """A chain of one of the logical operators: a tree that is no deeper than it must be."""
        parts = [first]
        while self._skip(operator):
            parts.append(self._binary(rank + 1, depth))
        return balanced(lambda left, right: Call(operator, (left, right)), parts)

    def _unary(self, depth: int) -> Node:
        sign = "!" if self._is("!") else "-"
        count = 0
        while self._is(sign) and not (count == 0 and self._signed()):
            self._at += 1
            count += 1
        tree = self._member(depth)
        # cel-go drops an even number of them, whatever they stand before.
        return Call(sign, (tree,)) if count % 2 else tree

    def _signed(self) -> bool:
        """Whether a number with its sign comes next: they are one literal."""
        return self._is("-") and self._words[self._at + 1].kind in ("int", "double")

    def _member(self, depth: int) -> Node:
        tree = self._primary(depth)
        count = 0
        while sign := self._skip(".", "["):
            count += 1
            if count > MAX_DEPTH:
                raise NotCel("it is nested too deep")
            optional = bool(self._skip("?"))
            if sign == ".":
                tree = self._selected(tree, optional, depth)
                continue
            key = self.whole(depth + 1)
            self._take("]")
            tree = Call("[?]" if optional else "[]", (tree, key))
        return tree

    def _selected(self, tree: Node, optional: bool, depth: int) -> Node:  # noqa: FBT001
        word = self._next
        name = self._field()
        if not optional and word.kind == "name" and self._skip("("):
            return Call(name, self._arguments(depth), tree)
        return Select(tree, name, optional)

    def _field(self) -> str:
        word = self._next
        if word.kind not in ("name", "quoted") or word.text in _LITERALS:
            raise NotCel(f"{word.text or 'its end'!r} is no name")
        self._at += 1
        return word.text.strip("`")

    def _primary(self, depth: int) -> Node:
        if self._signed():
            self._at += 1
            return self._number(negative=True)
        word = self._next
        if word.kind in ("int", "uint", "double"):
            return self._number(negative=False)
        if word.kind == "name" or self._is("."):
            return self._named(depth)
        self._at += 1
        if word.kind == "text":
            return Const(text_of(word.text))
        if word.kind == "sign" and word.text == "(":
            tree = self.whole(depth + 1)
            self._take(")")
            return tree
        if word.kind == "sign" and word.text == "[":
            return self._list(depth)
        if word.kind == "sign" and word.text == "{":
            return self._map(depth)
        raise NotCel(f"{word.text or 'its end'!r} begins nothing")

    def _number(self, *, negative: bool) -> Node:
        word = self._next
        self._at += 1
        return Const(number_of(word, negative=negative), word.kind == "uint")

    def _named(self, depth: int) -> Node:
        dot = self._skip(".")
        word = self._next
        if word.kind != "name":
            raise NotCel(f"{word.text or 'its end'!r} is no name")
        if message := self._message_name():
            return self._message(dot + message, depth)
        self._at += 1
        if word.text in _LITERALS and not dot:
            return Const(_LITERALS[word.text])
        if word.text in RESERVED or word.text in _LITERALS:
            raise NotCel(f"{word.text!r} is a reserved word")
        name = dot + word.text
        return Call(name, self._arguments(depth)) if self._skip("(") else Name(name)

    def _message_name(self) -> str:
        """The name of the message that is written out here; it is passed over. Nothing when none is."""
        at, parts = self._at, []
        while self._words[at].kind == "name" and self._words[at].text not in _LITERALS:
            parts.append(self._words[at].text)
            sign = self._words[at + 1]
            if sign.kind == "sign" and sign.text == "{":
                self._at = at + 2
                return ".".join(parts)
            if sign.kind != "sign" or sign.text != ".":
                break
            at += 2
        return ""

    def _message(self, name: str, depth: int) -> Node:
        pairs: list[tuple[Node, Node]] = []
        optional: list[int] = []
        while not self._closed("}", empty=not pairs):
            if self._skip("?"):
                optional.append(len(pairs))
            key = Const(self._field())
            self._take(":")
            pairs.append((key, self.whole(depth + 1)))
            if not self._skip(","):
                self._take("}")
                break
        return MapOf(tuple(pairs), tuple(optional), name)

    def _arguments(self, depth: int) -> tuple[Node, ...]:
        if self._skip(")"):
            return ()
        held = [self.whole(depth + 1)]
        while self._skip(","):
            held.append(self.whole(depth + 1))
        self._take(")")
        return tuple(held)

    def _closed(self, sign: str, *, empty: bool) -> bool:
        """Take the bracket that ends a list, a map or a message. In an empty one a comma may stand before it."""
        alone = empty and self._is(",") and self._words[self._at + 1][:2] == ("sign", sign)
        self._at += alone
        return bool(self._skip(sign))

    def _list(self, depth: int) -> Node:
        items: list[Node] = []
        optional: list[int] = []
        while not self._closed("]", empty=not items):
            if self._skip("?"):
                optional.append(len(items))
            items.append(self.whole(depth + 1))
            if not self._skip(","):
                self._take("]")
                break
        return ListOf(tuple(items), tuple(optional))

    def _map(self, depth: int) -> Node:
        pairs: list[tuple[Node, Node]] = []
        optional: list[int] = []
        while not self._closed("}", empty=not pairs):
            if self._skip("?"):
                optional.append(len(pairs))
            key = self.whole(depth + 1)
            self._take(":")
            pairs.append((key, self.whole(depth + 1)))
            if not self._skip(","):
                self._take("}")
                break
        return MapOf(tuple(pairs), tuple(optional))
