"""Which file of the bundle holds a policy or a rule that the compiler names, and where.

A guess for showing places, made from the outline of the files that mention the name: a policy written with aliases is
not found, and nothing but a missing line number comes of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from policyloop.cerbos.outline import Path, Place
from policyloop.cerbos.sources import Sources, sanitized

_KEY = re.compile(r"(?:cerbos\.)?(resource|principal|role)\.(.+?)\.v(\w+)(?:/(.*))?\Z", re.DOTALL)
_TOP = {"resource": "resourcePolicy", "principal": "principalPolicy", "role": "rolePolicy"}
_RULE_NUMBER = re.compile(r"(?:.*_)?rule-(\d{3,})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where a rule stands, and what it does: `EFFECT_ALLOW` or `EFFECT_DENY`, None when it does not say; to what."""

    file: str
    line: int
    effect: str | None
    actions: tuple[str, ...] = ()

    def covers(self, action: str) -> bool:
        """Whether one of its actions, with stars in them, is about `action`."""
        return any(fnmatchcase(action, re.sub(r"([\[?])", r"[\1]", pattern)) for pattern in self.actions)


def policy_place(sources: Sources, key: str) -> tuple[str | None, Place | None]:
    """The file and place of the policy that the compiler calls `key`: `resource.album.vdefault/acme`."""
    for file, places, root in _policies(sources, key):
        return file, places.get((*root, "scope")) or places.get(root)
    return None, None


def scope_places(sources: Sources, scope: str) -> list[tuple[str, Place]]:
    """Every policy of `scope`: its file, and where it states its `scopePermissions` or else its scope."""
    found = []
    for file in sources.policies:
        if scope not in sources.bundle[file]:
            continue
        places = sources.outline(file)
        for top in _TOP.values():
            stated = places.get((top, "scope"))
            if (top,) in places and _scope(stated.value if stated else "") == scope:
                at = places.get((top, "scopePermissions")) or stated
                found.append((file, at or places[(top,)]))
    return found


def rule_place(sources: Sources, policy: str, scope: str, rule: str) -> RulePlace | None:
    """Where `rule` of the resource policy `policy` (as the trace names it) stands, seen from `scope`.

    A principal's rule is traced under the resource policy as well, so those are looked through when it is not there.
    """
    match = _KEY.match(policy)
    if match is None or not rule:
        return None
    kind_, name, version, _ = match.groups()
    key = f"{kind_}.{name}.v{version}" + (f"/{scope}" if scope else "")
    for file, places, root in _policies(sources, key):
        if found := _rule(places, (*root, "rules"), rule):
            return RulePlace(file, *found)
    for file in sources.of_principals:
        places = sources.outline(file)
        for index in _indices(places, ("principalPolicy", "rules")):
            stated = places.get(("principalPolicy", "rules", index, "resource"))
            ours = stated is None or sanitized(stated.value or "") == name or not _RULE_NUMBER.match(rule)
            if ours and (found := _rule(places, ("principalPolicy", "rules", index, "actions"), rule)):
                return RulePlace(file, *found)
    return None


def _policies(sources: Sources, key: str) -> Iterator[tuple[str, Mapping[Path, Place], Path]]:
    match = _KEY.match(key)
    if match is None:
        return
    kind_, name, version, scope = match.groups()
    top = _TOP[kind_]
    for file in sources.naming.get(name, ()):
        places = sources.outline(file)
        stated = {field: places.get((top, field)) for field in (kind_, "version", "scope")}
        value = {field: (at.value or "" if at else "") for field, at in stated.items()}
        same_name = sanitized(value[kind_]) == name
        same_version = sanitized(value["version"] or "default") == version
        if same_name and same_version and _scope(value["scope"]) == (scope or ""):
            yield file, places, (top,)


def _rule(places: Mapping[Path, Place], root: Path, rule: str) -> tuple[int, str | None, tuple[str, ...]] | None:
    """Line, effect and actions of the rule with that name; one without a name is called by its number, `rule-001`."""
    number = _RULE_NUMBER.match(rule)
    for index in _indices(places, root):
        name = places.get((*root, index, "name"))
        nth = name is None and number is not None and int(number[1][:9]) == index + 1
        if nth or (name is not None and name.value == rule):
            effect = places.get((*root, index, "effect"))
            here = (*root, index)
            said = [places[(*here, "actions", n)].value for n in _indices(places, (*here, "actions"))]
            alone = places.get((*here, "action"))
            actions = tuple(action for action in (*said, alone.value if alone else None) if action is not None)
            return places[here].line, effect.value if effect else None, actions
    return None


def _indices(places: Mapping[Path, Place], root: Path) -> Iterator[int]:
    index = 0
    while (*root, index) in places:
        yield index
        index += 1


def _scope(scope: str | None) -> str:
    return (scope or "").removeprefix(".")
