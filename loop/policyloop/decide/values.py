"""What a variable, an output or a file may hold, as far as the text of a call says."""

from typing import NamedTuple

from policyloop.shell.marks import HOLE

FETCHED = 1
"""It came from another machine."""
DECODED = 2
"""It was decoded, or put together from escapes."""
SECRET = 4
"""It holds what a file of secrets holds."""
CONTENTS = 8
"""It holds what some local file holds."""
MOST = 8
"""More possible texts than this are `HOLE`."""


class Value(NamedTuple):
    """The texts that it may be (one: it is that; `HOLE` in one: that part may be anything), and where it came from."""

    texts: tuple[str, ...]
    tags: int = 0

    @property
    def known(self) -> str | None:
        """The text, where there is one and all of it is known."""
        return self.texts[0] if len(self.texts) == 1 and HOLE not in self.texts[0] else None

    def tagged(self, tags: int) -> "Value":
        """The same, from further origins."""
        return self if self.tags | tags == self.tags else Value(self.texts, self.tags | tags)

    def either(self, other: "Value") -> "Value":
        """One or the other."""
        return value((*self.texts, *other.texts), self.tags | other.tags)


def value(texts: tuple[str, ...], tags: int = 0) -> Value:
    """Of possible texts, each once; too many are none that is known."""
    once = tuple(dict.fromkeys(texts))
    return Value(once if len(once) <= MOST else (HOLE,), tags)


EMPTY = Value(("",))
ANYTHING = Value((HOLE,))
