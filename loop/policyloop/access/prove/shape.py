"""A bundle with every condition reduced to one attribute, `R.attr.c3`. Asked of the real PDP, it shows what follows
from which conditions: roles, scopes, derived roles, role and principal policies and their order, as the PDP has it.

What the policies say is read by the PDP itself (`Pdp.policies`), never from their YAML: a name, a constant or a
condition that another reader would take for something else cannot come in. What is written here is read back the same
way before anything is asked.

The PDP's query plan does not show what follows from what. Seen with Cerbos 0.55.0: it folds `has()` into true; a denied
`x == 1`, `none` of it and `!(x == 1)` give one plan, though they differ where x is absent; the denial of one role cuts
what another allows, which a check does not do; a whole number and a double look the same.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from policyloop.access.pdp import Pdp, Refused, Settings, serving_all
from policyloop.access.prove.resolve import Asker, Names, known
from policyloop.access.source import Definition as WrittenDefinition
from policyloop.access.source import Rule as WrittenRule
from policyloop.access.source import policies_of
from policyloop.bundle import Bundle
from policyloop.layout import Kind, kind

What = Literal["resource", "principal", "role", "derived", "variables", "constants"]
Read = Mapping[str, Mapping[str, Any]]
"""Policies by file, as the PDP reads them."""

_TOP: Mapping[str, tuple[What, str]] = {
    "resourcePolicy": ("resource", "resource"),
    "principalPolicy": ("principal", "principal"),
    "rolePolicy": ("role", "role"),
    "derivedRoles": ("derived", "name"),
    "exportVariables": ("variables", "name"),
    "exportConstants": ("constants", "name"),
}
_BESIDE = frozenset({"apiVersion", "description", "name", "disabled", "variables", "jsonSchema", "$schema"})
_OPERATORS = ("all", "any", "none")
_GLOB = frozenset("*?[]{}!\\")
DEFAULT = "default"
"""The version of a policy, and of a request, that names none."""


class Hidden(Exception):
    """A bundle that holds something which is not known here; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One `expr` of a rule or a derived role: the attribute that stands for it, its text, its names and its place.

    `line` is 0 where our own reading of the file does not find it there.
    """

    attribute: str
    text: str
    names: Names
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or one action of a principal policy's rule. `conditions` are named by their attributes."""

    resource: str
    actions: tuple[str, ...]
    roles: tuple[str, ...]
    derived_roles: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A derived role."""

    name: str
    parent_roles: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `name` is the resource, principal or role it is about, or the name of an export."""

    file: str
    what: What
    name: str
    version: str
    scope: str
    rules: tuple[Rule, ...] = ()
    definitions: tuple[Definition, ...] = ()
    parents: tuple[str, ...] = ()
    """The roles from which a role policy's role inherits."""
    schemas: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The reduced bundle, and the conditions by their attributes."""

    bundle: Bundle
    conditions: Mapping[str, Condition]
    policies: tuple[Policy, ...] = field(repr=False)
    confused: Mapping[str, str]
    """Attributes of conditions that Cerbos 0.55.0 takes for others in the bundle, and the files of these.

    Seen: of conditions that hold the same expressions in the same order under another `all`, `any` or `none`, the
    server and the compiler keep one for all of them, another at each start. No proof holds for such a bundle.
    """
    _written: Read = field(repr=False)

    def deciding(self, asker: Asker, action: str) -> tuple[Condition, ...]:
        """Every condition that the decision can depend on, and maybe some more."""
        held: dict[str, None] = {}
        roles = None if any(policy.what == "role" for policy in self.policies) else asker.principal.roles
        for policy in self.policies:
            if not _concerns(policy, asker):
                continue
            for rule in policy.rules:
                if _fits(rule.resource, asker.kind) and any(_like(one, action) for one in rule.actions):
                    held.update(dict.fromkeys(self._of(policy, rule, roles)))
        return tuple(self.conditions[name] for name in held)

    def doubt(self, conditions: Iterable[Condition]) -> str:
        """Why nothing can be said of what these conditions decide, where Cerbos may take one for another; else ""."""
        files = next((self.confused[one.attribute] for one in conditions if one.attribute in self.confused), "")
        said = "Cerbos takes conditions with the same expressions under all, any and none for each other"
        return f"{said} ({files})" if files else ""

    def of_derived_role(self, name: str) -> tuple[Condition, ...]:
        """Every condition of the derived roles of that name."""
        named = [one for one in self._definitions() if one.name == name]
        return tuple(self.conditions[attribute] for one in named for attribute in one.conditions)

    def near(self, asker: Asker) -> frozenset[str]:
        """Every condition that anything says of this kind of resource, by its attribute."""
        held: set[str] = set()
        for policy in self.policies:
            for rule in policy.rules:
                if _fits(rule.resource, asker.kind):
                    held.update(self._of(policy, rule, None))
        return frozenset(held)

    def _of(self, policy: Policy, rule: Rule, roles: Sequence[str] | None) -> Iterator[str]:
        used = [one for one in self._definitions() if one.name in rule.derived_roles]
        own = policy.what != "resource" or _held(rule.roles, roles)
        used = [one for one in used if _held(one.parent_roles, roles)]
        if own or used:
            yield from rule.conditions
        for one in used:
            yield from one.conditions

    def _definitions(self) -> Iterator[Definition]:
        for policy in self.policies:
            yield from policy.definitions

    def schemas(self, of: str) -> tuple[object, ...]:
        """What decides which resources of a kind are taken at all, where the PDP enforces schemas."""
        return tuple(
            (policy.version, policy.scope, policy.schemas)
            for policy in self.policies
            if policy.what == "resource" and sanitized(policy.name) == sanitized(of)
        )

    def confirm(self, read: Read) -> None:
        """The PDP must read the reduced bundle as it was meant. Raises `Hidden`."""
        if json.dumps(_bare(read), sort_keys=True) != json.dumps(_bare(self._written), sort_keys=True):
            raise Hidden("Cerbos reads the policies otherwise once their conditions are replaced")


@contextmanager
def switched(
    bundles: Sequence[Bundle], settings: Settings, pdps: Sequence[Pdp] = ()
) -> Iterator[list[tuple[Shape, Pdp]]]:
    """The shape of each bundle with a PDP that serves it. `pdps` serve the bundles themselves; started where not given.

    Schemas are not enforced. To be entered from the main thread. Raises `Hidden`, and what `serving_all` raises but
    `Refused` for a shape.
    """
    plain = replace(settings, schemas="none")
    if pdps:
        read = [one.policies() for one in pdps]
    else:
        with serving_all(bundles, plain) as started:
            read = [one.policies() for one in started]
    try:
        shapes = [shape(policies, bundle) for policies, bundle in zip(read, bundles, strict=True)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise Hidden(f"what Cerbos says of its policies is not understood here: {reason!r}") from None
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serving_all([one.bundle for one in shapes], plain))
        except Refused as reason:
            raise Hidden(f"Cerbos does not take the bundle without its conditions: {reason.log}") from None
        for one, pdp in zip(shapes, served, strict=True):
            one.confirm(pdp.policies())
        yield list(zip(shapes, served, strict=True))


def shape(read: Read, bundle: Bundle) -> Shape:
    """The shape of `bundle`, whose policies the PDP reads as `read`. Raises `Hidden`."""
    maker = _Maker(read, _lines(bundle))
    policies = [maker.policy(file, one) for file, one in read.items()]
    written = {f"policy_{number:05}.json": one for number, one in enumerate(maker.reduced)}
    texts = {path: json.dumps(one, indent=1) for path, one in written.items()}
    kept = {path: text for path, text in bundle.files.items() if kind(path) is Kind.SCHEMA}
    return Shape(Bundle({**kept, **texts}), maker.conditions, tuple(policies), maker.confused(), written)


class _Maker:
    def __init__(self, read: Read, lines: Mapping[str, Sequence[tuple[str, int]]]) -> None:
        self._lines = lines
        self._forms: dict[tuple[str, ...], dict[str, list[tuple[str, tuple[str, ...]]]]] = {}
        self._seen: Counter[str] = Counter()
        self.conditions: dict[str, Condition] = {}
        self.reduced: list[dict[str, Any]] = []
        self._exported = {
            (top, str(one[top].get("name", ""))): one[top]
            for one in read.values()
            for top in ("exportVariables", "exportConstants")
            if top in one
        }

    def policy(self, file: str, whole: Mapping[str, Any]) -> Policy:
        """One policy; the same with its conditions replaced is kept in `reduced`."""
        tops = [key for key in whole if key not in _BESIDE]
        if len(tops) != 1 or tops[0] not in _TOP:
            raise Hidden(f"{file} is no policy that is known here")
        top = tops[0]
        what, named = _TOP[top]
        body: Mapping[str, Any] = whole[top]
        names = self._names(whole, body)
        fewer = {key: value for key, value in body.items() if key not in ("variables", "constants")}
        rules: list[Rule] = []
        definitions: list[Definition] = []
        if what == "derived":
            fewer["definitions"] = [
                self._definition(file, one, names, definitions) for one in _list(body, "definitions")
            ]
        elif what in ("variables", "constants"):
            fewer = dict(body)
        else:
            held = [self._rule(file, what, body, one, names, rules) for one in _list(body, "rules")]
            fewer |= {"rules": held} if held else {}
        self.reduced.append({"apiVersion": whole["apiVersion"], top: fewer})
        return Policy(
            file,
            what,
            str(body.get(named, "")),
            str(body.get("version", "")) or DEFAULT,
            str(body.get("scope", "")).removeprefix("."),
            tuple(rules),
            tuple(definitions),
            _texts(body, "parentRoles"),
            json.dumps(body["schemas"], sort_keys=True) if "schemas" in body else "",
        )

    def _rule(
        self, file: str, what: What, body: Mapping[str, Any], rule: Mapping[str, Any], names: Names, rules: list[Rule]
    ) -> dict[str, Any]:
        if what == "principal":
            actions = []
            for one in _list(rule, "actions"):
                fewer, conditions = self._without(file, one, names)
                rules.append(Rule(str(rule["resource"]), (str(one["action"]),), (), (), conditions))
                actions.append(fewer)
            return {**rule, "actions": actions}
        fewer, conditions = self._without(file, rule, names)
        resource = rule["resource"] if what == "role" else body["resource"]
        roles = (str(body["role"]),) if what == "role" else _texts(rule, "roles")
        listed = _texts(rule, "allowActions" if what == "role" else "actions")
        rules.append(Rule(str(resource), listed, roles, _texts(rule, "derivedRoles"), conditions))
        return fewer

    def _definition(
        self, file: str, one: Mapping[str, Any], names: Names, definitions: list[Definition]
    ) -> dict[str, Any]:
        fewer, conditions = self._without(file, one, names)
        definitions.append(Definition(str(one["name"]), _texts(one, "parentRoles"), conditions))
        return fewer

    def _without(self, file: str, holder: Mapping[str, Any], names: Names) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What holds a condition, with attributes in place of it and without output; and those attributes."""
        fewer = {key: value for key, value in holder.items() if key != "output"}
        held: list[str] = []
        if "condition" in fewer:
            condition = fewer["condition"]
            if set(condition) != {"match"}:
                raise Hidden(f"{file} holds a condition of a form that is not known here")
            fewer["condition"] = {"match": self._match(file, condition["match"], names, held)}
            texts = tuple(self.conditions[name].text for name in held)
            form = json.dumps(_form(condition["match"]))
            self._forms.setdefault(texts, {}).setdefault(form, []).append((file, tuple(held)))
        return fewer, tuple(held)

    def confused(self) -> dict[str, str]:
        """The conditions that are like others but for their operators; see `Shape.confused`."""
        alike = [list(forms.values()) for forms in self._forms.values() if len(forms) > 1]
        found: dict[str, str] = {}
        for holders in ([one for form in forms for one in form] for forms in alike):
            files = ", ".join(sorted({file for file, _ in holders})[:3])
            found.update((name, files) for _, names in holders for name in names)
        return found

    def _match(self, file: str, match: Mapping[str, Any], names: Names, held: list[str]) -> dict[str, Any]:
        key = next(iter(match), "")
        value: Any = match.get(key)
        if len(match) != 1 or (key != "expr" and (key not in _OPERATORS or set(value) - {"of"})):
            raise Hidden(f"{file} holds a condition of a form that is not known here")
        if key != "expr":
            return {key: {"of": [self._match(file, part, names, held) for part in _list(value, "of")]}}
        attribute = f"c{len(self.conditions)}"
        self.conditions[attribute] = Condition(attribute, str(value), names, file, self._line(file, str(value)))
        held.append(attribute)
        return {"expr": f"R.attr.{attribute}"}

    def _line(self, file: str, text: str) -> int:
        """Where the next condition of a file stands: only where the same text stands there."""
        lines = self._lines.get(file, ())
        at = self._seen[file]
        self._seen[file] += 1
        return lines[at][1] if at < len(lines) and lines[at][0] == text else 0

    def _names(self, whole: Mapping[str, Any], body: Mapping[str, Any]) -> Names:
        variables: dict[str, str] = dict(whole.get("variables") or {})
        constants: dict[str, Any] = {}
        for key, top, into in (
            ("variables", "exportVariables", variables),
            ("constants", "exportConstants", constants),
        ):
            said = body.get(key) or {}
            for name in said.get("import") or ():
                into.update(self._exported.get((top, name), {}).get("definitions") or {})
            into.update(said.get("local") or {})
        return Names(variables, {name: known(value) for name, value in constants.items()})


def _form(match: Mapping[str, Any]) -> Any:
    """How the parts of a condition are put together; `all` and `any` of one part are that part."""
    if "expr" in match:
        return "expr"
    operator = next(iter(match), "")
    parts = [_form(part) for part in _list(match[operator], "of")]
    return parts[0] if len(parts) == 1 and operator != "none" else [operator, *parts]


def _lines(bundle: Bundle) -> dict[str, list[tuple[str, int]]]:
    """The texts and lines of all conditions by file, in order, as far as our own reading finds them. To be shown."""
    lines: dict[str, list[tuple[str, int]]] = {}
    for policy in policies_of(bundle):
        holders: list[WrittenRule | WrittenDefinition] = [*policy.rules, *policy.definitions]
        lines[policy.file] = [(one.text, one.node.line) for holder in holders for one in holder.conditions]
    return lines


def _list(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return list(holder.get(key) or ())


def _texts(holder: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(one) for one in holder.get(key) or ())


def _bare(read: Read) -> list[dict[str, Any]]:
    """Policies without what only helps people, in the order of their files."""
    return [_without_nothing(read[file]) for file in sorted(read)]


def _without_nothing(value: Any) -> Any:
    """JSON without empty objects' defaults: the server leaves out what is empty."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(item) for key, item in value.items() if item not in ("", [], None)}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _concerns(policy: Policy, asker: Asker) -> bool:
    match policy.what:
        case "resource":
            version = asker.policy_version or DEFAULT
            scope, own = asker.scope.removeprefix("."), policy.scope
            return sanitized(policy.version) == sanitized(version) and (
                not own or scope == own or scope.startswith(f"{own}.")
            )
        case "principal":
            return policy.name == asker.principal.id
        case "role":
            return True
    return False


def _fits(resource: str, asked: str) -> bool:
    return _like(resource, asked) or sanitized(resource) == sanitized(asked)


def _like(pattern: str, text: str) -> bool:
    return not _GLOB.isdisjoint(pattern) or pattern == text


def _held(roles: Sequence[str], held: Sequence[str] | None) -> bool:
    return held is None or any(not _GLOB.isdisjoint(role) or role in held for role in roles)


def sanitized(name: str) -> str:
    """A name as the PDP looks it up: seen with Cerbos 0.55.0, `a_b` answers for `a-b` and `a:b` as well."""
    return re.sub(r"[^\w.]+", "_", name, flags=re.ASCII)
