"""A tree as CEL again: in brackets everywhere, so that no rank of operators matters."""

import json
import re
from collections.abc import Collection

from policyloop.access.cel.tree import Call, Const, ListOf, MapOf, Name, Node, Select

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    ("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop")
) | frozenset(("namespace", "null", "package", "return", "true", "var", "void", "while"))
_BETWEEN = frozenset(("&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"))


class Unwritable(ValueError):
    """A tree that is not all of what was read."""


def written(node: Node) -> str:
    """`node` as CEL. Raises `Unwritable` for a name that is none, such as `?`, the reader's word for what it cannot."""
    match node:
        case Const():
            return _constant(node)
        case Name(name=name):
            return f".{_named(name[1:])}" if name.startswith(".") else _named(name)
        case Select(of=of, field=field, optional=optional):
            if field in _RESERVED or not _NAME.match(field):
                return f"{written(of)}{'[?' if optional else '['}{_text(field)}]"
            return f"{written(of)}{'.?' if optional else '.'}{field}"
        case ListOf(items=items, optional=marked):
            return f"[{', '.join(f'{_mark(n, marked)}{written(item)}' for n, item in enumerate(items))}]"
        case MapOf(pairs=pairs, optional=marked, message=""):
            said = (f"{_mark(n, marked)}{written(key)}: {written(value)}" for n, (key, value) in enumerate(pairs))
            return f"{{{', '.join(said)}}}"
        case MapOf():
            raise Unwritable(node.message)
    return _called(node)


def _mark(number: int, marked: Collection[int]) -> str:
    return "?" if number in marked else ""


def _called(call: Call) -> str:
    match call.function, call.args, call.target:
        case ("[]" | "[?]") as sign, (of, key), None:
            return f"{written(of)}{sign[:-1]}{written(key)}]"
        case "?:", (condition, first, second), None:
            return f"({written(condition)} ? {written(first)} : {written(second)})"
        case ("!" | "-") as sign, (inner,), None:
            return f"({sign}{written(inner)})"
        case sign, (left, right), None if sign in _BETWEEN:
            return f"({written(left)} {sign} {written(right)})"
        case "has", (Select(of=of, field=field),), None:
            return f"has({written(of)}.{_named(field)})"
    before = f"{written(call.target)}." if call.target is not None else ""
    return f"{before}{_named(call.function)}({', '.join(map(written, call.args))})"


def _named(name: str) -> str:
    if name in _RESERVED or not _NAME.match(name):
        raise Unwritable(name)
    return name


def _constant(node: Const) -> str:
    match node.value:
        case None:
            return "null"
        case bool(value):
            return str(value).lower()
        case int(value):
            return f"{value}u" if node.uint else f"({value})" if value < 0 else str(value)
        case float(value):
            return f"({value!r})"
        case bytes(value):
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
        case str(value):
            return _text(value)


def _text(value: str) -> str:
    """A string literal; JSON's escapes are CEL's."""
    return json.dumps(value, ensure_ascii=False)
