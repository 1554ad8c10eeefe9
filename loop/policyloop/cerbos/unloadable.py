"""Suites that could not be loaded: their `error` is bare text, which tells a file and its mistakes in several forms."""

import posixpath
import re
from collections.abc import Iterator
from functools import partial

from policyloop.cerbos import classes
from policyloop.cerbos.outline import Place, nearest, parses, path_of, second_document
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.stated import Stated
from policyloop.findings import ErrorClass, Finding
from policyloop.layout import EXTENSIONS

_SUITE_TEXT = "failed to load test suite:\n"
_FIXTURES = re.compile(
    r"failed to load test fixtures from (.*?): failed to load (principals|resources|aux data):\s", re.S
)
_FIXTURE_NAMES = {
    "principals": ("principals",),
    "resources": ("resources",),
    "aux data": ("auxdata", "auxData", "aux_data"),
}
_AT = re.compile(r"(\d{1,7}):(\d{1,7}) (?=\S)")
_IN_TEST = re.compile(r'Failed to load the test suite: invalid test "((?:[^"\\]|\\.)*)": ')
_ACTIONS = re.compile(r"(?<=actions list: )\[(.*)\]\Z", re.DOTALL)
_GROUP = re.compile(r'missing fixture .* referenced in group "((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_TEST_TWICE = re.compile(r"another test named (.*) already exists\Z", re.DOTALL)
_TWICE = re.compile(r"; (?=another test named )")
_CODES = (
    (re.compile(r"another test named .* already exists"), "duplicate-test"),
    (
        re.compile(r'(principal|resource|principal group|resource group|auxData) ".*" not found', re.S),
        "unknown-fixture",
    ),
    (re.compile(r"missing fixture .* referenced in group ", re.S), "unknown-fixture"),
    (
        re.compile(r"found (an expectation|expectations|output expectations|inconsistent expectations) for "),
        "bad-expectation",
    ),
)


def suite_errors(error: str, file: str, sources: Sources) -> Iterator[Finding]:
    """The `error` of a suite that could not be loaded: one finding for each line, or each test, that it names."""
    if error.startswith(_SUITE_TEXT):
        yield from _text_errors(error.removeprefix(_SUITE_TEXT), file, sources)
    elif match := _FIXTURES.match(error):
        fixture = _fixture_file(match[1], match[2], sources) or file
        yield from _text_errors(error[match.end() :], fixture, sources)
    elif match := _IN_TEST.match(error):
        at = Stated(sources).test(file, _unquoted(match[1]))
        yield _unrunnable(_in_order(error[match.end() :]), error[: match.end()], file, at, sources)
    else:
        prefix, colon, reason = error.partition(": ")
        for part in _TWICE.split(reason) if reason else [""]:
            yield _unrunnable(part, f"{prefix}{colon}", file, _place(part, file, sources), sources)


def _text_errors(lines: str, file: str, sources: Sources) -> Iterator[Finding]:
    for line in dict.fromkeys(filter(str.strip, lines.split("\n"))):
        match = _AT.match(line)
        message = line[match.end() :] if match else line
        if _code(message):
            yield _unrunnable(message, "", file, _place(message, file, sources), sources)
            continue
        whole_text = sources.bundle.files.get(file, "")
        error_class, code = classes.of_suite_message(message, partial(parses, whole_text))
        at = Place(int(match[1]) or 1, int(match[2]) or 1, None) if match else None
        if code == "multiple-documents":
            at = second_document(whole_text)
        elif at is None and error_class is ErrorClass.SCHEMA:
            at = nearest(sources.outline(file), path_of(message.partition(": ")[0]))
        yield sources.finding(error_class, code, message, file, at)


def _unrunnable(reason: str, prefix: str, file: str, at: Place | None, sources: Sources) -> Finding:
    return sources.finding(ErrorClass.TEST, _code(reason) or "suite-unloadable", prefix + reason, file, at)


def _in_order(reason: str) -> str:
    """Actions come in an order that differs from run to run."""
    return _ACTIONS.sub(lambda match: f"[{','.join(sorted(match[1].split(',')))}]", reason)


def _place(reason: str, file: str, sources: Sources) -> Place | None:
    """Where a suite or a fixture file has the group or the test that a message without a position is about."""
    if match := _GROUP.search(reason):
        places = sources.outline(file)
        group = _unquoted(match[1])
        return places.get(("principalGroups", group)) or places.get(("resourceGroups", group))
    if match := _TEST_TWICE.match(reason):
        return Stated(sources).again(file, match[1])
    return None


def _code(reason: str) -> str | None:
    return next((code for pattern, code in _CODES if pattern.match(reason)), None)


def _fixture_file(directory: str, of: str, sources: Sources) -> str | None:
    """The file that the compiler takes for these fixtures: the first in alphabetical order with a known ending."""
    for name in _FIXTURE_NAMES[of]:
        prefix = posixpath.join(directory, name) + "."
        for path in sources.bundle:
            if path.startswith(prefix) and "/" not in path[len(prefix) :] and path.endswith(EXTENSIONS):
                return path
    return None


def _unquoted(name: str) -> str:
    """A name as Go quotes it; only the plain escapes are undone, the rest is for finding a place, no more."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), name)
