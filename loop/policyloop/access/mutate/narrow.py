"""The part of a bundle that can have a say about one kind of resource: a compile of it takes a fraction of the time."""

from collections.abc import Mapping

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.source import policies_of
from policyloop.bundle import Bundle
from policyloop.guard import Lock
from policyloop.guard.canon import decode
from policyloop.layout import Kind, kind


class Parts:
    """A bundle, and for each mutant the part of it that can tell."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.kinds = {policy.file: policy.name for policy in policies_of(bundle) if policy.what == "resource"}
        """File -> the one kind of resource that its policy is about."""
        self._parts = narrowed(bundle)

    def of(self, mutant: Mutant) -> Bundle:
        """The part that the mutant is to be made of; the whole for one that is not in a resource policy."""
        return self._parts.get(self.kinds.get(mutant.file, ""), self.bundle)


def narrowed(bundle: Bundle) -> Mapping[str, Bundle]:
    """Kind of resource -> the bundle with the suites that ask about it, and the resource policies that these need.

    Everything else stays: derived roles, exports, role and principal policies, schemas, fixtures. A suite that is not
    known whole is about everything. Raises `UsageError` for suites too large to be read.
    """
    asked: dict[str, set[str]] = {}
    unknown = {path for path in bundle if kind(path) is Kind.SUITE}
    for one in Lock.of(bundle):
        what = decode(one.demand.inputs.resource)
        about = what.get("kind") if isinstance(what, dict) else None
        if one.known and isinstance(about, str):
            asked.setdefault(one.id.file, set()).add(about)
            unknown.discard(one.id.file)
        else:
            unknown.add(one.id.file)
    of = {policy.file: policy.name for policy in policies_of(bundle) if policy.what == "resource"}
    if unknown:
        return {}
    return {name: _about(name, bundle, of, asked) for name in set(of.values())}


def _about(name: str, bundle: Bundle, of: Mapping[str, str], asked: Mapping[str, set[str]]) -> Bundle:
    suites = {path for path, kinds in asked.items() if name in kinds}
    needed = {name}.union(*(asked[path] for path in suites))

    def matters(path: str) -> bool:
        if kind(path) is Kind.SUITE:
            return path in suites
        return of.get(path, name) in needed

    return Bundle({path: text for path, text in bundle.files.items() if matters(path)})
