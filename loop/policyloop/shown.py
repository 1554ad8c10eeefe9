"""Bounds on what a model is shown: a file that is too long is cut to the part around its findings, and says so.

A cut file holds, in place of what was left out, lines of this form:

    # policyloop: lines 120 to 640 are not shown; change this file with old/new edits, never whole

An `old`/`new` edit of such a file works as ever, for the lines that are shown are exact. Writing it whole would lose
the rest: `blind_rewrite` finds such an edit.
"""

from collections.abc import Iterable, Mapping, Sequence

from policyloop.bundle import Bundle, Edit, Replace, Write
from policyloop.findings import Finding
from policyloop.redact import redact
from policyloop.task import Selection

CUT_MARK = "# policyloop: "
"""How each line that stands for a cut begins."""
_ADVICE = "not shown; change this file with old/new edits, never whole"
_HEAD_LINES = 12
_LONG_LINE = 2_000
"""Characters of one line that are shown."""


def cut(text: str, bound: int, around: Sequence[int] = ()) -> str:
    """`text` within about `bound` bytes: its first lines, and the lines nearest to the line numbers `around`."""
    if len(text.encode()) <= bound:
        return text
    lines = text.split("\n")
    anchors = [min(max(number - 1, 0), len(lines) - 1) for number in around] or [0]
    kept: set[int] = set()
    size = 0
    for number in _nearest(len(lines), anchors):
        size += min(len(lines[number].encode()), _LONG_LINE) + 1
        if size > bound and kept:
            break
        kept.add(number)
    return "\n".join(_with_gaps(lines, kept))


def is_cut(text: str) -> bool:
    """Whether `text` shows a file only in part."""
    return any(line.startswith(CUT_MARK) and line.endswith(_ADVICE) for line in text.split("\n"))


def blind_rewrite(edits: Iterable[Edit], shown: Mapping[str, str], files: Mapping[str, str]) -> str | None:
    """The first existing file that `edits` write whole although the model was not shown just that text, or None.

    `shown` is what the task held, `files` the bundle. A file may be unknown, cut, or hold a secret that was marked; to
    write it whole would lose what was not shown. What the same proposal wrote or deleted first is known.
    """
    known: set[str] = set()
    for edit in edits:
        existing = isinstance(edit, Write) and edit.path in files and edit.path not in known
        if existing and shown.get(edit.path) != files[edit.path]:
            return edit.path
        if not isinstance(edit, Replace):
            known.add(edit.path)
    return None


def show_all(
    bundle: Bundle,
    findings: Sequence[Finding],  # noqa: ARG001
    *,
    request: str = "",  # noqa: ARG001
    wanted: Sequence[str] = (),  # noqa: ARG001
    most: int | None = None,
) -> Selection:
    """Every file, each cut to its share of `most` bytes (48,000 where None): for bundles of a few small files."""
    share = (48_000 if most is None else most) // max(len(bundle), 1)
    return Selection({path: cut(redact(text), share) for path, text in bundle.files.items()}, ())


def _nearest(count: int, anchors: Sequence[int]) -> Iterable[int]:
    """Line indices: the anchors, the head of the file, then outward from the anchors."""
    yield from dict.fromkeys(anchors)
    yield from range(min(_HEAD_LINES, count))
    reach = 1
    while reach < count:
        for anchor in anchors:
            for number in (anchor - reach, anchor + reach):
                if 0 <= number < count:
                    yield number
        reach += 1


def _with_gaps(lines: Sequence[str], kept: set[int]) -> Iterable[str]:
    start: int | None = None
    for number, line in enumerate(lines):
        if number not in kept:
            start = number if start is None else start
            continue
        if start is not None:
            yield _gap(start + 1, number)
            start = None
        yield line[:_LONG_LINE]
        if len(line) > _LONG_LINE:
            yield f"{CUT_MARK}the rest of line {number + 1} is {_ADVICE}"
    if start is not None:
        yield _gap(start + 1, len(lines))


def _gap(first: int, last: int) -> str:
    return f"{CUT_MARK}lines {first} to {last} are {_ADVICE}"
