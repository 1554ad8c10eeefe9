"""Whole bundles with odd names, odd scalars and odd conditions, and what may be made of them: before and after.

A `Pack` lays several pairs of bundles side by side, each about a kind of resource of its own, so that one server can
answer for all of them: what belongs to pair 7 stands in the files `p07_*`. They share a few odd roles, actions, scopes,
versions, one person and one role with a policy, so that every question about a pair can still be asked.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from conditions import CONSTANTS, VARIABLES, conditions
from drawing import drawn
from odd_bundles import WORDS, spelling
from policyloop.access.mutate import mutants_of
from policyloop.bundle import Bundle

MORE_WORDS = (
    *(
        "a-b",
        "a/b",
        "a_b",
        "a:b:c",
        "A",
        "view",
        "user",
        "x" * 200,
        "\u0430dmin",
        "admin",
        "admin\u200b",
        "00",
        "1",
        "-1",
    ),
    *("a..b", "a.b.c", "a,b", "$a", "(a)", "a+b", "a@b", "[ab]", "{a,b}", "a*", "?"),
)
_FLOAT = re.compile(
    r"[-+]?(\d[\d_]*\.[\d_]*|\.[\d_]+|\d{19,}|\d[\d_]*(\.\d*)?e[-+]?\d+)$|[-+]?\.inf$|\.nan$", re.IGNORECASE
)
_NO_TRUTH = re.compile(r"""!\((\[|\\?["']|string\()""")
"""A mutant that the compiler does not take: the opposite of what is no truth value."""
_NO_TEXT = ("null", "~", "true", "false", "")
_GLOB = frozenset("!*?[]{}")
NAMES = tuple(word for word in (*WORDS, *MORE_WORDS) if word)
"""Names of roles and actions."""
PLAIN_NAMES = tuple(name for name in NAMES if _GLOB.isdisjoint(name))
"""Names of kinds, of persons, and of roles with a policy: no pattern."""
VERSIONS = ("0x10", "1_000", "1e3", "tRUE", "on", "null", "017", "0o17", "1" * 31, "a_b", "_")
SCOPES = ("0x10", "1_000", "1e3", "tRUE", "017", "a-b", "1.5", "2026-01-31", "a.b.c", "1.2.3")
DERIVED = ("0x10", "1_000", "1.5", "-1", "tRUE", "null", "2026-01-31", "a.b", "a-b", "owner", ".5", "08")
KEYS = ("tRUE", "on", "yes", "y", "nUll", "_", "A", "a_b", "k0", "is")
"""Names of variables and constants."""
PATTERNS = ("*", "view:*", "a*")

_STAMP = "2020-01-01T00:00:00Z"
ODD_CONDITIONS = (
    *(
        "size(P.roles) == 2",
        '"{role}" in P.roles',
        "hasIntersection(P.roles, R.attr.tags)",
        "P.roles.exists(r, r == R.attr.s)",
    ),
    *(
        'P.policyVersion == "{version}"',
        'P.scope == "{scope}"',
        'R.scope == "{scope}"',
        'R.policyVersion == "{version}"',
    ),
    *(
        'R.kind == "{kind}"',
        'P.id == "{person}"',
        "R.id == P.id",
        'request.auxData.jwt.iss == "me"',
        "P.attr.team == R.attr.a",
    ),
    *(
        '"1" in runtime.effectiveDerivedRoles',
        "size(runtime.effectiveDerivedRoles) > 0",
        "G.x == 1",
        "has(G.x)",
        "globals.x == 1",
    ),
    *(
        'R.attr.s.matches("^a")',
        'R.attr.s.matches("b$") || R.attr.n > 1.0',
        "R.attr.a.matches(R.attr.s)",
        'R.attr.s.startsWith("a")',
    ),
    *(
        "now() > timestamp(R.attr.t)",
        f'timestamp(R.attr.t) < timestamp("{_STAMP}")',
        'timeSince(timestamp(R.attr.t)) > duration("1h")',
    ),
    *("timestamp(R.attr.t).getHours() == 0", 'timestamp(R.attr.t).getFullYear("Asia/Tokyo") == 2020', "now() == now()"),
    *(
        '["a"] in R.attr.tags',
        "[[1]] == R.attr.tags",
        'R.attr.tags == [["a"]]',
        "R.attr.tags[0] == 1",
        '{"x": 1} == R.attr.o',
    ),
    *(
        'R.attr["a"] == "a"',
        'R.attr.o["x"] == "a"',
        "R.attr.?n.orValue(1.0) == 1.0",
        "R.attr == R.attr",
        "size(R.attr) == 2",
    ),
    *(
        "R.attr.tags.map(x, x) == R.attr.tags",
        "R.attr.tags.filter(x, x == 1).size() > 0",
        "R.attr.tags.all(x, R.attr.tags.exists(y, y == x))",
    ),
    *(
        "cel.bind(x, R.attr, x.n == 1)",
        "R.attr.tags.exists_one(x, x == R.attr.a)",
        "[1].map(x, [2].map(x, x)) == [[2]]",
    ),
    *(
        'R.attr.s.charAt(0) == "a"',
        'R.attr.s.split("a").size() == 2',
        '"%s-%s".format([R.attr.a, P.attr.team]) == "a-a"',
    ),
    *(
        'base64.encode(bytes(R.attr.s)) == "YQ=="',
        'hierarchy(R.attr.s).ancestorOf(hierarchy("a.b"))',
        "int(R.attr.n) % 3 == 0",
    ),
    *(
        "R.attr.n * 2.0 == 4.0",
        "int(R.attr.n) % 2 == 1",
        "R.attr.n + R.attr.a == 1.0",
        "-R.attr.n == --R.attr.n",
        "1 / 0 == 1",
    ),
    *(
        "R.attr.n == 0x10",
        "R.attr.n == 1e0",
        "R.attr.n == 1.0",
        "R.attr.a == '1'",
        r"R.attr.s == '\x61'",
        r'R.attr.s == r"\u{61}"',
    ),
    *(
        'R.attr.a == "a\\u0085b"',
        "R.attr.a == 'a\u0085b'",
        'R.attr.s == string("a  b")',
        'R.attr.s == "a b"',
        "!!R.attr.b",
    ),
    *(
        "R.attr.a == C.{key}",
        "C.{key} == R.attr.n",
        "C.{key} == C.{key}",
        "R.attr.tags == C.list",
        "C.merged.b == R.attr.a",
    ),
    *("V.{variable}", "V.{variable} == true", "V.v == R.attr.a", "V.n == C.one", "V.shared", "C.shared == R.attr.a"),
    *(
        "has(R.attr.o.x.y)",
        "R.attr.a ? R.attr.n == 1.0 : true",
        "R.attr.a in [1, '1', true]",
        "null == R.attr.a",
        "R.attr.nope == 1",
    ),
    *(
        "true",
        "false",
        "R.attr.a == null || true",
        "R.attr.nope || true",
        "false && R.attr.nope",
        "R.attr.n in [] || R.attr.a",
    ),
)
CONSTANT_VALUES = (
    *(
        "1e3",
        "tRUE",
        "True",
        "0x10",
        "-0x10",
        "1_000",
        "1.0_1",
        "1" * 31,
        "017",
        "0o17",
        "0b11",
        "~",
        "null",
        "yes",
        "on",
    ),
    *(
        "1.50",
        ".5",
        "1.",
        "+1",
        "-.5",
        "2026-01-31",
        "12:30",
        "=",
        "<<",
        "a b",
        "a\u0085b",
        "a\u2028b",
        "1",
        "true",
        "a",
        "",
    ),
)


@dataclass(frozen=True, slots=True)
class Raw:
    """A scalar, as YAML has it."""

    text: str


@dataclass(slots=True)
class Names:
    """The odd names of one pack."""

    dice: Random
    roles: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    scope: str = ""
    version: str = ""
    person: str = ""
    key: str = ""
    variable: str = ""
    consent: bool = False
    """Whether scopes need their parent's consent: every policy of a scope must say the same."""

    def __post_init__(self) -> None:
        """Draw them."""
        dice = self.dice
        self.roles = (*dice.sample([name for name in NAMES if name != "*"], 2), dice.choice(("user", "guest")))
        self.actions = (*dice.sample(NAMES, 2), "view", *([dice.choice(PATTERNS)] if dice.random() < 0.5 else []))
        self.scope = dice.choice(SCOPES) if dice.random() < 0.5 else ""
        self.version = dice.choice(VERSIONS) if dice.random() < 0.5 else ""
        self.person = dice.choice(PLAIN_NAMES)
        self.consent = dice.random() < 0.4
        self.key, self.variable = dice.sample(KEYS, 2)


@dataclass(frozen=True)
class Pack:
    """Pairs of bundles side by side. `kinds`: the kind that each pair is about, by the beginning of its files."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    kinds: Mapping[str, str]

    def without(self, prefixes: Sequence[str]) -> "Pack":
        """The same without some pairs."""
        gone = tuple(prefixes)

        def kept(files: Mapping[str, str]) -> dict[str, str]:
            return {path: text for path, text in files.items() if not path.startswith(gone)}

        kinds = {prefix: kind for prefix, kind in self.kinds.items() if prefix not in gone}
        return Pack(kept(self.before), kept(self.after), kinds)


def pack(number: int, pairs: int) -> Pack:
    """The pack of that number, with so many pairs; the same one each time."""
    dice = Random(f"odd pack {number}")
    names = Names(dice)
    exprs = drawn(conditions, 8 * pairs, number)
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    kinds: dict[str, str] = {}
    beside = _Beside(dice, names, exprs)
    for at, kind in enumerate(_kinds(dice, pairs)):
        prefix = f"p{at:02}_"
        writer = Writer(dice, names, f"{kind}", exprs, prefix)
        kinds[prefix] = kind
        own = writer.files()
        before |= own
        after |= writer.changed(own)
    if dice.random() < 0.35:
        before |= beside.files(list(kinds.values()))
        after |= {path: text for path, text in before.items() if path.startswith("q_")}
        if dice.random() < 0.5:
            after |= beside.files(list(kinds.values()))
    return Pack(before, after, kinds)


def _kinds(dice: Random, count: int) -> list[str]:
    """So many kinds of which the server takes none for another."""
    found: dict[str, str] = {}
    for kind in dice.sample(PLAIN_NAMES, len(PLAIN_NAMES)):
        found.setdefault(re.sub(r"[^\w.]+", "_", kind, flags=re.ASCII), kind)
    return list(found.values())[:count]


class Writer:
    """Writes the policies of one kind."""

    def __init__(self, dice: Random, names: Names, kind: str, exprs: Sequence[str], prefix: str) -> None:
        self._dice, self._names, self._kind, self._exprs, self._prefix = dice, names, kind, exprs, prefix
        self._said_kind = self.odd(kind)
        self._derived = {name: self.odd(name) for name in dice.sample(DERIVED, 2)}

    def files(self) -> dict[str, str]:
        """The policies of the kind, and what only they import."""
        dice, names = self._dice, self._names
        files = {"doc.yaml": self._resource({})}
        if names.scope and dice.random() < 0.4:
            consent = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
            more = {"scopePermissions": consent} if names.consent else {}
            above = names.scope.split(".")
            # A scope needs a policy for each scope above it.
            for depth in range(1, len(above) + 1):
                files[f"scoped_{depth}.yaml"] = self._resource({"scope": self.odd(".".join(above[:depth])), **more})
        if names.version and dice.random() < 0.3:
            files["versioned.yaml"] = self._resource({"version": self.odd(names.version)})
        # The server compiles what is imported once for each policy that imports it, so only what is used is there.
        if any("importDerivedRoles" in text for text in files.values()):
            files["roles.yaml"] = self._roles()
        imported = "".join(files.values())
        if f'"{self._own("v")}"' in imported:
            files["shared_v.yaml"] = _text(
                "exportVariables", {"name": self._own("v"), "definitions": self._shared("v")}
            )
        if f'"{self._own("c")}"' in imported:
            files["shared_c.yaml"] = _text(
                "exportConstants", {"name": self._own("c"), "definitions": self._shared("c")}
            )
        return {f"{self._prefix}{path}": text for path, text in files.items()}

    def _shared(self, what: str) -> dict[str, Raw]:
        return {"shared": self.constant() if what == "c" else spelled(self._dice, self._dice.choice(VALUES))}

    def changed(self, files: Mapping[str, str]) -> dict[str, str]:
        """The same after a change: a mutant, another condition for one, its text rewritten, or all files anew."""
        dice = self._dice
        draw = dice.random()
        bundle = Bundle(dict(files))
        if draw < 0.5:
            mutants = [one for one in mutants_of(bundle) if not _NO_TRUTH.search(one.text)]
            if mutants:
                chosen = dice.choice(mutants)
                return dict(chosen.of(bundle).files)
        if draw < 0.75:
            path = dice.choice([path for path in sorted(files) if "shared" not in path])
            text = files[path]
            lines = [at for at, line in enumerate(text.split("\n")) if "expr: " in line]
            if lines:
                at = dice.choice(lines)
                split = text.split("\n")
                head = split[at].partition("expr: ")[0]
                split[at] = f"{head}expr: {self._rewritten(split[at].partition('expr: ')[2])}"
                return {**files, path: "\n".join(split)}
        if f"{self._prefix}shared_c.yaml" in files and draw < 0.9:
            exported = {"name": self._own("c"), "definitions": self._shared("c")}
            return {**files, f"{self._prefix}shared_c.yaml": _text("exportConstants", exported)}
        again = Writer(dice, self._names, self._kind, self._exprs, self._prefix)
        again._derived, again._said_kind = self._derived, self._said_kind
        return again.files()

    def _rewritten(self, written: str) -> str:
        """The same expression in other words, or another one."""
        if written[:1] != '"' or self._dice.random() < 0.4:
            return self.cel().text
        try:
            expr = json.loads(written)
        except ValueError:
            return self.cel().text
        said = (
            f"!(!({expr}))",
            f"({expr}) || false",
            f"({expr}) && true",
            f"({expr}) ? true : false",
            f"({expr})",
            expr.replace("R.attr", "request.resource.attr"),
            f"({expr}) || ({expr})",
            f"!({expr})",
        )
        return json.dumps(self._dice.choice(said), ensure_ascii=False)

    def _own(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _resource(self, more: Mapping[str, Any]) -> str:
        dice = self._dice
        body: dict[str, Any] = {"resource": self._said_kind, "version": "default", **more}
        rules = [self._rule() for _ in range(dice.choice((1, 1, 2, 2, 3)))]
        if "derivedRoles" in str(rules):
            body["importDerivedRoles"] = [self._own("r")]
        return _text("resourcePolicy", {**body, **self._spoken_of(rules), "rules": rules})

    def _spoken_of(self, holders: Sequence[Any]) -> dict[str, Any]:
        """The variables and constants of a policy; the exported ones where they are spoken of."""
        variables: dict[str, Any] = {"local": self._used(str(holders))}
        constants: dict[str, Any] = {"local": self.constants()}
        text = f"{holders} {variables}"
        if "V.shared" in text:
            variables["import"] = [self._own("v")]
        if "C.shared" in text:
            constants["import"] = [self._own("c")]
        return {"variables": variables, "constants": constants}

    def _rule(self) -> dict[str, Any]:
        dice, names = self._dice, self._names
        holders: dict[str, Any] = {
            "roles": [self.odd(role) for role in dice.sample((*names.roles, "*"), dice.randint(1, 2))]
        }
        if dice.random() < 0.35:
            derived = {"derivedRoles": [dice.choice(list(self._derived.values()))]}
            holders = derived if dice.random() < 0.7 else {**holders, **derived}
        return {
            "actions": [self.odd(name) for name in dice.sample(names.actions, dice.randint(1, 2))],
            "effect": dice.choice(("EFFECT_ALLOW", "EFFECT_ALLOW", "EFFECT_DENY")),
            **holders,
            **self.condition(),
        }

    def _roles(self) -> str:
        names = self._names
        definitions = [
            {"name": name, "parentRoles": [self.odd(self._dice.choice((*names.roles, "*")))], **self.condition()}
            for name in self._derived.values()
        ]
        # What derived roles look at they say or import themselves.
        body = {"name": self._own("r"), "definitions": definitions, **self._spoken_of(definitions)}
        return _text("derivedRoles", body)

    def variables(self) -> dict[str, Any]:
        """Variables that conditions speak of."""
        chosen = {
            **VARIABLES,
            self._names.variable: spelled(self._dice, self._dice.choice(VALUES)),
            "v": spelled(self._dice, self._dice.choice(VALUES)),
        }
        return {key: value if isinstance(value, Raw) else spelled(self._dice, value) for key, value in chosen.items()}

    def _used(self, text: str) -> dict[str, Any]:
        """Those variables that are spoken of: the server needs its time for each."""
        every = self.variables()
        left, used = [text], set[str]()
        while left:
            found = {name for name in re.findall(r"\bV\.(\w+)", left.pop()) if name in every} - used
            used |= found
            left += [str(every[name]) for name in found]
        return {name: value for name, value in every.items() if name in used}

    def constants(self) -> dict[str, Any]:
        """Constants that conditions speak of; some in odd spellings, one merged in."""
        dice = self._dice
        merged = Raw(f"{{<<: {{a: 1, b: {dice.choice(CONSTANT_VALUES[:20])}}}, c: 2}}")
        return {**CONSTANTS, self._names.key: self.constant(), "list": ["a", self.constant()], "merged": merged}

    def constant(self) -> Raw:
        """A constant's value, mostly bare."""
        value = self._dice.choice(CONSTANT_VALUES)
        bare = value and not {" ", "\u0085", "\u2028", "\n"} & set(value)
        return Raw(value) if bare and self._dice.random() < 0.7 else self.odd(value)

    def condition(self) -> dict[str, Any]:
        """A condition, or none."""
        return {} if self._dice.random() < 0.2 else {"condition": {"match": self._match(0)}}

    def _match(self, depth: int) -> dict[str, Any]:
        dice = self._dice
        if depth > 2 or dice.random() < 0.5 + 0.2 * depth:
            return {"expr": self.cel()}
        parts = [self._match(depth + 1) for _ in range(dice.randint(1, 3))]
        return {dice.choice(("all", "any", "none")): {"of": parts}}

    def cel(self) -> Raw:
        """An expression in one of YAML's styles."""
        dice, names = self._dice, self._names
        if dice.random() < 0.55:
            expr = dice.choice(self._exprs)
        else:
            said = {
                "role": dice.choice(names.roles),
                "version": names.version or "default",
                "scope": names.scope,
                "kind": self._kind,
                "person": names.person,
                "key": names.key,
                "variable": names.variable,
            }
            expr = dice.choice(ODD_CONDITIONS)
            for key, value in said.items():
                expr = expr.replace(f"{{{key}}}", json.dumps(value)[1:-1])
        return spelled(dice, expr)

    def odd(self, text: str) -> Raw:
        """A name in one of YAML's styles; bare only where that is likely to be read as the name."""
        risky = (
            not text.isascii()
            or text.lower() in _NO_TEXT
            or bool(_FLOAT.match(text))
            or bool(set(text) & set(" \n\t#:,&'\"[]{}*?!%@`\\"))
            or text[:1] in "-=<"
        )
        if risky or self._dice.random() < 0.15:
            return Raw(json.dumps(text, ensure_ascii=self._dice.random() < 0.5))
        return Raw(text) if self._dice.random() < 0.8 else Raw(f"'{text}'")


VALUES = (
    "R.attr.a == 1.0",
    "R.attr.b",
    "P.attr.level == R.attr.n",
    '"a"',
    "1.0",
    '"1e3"',
    "R.attr.s",
    "true",
    '["a"]',
    "P.attr.team",
    'string("a b")',
)


class _Beside:
    """A principal policy and a role policy that speak of every kind of a pack."""

    def __init__(self, dice: Random, names: Names, exprs: Sequence[str]) -> None:
        self._writer, self._dice, self._names = Writer(dice, names, "x", exprs, "q_"), dice, names

    def files(self, kinds: Sequence[str]) -> dict[str, str]:
        """One of them, or both."""
        dice, names, writer = self._dice, self._names, self._writer
        local = {
            "constants": {"local": writer.constants()},
            "variables": {"local": {**writer.variables(), "shared": "true"}},
        }
        local["constants"]["local"]["shared"] = writer.constant()
        found: dict[str, str] = {}
        some = dice.sample(list(kinds), max(1, len(kinds) // 2))
        which = dice.choice(("person", "role", "both"))
        if which != "role":
            rules = [{"resource": writer.odd(kind), "actions": [self._action()]} for kind in some]
            found["q_person.yaml"] = _text(
                "principalPolicy",
                {"principal": writer.odd(names.person), "version": "default", "rules": rules, **local},
            )
        if which != "person":
            role = next((name for name in names.roles if _GLOB.isdisjoint(name)), "user")
            rules = [
                {"resource": writer.odd(kind), "allowActions": [writer.odd("view")], **writer.condition()}
                for kind in kinds
            ]
            found["q_role.yaml"] = _text(
                "rolePolicy", {"role": writer.odd(role), "version": "default", "rules": rules, **local}
            )
        return found

    def _action(self) -> dict[str, Any]:
        effect = self._dice.choice(("EFFECT_ALLOW", "EFFECT_DENY"))
        return {"action": self._writer.odd("view"), "effect": effect, **self._writer.condition()}


def spelled(dice: Random, expr: str) -> Raw:
    """An expression as a YAML scalar; mostly in double quotes, for which `Writer.changed` looks."""
    style = dice.random()
    risky = (
        "\n" in expr
        or ": " in expr
        or " #" in expr
        or expr[:1] in "!&*[]{}\"'%@`-?|>"
        or expr in _NO_TEXT
        or bool(_FLOAT.match(expr))
    )
    if style < 0.2 and not risky:
        return Raw(expr)
    if style < 0.35:
        return Raw(spelling(dice, expr, 30)) if not risky else Raw("'" + expr.replace("'", "''") + "'")
    return Raw(json.dumps(expr, ensure_ascii=dice.random() < 0.5))


def _text(top: str, body: Mapping[str, Any]) -> str:
    return f"apiVersion: api.cerbos.dev/v1\n{top}:\n" + "\n".join(_lines(body, 2)) + "\n"


def _lines(value: Any, indent: int) -> list[str]:
    """A mapping or a list in YAML's block style; what is no `Raw` is written as JSON."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, (Mapping, list)) and item:
                lines += [f"{pad}{_key(key)}:", *_lines(item, indent + 2)]
            else:
                lines.append(f"{pad}{_key(key)}: {_scalar(item)}")
        return lines
    for item in value:
        if isinstance(item, (Mapping, list)) and item:
            first, *rest = _lines(item, indent + 2)
            lines += [f"{pad}- {first.lstrip(' ')}", *rest]
        else:
            lines.append(f"{pad}- {_scalar(item)}")
    return lines


def _key(key: str) -> str:
    return key if key.isidentifier() and key not in ("tRUE", "nUll", "on", "yes", "y", "n") else json.dumps(key)


def _scalar(value: Any) -> str:
    return value.text if isinstance(value, Raw) else json.dumps(value)
