"""Bundle -> what each of its suites demands. What has not changed is not read again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from policyloop.bundle import Bundle
from policyloop.guard.demand import Assertion
from policyloop.guard.fields import Notes
from policyloop.guard.fixture_files import KINDS, Beside, Places
from policyloop.guard.fixtures import Fixtures, fixture_file
from policyloop.guard.resolve import MAX_ASSERTIONS, Oversized, Resolver
from policyloop.guard.salvage import salvage
from policyloop.guard.suite import suite
from policyloop.yaml_text.parse import Unreadable, read
from policyloop.yaml_text.tree import Tree


@dataclass(frozen=True, slots=True)
class SuiteDemands:
    """What one suite demands. `broken` says why Cerbos cannot load it; `skipped` are assertions that are not run."""

    file: str
    name: str
    assertions: tuple[Assertion, ...]
    skipped: tuple[Assertion, ...]
    broken: str
    beside: Beside
    texts: tuple[str | None, ...] = field(repr=False)
    """The suite's own text and those of its fixture files: all that the reading depends on."""
    own: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of each fixture that stands in the suite itself and so goes before those of the files."""
    oversized: bool = False
    illegible: bool = False
    """Whether a test may stand there of which nothing could be read, so that nobody can tell whether it gets weaker."""

    def source(self, kind: str, name: str) -> str | None:
        """The file that the fixture `name` comes from; `kind` is `principals`, `resources` or `auxData`."""
        return self.file if (kind, name) in self.own else dict(zip(KINDS, self.beside, strict=True))[kind]


class BundleDemands:
    """The readings of all suites of one bundle. Those that `known` has of the same texts are taken over."""

    def __init__(self, bundle: Bundle, known: Mapping[str, SuiteDemands] | None = None) -> None:
        self._bundle = bundle
        self._fixtures: dict[Beside, tuple[Fixtures, str]] = {}
        self._files: dict[tuple[str, str], Fixtures] = {}
        self._left = MAX_ASSERTIONS
        places = Places(bundle)
        self.by_file: dict[str, SuiteDemands] = {}
        for path in places.suites:
            beside = places.beside(path)
            texts = (bundle[path], *(None if one is None else bundle.files.get(one) for one in beside))
            old = known.get(path) if known else None
            same = old is not None and old.texts == texts and old.beside == beside
            found = old if old is not None and same else self._read(path, beside, texts)
            self._left -= len(found.assertions) + len(found.skipped)
            self.by_file[path] = found

    def __iter__(self) -> Iterator[SuiteDemands]:
        return iter(self.by_file.values())

    def _read(self, path: str, beside: Beside, texts: tuple[str | None, ...]) -> SuiteDemands:
        tree, notes = tree_of(self._bundle[path])
        parsed = suite(tree, notes)
        unloadable = notes[0] if notes else ""
        fixtures, wrong = self._beside(beside)
        runs, skipped = list[Assertion](), list[Assertion]()
        oversized = False
        resolver = Resolver(path, parsed, fixtures)
        try:
            for one, skip in resolver.assertions(max(self._left, 0)):
                (skipped if skip else runs).append(one)
        except Oversized as error:
            notes.append(str(error))
            oversized = True
        broken = unloadable or wrong or next(iter(notes), "")
        if broken:
            runs = [replace(one, broken=broken) for one in runs]
        own = frozenset(
            (kind, name)
            for kind, names in zip(
                KINDS, (parsed.own.principals, parsed.own.resources, parsed.own.aux_data), strict=True
            )
            for name in names
        )
        illegible = bool(broken) and resolver.illegible and bool(_content(self._bundle[path]))
        return SuiteDemands(
            path, parsed.name, tuple(runs), tuple(skipped), broken, beside, texts, own, oversized, illegible
        )

    def _beside(self, beside: Beside) -> tuple[Fixtures, str]:
        """The fixtures of all the files, and what is wrong with the first that cannot be loaded."""
        known = self._fixtures.get(beside)
        if known is None:
            files = [(one, self._file(one, what)) for one, what in zip(beside, KINDS, strict=True) if one is not None]
            wrong = next((f"{path}: {found.notes[0]}" for path, found in files if found.notes), "")
            known = self._fixtures[beside] = (_together(found for _, found in files), wrong)
        return known

    def _file(self, path: str, what: str) -> Fixtures:
        known = self._files.get((path, what))
        if known is None:
            text = self._bundle.files.get(path)
            if text is None:
                known = Fixtures(notes=Notes([f"it is a folder, where the file of {what} is looked for"]))
            else:
                tree, notes = tree_of(text)
                known = fixture_file(tree, what, notes)
            self._files[path, what] = known
        return known


def tree_of(text: str) -> tuple[Tree, Notes]:
    """The tree of a test file, and what is wrong with it so far; a broken file is read as far as it can be."""
    try:
        found = read(text)
    except Unreadable as wrong:
        return salvage(text), Notes([str(wrong)])
    return found.tree, Notes(found.problems)


def _content(text: str) -> str:
    """`text` without comments and space."""
    return "".join(line.strip() for line in text.split("\n") if not line.lstrip().startswith("#"))


def _together(files: Iterable[Fixtures]) -> Fixtures:
    whole = Fixtures()
    for one in files:
        whole.principals.update(one.principals)
        whole.resources.update(one.resources)
        whole.aux_data.update(one.aux_data)
        whole.principal_groups.update(one.principal_groups)
        whole.resource_groups.update(one.resource_groups)
    return whole
