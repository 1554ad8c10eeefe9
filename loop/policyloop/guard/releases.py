"""Releases: the assertions that a person, never a model, lets go of, by name."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policyloop.effects import DECISIONS
from policyloop.errors import UsageError
from policyloop.guard.demand import Assertion
from policyloop.yaml_text.parse import Unreadable, compose

ANY = "*"
_REQUIRED = ("suite", "test", "reason")
_WILD = ("principal", "resource", "action")
_EFFECTS = ("demanded", "instead")


@dataclass(frozen=True, slots=True)
class Release:
    """Lets go of the assertions of these names, which are exact; `*` stands for any principal, resource or action."""

    suite: str
    test: str
    principal: str = ANY
    resource: str = ANY
    action: str = ANY
    reason: str = ""
    demanded: str = ""
    """Only what demands this effect, `allow` or `deny`; "" for either."""
    instead: str = ""
    """The effect that the same request must get from now on; "" where that is not said."""
    file: str = ""
    """Only in this file, for two suites may bear one name; "" for any."""

    def names(self, one: Assertion) -> bool:
        """Whether this release names `one`."""
        suite, test, *rest = one.names()
        wild = zip((self.principal, self.resource, self.action), rest, strict=True)
        named = (suite, test) == (self.suite, self.test) and all(mine in (ANY, theirs) for mine, theirs in wild)
        where = self.file in ("", one.id.file)
        return named and where and self.demanded in ("", DECISIONS.get(one.demand.effect))

    def __str__(self) -> str:
        demanding = f", which demands {self.demanded}" if self.demanded else ""
        where = f" in {self.file}" if self.file else ""
        return f"{self.suite} / {self.test}: {self.principal} {self.action} {self.resource}{demanding}{where}"


def released(locked: Sequence[Assertion], releases: Iterable[Release]) -> tuple[Assertion, ...]:
    """The assertions that `releases` name, in the order of the lock. Raises `UsageError` for one that names none."""
    gone: set[int] = set()
    for release in releases:
        named = {n for n, one in enumerate(locked) if release.names(one)}
        if not named:
            raise UsageError(f"The release of {release} names no locked assertion.", _nearest(locked, release))
        gone |= named
    return tuple(locked[n] for n in sorted(gone))


def parse_releases(text: str, name: str) -> tuple[Release, ...]:
    """The releases in `text`, a YAML file called `name`. Raises `UsageError` with file and line."""
    if not text.strip():
        raise UsageError(f"{name} is empty.", _SHAPE)
    try:
        root = compose(text)
    except Unreadable as wrong:
        raise UsageError(f"{name}: {wrong}.", _SHAPE) from None
    fields = _fields(root, name)
    unknown = [key for key in fields if key != "releases"]
    if unknown or "releases" not in fields:
        what = f"unknown key {unknown[0]!r}" if unknown else "there is no `releases`"
        raise _wrong(name, fields[unknown[0]] if unknown else root, what)
    entries = fields["releases"]
    if not isinstance(entries, SequenceNode) or not entries.value:
        raise _wrong(name, entries, "`releases` is a list with at least one entry")
    return tuple(_release(entry, name) for entry in entries.value)


_KEYS = (*_REQUIRED, *_WILD, *_EFFECTS, "file")
_SHAPE = "It holds `releases:`, a list of {suite, test, principal, resource, action, reason, demanded, instead, file}."


def _release(node: Node, name: str) -> Release:
    fields = _fields(node, name)
    values: dict[str, str] = {}
    for key, value in fields.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            raise _wrong(name, value, f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if not isinstance(value, ScalarNode) or not value.value.strip():
            raise _wrong(name, value, f"{key} is a text that is not empty")
        if key in _EFFECTS and value.value not in DECISIONS.values():
            raise _wrong(name, value, f"{key} is `allow` or `deny`")
        values[key] = value.value
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise _wrong(name, node, f"a release needs {missing[0]}")
    if ANY in (values["suite"], values["test"]):
        raise _wrong(name, node, "suite and test are exact names; `*` is for principal, resource and action")
    return Release(**values)


def _fields(node: Node, name: str) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        raise _wrong(name, node, "a mapping belongs here")
    fields: dict[str, Node] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.value in fields:
            raise _wrong(name, key, "a key that is not text, or stands there twice")
        fields[key.value] = value
    return fields


def _wrong(name: str, node: Node, what: str) -> UsageError:
    return UsageError(f"{name}:{node.start_mark.line + 1}: {what}{'' if what.endswith('?') else '.'}", _SHAPE)


def _nearest(locked: Sequence[Assertion], release: Release) -> str:
    known = list(dict.fromkeys(str(one.id) for one in locked))
    if not known:
        return "Nothing is locked."
    near = difflib.get_close_matches(str(release), known, 1, cutoff=0.0)
    return f"The nearest is {near[0]}."
