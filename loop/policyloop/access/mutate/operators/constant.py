"""A number is one higher or lower, a duration a second longer."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from policyloop.access.cel import Word
from policyloop.access.mutate.expressions import replaced, tokens
from policyloop.access.mutate.operator import Edit, Operator, Rewrite, Subject
from policyloop.access.source import Splice

_NUMBERS = ("int", "uint", "double")
_DURATION = re.compile(r"""(["'])(-?(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|ns))+)\1\Z""")


def _in_expression(expression: str) -> Iterator[Rewrite]:
    words = tokens(expression)
    for number, word in enumerate(words):
        if word.kind in _NUMBERS:
            for neighbour in _neighbours(word.text):
                yield replaced(expression, word, neighbour)
        elif word.kind == "text":
            longer = _longer(words, number)
            if longer is not None:
                yield replaced(expression, word, longer)


def _in_policy(subject: Subject) -> Iterator[Edit]:
    """The constants of the policy itself, of which each is a value of YAML and no expression."""
    for key, value in subject.policy.constants:
        if value.plain and value.text[:1].isdigit():
            for words, text in _in_expression(value.text):
                yield Edit(f"constant {key.text}", value, words, Splice(value.start, value.end, text))


def _neighbours(number: str) -> Iterator[str]:
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


OPERATOR = Operator(name="constant", in_policy=_in_policy, in_expression=_in_expression)
