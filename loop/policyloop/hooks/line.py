"""The words of one plain shell command; whatever could be more than that is refused, not understood."""

import re

MAX_LINE = 10_000
_SPECIAL = frozenset(";|&$()<>`\\{}!\n\r")
_IN_DOUBLE = frozenset("$`\\!")
_GLOB = frozenset("*?[")


class NotPlain(Exception):
    """A line that is more than one plain command; the text says why."""


def tokens(line: str) -> list[str]:
    """The words of one plain command. Raises `NotPlain`. A last `2>&1` is left out: it changes nothing here."""
    if len(line) > MAX_LINE:
        raise NotPlain(f"more than {MAX_LINE:,} characters")
    reader = _Reader()
    for char in re.sub(r"[ \t]+2>&1[ \t]*\Z", "", line.strip(" \t\n")):
        reader.take(char)
    return reader.end()


class _Reader:
    def __init__(self) -> None:
        self.words: list[str] = []
        self._word: str | None = None
        self._quote = ""
        self._pattern = False
        self._pattern_first = False

    def take(self, char: str) -> None:
        if not char.isprintable() and char != "\t":
            raise NotPlain("a line break" if char in "\n\r" else "a character that cannot be seen")
        if self._quote:
            self._quoted(char)
        elif char in " \t":
            self._end_word()
        elif char in "'\"":
            self._quote = char
            self._word = self._word or ""
        elif char in _SPECIAL or not char.isascii():
            raise NotPlain(f"{char!r} outside quotes")
        elif self._word is None and char in "#=":
            raise NotPlain(f"a word that begins with {char!r}")
        else:
            self._pattern = self._pattern or char in _GLOB
            self._pattern_first = self._pattern_first or (not self._word and char in _GLOB)
            self._word = (self._word or "") + char

    def _quoted(self, char: str) -> None:
        if char == self._quote:
            self._quote = ""
            return
        if self._quote == '"' and char in _IN_DOUBLE:
            raise NotPlain(f"{char!r} in double quotes")
        self._word = (self._word or "") + char

    def _end_word(self) -> None:
        if self._word is not None:
            if self._pattern and (self._pattern_first or self._word.startswith("-")):
                raise NotPlain("a pattern that a file's name could make an option; put it in quotes")
            self.words.append(self._word)
        self._word, self._pattern, self._pattern_first = None, False, False

    def end(self) -> list[str]:
        if self._quote:
            raise NotPlain("a quote without its end")
        self._end_word()
        return self.words
