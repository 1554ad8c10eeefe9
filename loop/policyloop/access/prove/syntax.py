"""CEL as proofs take it: the tree of `policyloop.access.cel` without its rare forms, and what is known before a
resource is.

Macros stay calls: `xs.exists(x, p)` is a call of `exists` on `xs`. Operators are calls too, under their signs.
"""

from dataclasses import dataclass

from policyloop.access import cel

MAX_CHARACTERS = 20_000
"""The longest expression that is read."""


class Unreadable(Exception):
    """An expression that is not read here; the text says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant as it is written. `kind` is null, bool, int, uint, double, string or bytes; `text` its value."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`of.field`, or with `test` the macro `has(of.field)`."""

    of: "Tree"
    field: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator or a macro. `on` is what stands before the dot."""

    function: str
    arguments: tuple["Tree", ...]
    on: "Tree | None" = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list that is written out."""

    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map that is written out."""

    entries: tuple[tuple["Tree", "Tree"], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known before the resource is: `json` is its canonical text. Its numbers are doubles."""

    json: str


@dataclass(frozen=True, slots=True)
class Fails:
    """What is an error whatever the resource, such as an attribute that the principal lacks."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the resource by its path; `R.attr` itself for the empty one."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The resource's id."""


Tree = Literal | Name | Select | Call | Items | Entries | Known | Fails | Attribute | ResourceId

NOT, NEGATE, AND, OR, IF, IN, INDEX = "!", "-_", "&&", "||", "?:", "in", "[]"
RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", IN})


def parse(text: str) -> Tree:
    """The tree of an expression. Raises `Unreadable` for one that is no CEL, too long, too deep or of a rare form."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("it is too long")
    try:
        return _plain(cel.parse(text))
    except cel.NotCel as reason:
        raise Unreadable(str(reason)) from None


def _plain(node: cel.Node) -> Tree:
    match node:
        case cel.Const():
            return _literal(node)
        case cel.Name(name=name) if not name.startswith("."):
            return Name(name)
        case cel.Select(of=of, field=field, optional=False):
            return Select(_plain(of), field)
        case cel.ListOf(items=items, optional=()):
            return Items(tuple(_plain(item) for item in items))
        case cel.MapOf(pairs=pairs, optional=(), message=""):
            return Entries(tuple((_plain(key), _plain(value)) for key, value in pairs))
        case cel.Call(function="has", args=args, target=None):
            match args:
                case (cel.Select(of=of, field=field, optional=False),):
                    return Select(_plain(of), field, test=True)
            raise Unreadable("has() is not used on a field")
        case cel.Call(function="-", args=(inner,), target=None):
            return Call(NEGATE, (_plain(inner),))
        case cel.Call(function=function, args=args, target=target) if function != "[?]" and function[0] != ".":
            on = None if target is None else _plain(target)
            return Call(function, tuple(_plain(one) for one in args), on)
    raise Unreadable("an optional value, a message or a leading dot")


def _literal(constant: cel.Const) -> Literal:
    match constant.value:
        case None:
            return Literal("null", "null")
        case bool() as value:
            return Literal("bool", "true" if value else "false")
        case int() as value:
            return Literal("uint" if constant.uint else "int", str(value))
        case float() as value:
            return Literal("double", repr(value))
        case str() as value:
            return Literal("string", value)
        case value:
            return Literal("bytes", repr(value))
