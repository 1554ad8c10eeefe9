"""Names that nothing names: each stands for all others, so that no policy may mean it, by its name or by a pattern.

Whoever writes a policy may have read which names we would take. A rule about such a name would make what it says of one
name look like what holds for everybody else.
"""

import re
import string
from collections.abc import Callable, Collection, Iterable, Iterator

_WILD = re.compile(r"\[[^\]]*\]?|\{[^}]*\}?|\\.?|[*?]+")
"""What in a pattern stands for more than itself; brackets and braces whole."""
_ANYTHING = re.compile(r"[*?]+\Z")
_LETTERS = (*string.ascii_lowercase, *string.digits, *string.ascii_uppercase, *"øþðßæœłđ")


def unnamed(word: str, names: Iterable[str]) -> str:
    """`word`, or another name where one of `names` is that, or may fit it as a pattern.

    Patterns that fit anything are left out of account. Where every name that is tried fits some pattern, it is one that
    fits the fewest.
    """
    return _fewest(word, lambda filler: (filler, f"{filler}:{filler}"), _told(names))


def sample(pattern: str, word: str, names: Iterable[str]) -> str:
    """A name that fits `pattern`, with `word` or another for its wildcards, and as few of the other names as can be."""
    others = [name for name in _told(names) if name != pattern]
    return _fewest(word, lambda filler: (filled(pattern, filler), f"{filled(pattern, filler)}:{filler}"), others)


def filled(pattern: str, filler: str) -> str:
    """The pattern with `filler` for each `*` and `?`."""
    return re.sub(r"[*?]+", lambda _: filler, pattern)


def is_pattern(name: str) -> bool:
    """Whether Cerbos takes the name for a pattern of names."""
    return not set("*?[]{}!\\").isdisjoint(name)


def may_fit(pattern: str, name: str) -> bool:
    """Whether a name may fit a pattern, read so widely that no fit is missed."""
    literals = _WILD.split(pattern)
    return re.fullmatch(".*".join(map(re.escape, literals)), name, re.DOTALL) is not None


def _told(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if not _ANYTHING.match(name)]


def _fewest(word: str, made: Callable[[str], tuple[str, ...]], names: Collection[str]) -> str:
    best, least = "", len(names) + 1
    for filler in _fillers(word):
        fitting = sum(1 for name in names if any(_is_about(name, candidate) for candidate in made(filler)))
        if fitting < least:
            best, least = made(filler)[0], fitting
        if not fitting:
            break
    return best


def _fillers(word: str) -> Iterator[str]:
    yield word
    yield from (f"{word}_{number}" for number in range(2, 6))
    # A name of one letter that no name holds fits no pattern that has a letter at all.
    for letter in _LETTERS:
        yield letter * 9


def _is_about(name: str, candidate: str) -> bool:
    return name == candidate or (is_pattern(name) and may_fit(name, candidate))
