"""Findings as a model reads them, each thing once: assertions that fail alike are one entry, with all their names."""

import json
from collections.abc import Iterator, Mapping, Sequence

from policyloop.findings import AssertionId, Finding
from policyloop.redact import redact
from policyloop.specification import FOLDER

MAX_MESSAGE = 2_000
"""Characters of one message or excerpt of the compiler."""
MAX_WHY = 30
"""Lines of reasons for one failing assertion."""
NOTHING_COVERS = "no policy was found for the kind, version and scope of this resource"
"""How the reason begins where nothing decides on a resource at all (`policyloop.cerbos.why`)."""

Alike = tuple[str, str, tuple[str, ...], bool]


def told(findings: Sequence[Finding], most: int, files: Mapping[str, str]) -> tuple[list[str], int]:
    """The lines of at most `most` findings, and how many are not told.

    What nothing covers yet is one entry, however many assertions say so. `files`: those that the same message shows.
    """
    groups: dict[Alike | int, list[Finding]] = {}
    for number, finding in enumerate(findings):
        groups.setdefault(_alike(finding) or number, []).append(finding)
    lines: list[str] = []
    left, untold = most, 0
    for number, group in enumerate(groups.values(), 1):
        uncovered = _is_uncovered(group[0]) and _is_of_spec(group[0])
        shown = group if uncovered else group[:left]
        untold += len(group) - len(shown)
        if not shown:
            continue
        left -= 1 if uncovered else len(shown)
        lines += _uncovered(number, group) if uncovered else _group(number, shown, files)
    return lines, untold


def bounded(text: str, most: int) -> str:
    """`text` without secrets, cut to `most` characters."""
    text = redact(text)  # before it is cut: half a secret is not recognised
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most} characters more)"


def _alike(finding: Finding) -> Alike | None:
    if finding.assertion is None:
        return None
    return finding.code, _what(finding), finding.why, _is_of_spec(finding)


def _is_of_spec(finding: Finding) -> bool:
    """Whether it is a decision of a spec, which stands under RULES: then its names say enough."""
    return finding.assertion is not None and finding.assertion.file.startswith(f"{FOLDER}/")


def _is_uncovered(finding: Finding) -> bool:
    return bool(finding.why) and finding.why[0].startswith(NOTHING_COVERS)


def _what(finding: Finding) -> str:
    return finding.message.removeprefix(f"{finding.assertion}: ")


def _uncovered(number: int, group: Sequence[Finding]) -> Iterator[str]:
    suites = dict.fromkeys(one.assertion.suite for one in group if one.assertion)
    names = bounded(", ".join(suites), MAX_MESSAGE)
    yield f"{number}. No policy covers any of this yet: {len(group)} allowed decisions of {names}"


def _group(number: int, group: Sequence[Finding], files: Mapping[str, str]) -> Iterator[str]:
    first = group[0]
    where = ":".join(str(part) for part in (first.file, first.line, first.column) if part is not None)
    if first.assertion is None or (len(group) == 1 and not _is_of_spec(first)):
        yield f"{number}. {first.code} {_line(where)}: {bounded(_what(first), MAX_MESSAGE)}"
    else:
        yield f"{number}. {first.code}: {bounded(_what(first), MAX_MESSAGE)}"
    for one in group:
        if one.assertion:
            yield f"   {_names(one.assertion, short=_is_of_spec(one))}"
    for why in first.why[:MAX_WHY]:
        yield f"   - {bounded(why, MAX_MESSAGE)}"
    if first.excerpt and not (first.assertion and (first.file in files or _is_of_spec(first))):
        yield bounded(first.excerpt, MAX_MESSAGE)


def _names(one: AssertionId, *, short: bool) -> str:
    if short:
        return _line(f"{one.test}: {one.principal} {one.action} {one.resource}")
    names = {"suite": one.suite, "test": one.test, "principal": one.principal, "resource": one.resource}
    return json.dumps({**names, "action": one.action}, ensure_ascii=False)


def _line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)
