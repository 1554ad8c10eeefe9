"""One row of the table of programs."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from policyloop.decide.scene import Run

_WRITING = re.compile(r"=\??[WDPCI]\b")


class Row(NamedTuple):
    """What one program does with its arguments."""

    names: str
    """Separated by blanks."""
    options: str = ""
    """See `options.py`."""
    operands: str = ""
    """Letters of `options.VALUES` and `.` for no place; the last with `*` stands for all that follow, a
    letter behind it for the last operand: `R* W`. Two letters are both: `RD` is moved away. Empty: none is a place."""
    does: str = ""
    """Flags of it in any case."""
    when: Mapping[str, str] = MappingProxyType({})
    """Flags that an option brings, by its canonical name."""
    instead: Mapping[str, str] = MappingProxyType({})
    """What operands are with an option."""
    never: str = ""
    """Options with which it does nothing of this: --help, --dry-run."""
    output: str = "contents"
    """`contents`: what it reads goes to its output; `own`: something else does."""
    dashed: bool = False
    stops: bool = False
    run: Run | None = None
    """For a program whose arguments are a language of their own."""
    copies: bool = False
    """What its files hold goes along with them: cp, mv."""

    @property
    def risky(self) -> bool:
        """Whether an argument that is not known could make it do more than read and list."""
        spec = self.operands + " ".join(self.instead.values())
        return bool(self.does or self.when or set(spec) & set("WDPCI") or _WRITING.search(self.options))
