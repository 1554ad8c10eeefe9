"""Random suites, ways to rewrite them that keep what they demand, and ways to weaken them.

Each case asks for actions of its own, so that no two cases demand the same and each weakening can be named.
"""

import copy
import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

ALLOW, DENY = "EFFECT_ALLOW", "EFFECT_DENY"
Tree = dict[str, Any]


@dataclass
class Model:
    """One suite and its fixtures as plain data. `in_files` are the kinds that stand in files beside it."""

    folder: str
    file: str
    suite: Tree
    fixtures: dict[str, Tree]
    groups: dict[str, Tree] = field(default_factory=dict)
    in_files: frozenset[str] = frozenset()

    def copy(self) -> "Model":
        return copy.deepcopy(self)


def random_model(rng: random.Random, folder: str = "") -> Model:
    principals = {f"p{n}": _principal(rng, n) for n in range(rng.randint(2, 4))}
    resources = {f"r{n}": _resource(rng, n) for n in range(rng.randint(1, 3))}
    aux_data = {f"a{n}": {"jwt": _values(rng, 1)} for n in range(2)}
    groups = {
        "principalGroups": {"pg": {"principals": rng.sample(sorted(principals), 2)}},
        "resourceGroups": {"rg": {"resources": rng.sample(sorted(resources), 1)}},
    }
    suite: Tree = {"name": f"suite {rng.randint(1, 99)}"}
    if rng.random() < 0.5:
        suite["options"] = _options(rng)
    suite["tests"] = [_case(rng, n, sorted(principals), sorted(resources), groups) for n in range(rng.randint(1, 3))]
    fixtures = {"principals": principals, "resources": resources, "auxData": aux_data}
    in_files = frozenset(kind for kind in fixtures if rng.random() < 0.6)
    return Model(folder, "s_test", suite, fixtures, groups, in_files)


def _values(rng: random.Random, least: int = 0) -> Tree:
    choices = ("x", "1", "on", 1, 2.5, -3, True, None, "é", [1, "a"], {"k": "v"}, "", "a: b", 1e22, "2026-01-01")
    return {f"k{n}": rng.choice(choices) for n in range(rng.randint(least, 3))}


def _principal(rng: random.Random, n: int) -> Tree:
    made: Tree = {"id": f"id{n}", "roles": rng.sample(["user", "admin", "7", "hr"], rng.randint(1, 3))}
    return {**made, **_common(rng)}


def _resource(rng: random.Random, n: int) -> Tree:
    return {"id": f"rid{n}", "kind": "doc", **_common(rng)}


def _common(rng: random.Random) -> Tree:
    made: Tree = {}
    if rng.random() < 0.8:
        made["attr"] = _values(rng, 1)
    if rng.random() < 0.2:
        made["policyVersion"] = "default"
    return made


def _options(rng: random.Random) -> Tree:
    choices: Tree = {"now": "2026-01-02T03:04:05Z", "lenientScopeSearch": True, "globals": {"g": 1}}
    return {name: choices[name] for name in rng.sample(sorted(choices), rng.randint(0, 3))}


def _case(rng: random.Random, n: int, principals: list[str], resources: list[str], groups: dict[str, Tree]) -> Tree:
    actions = [f"act{n}_{m}" for m in range(rng.randint(1, 3))]
    asked: Tree = {"actions": actions}
    asked |= {"principalGroups": ["pg"]} if rng.random() < 0.3 else {}
    asked |= {"resourceGroups": ["rg"]} if rng.random() < 0.3 else {}
    if "principalGroups" not in asked or rng.random() < 0.3:
        asked["principals"] = rng.sample(principals, rng.randint(1, len(principals)))
    if "resourceGroups" not in asked or rng.random() < 0.3:
        asked["resources"] = rng.sample(resources, rng.randint(1, len(resources)))
    if rng.random() < 0.4:
        asked["auxData"] = rng.choice(["a0", "a1"])
    case: Tree = {"name": f"case {n}", "input": asked}
    if rng.random() < 0.3:
        case["options"] = _options(rng)
    pairs = product_of(case, groups)
    rows = []
    for principal, resource in rng.sample(pairs, rng.randint(1, min(3, len(pairs)))):
        said = rng.sample(actions, rng.randint(1, len(actions)))
        rows.append(
            {"principal": principal, "resource": resource, "actions": {a: rng.choice((ALLOW, DENY)) for a in said}}
        )
    case["expected"] = rows
    return case


def product_of(case: Tree, groups: dict[str, Tree]) -> list[tuple[str, str]]:
    """The pairs of principal and resource that a case asks about."""
    asked = case["input"]
    sides = []
    for one in ("principal", "resource"):
        names = list(asked.get(f"{one}s", ()))
        for group in asked.get(f"{one}Groups", ()):
            names += [name for name in groups[f"{one}Groups"][group][f"{one}s"] if name not in names]
        sides.append(names)
    return [(p, r) for p in sides[0] for r in sides[1]]


def expectations(model: Model) -> dict[tuple[str, str, str, str], str]:
    """Case, principal, resource and action -> effect, worked out here and not by what is tested."""
    found = {}
    for case in model.suite["tests"]:
        said = {}
        for row in case["expected"]:
            for principal in row.get("principals", [row.get("principal")]):
                for action, effect in row["actions"].items():
                    said[principal, row["resource"], action] = effect
        if not case.get("skip") and not model.suite.get("skip"):
            for principal, resource in product_of(case, model.groups):
                for action in case["input"]["actions"]:
                    key = (case["name"], principal, resource, action)
                    found[key] = said.get((principal, resource, action), DENY)
    return found


# --- writing it down -------------------------------------------------------------------------------------------------


class Style:
    """One of the ways in which the same data can be written."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.kind = rng.choice(("block", "block", "flow", "json", "tabs"))
        self.snake = rng.random() < 0.2
        self.crlf = rng.random() < 0.15
        self.extension = {"json": ".json", "tabs": ".json"}.get(self.kind, rng.choice((".yaml", ".yml")))

    def write(self, data: Tree) -> str:
        data = _snake(data) if self.snake else data
        data = _shuffled(self.rng, data)
        if self.kind in ("json", "tabs"):
            text = _json(data, "\t" if self.kind == "tabs" else None)
        else:
            text = "# written anew\n" * (self.rng.random() < 0.3) + self._block(data, 0)
        return text.replace("\n", "\r\n") if self.crlf else text

    def _block(self, data: Tree, indent: int) -> str:
        lines = ""
        for key, value in data.items():
            lines += " " * indent + self._scalar(key) + ":" + self._value(value, indent)
        return lines

    def _value(self, value: Any, indent: int) -> str:
        end = self.rng.choice(("\n",) * 8 + ("  # c\n",))
        if isinstance(value, dict) and value and (self.kind == "block" or indent == 0):
            return end + self._block(value, indent + 2)
        if isinstance(value, list) and value and (self.kind == "block" or indent == 0):
            return end + "".join(" " * indent + "-" + self._item(item, indent) for item in value)
        return " " + self._flow(value) + end

    def _item(self, item: Any, indent: int) -> str:
        if isinstance(item, dict) and item:
            return " " + self._block(item, indent + 2).lstrip(" ")
        return " " + self._flow(item) + "\n"

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self._scalar(k)}: {self._flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._flow, value)) + "]"
        return self._scalar(value)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, str):
            bare = re.fullmatch(r"[a-z][a-z_A-Z0-9]*", value) and value not in ("null", "true", "false", "on", "no")
            return value if bare and self.rng.random() < 0.7 else json.dumps(value)
        return _number(value) if isinstance(value, float) else json.dumps(value)


def _number(value: float) -> str:
    """`1e22` is text to Cerbos; with a point it is a number."""
    return repr(value).replace("e", ".0e") if "." not in repr(value) else repr(value)


def _json(value: Any, indent: str | None, level: str = "") -> str:
    if isinstance(value, dict | list):
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        inner = level + (indent or "")
        parts = (
            [f"{json.dumps(k)}: {_json(v, indent, inner)}" for k, v in value.items()]
            if isinstance(value, dict)
            else [_json(v, indent, inner) for v in value]
        )
        gap = "\n" + inner if indent else ""
        return opening + gap + f",{gap or ' '}".join(parts) + ("\n" + level if indent else "") + closing
    return _number(value) if isinstance(value, float) else json.dumps(value)


def _shuffled(rng: random.Random, data: Any) -> Any:
    if isinstance(data, dict):
        keys = list(data)
        rng.shuffle(keys)
        return {key: _shuffled(rng, data[key]) for key in keys}
    return [_shuffled(rng, item) for item in data] if isinstance(data, list) else data


_SNAKE = ("auxData", "principalGroups", "resourceGroups", "lenientScopeSearch", "policyVersion", "skipReason")


def _snake(data: Any) -> Any:
    if isinstance(data, dict):
        return {_snaked(key): _snake(value) for key, value in data.items()}
    return [_snake(item) for item in data] if isinstance(data, list) else data


def _snaked(key: str) -> str:
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), key) if key in _SNAKE else key


def files(model: Model, rng: random.Random) -> dict[str, str]:
    """The model as files, each in a style of its own."""
    suite = dict(model.suite)
    written: dict[str, str] = {}
    for kind, group in (("principals", "principalGroups"), ("resources", "resourceGroups"), ("auxData", None)):
        data: Tree = {kind: model.fixtures[kind]}
        if group and model.groups.get(group):
            data[group] = model.groups[group]
        if kind in model.in_files:
            style = Style(rng)
            name = {"auxData": rng.choice(("auxdata", "auxData", "aux_data"))}.get(kind, kind)
            written[f"{model.folder}testdata/{name}{style.extension}"] = style.write(data)
        else:
            suite |= data
    style = Style(rng)
    written[f"{model.folder}{model.file}{style.extension}"] = style.write(suite)
    return written


# --- rewriting, as strong as before ----------------------------------------------------------------------------------


def rewritten(rng: random.Random, model: Model) -> Model:
    """The same demands, written otherwise, perhaps with more of them."""
    after = model.copy()
    for rewrite in rng.sample(_REWRITES, rng.randint(1, 4)):
        rewrite(rng, after)
    return after


def _move_fixtures(rng: random.Random, model: Model) -> None:
    model.in_files = frozenset(kind for kind in model.fixtures if rng.random() < 0.5)


def _move_suite(rng: random.Random, model: Model) -> None:
    model.folder = model.folder + rng.choice(("hr/", ".hidden/", "a b/"))
    model.file = rng.choice(("other_test", "S_TEST"))


def _rename(rng: random.Random, model: Model) -> None:
    model.suite["name"] = "another name"
    for case in model.suite["tests"]:
        case["name"] += " anew"


def _write_groups_out(rng: random.Random, model: Model) -> None:
    for case in model.suite["tests"]:
        pairs = product_of(case, model.groups)
        for one, n in (("principal", 0), ("resource", 1)):
            case["input"].pop(f"{one}Groups", None)
            case["input"][f"{one}s"] = list(dict.fromkeys(pair[n] for pair in pairs))


def _split(rng: random.Random, model: Model) -> None:
    """One case for each action."""
    tests = []
    for case in model.suite["tests"]:
        for action in case["input"]["actions"]:
            part = copy.deepcopy(case)
            part["name"] += f" {action}"
            part["input"]["actions"] = [action]
            for row in part["expected"]:
                row["actions"] = {action: row["actions"].get(action, DENY)}
            tests.append(part)
    model.suite["tests"] = tests


def _state_denials(rng: random.Random, model: Model) -> None:
    for case in model.suite["tests"]:
        said = {(row["principal"], row["resource"]) for row in case["expected"]}
        for row in case["expected"]:
            row["actions"] = {a: row["actions"].get(a, DENY) for a in case["input"]["actions"]}
        for principal, resource in product_of(case, model.groups):
            if (principal, resource) not in said:
                denials = dict.fromkeys(case["input"]["actions"], DENY)
                case["expected"].append({"principal": principal, "resource": resource, "actions": denials})


def _add(rng: random.Random, model: Model) -> None:
    model.fixtures["principals"]["extra"] = {"id": "extra", "roles": ["guest"]}
    case = rng.choice(model.suite["tests"])
    case["input"]["actions"].append("one_more")
    case["input"].setdefault("principals", []).append("extra")
    pair = product_of(case, model.groups)[0]
    more = copy.deepcopy(case)
    more["name"] = "one more"
    more["input"]["actions"] = ["quite_new"]
    more["expected"] = [{"principal": pair[0], "resource": pair[1], "actions": {"quite_new": ALLOW}}]
    model.suite["tests"].append(more)


def _options_on_cases(rng: random.Random, model: Model) -> None:
    options = model.suite.pop("options", {})
    for case in model.suite["tests"]:
        case.setdefault("options", copy.deepcopy(options))


def _defaults(rng: random.Random, model: Model) -> None:
    for fixture in (*model.fixtures["principals"].values(), *model.fixtures["resources"].values()):
        fixture.setdefault("scope", "")
        fixture.setdefault("attr", {})
    for case in model.suite["tests"]:
        if "options" in case:
            case["options"].setdefault("strictEvaluation", False)


def _effects_as_numbers(rng: random.Random, model: Model) -> None:
    for case in model.suite["tests"]:
        for row in case["expected"]:
            row["actions"] = {a: {ALLOW: 1, DENY: 2}.get(e, e) for a, e in row["actions"].items()}


def _list_of_one(rng: random.Random, model: Model) -> None:
    for case in model.suite["tests"]:
        for row in case["expected"]:
            row["principals"] = [row.pop("principal")]


# The last two change the shape of rows, so they come after all others.
_REWRITES = (
    *(_move_fixtures, _move_suite, _rename, _write_groups_out, _split, _state_denials, _add, _options_on_cases),
    _defaults,
)
FINAL = (_effects_as_numbers, _list_of_one)


# --- weakening -------------------------------------------------------------------------------------------------------

Names = set[tuple[str, str, str, str]]


def weakened(rng: random.Random, model: Model) -> tuple[Model, Names, str]:
    """The model with one thing weakened, the assertions that it concerns, and what was done."""
    while True:
        weaken = rng.choice(_WEAKENINGS)
        after = model.copy()
        before = expectations(model)
        gone = weaken(rng, after)
        if gone is None:
            gone = {key for key, effect in before.items() if expectations(after).get(key) != effect}
        if gone:
            return after, gone, weaken.__name__


def _drop_case(rng: random.Random, model: Model) -> None:
    if len(model.suite["tests"]) > 1:
        model.suite["tests"].pop(rng.randrange(len(model.suite["tests"])))


def _skip_case(rng: random.Random, model: Model) -> None:
    rng.choice(model.suite["tests"])["skip"] = True


def _skip_suite(rng: random.Random, model: Model) -> None:
    model.suite["skip"] = True


def _flip(rng: random.Random, model: Model) -> None:
    row = rng.choice(rng.choice(model.suite["tests"])["expected"])
    action = rng.choice(list(row["actions"]))
    row["actions"][action] = {ALLOW: DENY, DENY: ALLOW}[row["actions"][action]]


def _drop_action(rng: random.Random, model: Model) -> None:
    case = rng.choice(model.suite["tests"])
    if len(case["input"]["actions"]) > 1:
        gone = case["input"]["actions"].pop()
        for row in case["expected"]:
            row["actions"].pop(gone, None)
            row["actions"] = row["actions"] or {case["input"]["actions"][0]: DENY}


def _drop_principal(rng: random.Random, model: Model) -> None:
    case = rng.choice(model.suite["tests"])
    names = case["input"].get("principals", ())
    rows = [row for row in case["expected"] if names and row["principal"] != names[-1]]
    if len(names) > 1 and rows:
        case["input"]["principals"].pop()
        pairs = product_of(case, model.groups)
        case["expected"] = [row for row in case["expected"] if (row["principal"], row["resource"]) in pairs]


def _change_principal(rng: random.Random, model: Model) -> Names:
    name = rng.choice(sorted(model.fixtures["principals"]))
    _change(rng, model.fixtures["principals"][name], ["roles", "id", "attr", "version"])
    return {key for key in expectations(model) if key[1] == name}


def _change_resource(rng: random.Random, model: Model) -> Names:
    name = rng.choice(sorted(model.fixtures["resources"]))
    _change(rng, model.fixtures["resources"][name], ["id", "attr", "version"])
    return {key for key in expectations(model) if key[2] == name}


def _change(rng: random.Random, fixture: Tree, fields: list[str]) -> None:
    match rng.choice(fields):
        case "roles":
            fixture["roles"].append("superuser")
        case "id":
            fixture["id"] += "x"
        case "attr":
            attr = fixture.setdefault("attr", {})
            attr["k0"] = 99 if attr.get("k0") != 99 else 98
        case _:
            fixture["policyVersion"] = "next"


def _change_aux_data(rng: random.Random, model: Model) -> Names:
    name = rng.choice(("a0", "a1"))
    model.fixtures["auxData"][name]["jwt"]["forged"] = True
    asking = {case["name"] for case in model.suite["tests"] if case["input"].get("auxData") == name}
    return {key for key in expectations(model) if key[0] in asking}


def _change_options(rng: random.Random, model: Model) -> Names:
    case = rng.choice(model.suite["tests"])
    old = case.get("options", model.suite.get("options", {}))
    case["options"] = {**old, "now": "2031-01-01T00:00:00Z"}
    return {key for key in expectations(model) if key[0] == case["name"]}


_WEAKENINGS: tuple[Any, ...] = (
    *(_drop_case, _skip_case, _skip_suite, _flip, _drop_action, _drop_principal, _change_principal, _change_resource),
    *(_change_aux_data, _change_options),
)
