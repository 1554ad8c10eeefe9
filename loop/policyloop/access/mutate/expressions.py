"""Small changes to one CEL expression: a comparison, a constant, a connective, a term. Its tokens are all that is read.

What a changed expression means, and whether it is one at all, is the compiler's to say.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from policyloop.access.cel import NotCel, Word
from policyloop.access.cel import words as words_of

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_EQUALITY = {"==": "!=", "!=": "=="}
_CONNECTIVE = {"&&": "||", "||": "&&"}
_NUMBERS = ("int", "uint", "double")
_DURATION = re.compile(r"""(["'])(-?(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|ns))+)\1\Z""")


class Change(NamedTuple):
    """An operator's name, what it did in a few words, and the expression that comes of it."""

    operator: str
    words: str
    text: str


def tokens(expression: str) -> tuple[Word, ...]:
    """The words of an expression; none for one that is not made of CEL's words."""
    try:
        return words_of(expression)
    except NotCel:
        return ()


def negated(expression: str) -> str:
    """The opposite of an expression."""
    return f"!({expression})"


def changes(expression: str) -> Iterator[Change]:
    """Every single change but the whole negation, from left to right."""
    words = tokens(expression)
    compound = any(word.text in _CONNECTIVE or word.text == "?" for word in words if word.kind == "sign")
    for number, word in enumerate(words):
        if word.kind == "sign" and word.text in _BOUNDARY:
            yield _swapped(expression, word, _BOUNDARY[word.text], "boundary")
        elif word.kind == "sign" and word.text in _EQUALITY and compound:
            yield _swapped(expression, word, _EQUALITY[word.text], "equality")
        elif word.kind == "sign" and word.text in _CONNECTIVE:
            yield _swapped(expression, word, _CONNECTIVE[word.text], "connective")
        elif word.kind in _NUMBERS:
            yield from (_swapped(expression, word, new, "constant") for new in _beside(word.text))
        elif word.kind == "text" and (new := _longer(words, number)):
            yield _swapped(expression, word, new, "constant")
    yield from _dropped(expression, words)


def _swapped(expression: str, word: Word, new: str, operator: str) -> Change:
    text = expression[: word.start] + new + expression[word.end :]
    return Change(operator, f"`{word.text}` became `{new}`", text)


def _beside(number: str) -> Iterator[str]:
    """The constants one above and one below."""
    suffix = number[-1] if number[-1] in "uU" else ""
    bare = number.removesuffix(suffix)
    if bare[:2] in ("0x", "0X"):
        above, below = str(int(bare, 16) + 1), str(int(bare, 16) - 1)
    else:
        value = Decimal(bare)
        point = "." in bare or "e" in bare.lower()
        above, below = (_written(value + step, point=point) for step in (1, -1))
    yield above + suffix
    if not (suffix and below.startswith("-")):
        yield below + suffix


def _written(value: Decimal, *, point: bool) -> str:
    text = f"{value:f}"
    return text if not point or "." in text else f"{text}.0"


def _longer(words: Sequence[Word], number: int) -> str | None:
    """The text of a `duration("...")` one second longer."""
    called = [word.text for word in words[max(0, number - 2) : number]] == ["duration", "("]
    match = _DURATION.match(words[number].text) if called else None
    return f"{match[1]}{match[2]}1s{match[1]}" if match else None


def _dropped(expression: str, words: Sequence[Word]) -> Iterator[Change]:
    terms = _terms(words)
    for start, end in terms:
        rest = [expression[a:b].strip() for a, b in terms if a != start]
        gone = expression[start:end].strip()
        yield Change("term-dropped", f"`{gone}` was dropped", " && ".join(rest))


def _terms(words: Sequence[Word]) -> tuple[tuple[int, int], ...]:
    """Where the terms of an outermost `&&` begin and end; none when that is not what the expression is."""
    outer = [word for word in words if word.depth == 0 and word.kind == "sign"]
    cuts = [word for word in outer if word.text == "&&"]
    if not cuts or any(word.text in ("||", "?") for word in outer):
        return ()
    starts = [words[0].start, *(cut.end for cut in cuts)]
    ends = [*(cut.start for cut in cuts), words[-1].end]
    return tuple(zip(starts, ends, strict=True))
