"""A task as the text of one message.

Each section begins with a line `== MARKER TITLE`. The marker is a digest of all that the message shows, so no file can
hold the marker of a message that shows it, and no text can pass for a section of ours.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from policyloop import layout
from policyloop.compose import MAX_FINDINGS
from policyloop.models.rules import knows_rules, rules_text
from policyloop.models.told import bounded, told
from policyloop.redact import redact
from policyloop.shown import is_cut
from policyloop.task import Task

MAX_REQUEST = 20_000
"""Characters of a request."""
MAX_SPEC = 60_000
"""Characters of a confirmed spec."""
MAX_REFUSAL = 6_000
MAX_RELEASED = 200
"""Released assertions that are named."""
MAX_RESULT = 500
"""Characters of what came of one past attempt."""

Section = tuple[str, str]

EXISTING = "existing:"
"""Before the path of a file that is only to be read; no path that a model may write holds a colon."""
_SECTION = "section:"
"""Before the name of a section that a conversation says once."""


def showing(task: Task, seen: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What the message for `task` says that need not be said again: sections by name, then files by path.

    Of the files first those that the task edits, then those only to be read.
    """
    said = {_SECTION + name: _joined(section) for name, section in _said_once(task, seen or {})}
    return {**said, **_files(task)}


def render(task: Task, seen: Mapping[str, str] | None = None) -> str:
    """The message for `task`. What the conversation has said or shown before, as `seen` holds it, is only named."""
    sections = [(_line(redact(title)), redact(body)) for title, body in _sections(task, seen or {})]
    marker = _marker(sections)
    lines = [f"The marker of this message is {marker}.", ""]
    for title, body in sections:
        lines.append(f"== {marker} {title}")
        if body:
            lines.append(body.removesuffix("\n"))
    lines.append(f"== {marker} END: answer with one call of `propose`")
    return "\n".join(lines)


def _marker(sections: list[Section]) -> str:
    whole = hashlib.sha256()
    for title, body in sections:
        whole.update(f"{len(title)} {title} {len(body)} ".encode(errors="surrogatepass"))
        whole.update(body.encode(errors="surrogatepass"))
    return whole.hexdigest()[:16]


def _sections(task: Task, seen: Mapping[str, str]) -> Iterator[Section]:
    unchanged = []
    for name, section in _said_once(task, seen):
        if seen.get(_SECTION + name) == _joined(section):
            unchanged.append(name)
        else:
            yield section
    if task.refusal:
        yield "YOUR LAST PROPOSAL was turned down, nothing of it was kept", bounded(task.refusal, MAX_REFUSAL)
    if task.history and not seen:
        # In a conversation that goes on it is what was said in it.
        yield "TRIED SO FAR", "\n".join(_history(task))
    for name, text in _files(task).items():
        if text in (seen.get(name), seen.get(EXISTING + name)):
            unchanged.append(_line(name.removeprefix(EXISTING)))
            continue
        part = ", in part" if is_cut(text) else ""
        end = "" if text.endswith("\n") else ", no line feed at its end"
        lines = _many(text.count("\n") + (not text.endswith("\n")), "line")
        yield f"{_titled(name)} ({lines}{part}{end})", text
    if unchanged:
        yield "UNCHANGED, as shown or as you wrote it", "\n".join(unchanged)
    left = task.left
    yield "LEFT", f"{_many(left.attempts, 'attempt')} at this class, {_many(left.cycles, 'compile cycle')}"


def _said_once(task: Task, seen: Mapping[str, str]) -> Iterator[tuple[str, Section]]:
    """The sections that stand until they change, by name."""
    if task.request:
        yield "REQUEST", ("REQUEST", bounded(task.request, MAX_REQUEST))
    if task.spec is not None:
        known = knows_rules(seen, task.spec, task.request)
        body = _AS_DRAFTED if known else bounded(rules_text(task.spec), MAX_SPEC)
        yield "RULES", ("RULES a person confirmed", body)
    if task.released:
        names = "\n".join(_line(bounded(name, MAX_RESULT)) for name in task.released[:MAX_RELEASED])
        yield "RELEASED", ("RELEASED by a person: correct these tests to what is asked for; no others", names)
    if task.stage == "spec" and task.existing and any(map(_is_suite, task.existing.files)):
        yield "OLD TESTS", (OLD_TESTS, "")
    yield "COMPILER", _compiler(task)
    if task.existing and task.existing.index:
        existing = "\n".join(map(_line, task.existing.index))
        yield "INDEX of EXISTING policies", ("INDEX of the other EXISTING policies, to read only", existing)
    if task.index:
        yield "INDEX", ("INDEX of what else there is, nearest first", "\n".join(map(_line, task.index)))


def _is_suite(path: str) -> bool:
    return layout.kind(path) is layout.Kind.SUITE


OLD_TESTS = (
    "OLD TESTS stand among the EXISTING files. Name in the draft each assertion that the request makes wrong, and no "
    "other: `outdated: [{suite, test, principal, resource, action, rule, instead: allow or deny}]`; a person is asked"
)
_AS_DRAFTED = "They are the spec as you wrote it last. What is open in it was answered as you recommended."


def _joined(section: Section) -> str:
    return "\n".join(section)


def _files(task: Task) -> Mapping[str, str]:
    there = task.existing.files if task.existing else {}
    return {**task.files, **{EXISTING + path: text for path, text in there.items()}}


def _titled(name: str) -> str:
    if name.startswith(EXISTING):
        return f"EXISTING, to read only: {_line(name.removeprefix(EXISTING))}"
    return f"FILE {_line(name)}"


def _compiler(task: Task) -> Section:
    spec = task.stage == "spec"
    if task.error_class is None and spec:
        return "THE CHECK of the spec found nothing; take in what the person answered, or propose no edits", ""
    if task.error_class is None:
        return "THE COMPILER is satisfied with the files as they are; carry out the request", ""
    body, untold = told(task.findings, MAX_FINDINGS, task.files)
    count = f"{_many(len(task.findings), 'finding')} of class {task.error_class.value}"
    more = [f"and {untold} more of this class"] if untold else []
    return f"THE {'CHECK of the spec' if spec else 'COMPILER'}: {count}", "\n".join([*body, *more])


def _history(task: Task) -> Iterator[str]:
    for past in task.history:
        edits = ", ".join(past.edits[:10]) + (f" and {len(past.edits) - 10} more" if len(past.edits) > 10 else "")
        yield f"{past.attempt}. {past.error_class}: {_line(edits) or 'no edits'}; {bounded(past.result, MAX_RESULT)}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _line(text: str) -> str:
    """`text` as one printable line."""
    return text if text.isprintable() else json.dumps(text)
