"""Texts that a regular expression takes, and texts that it just does not.

Cerbos has RE2, this walks Python's own reading of the pattern: the two agree on what people write, and where they do
not a text is only a guess that the PDP turns down. A pattern that Python cannot read gives no texts.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

MOST = 40
"""The most texts that are made for one pattern."""
_MOST_LENGTH = 300
_MOST_CHOICES = 6
_MOST_REPEATS = 3
_PARSER: Any = getattr(re, "_parser", None)

_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "word": r"\w",
    "xdigit": "0-9a-fA-F",
}
_OUTSIDE = "xX0_- .@/\u00e9\n"
"""One character of each sort, to try where a class of characters does not want some."""
_CATEGORIES = {
    "CATEGORY_DIGIT": "09",
    "CATEGORY_NOT_DIGIT": "x-",
    "CATEGORY_WORD": "aZ0_",
    "CATEGORY_NOT_WORD": "-@ ",
    "CATEGORY_SPACE": " \t",
    "CATEGORY_NOT_SPACE": "x-",
}


def matching(pattern: str) -> list[str]:
    """Texts that `pattern` takes from end to end, one for each choice that it leaves. Not sure to be right."""
    read = _read(pattern)
    if read is None:
        return []
    try:
        return list(dict.fromkeys(text[:_MOST_LENGTH] for text in _of_sequence(read, 0)))[:MOST]
    except RecursionError:
        return []


def near(texts: Sequence[str]) -> Iterator[str]:
    """Texts beside the given ones: something before or after, a character less, another one, another case."""
    for text in texts[:4]:
        for more in ("x", "X", "0", ".", "-", " ", "\n", "/x", ".x", "@x"):
            yield f"{text}{more}"
            yield f"{more}{text}"
        yield from (text[1:], text[:-1], text.swapcase(), text.upper(), text + text)
    for text in texts[:2]:
        for at in range(min(len(text), 24)):
            yield text[:at] + text[at + 1 :]
            yield from (text[:at] + other + text[at + 1 :] for other in ("x", "0", "-") if other != text[at])


def _read(pattern: str) -> Any:
    """Python's reading of a pattern of RE2."""
    if _PARSER is None or len(pattern) > 2000:
        return None
    pattern = re.sub(r"\[:(\^?)(\w+):\]", lambda name: _POSIX.get(name[2], ""), pattern)
    pattern = re.sub(r"\\p\{?\w+\}?", "[a-zA-Z]", pattern.replace(r"\z", r"\Z"))
    pattern = re.sub(r"\\P\{?\w+\}?", "[0-9]", pattern)
    # A flag in the middle holds for what follows; for making texts it is enough that it is read at all.
    pattern = re.sub(r"\(\?[imsU-]+\)", "", pattern)
    try:
        return _PARSER.parse(pattern)
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def _of_sequence(parts: Any, depth: int) -> list[str]:
    """One thing after the other: the first text of each, then each in turn with its other texts."""
    if depth > 20:
        return [""]
    choices = [_of_part(str(operator), argument, depth + 1) for operator, argument in parts]
    first = [options[0] for options in choices]
    found = ["".join(first)]
    for at, options in enumerate(choices):
        found += ["".join((*first[:at], other, *first[at + 1 :])) for other in options[1:]]
    return found[:MOST]


def _of_part(operator: str, argument: Any, depth: int) -> list[str]:
    match operator:
        case "LITERAL":
            return [chr(argument)]
        case "NOT_LITERAL":
            return [one for one in _OUTSIDE if ord(one) != argument][:_MOST_CHOICES]
        case "ANY":
            return ["x", "0", "/", "@"]
        case "IN":
            return _of_class(argument)
        case "BRANCH":
            return [text for branch in argument[1] for text in _of_sequence(branch, depth)[:_MOST_CHOICES]][:MOST]
        case "SUBPATTERN":
            return _of_sequence(argument[-1], depth)
        case "ATOMIC_GROUP":
            return _of_sequence(argument, depth)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeated(*argument, depth=depth)
        case "CATEGORY":
            return list(_CATEGORIES.get(str(argument), "x"))
    return [""]


def _repeated(least: int, most: int, inner: Any, *, depth: int) -> list[str]:
    texts = _of_sequence(inner, depth)[:_MOST_CHOICES]
    least, most = min(int(least), _MOST_LENGTH), min(int(most), int(least) + _MOST_REPEATS, _MOST_LENGTH)
    usual = max(least, 1) if most else 0
    found = [text * usual for text in texts]
    found += [texts[0] * count for count in dict.fromkeys((least, least + 1, most)) if count != usual and count <= most]
    if usual > 1 or most > 1:
        found += [texts[0] * max(usual - 1, 1) + other for other in texts[1:]]
    return found


def _of_class(members: Any) -> list[str]:
    """Some characters of a class: the ends of its ranges."""
    inside: list[str] = []
    negated = False
    for operator, argument in members:
        match str(operator):
            case "NEGATE":
                negated = True
            case "LITERAL":
                inside.append(chr(argument))
            case "RANGE":
                inside += [chr(argument[0]), chr(argument[1])]
            case "CATEGORY":
                inside += _CATEGORIES.get(str(argument), "x")
    if not negated:
        return (list(dict.fromkeys(inside)) or ["x"])[: 2 * _MOST_CHOICES]
    ranges = [argument for operator, argument in members if str(operator) == "RANGE"]
    outside = [
        one for one in _OUTSIDE if one not in inside and not any(low <= ord(one) <= high for low, high in ranges)
    ]
    return (outside or ["x"])[:_MOST_CHOICES]
