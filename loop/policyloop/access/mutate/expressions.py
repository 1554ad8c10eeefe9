"""Small changes to one CEL expression. Its tokens are all that is read.

What a changed expression means, and whether it is one at all, is the compiler's to say.
"""

from collections.abc import Mapping, Sequence

from policyloop.access.cel import NotCel, Word
from policyloop.access.cel import words as words_of
from policyloop.access.mutate.operator import Rewrite


def tokens(expression: str) -> tuple[Word, ...]:
    """The words of an expression; none for one that is not made of CEL's words."""
    try:
        return words_of(expression)
    except NotCel:
        return ()


def negated(expression: str) -> str:
    """The opposite of an expression."""
    return f"!({expression})"


def replaced(expression: str, word: Word, new: str) -> Rewrite:
    """The expression with `new` in place of one of its words."""
    return Rewrite(f"`{word.text}` became `{new}`", expression[: word.start] + new + expression[word.end :])


def signs_replaced(expression: str, signs: Mapping[str, str]) -> list[Rewrite]:
    """The expression once for each sign in it that has another one in `signs`, with that in its place."""
    words = tokens(expression)
    return [
        replaced(expression, word, signs[word.text]) for word in words if word.kind == "sign" and word.text in signs
    ]


def terms_of(words: Sequence[Word]) -> tuple[tuple[int, int], ...]:
    """Where the terms of an outermost `&&` begin and end; none when that is not what the expression is."""
    outer = [word for word in words if word.depth == 0 and word.kind == "sign"]
    cuts = [word for word in outer if word.text == "&&"]
    if not cuts or any(word.text in ("||", "?") for word in outer):
        return ()
    starts = [words[0].start, *(cut.end for cut in cuts)]
    ends = [*(cut.start for cut in cuts), words[-1].end]
    return tuple(zip(starts, ends, strict=True))
