"""A CEL expression as a tree. What it means is the PDP's to say; this is for finding what it looks at."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Const:
    """A literal. Integers and doubles are told apart by their Python type; `uint` marks the one with a `u`."""

    value: int | float | str | bytes | bool | None
    uint: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, such as `R` or the variable of a macro; one that is written with a leading dot keeps it."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`of.field`, or with `optional` `of.?field`."""

    of: "Node"
    field: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function, method (`target` is what stands before the dot), macro or operator.

    Operators go by their signs: `&&`, `||`, `!`, `==`, `<`, `in`, `+`, `-` (also with one argument), `[]`, `[?]`,
    `?:`, ...
    """

    function: str
    args: tuple["Node", ...]
    target: "Node | None" = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`. `optional`: the positions of those that are written `?a`."""

    items: tuple["Node", ...]
    optional: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{a: b}`, or a message `T{a: b}`, whose field names are constants here. `optional`: as for a list."""

    pairs: tuple[tuple["Node", "Node"], ...]
    optional: tuple[int, ...] = ()
    message: str = ""


Node = Const | Name | Select | Call | ListOf | MapOf


def children(node: Node) -> tuple[Node, ...]:
    """What a node is directly made of, from left to right."""
    match node:
        case Select(of=of):
            return (of,)
        case Call(args=args, target=target):
            return args if target is None else (target, *args)
        case ListOf(items=items):
            return items
        case MapOf(pairs=pairs):
            return tuple(part for pair in pairs for part in pair)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each before its children."""
    yield node
    for child in children(node):
        yield from walk(child)
