"""What a model is shown of a bundle: the files that matter to the findings, and an index of the rest.

Bounded, whatever the size of the bundle: `MAX_BYTES` of text and `index.MAX_ENTRIES` lines of index, so that one
proposal costs as many tokens at 1,000 policies as at 10. Choosing is a guess from names; the model may ask for more.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from policyloop import layout
from policyloop.bundle import Bundle
from policyloop.compose.index import index
from policyloop.compose.scan import Catalogue
from policyloop.findings import ErrorClass, Finding
from policyloop.layout import Kind
from policyloop.redact import redact
from policyloop.shown import cut
from policyloop.task import Selection

__all__ = ["MAX_BYTES", "MAX_FINDINGS", "compose"]

MAX_BYTES = 48_000
"""The most text of files that one task shows, in bytes of UTF-8."""
MAX_FILE_BYTES = 16_000
"""The most text of one file."""
WORTH_SHOWING = 1_000
"""A part of a file smaller than this is not shown; the file goes to the index."""
MAX_FINDINGS = 20
"""How many findings choose files: those that `policyloop.models` spells out for a model."""
MAX_WANTED = 40
"""How many of the paths that a model asked for are looked at."""
MATCHING_POLICIES = 8
"""How many policies a request without findings brings along."""
NAMED = 100
"""What a word counts that stands in a policy's path; a word of its text counts 1."""

_WORD = re.compile(r"[^\W_]{3,}")
_PATH = re.compile(r"[\w@+.-]+(?:/[\w@+.-]+)*\.(?:ya?ml|json)\b")
_COMMON = frozenset(
    {"all", "allow", "and", "any", "are", "but", "can", "cannot", "deny", "for", "from", "have", "its", "may", "must"}
    | {
        "new",
        "not",
        "one",
        "only",
        "other",
        "policies",
        "policy",
        "should",
        "than",
        "that",
        "the",
        "their",
        "them",
        "they",
        "this",
    }
    | {"who", "with", "without"}
)
"""Words that say nothing of what a request is about."""


def compose(
    bundle: Bundle,
    findings: Sequence[Finding],
    *,
    request: str = "",
    wanted: Sequence[str] = (),
    most: int | None = None,
    said: str = "",
    first: Sequence[str] = (),
) -> Selection:
    """Choose what a model needs to see for `findings` (those of one class), or for `request` when there are none.

    `wanted` are paths that the model asked to read: a file is shown, a folder is listed in the index, anything else
    gets a note there. `most` bounds the text of files, in bytes of UTF-8; None is `MAX_BYTES`. `said`: a folder whose
    content the task says elsewhere; of it only what was asked for is shown. `first`: files to be shown in any case.
    """
    findings, wanted = findings[:MAX_FINDINGS], wanted[:MAX_WANTED]
    catalogue = Catalogue(bundle)
    own = list(dict.fromkeys(path for f in findings for path in _own(bundle, f)))
    asked = [path for path in (*wanted, *first, *_named(bundle, request)) if path in bundle]
    around = _related(catalogue, findings) if findings else _matching(catalogue, request)
    tests = any(f.error_class is ErrorClass.TEST for f in findings)
    order = [*asked, *around, *own] if tests else [*own, *asked, *around]
    if not order:
        order = [path for path in bundle if layout.kind(path) is Kind.POLICY][:MATCHING_POLICIES]
    hidden = {path for path in bundle if said and path.startswith(f"{said}/")}.difference(wanted)
    shown = dict.fromkeys(path for path in order if path not in hidden)
    must = {*own, *asked}.difference(hidden)
    files = _fitted(bundle, shown, findings, must, MAX_BYTES if most is None else most)
    return Selection(files, index(bundle, files, wanted, said=said if hidden else ""))


def _named(bundle: Bundle, request: str) -> Iterator[str]:
    """The files that a request names, by their path or by the end of it."""
    for word in dict.fromkeys(_PATH.findall(request)):
        yield from [path for path in bundle if path == word or path.endswith(f"/{word}")][:MATCHING_POLICIES]


def _fitted(
    bundle: Bundle, order: Iterable[str], findings: Sequence[Finding], must: set[str], most: int
) -> dict[str, str]:
    """Texts within the bounds: what must be shown is cut, what need not be is left out when it does not fit."""
    reserve = min(MAX_FILE_BYTES, most // max(len(must), 1))
    left = most
    files: dict[str, str] = {}
    for path in order:
        waiting = len(must.difference(files, {path}))
        bound = min(MAX_FILE_BYTES, max(left - waiting * min(reserve, 4_000), 0))
        text = redact(bundle[path])  # before it is cut: half a secret is not recognised
        fits = len(text) <= bound and len(text.encode()) <= bound
        if not fits and (bound < WORTH_SHOWING or (path not in must and bound < MAX_FILE_BYTES)):
            continue
        lines = [f.line for f in findings if f.file == path and f.line]
        files[path] = text if fits else cut(text, bound, lines)
        left -= len(files[path].encode())
    return files


def _own(bundle: Bundle, finding: Finding) -> Iterator[str]:
    """The file of a finding, and every file that its message names."""
    if finding.file in bundle:
        assert finding.file is not None
        yield finding.file
    for word in re.split(r"[\s\"'`,;()\[\]]+", finding.message):
        name = word.rstrip(".:")
        if name in bundle:
            yield name


def _related(catalogue: Catalogue, findings: Sequence[Finding]) -> Iterator[str]:
    """The files around the findings: policies that decide, then all that they import, then tests and fixtures."""
    bundle = catalogue.bundle
    seeds: list[str] = []
    beside: list[str] = []
    kinds: set[str] = set()
    for finding in findings:
        suite = finding.assertion.file if finding.assertion else finding.file
        if finding.error_class is ErrorClass.TEST and suite in bundle:
            assert suite is not None
            beside += [suite, *catalogue.fixtures_beside(suite)]
        if finding.assertion:
            one = finding.assertion
            subject = catalogue.subject_of(one.file, one.principal, one.resource)
            seeds += catalogue.about(subject)
            kinds |= subject.kinds
        for path in _own(bundle, finding):
            seeds.append(path)
            seeds += catalogue.candidates(path)
            seeds += _same_chain(catalogue, path)
    yield from dict.fromkeys(path for path in _closure(catalogue, seeds) if path not in beside)
    yield from dict.fromkeys(beside)
    yield from _suites_about(catalogue, kinds)


def _same_chain(catalogue: Catalogue, path: str) -> Iterator[str]:
    """The policies of the same kind and name in the scopes above: a gap there is what the compiler may lament."""
    fact = catalogue.fact(path)
    if fact and fact.scope:
        for other in catalogue.named.get((fact.policy, fact.name), ()):
            near = catalogue.fact(other)
            if near and (fact.scope + ".").startswith(near.scope + "." if near.scope else ""):
                yield other


def _closure(catalogue: Catalogue, seeds: Sequence[str]) -> Iterator[str]:
    """`seeds`, then what they import, then what that imports, each once."""
    known = dict.fromkeys(seeds)
    queue = list(known)
    for path in queue:
        for needed in catalogue.needs(path):
            if needed not in known:
                known[needed] = None
                queue.append(needed)
    yield from queue


def _matching(catalogue: Catalogue, request: str) -> Iterator[str]:
    """For a request without findings: policies about its words, their imports, and the suites that test them."""
    words = {_stem(word) for word in _WORD.findall(request.lower()) if word not in _COMMON}
    scores = {path: score for path in catalogue.bundle if (score := _score(catalogue, path, words))}
    if any(score >= NAMED for score in scores.values()):
        scores = {path: score for path, score in scores.items() if score >= NAMED}
    best = sorted(scores, key=lambda path: (-scores[path], path))[:MATCHING_POLICIES]
    kinds = {fact.name for path in best if (fact := catalogue.fact(path)) and fact.policy == "resourcePolicy"}
    yield from _closure(catalogue, best)
    yield from _suites_about(catalogue, kinds)


def _score(catalogue: Catalogue, path: str, words: set[str]) -> int:
    """How many words of a request name, in this order of weight, the policy, its path, or something in it."""
    fact = catalogue.fact(path)
    if not fact or not words:
        return 0
    name, where = _stems(fact.name), _stems(path)
    inside = catalogue.bundle[path][:MAX_FILE_BYTES].lower()
    return sum(2 * NAMED * (word in name) + NAMED * (word in where) + (word in inside) for word in words)


def _suites_about(catalogue: Catalogue, kinds: set[str]) -> Iterator[str]:
    """Suites that test one of `kinds`, by themselves or through the fixtures beside them; those named so first."""
    stems = {stem for kind in kinds for stem in _stems(kind)}
    suites = [path for path in catalogue.bundle if kinds and layout.kind(path) is Kind.SUITE]
    found = 0
    for path in sorted(suites, key=lambda path: (not stems & _stems(path), path)):
        read = (path, *catalogue.fixtures_beside(path))
        if found < MATCHING_POLICIES and any(kinds & catalogue.kinds_in(one) for one in read):
            found += 1
            yield from read


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text.lower())}


def _stem(word: str) -> str:
    """`salaries` and `salary`, `reviews` and `review` are one word."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
