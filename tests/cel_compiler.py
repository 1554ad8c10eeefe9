"""What the real compiler makes of CEL expressions, very many in one call, and a tree of ours written as text again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from policyloop.access.ask.request import Batch, Principal, Resource
from policyloop.access.cel import Call, Const, ListOf, MapOf, Name, Node, Select
from policyloop.access.pdp import Settings, serving
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

Verdict = Literal["taken", "no CEL", "another type"]
WHO = Principal("ann", ("user",), {"team": "a", "teams": ["a", "b"], "level": 2, "none": None, "m": {"x": 1}})
ATTRIBUTES: Mapping[str, Any] = {
    "a": "a",
    "n": 3,
    "d": 1.5,
    "b": True,
    "tags": ["a", "b", 1],
    "o": {"x": {"y": 2}, "for": 1, "a b": 5, "in": 4},
    "t": "2026-01-01T00:00:00Z",
    "x": None,
}


def policy(expression: str, number: int) -> str:
    rule = {
        "actions": ["view"],
        "roles": ["*"],
        "effect": "EFFECT_ALLOW",
        "output": {"when": {"ruleActivated": expression, "conditionNotMet": expression}},
    }
    body = {"resource": f"k{number}", "version": "default", "rules": [rule]}
    # Characters that YAML takes for line breaks are told by their numbers, so that they arrive.
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})


def bundle_of(expressions: Sequence[str]) -> Bundle:
    return Bundle({f"k{number}.json": policy(one, number) for number, one in enumerate(expressions)})


def verdicts(runner: Runner, expressions: Sequence[str]) -> list[Verdict]:
    """What the compiler says of each."""
    with runner.stage(bundle_of(expressions)) as staged:
        said = staged.compile(strict=False)
    document = json.loads(said.stdout or b"{}")
    assert "lintErrors" not in document, document
    held: list[Verdict] = ["taken"] * len(expressions)
    for one in document.get("compileErrors", {}).get("errors", ()):
        number = int(one["file"].removeprefix("k").removesuffix(".json"))
        syntax = "Syntax error" in one["description"] or "reserved identifier" in one["description"]
        if held[number] != "no CEL":
            held[number] = "no CEL" if syntax else "another type"
    return held


def values(expressions: Sequence[str]) -> list[Any]:
    """What each comes to for `WHO` and `ATTRIBUTES`; the compiler must take them all. Errors are told as such."""
    with serving(bundle_of(expressions), Settings(runner="native")) as pdp:
        batches = [Batch(WHO, (Resource(f"k{n}", "x", ATTRIBUTES),), ("view",)) for n in range(len(expressions))]
        from policyloop.access.pdp import encode

        raw = [json.loads(answer) for _, answer in pdp.answers((one, encode(one)) for one in batches)]
    return [(one["results"][0].get("outputs") or [{}])[0].get("val", "nothing") for one in raw]


def text_of(node: Node) -> str:
    """A tree as text, with brackets around everything."""
    match node:
        case Const(value=bool() | None as value):
            return json.dumps(value)
        case Const(value=str() as value):
            return json.dumps(value)
        case Const(value=bytes() as value):
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
        case Const(value=value, uint=uint):
            return f"{value!r}u" if uint else f"({value!r})"
        case Name(name=name):
            return name
        case Select(of=of, field=field, optional=optional):
            plain = field.isidentifier() and field not in ("in", "true", "false", "null")
            return f"{text_of(of)}.{'?' if optional else ''}{field if plain else f'`{field}`'}"
        case ListOf(items=items, optional=optional):
            return "[" + ", ".join(("?" if n in optional else "") + text_of(one) for n, one in enumerate(items)) + "]"
        case MapOf(pairs=pairs, optional=optional, message=message):
            keys = [str(key.value) if message and isinstance(key, Const) else text_of(key) for key, _ in pairs]
            parts = [
                f"{'?' if n in optional else ''}{key}: {text_of(value)}"
                for n, (key, (_, value)) in enumerate(zip(keys, pairs, strict=True))
            ]
            return message + "{" + ", ".join(parts) + "}"
        case Call():
            return _call(node)
    raise TypeError(node)


def _call(call: Call) -> str:
    parts = [text_of(one) for one in call.args]
    match call.function, parts:
        case "?:", [condition, yes, no]:
            return f"(({condition}) ? ({yes}) : ({no}))"
        case "[]", [of, key]:
            return f"{of}[{key}]"
        case "[?]", [of, key]:
            return f"{of}[?{key}]"
        case "!" | "-" as sign, [one]:
            return f"({sign}({one}))"
        case sign, [left, right] if not sign.lstrip(".").replace("_", "a").isalnum() or sign == "in":
            return f"({left} {sign} {right})"
    head = f"{text_of(call.target)}." if call.target is not None else ""
    return f"{head}{call.function}({', '.join(parts)})"
