"""Random conditions over the usual operators, random resources around their constants, and policies made of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from policyloop.access.ask.request import Principal

PRINCIPALS = (
    Principal("ann", ("user",), {"team": "a", "teams": ["a", "b"], "level": 1, "none": []}),
    Principal(
        "bob", ("guest", "user"), {"team": "", "teams": [1, "ab", None], "level": 2.0, "none": [], "m": {"x": 1}}
    ),
)
NAMES = ("a", "n", "s", "tags", "o", "t")
VARIABLES = {"isA": 'R.attr.a == "a"', "n": "R.attr.n", "list": '["a", R.attr.s]', "empty": "[]", "lost": "P.attr.lost"}
CONSTANTS: Mapping[str, Any] = {"one": 1, "name": "a", "names": ["a", "b"], "none": []}

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, 1.5, -1, "", "a", "b", "ab", "1", "é", "\\u{61}"),
    *("2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2019-12-31T23:59:59.5Z", "2020-01-01"),
    *([], ["a"], ["a", "b"], [1], ["ab", None], [["a"]], [True, 2], ["a", "a"]),
    *({}, {"x": "a"}, {"x": 1}, {"x": None, "y": 2}, {"a": True}, {"x": {"x": 1}}, {"x": ["a"]}),
)
_LITERALS = ("0", "1", "2", "1.0", "1.5", "-1", "1u", '""', '"a"', '"b"', '"ab"', '"1"', "true", "false", "null")
_TEXTS = ('""', '"a"', '"b"', '"ab"', "P.attr.team", "C.name", "R.id", "P.id")
_LISTS = (
    *(
        '["a"]',
        '["a", "b"]',
        '[1, "a", true]',
        "[1, 2.0]",
        "[null]",
        "P.attr.teams",
        "P.attr.none",
        "C.names",
        "C.none",
    ),
    *("V.list", "V.empty", '[R.attr.s, "a"]'),
)
_SINCE = '"2020-01-01T00:00:00Z"'

attributes = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(_VALUES), max_size=len(NAMES))
"""The attributes of a resource, some of another type than is expected."""


def thrown(dice: Random) -> dict[str, Any]:
    """The same, by dice: hypothesis is slow where very many are needed."""
    return {name: dice.choice(_VALUES) for name in NAMES if dice.random() < 0.8}


_path = st.sampled_from([*(f"R.attr.{name}" for name in NAMES), "R.attr.o.x", 'R.attr["a"]', "R.attr.a.x", "V.n"])
_listed = st.sampled_from(["R.attr.tags", "R.attr.tags", "R.attr.a", "R.attr.o"])
_other = st.sampled_from([*_LITERALS, "P.attr.team", "P.attr.level", "P.id", "C.one", "C.name", "R.attr.s", "R.attr.n"])
_sign = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _said(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(form.format, *parts)


def _of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


_atom = st.one_of(
    _said("{} {} {}", _path, _sign, _other),
    _said("{} {} {}", _path, _of("==", "!="), _other),
    _said("{} == {}", _path, _of(*_LISTS[:8], '{"x": "a"}', "{}", '{"x": 1, "y": 2}')),
    _said(
        "has({})", _of("R.attr.a", "R.attr.n", "R.attr.o.x", "R.attr.a.x", "R.attr.o.x.x", "P.attr.m", "P.attr.team.x")
    ),
    _said("{} in {}", _path, _of(*_LISTS, "[]", '{"a": 1}', "P.attr.m", "P.attr.team", "R.attr.tags", "R.attr")),
    _said("{} in {}", _of('"a"', '"x"', "1", "P.attr.team", "C.name", "R.attr.s"), _listed),
    _said("size({}) {} {}", _path, _sign, _of("0", "1", "2")),
    _said("{}.{}({})", _path, _of("startsWith", "endsWith", "contains"), _of(*_TEXTS)),
    _said("hasIntersection({}, {})", _listed, _of(*_LISTS)),
    _said("{}.hasIntersection({})", _of(*_LISTS), _listed),
    _said("{}.isSubset({})", _of(*_LISTS), _listed),
    _said("{}.{}", _listed, _of('exists(x, x == "a")', 'all(x, x != "a")', "exists(x, x == 1)", "all(x, x == P.id)")),
    _said("{}.{}", _of("P.attr.teams", '["a", 1]', "C.none"), _of("exists(x, x == R.attr.s)", "all(x, x != R.attr.n)")),
    _said("timestamp({}) {} timestamp({})", _of("R.attr.t", "R.attr.s"), _sign, _of(_SINCE, "R.attr.t")),
    _said("timestamp(R.attr.t) - timestamp({}) {} duration({})", _of(_SINCE), _sign, _of('"0s"', '"-500ms"', '"1h"')),
    _said("{} + {}", _path, _of("1 == 2", "1.0 == 2.0", '"a" == "ab"', "R.attr.s < P.attr.team", "C.one == 2.0")),
    _said("{}", _path),
    _of(
        "V.isA",
        "V.lost == 1",
        "P.attr.lost == 1",
        '"user" in P.roles',
        'P.id == "ann"',
        "true",
        "false",
        "R.id == P.id",
    ),
    _said("-{} {} {}", _of("R.attr.n", "R.attr.a"), _sign, _of("1.0", "-1")),
    _said("({}) == {}", _of("R.attr.n > 1", "has(R.attr.a)", '"a" in R.attr.tags'), _of("true", "false", "R.attr.a")),
)
untranslated = st.one_of(
    _said("{}.matches({})", _path, _of('"^a"', '"b$"')),
    _said("R.attr.tags.exists(x, x {} {})", _sign, _of("1", '"a"')),
    _said("string({}) == {}", _path, _of('"1"', '"a"')),
    _said("R.attr.tags[0] == {}", _of("1", '"a"')),
    _said("int({}) == {}", _path, _of("1", "2")),
    _said("size(intersect(R.attr.tags, {})) > 0", _of('["a"]', "P.attr.teams")),
)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        _said("({} && {})", inner, inner),
        _said("({} || {})", inner, inner),
        _said("!({})", inner),
        _said("({} ? {} : {})", inner, inner, inner),
    )


conditions = st.recursive(st.one_of(_atom, _atom, _atom, _atom, untranslated), _joined, max_leaves=5)
"""Conditions, of which a few hold what is not translated."""
translated = st.recursive(_atom, _joined, max_leaves=3)
"""Conditions of which nearly everything is translated."""


@st.composite
def matches(draw: st.DrawFn) -> Mapping[str, Any]:
    """What a condition matches: one expression, or several under all, any or none."""
    parts = draw(st.lists(conditions, min_size=1, max_size=3))
    if len(parts) == 1:
        return {"expr": parts[0]}
    return {draw(st.sampled_from(["all", "any", "none"])): {"of": [{"expr": part} for part in parts]}}


@st.composite
def rules(draw: st.DrawFn) -> Mapping[str, Any]:
    """A rule about `view`."""
    holders: Mapping[str, Sequence[str]] = draw(
        st.sampled_from(
            [
                *({"roles": [role]} for role in ("user", "guest", "*")),
                *({"derivedRoles": [role]} for role in ("owner", "member")),
                {"roles": ["guest"], "derivedRoles": ["owner"]},
            ]
        )
    )
    whole: dict[str, Any] = {
        "actions": [draw(st.sampled_from(["view", "*"]))],
        "effect": draw(st.sampled_from(["EFFECT_ALLOW", "EFFECT_ALLOW", "EFFECT_DENY"])),
        **holders,
    }
    if draw(st.booleans()) or draw(st.booleans()):
        whole["condition"] = {"match": draw(matches())}
    return whole


@dataclass(frozen=True)
class Held:
    """What one bundle says of one kind of resource: its policy, one for a scope, and what others say of it."""

    rules: list[Mapping[str, Any]]
    scoped: list[Mapping[str, Any]] | None = None
    consent: bool = False
    """Whether what the scope allows must be allowed by its parent too."""
    ann: list[Mapping[str, Any]] | None = None
    """The actions of a principal policy."""
    guest: list[Mapping[str, Any]] | None = None
    """The rules of a role policy."""

    @property
    def scope(self) -> str:
        """The scope to ask for."""
        return "" if self.scoped is None else "consenting" if self.consent else "acme"

    def changed(self, rules: list[Mapping[str, Any]], *, scoped: bool) -> "Held":
        return replace(self, scoped=rules) if scoped else replace(self, rules=rules)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Held, Held]:
    """What is said of a kind, and that after a change or two."""
    rare = st.sampled_from([True, False, False])
    old = Held(
        draw(st.lists(rules(), min_size=1, max_size=4)),
        draw(st.lists(rules(), min_size=1, max_size=2)) if draw(rare) else None,
        draw(st.booleans()),
        [_only(draw(rules()))] if draw(rare) else None,
        [_only(draw(rules()))] if draw(rare) else None,
    )
    new = old
    for _ in range(draw(st.integers(1, 2))):
        scoped = old.scoped is not None and draw(st.booleans())
        change = draw(st.sampled_from(["rules", "rules", "rules", "ann", "guest"]))
        if change == "ann" and new.ann is not None:
            new = replace(new, ann=[_only(draw(rules()))])
        elif change == "guest" and new.guest is not None:
            new = replace(new, guest=[_only(draw(rules()))])
        else:
            new = new.changed(draw(_changes(list((new.scoped if scoped else None) or new.rules))), scoped=scoped)
    return old, new


def _only(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in rule.items() if key in ("effect", "condition")}


@st.composite
def _changes(draw: st.DrawFn, new: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    at = draw(st.integers(0, len(new) - 1))
    change = draw(st.sampled_from(["replace", "add", "effect", "rewrite", "narrow", "order", "drop"]))
    rule = new[at]
    match = rule.get("condition", {}).get("match")
    if change == "replace":
        new[at] = draw(rules())
    elif change == "add":
        new.append(draw(rules()))
    elif change == "effect":
        new[at] = {**rule, "effect": draw(st.sampled_from(["EFFECT_ALLOW", "EFFECT_DENY"]))}
    elif change == "rewrite" and match is not None:
        new[at] = {**rule, "condition": {"match": draw(st.sampled_from(rewritten(match)))}}
    elif change == "narrow":
        extra = {"expr": draw(conditions)}
        held = {"all": {"of": [match, extra]}} if match is not None else extra
        new[at] = {**rule, "condition": {"match": held}}
    elif change == "drop" and len(new) > 1:
        del new[at]
    else:
        new.reverse()
    return new


def rewritten(match: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The same in other words, or what looks the same and is not where an error comes up."""
    if "expr" in match:
        one = match["expr"]
        return [
            {"none": {"of": [{"none": {"of": [match]}}]}},
            {"all": {"of": [match, match]}},
            {"expr": f"!(!({one}))"},
            {"expr": f"({one}) ? true : false"},
            {"expr": f"({one}) || false"},
            {"none": {"of": [{"expr": f"!({one})"}]}},
            {"expr": one.replace("R.attr", "request.resource.attr")},
        ]
    (how, held), *_ = match.items()
    turned = {how: {"of": held["of"][::-1]}}
    sign = " && " if how == "all" else " || "
    joined = sign.join(f"({part['expr']})" for part in held["of"] if "expr" in part) or "false"
    return [turned, {"expr": f"!({joined})" if how == "none" else joined}]


_HEAD = {"apiVersion": "api.cerbos.dev/v1"}
_TAIL = {"variables": {"local": VARIABLES}, "constants": {"local": CONSTANTS}}


def policy(kind: str, rules: Sequence[Mapping[str, Any]], scope: str = "", *, consent: bool = False) -> str:
    """A resource policy as a file's text."""
    whole: dict[str, Any] = {"resource": kind, "version": "default", "importDerivedRoles": ["random"], **_TAIL}
    if scope:
        whole["scope"] = scope
    if consent:
        whole["scopePermissions"] = "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
    return json.dumps({**_HEAD, "resourcePolicy": {**whole, "rules": list(rules)}})


def files(held: Sequence[Held]) -> dict[str, str]:
    """The policies of a bundle, one kind of resource after the other: `k0`, `k1`, ..."""
    found: dict[str, str] = {}
    ann: list[Mapping[str, Any]] = []
    guest: list[Mapping[str, Any]] = []
    for number, one in enumerate(held):
        kind = f"k{number}"
        found[f"{kind}.json"] = policy(kind, one.rules)
        if one.scoped is not None:
            found[f"{kind}_scoped.json"] = policy(kind, one.scoped, one.scope, consent=one.consent)
        if one.ann is not None:
            ann.append({"resource": kind, "actions": [{"action": "view", **rule} for rule in one.ann]})
        for rule in one.guest if one.guest is not None else [{}]:
            kept = {key: value for key, value in rule.items() if key == "condition"}
            guest.append({"resource": kind, "allowActions": ["view"], **kept})
    whole = {"principal": "ann", "version": "default", "rules": ann, **_TAIL}
    found["ann.json"] = json.dumps({**_HEAD, "principalPolicy": whole})
    # A role policy takes from the role whatever it does not name.
    found["guest.json"] = json.dumps(
        {**_HEAD, "rolePolicy": {"role": "guest", "version": "default", "rules": guest, **_TAIL}}
    )
    return found


def derived_roles(owner: str, member: str) -> str:
    """The derived roles that `rules` speak of, as a file's text."""
    definitions = [
        {"name": name, "parentRoles": ["user"], "condition": {"match": {"expr": condition}}}
        for name, condition in (("owner", owner), ("member", member))
    ]
    whole = {"name": "random", "definitions": definitions}
    return json.dumps({**_HEAD, "derivedRoles": {**whole, **_TAIL}})


def exactly(held: Mapping[str, Any]) -> str:
    """A condition that holds for a resource with these attributes alone."""
    parts = [
        f"R.attr.{name} == {json.dumps(held[name], ensure_ascii=False)}" if name in held else f"!has(R.attr.{name})"
        for name in NAMES
    ]
    return " && ".join(["size(R.attr) >= 0", *parts])
