"""What each file of a bundle is about, read with regular expressions: quick at 1,000 policies, and fit for broken YAML.

Good enough to choose what a model is shown, not to judge anything: a wrong guess costs a file too many or too few.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from policyloop import layout
from policyloop.bundle import Bundle
from policyloop.layout import Kind

SCAN_CHARACTERS = 262_144
"""How much of one file is looked at."""
MAX_DEPTH = 100
"""The deepest nesting of a suite or fixture file that is read."""

_NAME_KEYS = {
    "resourcePolicy": "resource",
    "principalPolicy": "principal",
    "rolePolicy": "role",
    "derivedRoles": "name",
    "exportVariables": "name",
    "exportConstants": "name",
}
EXPORTS = ("derivedRoles", "exportVariables", "exportConstants")

_HEAD = re.compile(rf"""(?:^|[{{,])[ \t]*["']?({"|".join(_NAME_KEYS)})["']?[ \t]*:""", re.MULTILINE)
_IMPORTS = re.compile(
    r"""\b(?:importDerivedRoles|import)["']?[ \t]*:[ \t]*"""
    r"""(\[[^\]]{0,4000}\]|(?:\#.{0,400}+)?(?:\n[ \t]*(?:(?:-[ \t]|\#).*)?)+)"""
)
"""Bounded where it may fail, so that no text makes it search for long."""
_IMPORTED = re.compile(r"[\w][\w.-]*")
_SCHEMA = re.compile(r"""cerbos:///([^\s"'}#]+)""")
_VALUES = {
    key: re.compile(rf"""(?:^|[{{,])[ \t]*["']?{key}["']?[ \t]*:[ \t]*["']?([^"'\n,}}#]+)""", re.MULTILINE)
    for key in ("resource", "principal", "role", "name", "scope", "version", "kind")
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One policy file: which kind of policy it holds, under which name and scope."""

    policy: str
    name: str
    scope: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What one assertion is about, as far as its fixtures tell."""

    kinds: frozenset[str] = frozenset()
    scope: str | None = None
    principals: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass
class Catalogue:
    """The facts of a whole bundle, and the questions that choosing files asks of them."""

    bundle: Bundle
    _facts: dict[str, Fact | None] = field(default_factory=dict)
    _kinds: dict[str, frozenset[str]] = field(default_factory=dict)

    def fact(self, path: str) -> Fact | None:
        """What the policy at `path` is, None when it holds none."""
        if path not in self._facts:
            policy = layout.kind(path) is Kind.POLICY
            self._facts[path] = _scan(self.bundle[path]) if policy else None
        return self._facts[path]

    @cached_property
    def named(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """(kind of policy, name) -> the files that hold it."""
        found: dict[tuple[str, str], list[str]] = {}
        for path in self.bundle:
            if fact := self.fact(path):
                found.setdefault((fact.policy, fact.name), []).append(path)
        return {key: tuple(paths) for key, paths in found.items()}

    def needs(self, path: str) -> Iterator[str]:
        """The derived roles, exports and schemas that the file at `path` names, where the bundle holds them."""
        text = self.bundle[path][:SCAN_CHARACTERS]
        for name in _imports(text):
            yield from self.exported(name)
        for reference in _schemas(text):
            schema = f"{layout.SCHEMAS}/{reference}"
            if schema in self.bundle:
                yield schema

    def exported(self, name: str) -> Iterator[str]:
        """The files that define the importable set `name`."""
        for policy in EXPORTS:
            yield from self.named.get((policy, name), ())

    def candidates(self, path: str) -> Iterator[str]:
        """For each import of `path` that nothing defines: the sets with the most similar names."""
        names = sorted({name for policy, name in self.named if policy in EXPORTS})
        for wanted in _imports(self.bundle[path][:SCAN_CHARACTERS]):
            if wanted not in names:
                for near in difflib.get_close_matches(wanted, names, 3, 0.5):
                    yield from self.exported(near)

    def about(self, subject: Subject) -> Iterator[str]:
        """The policies that decide on `subject`: base policies first, then its scope's chain."""
        wanted = [("resourcePolicy", name) for name in sorted(subject.kinds)]
        wanted += [("principalPolicy", name) for name in sorted(subject.principals)]
        wanted += [("rolePolicy", name) for name in sorted(subject.roles)]
        for key in wanted:
            paths = sorted(self.named.get(key, ()), key=self._scope)
            yield from [path for path in paths if _on_chain(self._scope(path), subject.scope)]

    @cached_property
    def _fixtures(self) -> Mapping[str, tuple[str, ...]]:
        """Folder of suites -> the fixture files in its `testdata`."""
        found: dict[str, list[str]] = {}
        for path in self.bundle:
            if layout.kind(path) is Kind.FIXTURE:
                folder = f"/{path}".rpartition(f"/{layout.TESTDATA}/")[0].removeprefix("/")
                found.setdefault(folder, []).append(path)
        return {folder: tuple(paths) for folder, paths in found.items()}

    def fixtures_beside(self, suite: str) -> tuple[str, ...]:
        """The fixture files that the suite at `suite` reads."""
        return self._fixtures.get(suite.rpartition("/")[0], ())

    def kinds_in(self, path: str) -> frozenset[str]:
        """Every resource kind that the suite or fixture file at `path` names."""
        if path not in self._kinds:
            found = _VALUES["kind"].findall(self.bundle[path][:SCAN_CHARACTERS])
            self._kinds[path] = frozenset(match.strip() for match in found)
        return self._kinds[path]

    def subject_of(self, suite: str, principal: str, resource: str) -> Subject:
        """What the fixture keys of `suite` stand for; a key in the suite shadows those in the files."""
        sources = [path for path in (suite, *self.fixtures_beside(suite)) if path in self.bundle]
        loaded = [_load(self.bundle[path]) for path in sources]
        the_resource = _fixture(loaded, "resources", resource)
        the_principal = _fixture(loaded, "principals", principal)
        kind, scope = the_resource.get("kind"), the_resource.get("scope")
        identity, roles = the_principal.get("id"), the_principal.get("roles")
        kinds = {kind} if isinstance(kind, str) else {k for path in sources for k in self.kinds_in(path)}
        return Subject(
            kinds=frozenset(kinds),
            scope=scope if isinstance(scope, str) else "" if the_resource else None,
            principals=frozenset({identity} if isinstance(identity, str) else ()),
            roles=frozenset(r for r in roles if isinstance(r, str)) if isinstance(roles, list) else frozenset(),
        )

    def _scope(self, path: str) -> str:
        fact = self.fact(path)
        return fact.scope if fact else ""


def _scan(text: str) -> Fact | None:
    text = text[:SCAN_CHARACTERS]
    head = _HEAD.search(text)
    if not head:
        return None
    name = _value(text, _NAME_KEYS[head[1]])
    return Fact(head[1], name, _value(text, "scope").strip("."))


def _value(text: str, key: str) -> str:
    match = _VALUES[key].search(text)
    return match[1].strip() if match else ""


def _imports(text: str) -> tuple[str, ...]:
    blocks = (re.sub(r"#.*", "", block) for block in _IMPORTS.findall(text))
    return tuple(dict.fromkeys(name for block in blocks for name in _IMPORTED.findall(block)))


def _schemas(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_SCHEMA.findall(text)))


def _on_chain(scope: str, wanted: str | None) -> bool:
    """Whether a policy of `scope` has a say in a request of scope `wanted` (None: unknown, so base policies only)."""
    return not scope or (wanted is not None and (wanted + ".").startswith(scope + "."))


def _load(text: str) -> dict[str, Any]:
    """A suite or fixture file as plain data, all scalars as text, empty when it cannot be read.

    Nothing is resolved: merge keys multiply without bound, and values fail in more ways than can be listed.
    """
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if len(text) > SCAN_CHARACTERS or _too_deep(text, loader):
            return {}
        loaded = yaml.load(text, Loader=loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _too_deep(text: str, loader: type[yaml.BaseLoader]) -> bool:
    """PyYAML's C loader overflows the stack on some 100,000 nested brackets; its event stream does not."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return True
    return False


def _fixture(sources: list[dict[str, Any]], section: str, key: str) -> dict[str, Any]:
    for source in sources:
        known = source.get(section)
        if isinstance(known, dict) and isinstance(known.get(key), dict):
            found: dict[str, Any] = known[key]
            return found
    return {}
