"""The parts of a bundle: what has a say about one kind of resource, and nothing else.

A resource policy decides about its own kind alone. So a change of it is looked at in what it imports, the role policies
(each has a say about every kind), the principal policies that name the kind, and the suites that ask about it: the cost
of looking at every policy once then grows with their number, and not with its square.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from policyloop.access.ask.questions import Question, asked_by
from policyloop.access.source import Policy, policies_of, tree
from policyloop.bundle import Bundle
from policyloop.guard import Lock
from policyloop.guard.canon import decode
from policyloop.layout import TESTDATA, Kind, kind

_PATTERN = frozenset("*?[{")


class Parts:
    """A bundle taken apart. Where a policy cannot be read, what it needs is not known: then each part is the whole.

    Raises `UsageError` for suites too large to be read.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.policies = policies_of(bundle)
        self.kind_of_file = {policy.file: policy.name for policy in self.policies if policy.what == "resource"}
        """File -> the one kind of resource that its policy is about."""
        self._by_file = {policy.file: policy for policy in self.policies}
        self.known = all(_readable(bundle, path, self._by_file) for path in bundle if kind(path) is Kind.POLICY)
        """Whether every policy could be read."""
        self._lock = Lock.of(bundle)

    @cached_property
    def tested(self) -> Mapping[str, tuple[Question, ...]]:
        """Kind of resource -> the questions that the bundle's own tests ask about it."""
        found: dict[str, list[Question]] = {}
        for question, _ in asked_by(self._lock):
            found.setdefault(question.request.resource.kind, []).append(question)
        return {name: tuple(questions) for name, questions in found.items()}

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of resource that a policy or a test names, sorted."""
        named = {rule.resource for policy in self.policies for rule in policy.rules}
        named |= set(self.kind_of_file.values()) | set(self.tested)
        return tuple(sorted(name for name in named if name and not _PATTERN & set(name)))

    def reached_by(self, file: str) -> tuple[str, ...]:
        """The kinds about which that file can have a say."""
        if file in self.kind_of_file:
            return (self.kind_of_file[file],)
        return tuple(name for name in self.kinds if file in self._files_for(name))

    def about(self, names: Iterable[str]) -> Bundle:
        """The policies and schemas that can have a say about these kinds; no tests."""
        files: set[str] = set().union(*(self._files_for(name) for name in names))
        return self._picked(files, frozenset())

    def policies_about(self, name: str) -> tuple[Policy, ...]:
        """The policies that can have a say about a kind."""
        files = self._files_for(name)
        return tuple(policy for policy in self.policies if policy.file in files)

    def judging(self, file: str) -> Bundle:
        """What is needed to see what the bundle's own tests make of a change of `file`."""
        reached = self.reached_by(file)
        if self._unread_suites or len(reached) == len(self.kinds):
            return self.bundle
        suites = frozenset(path for path, asked in self._suites.items() if asked & set(reached))
        needed = set(reached).union(*(self._suites[path] for path in suites))
        return self._picked(set().union(*(self._files_for(name) for name in needed)) | {file}, suites)

    @cached_property
    def _suites(self) -> Mapping[str, frozenset[str]]:
        """Suite -> the kinds that it asks about."""
        asked: dict[str, set[str]] = {}
        for one in self._lock:
            what = decode(one.demand.inputs.resource)
            if isinstance(what, dict) and isinstance(what.get("kind"), str):
                asked.setdefault(one.id.file, set()).add(what["kind"])
        return {path: frozenset(names) for path, names in asked.items()}

    @cached_property
    def _unread_suites(self) -> bool:
        """Whether a suite is not known whole, so that it may be about anything."""
        suites = {path for path in self.bundle if kind(path) is Kind.SUITE}
        return bool(suites - self._suites.keys()) or any(not one.known for one in self._lock)

    def _files_for(self, name: str) -> frozenset[str]:
        """The files of the policies that can have a say about a kind."""
        if name not in self._closures:
            self._closures[name] = self._closure(name)
        return self._closures[name]

    @cached_property
    def _closures(self) -> dict[str, frozenset[str]]:
        return {}

    def _closure(self, name: str) -> frozenset[str]:
        if not self.known:
            return frozenset(path for path in self.bundle if kind(path) is Kind.POLICY)
        waiting = [*self._resource.get(name, ()), *self._roles]
        waiting += [policy for who in self._principals if _names_kind(who, name) for policy in who]
        found: dict[str, Policy] = {}
        while waiting:
            policy = waiting.pop()
            if policy.file not in found:
                found[policy.file] = policy
                waiting += [imported for what in _imports(policy) for imported in self._exports.get(what, ())]
        return frozenset(found)

    @cached_property
    def _resource(self) -> Mapping[str, Sequence[Policy]]:
        found: dict[str, list[Policy]] = {}
        for policy in self.policies:
            if policy.what == "resource":
                found.setdefault(policy.name, []).append(policy)
        return found

    @cached_property
    def _roles(self) -> Sequence[Policy]:
        return [policy for policy in self.policies if policy.what == "role"]

    @cached_property
    def _principals(self) -> Sequence[Sequence[Policy]]:
        """The policies of each principal: one in a scope needs those above it."""
        found: dict[str, list[Policy]] = {}
        for policy in self.policies:
            if policy.what == "principal":
                found.setdefault(policy.name, []).append(policy)
        return list(found.values())

    @cached_property
    def _exports(self) -> Mapping[tuple[str, str], Sequence[Policy]]:
        found: dict[tuple[str, str], list[Policy]] = {}
        for policy in self.policies:
            if policy.what in ("derived", "variables", "constants"):
                found.setdefault((policy.what, policy.name), []).append(policy)
        return found

    def _picked(self, files: set[str], suites: frozenset[str]) -> Bundle:
        if not self.known:
            files = {path for path in self.bundle if kind(path) is Kind.POLICY}
        texts = {path: self.bundle[path] for path in sorted(files)}
        schemas = self.bundle.schemas()
        named = list(texts.values())
        while named:
            text = named.pop()
            for path in [path for path in schemas if path.rpartition("/")[2] in text]:
                texts[path] = schemas.pop(path)
                named.append(texts[path])
        folders = {path.rpartition("/")[0] for path in suites}
        for path in self.bundle:
            beside = kind(path) is Kind.FIXTURE and re.split(rf"/?\b{TESTDATA}/", path)[0] in folders
            if path in suites or beside:
                texts[path] = self.bundle[path]
        return Bundle(texts)


def _readable(bundle: Bundle, path: str, read: Mapping[str, Policy]) -> bool:
    if path in read:
        return True
    root = tree(bundle[path])
    return root is not None and root.said("disabled") == "true"


def _names_kind(policies: Sequence[Policy], name: str) -> bool:
    rules = (rule for policy in policies for rule in policy.rules)
    return any(rule.resource == name or _PATTERN & set(rule.resource) for rule in rules)


def _imports(policy: Policy) -> Iterator[tuple[str, str]]:
    yield from (("derived", item.text) for item in policy.body.listed("importDerivedRoles"))
    for what in ("variables", "constants"):
        held = policy.body.get(what)
        if held is not None and held.shape == "map":
            yield from ((what, item.text) for item in held.listed("import"))
