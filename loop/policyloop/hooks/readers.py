"""Commands that only read, with the options and the places that they may be given.

`git` is none of them: what `.git/config` names (diff drivers, filters, fsmonitor, gpg) is run by its plainest commands.
"""

from typing import Any, NamedTuple

from policyloop.hooks.readable import Readable
from policyloop.session.home import Entry


class _Reader(NamedTuple):
    """A command that only reads. `letters`: options that may be combined; `words`: whole ones.

    `values`: letters that take what follows. `pattern`: the first operand is no file. `searches`: it reads all below a
    folder, with these options, or always (True).
    """

    letters: str = ""
    words: frozenset[str] = frozenset()
    values: str = ""
    pattern: bool = False
    searches: frozenset[str] | bool = False
    opens: bool = True
    """Whether operands are opened, or looked up, at all."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READERS = {
    "cat": _Reader("nbAEsTv"),
    "head": _Reader("ncqv0123456789", values="nc"),
    "tail": _Reader("ncqv0123456789", values="nc"),
    "wc": _Reader("lwcmL"),
    "ls": _Reader("laAhrtR1FdSGpiu", _words("--all --human-readable --recursive --color=never")),
    "pwd": _Reader("LP"),
    "cd": _Reader(),
    "echo": _Reader("ne", opens=False),
    "true": _Reader(),
    "stat": _Reader("L"),
    "du": _Reader("shacd0123456789", values="d"),
    "basename": _Reader(opens=False),
    "dirname": _Reader(opens=False),
    "realpath": _Reader("em"),
    "readlink": _Reader("fem"),
    "sha256sum": _Reader(),
    "cmp": _Reader("sl"),
    "diff": _Reader(
        "uUbBwqrNyiac0123456789", _words("--unified --brief --recursive --color=never"), values="U", searches=True
    ),
    "grep": _Reader(
        "abcEFGHhiLlnomqrRsvwxABCe0123456789",
        _words("--color=never --include --exclude --exclude-dir --recursive --ignore-case --line-number --count"),
        values="ABCme",
        pattern=True,
        searches=_words("r R --recursive"),
    ),
    "rg": _Reader(
        "abcFHIilnNosSvwxegtTABCmU0123456789",
        _words("--files --glob --type --hidden --count --no-heading --line-number --ignore-case --fixed-strings")
        | _words("--files-with-matches --context --max-count --color=never"),
        values="ABCmegtT",
        pattern=True,
        searches=True,
    ),
    "find": _Reader(
        "",
        _words(
            "-name -iname -path -ipath -type -maxdepth -mindepth -print -size -newer -mtime -mmin -not -o -a -and -or"
        )
        | _words("-empty -prune -regex -iregex"),
    ),
}
_FREE = "egtT"
"""Letters whose values are patterns or types; those of the others are numbers."""


def not_reading(name: str, rest: list[str], question: dict[str, Any], entry: Entry) -> str | None:
    """Why a command is not one of those that only read, and only what may be read; None when it is."""
    reader = READERS.get(name)
    if reader is None:
        why = " (it runs what .git/config names)" if name == "git" else ""
        return f"{name[:80]}{why} is not one of {', '.join(READERS)} and policyloop."
    odd = _odd_option(name, reader, rest)
    if odd is not None:
        return odd
    may = Readable(entry, question)
    if not reader.opens:
        # The shell puts the names of files in place of a pattern, wherever they lie.
        return next((f"{wrong}." for word in rest if (wrong := may.listed(word))), None)
    operands = rest[: _first_option(rest)] if name == "find" else _operands(reader, rest)
    if operands is None:
        return f"{name} is run with a number after each of -{', -'.join(set(reader.values) - set(_FREE))}."
    searched = _searches(reader, rest)
    if not operands and searched and name != "diff":
        operands = ["."]
    for word in operands:
        if word != "-" and (wrong := may.word(word, searched=searched)):
            return f"{wrong}."
    return None


def _odd_option(name: str, known: _Reader, rest: list[str]) -> str | None:
    for word in rest:
        if word == "--" and name != "find":
            return None
        if word.startswith("-") and word != "-" and not _known_option(word, known):
            return f"{name} is not run with {word[:80]}."
    return None


def _known_option(word: str, known: _Reader) -> bool:
    if word in known.words or word.partition("=")[0] in known.words:
        return True
    return not word.startswith("--") and bool(known.letters) and set(_letters(word, known)) <= set(known.letters)


def _letters(word: str, known: _Reader) -> str:
    """The options in a word such as `-rnE`; what follows one that takes a value is no option."""
    for number, letter in enumerate(word[1:], 1):
        if letter in known.values:
            return word[1 : number + 1]
    return word[1:]


def _first_option(rest: list[str]) -> int:
    return next((number for number, word in enumerate(rest) if word.startswith("-")), len(rest))


def _operands(known: _Reader, rest: list[str]) -> list[str] | None:
    """The words that a command opens; None where a value is not what it must be."""
    files: list[str] = []
    given_pattern = "--files" in rest
    words = iter(rest)
    for word in words:
        if word == "--":
            files += words
        elif not word.startswith("-") or word == "-":
            files.append(word)
        elif word in {"--include", "--exclude", "--exclude-dir", "--glob", "--type", "--context", "--max-count"}:
            # Whether the next word is its value or a file differs between versions: it is looked at as a file, too.
            continue
        elif not word.startswith("--") and (letter := _letters(word, known)[-1:]) and letter in known.values:
            value = word[len(_letters(word, known)) + 1 :] or next(words, "")
            if letter not in _FREE and not value.lstrip("+-").isdigit():
                return None
            given_pattern = given_pattern or letter == "e"
    return files[1:] if known.pattern and not given_pattern else files


def _searches(known: _Reader, rest: list[str]) -> bool:
    if isinstance(known.searches, bool):
        return known.searches
    options = [word for word in rest if word.startswith("-")]
    letters = {letter for word in options if not word.startswith("--") for letter in _letters(word, known)}
    return bool(known.searches & (letters | set(options)))
