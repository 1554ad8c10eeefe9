"""`{a,b}` and `{1..3}`: one word becomes several, before anything else is expanded."""

import re
from itertools import pairwise

from policyloop.shell.marks import CLOSE_BRACE, COMMA, OPEN_BRACE
from policyloop.shell.tree import Part, Unparsed, Word

MOST = 128
"""More words than this from one are `too-many`."""
_PLAIN = {OPEN_BRACE: "{", COMMA: ",", CLOSE_BRACE: "}"}
_UNMARK = str.maketrans(_PLAIN)
_RANGE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?")

_Atoms = list[Part]
"""A word letter by letter, so that a brace is found wherever it stands."""


def expanded(parts: list[Part]) -> list[Word]:
    """The words that braces make of one; without braces the word itself."""
    if not any(isinstance(part, str) and OPEN_BRACE in part for part in parts):
        return [joined(parts)]
    if sum(part.count(OPEN_BRACE) for part in parts if isinstance(part, str)) > MOST:
        raise Unparsed("too-many")
    atoms: _Atoms = []
    for part in parts:
        if isinstance(part, str):
            atoms.extend(part)
        else:
            atoms.append(part)
    return [joined(word) for word in _expand(atoms)]


def joined(parts: list[Part]) -> Word:
    """Neighbouring texts as one, what is left of braces as typed; a word that is known whole is a `str`."""
    word: list[Part] = []
    for part in parts:
        if not isinstance(part, str):
            word.append(part)
        elif part:
            plain = part if part.isascii() else part.translate(_UNMARK)
            if word and isinstance(word[-1], str):
                word[-1] += plain
            else:
                word.append(plain)
    if not word:
        return ""
    if len(word) == 1 and isinstance(word[0], str):
        return word[0]
    return tuple(word)


def _expand(atoms: _Atoms) -> list[_Atoms]:
    for start, atom in enumerate(atoms):
        if atom != OPEN_BRACE:
            continue
        end, commas = _closing(atoms, start)
        choices = None if end is None else _choices(atoms, start, end, commas)
        if end is None or choices is None:
            rest = _expand(atoms[start + 1 :])
            return [[*atoms[:start], "{", *tail] for tail in rest]
        tails = _expand(atoms[end + 1 :])
        words = [[*atoms[:start], *choice, *tail] for choice in choices for tail in tails]
        if len(words) > MOST:
            raise Unparsed("too-many")
        return words
    return [atoms]


def _closing(atoms: _Atoms, start: int) -> tuple[int | None, list[int]]:
    """Where the brace at `start` ends, and the commas of its own."""
    depth, commas = 0, list[int]()
    for index in range(start, len(atoms)):
        if atoms[index] == OPEN_BRACE:
            depth += 1
        elif atoms[index] == CLOSE_BRACE:
            depth -= 1
            if not depth:
                return index, commas
        elif atoms[index] == COMMA and depth == 1:
            commas.append(index)
    return None, commas


def _choices(atoms: _Atoms, start: int, end: int, commas: list[int]) -> list[_Atoms] | None:
    if commas:
        return [
            choice for left, right in pairwise([start, *commas, end]) for choice in _expand(atoms[left + 1 : right])
        ]
    inner = atoms[start + 1 : end]
    text = "".join(atom for atom in inner if isinstance(atom, str))
    match = _RANGE.fullmatch(text) if len(text) == len(inner) else None
    return None if match is None else _counted(match)


def _counted(match: re.Match[str]) -> list[_Atoms] | None:
    first, last = match[1], match[2]
    letters = first.isalpha()
    if letters != last.isalpha():
        return None
    low, high = (ord(first), ord(last)) if letters else (int(first), int(last))
    step = abs(int(match[3] or 1)) or 1
    numbers = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    if len(numbers) > MOST:
        raise Unparsed("too-many")
    return [[chr(number) if letters else str(number)] for number in numbers]
