"""A task as the text of one message.

Each section begins with a line `== MARKER TITLE`. The marker is a digest of all that the message shows, so no file can
hold the marker of a message that shows it, and no text can pass for a section of ours.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from policyloop.compose import MAX_FINDINGS
from policyloop.findings import Finding
from policyloop.redact import redact
from policyloop.shown import is_cut
from policyloop.task import Task

MAX_MESSAGE = 2_000
"""Characters of one message or excerpt of the compiler."""
MAX_WHY = 30
"""Lines of reasons for one failing assertion."""
MAX_REQUEST = 20_000
"""Characters of a request."""
MAX_SPEC = 60_000
"""Characters of a confirmed spec."""
MAX_REFUSAL = 6_000
MAX_RESULT = 500
"""Characters of what came of one past attempt."""

Section = tuple[str, str]


EXISTING = "existing:"
"""Before the path of a file that is only to be read; no path that a model may write holds a colon."""


def showing(task: Task) -> Mapping[str, str]:
    """Every file in the message for `task`: path -> text of those that it edits, then those only to be read."""
    there = task.existing.files if task.existing else {}
    return {**task.files, **{EXISTING + path: text for path, text in there.items()}}


def render(task: Task, seen: Mapping[str, str] | None = None) -> str:
    """The message for `task`. Files that the conversation has shown before, as `seen` holds them, are only named."""
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
    if task.request:
        yield "REQUEST", _bounded(task.request, MAX_REQUEST)
    if task.spec is not None:
        yield "RULES a person confirmed", _bounded(json.dumps(task.spec, ensure_ascii=False), MAX_SPEC)
    yield _compiler(task)
    if task.refusal:
        yield "YOUR LAST PROPOSAL was turned down, nothing of it was kept", _bounded(task.refusal, MAX_REFUSAL)
    if task.history:
        yield "TRIED SO FAR", "\n".join(_history(task))
    shown = showing(task)
    known = [name for name, text in shown.items() if seen.get(name) == text]
    for name, text in shown.items():
        if name not in known:
            part = ", in part" if is_cut(text) else ""
            end = "" if text.endswith("\n") else ", no line feed at its end"
            lines = _many(text.count("\n") + (not text.endswith("\n")), "line")
            yield f"{_titled(name)} ({lines}{part}{end})", text
    if known:
        yield "FILES shown before in this conversation, unchanged", "\n".join(map(_line, known))
    if task.existing and task.existing.index:
        yield "INDEX of the other EXISTING policies, to read only", "\n".join(map(_line, task.existing.index))
    if task.index:
        yield "INDEX of what else there is, nearest first", "\n".join(map(_line, task.index))
    left = task.left
    yield "LEFT", f"{_many(left.attempts, 'attempt')} at this class, {_many(left.cycles, 'compile cycle')}"


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
    shown = task.findings[:MAX_FINDINGS]
    count = f"{_many(len(task.findings), 'finding')} of class {task.error_class.value}"
    more = len(task.findings) - len(shown)
    body = [line for number, finding in enumerate(shown, 1) for line in _finding(number, finding)]
    if more:
        body.append(f"and {more} more of this class")
    return f"THE {'CHECK of the spec' if spec else 'COMPILER'}: {count}", "\n".join(body)


def _finding(number: int, finding: Finding) -> Iterator[str]:
    where = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)
    yield f"{number}. {finding.code} {_line(where)}: {_bounded(finding.message, MAX_MESSAGE)}"
    if one := finding.assertion:
        names = {"suite": one.suite, "test": one.test, "principal": one.principal, "resource": one.resource}
        yield "   " + json.dumps({**names, "action": one.action}, ensure_ascii=False)
    for why in finding.why[:MAX_WHY]:
        yield f"   - {_bounded(why, MAX_MESSAGE)}"
    if finding.excerpt:
        yield _bounded(finding.excerpt, MAX_MESSAGE)


def _history(task: Task) -> Iterator[str]:
    for past in task.history:
        edits = ", ".join(past.edits[:10]) + (f" and {len(past.edits) - 10} more" if len(past.edits) > 10 else "")
        yield f"{past.attempt}. {past.error_class}: {_line(edits) or 'no edits'}; {_bounded(past.result, MAX_RESULT)}"


def _bounded(text: str, most: int) -> str:
    text = redact(text)  # before it is cut: half a secret is not recognised
    return text if len(text) <= most else f"{text[:most]} ... ({len(text) - most} characters more)"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _line(text: str) -> str:
    """`text` as one printable line."""
    return text if text.isprintable() else json.dumps(text)
