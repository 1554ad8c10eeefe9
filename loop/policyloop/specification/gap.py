"""What is missing in a spec, or what contradicts itself in it: one sentence each, and what to add."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policyloop.shape import Count
from policyloop.specification.model import Spec
from policyloop.specification.vocabulary import Path


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that keeps a spec from being complete.

    `code` is stable across releases. `where` is a place in words (rule 2 `hr-sees-salary`), `line` counts from 1, where
    there is a file. `add` says what to add or change. A contradiction can only be settled by a person.
    """

    code: str
    where: str
    message: str
    add: str
    contradiction: bool = False
    line: Count | None = None
    undecided: tuple[str, ...] = ()
    """Each value, scope, role or action that nothing is decided about, in words."""
    paste: str = ""
    """Lines that close the gap once a person has looked at them; "" where there is no telling."""

    def __str__(self) -> str:
        stop = "" if self.message.endswith(("?", ".", "!")) else "."
        return f"{self.where}: {self.message}{stop} {self.add}"


OPEN_QUESTION = "open-question"
"""The code of a gap that only an answer closes."""


class Gaps:
    """Gaps in the order in which they are found; the same one is kept once."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._found: dict[tuple[str, str, str], Gap] = {}
        own = spec.examples
        self.names = {one.id for one in spec.decisions} | {*own.principals, *own.resources, *own.claims}
        """Names of examples and decisions that are taken, also by lines that are proposed."""

    def __iter__(self) -> Iterator[Gap]:
        return iter(self._found.values())

    def add(
        self,
        code: str,
        path: Path,
        message: str,
        add: str,
        *,
        contradiction: bool = False,
        undecided: Iterable[str] = (),
        paste: str = "",
    ) -> None:
        """Note one gap at `path`."""
        where = place(self._spec, path)
        gap = Gap(code, where, message, add, contradiction, self._spec.line(path), tuple(undecided), paste)
        self._found.setdefault((code, where, message), gap)


def place(spec: Spec, path: Path) -> str:
    """A path in words: rule 2 `hr-sees-salary`, resource `salary`, example principal `ada`."""
    if not path:
        return "the spec"
    section, rest = str(path[0]), path[1:]
    if section == "examples" and len(path) > 2:
        return f"example {str(path[1]).removesuffix('s')} `{path[2]}`"
    word = section.replace("_", " ").removesuffix("s") if rest else section
    if rest and isinstance(rest[0], int):
        entry = getattr(spec, section)[rest[0]]
        name = f" `{entry.id}`" if hasattr(entry, "id") else ""
        return f"{word} {rest[0] + 1}{name}" + _within(rest[1:])
    return f"{word} `{rest[0]}`" + _within(rest[1:]) if rest else word


def _within(path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    return f", {names[0]}" if names else ""


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names in quotes: `a`, `b` and `c`."""
    *most, final = [f"`{name}`" for name in names] or ["none"]
    return f"{', '.join(most)} {last} {final}" if most else final
