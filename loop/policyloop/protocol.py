"""The JSON between the loop and any model (`policyloop schema task`, `policyloop schema proposal`): version 1.

`--model-command` reads and writes it, the ledger keeps it, and the `claude` model's tool has the same shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from annotated_types import MinLen

from policyloop.bundle import MAX_PATH_BYTES, Delete, Edit, Replace, Write
from policyloop.findings import ErrorClass, FindingDocument, finding_document
from policyloop.shape import Amount, Count, to_json
from policyloop.task import MAX_READS, Dispute, Existing, Malformed, PastAttempt, Proposal, Stage, Task, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDocument:
    """An earlier attempt."""

    attempt: Count
    class_: str
    edits: tuple[str, ...]
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDocument:
    """What is left."""

    attempts_left: Count
    cycles_left: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDocument:
    """What `--model-command` reads on standard input."""

    version: Literal[1] = 1
    stage: Stage
    """Whether the spec is drafted, or policies are made."""
    request: str
    """What the person asked for in plain words; empty: repair what is there."""
    spec: Mapping[str, Any] | None
    """What a person confirmed; null when nothing was."""
    error_class: ErrorClass | None
    findings: tuple[FindingDocument, ...]
    refusal: str | None
    """Why the last proposal was not taken."""
    released: tuple[str, ...]
    """The assertions that a person let go of, each with what it must be now where that is said: to be corrected."""
    files: Mapping[str, str]
    """Path to text: what matters to the findings. A cut file says so in its lines."""
    index: tuple[str, ...]
    """What else there is: files, and folders with counts; ask for them in `read`."""
    existing: Existing | None
    """Policies that are there while the spec is drafted: never edited."""
    history: tuple[PastDocument, ...]
    """The latest attempts and what came of each."""
    budget: LeftDocument


class WriteJson(TypedDict):
    """Give the file this whole text."""

    path: str
    content: str


class ReplaceJson(TypedDict):
    """Replace a text that stands in the file exactly once."""

    path: str
    old: str
    new: str


class DeleteJson(TypedDict):
    """Delete the file."""

    path: str
    delete: Literal[True]


EditJson = WriteJson | ReplaceJson | DeleteJson


class _Assertion(TypedDict, total=False):
    suite: str
    test: str
    principal: str
    resource: str
    action: str


class DisputeJson(_Assertion):
    """A test that the model says contradicts a rule."""

    reason: Annotated[str, MinLen(1)]


class UsageJson(TypedDict, total=False):
    """What the program's own model calls cost."""

    input_tokens: Count
    output_tokens: Count
    cache_read_tokens: Count
    cache_write_tokens: Count
    usd: Amount


class ProposalJson(TypedDict, total=False):
    """What `--model-command` writes on standard output."""

    edits: list[EditJson]
    note: str
    dispute: DisputeJson | None
    read: list[str]
    usage: UsageJson


def task_to_json(task: Task) -> dict[str, Any]:
    """The task as `--model-command` reads it on standard input."""
    document = TaskDocument(
        stage=task.stage,
        request=task.request,
        spec=task.spec,
        error_class=task.error_class,
        findings=tuple(finding_document(finding) for finding in task.findings),
        refusal=task.refusal,
        released=task.released,
        files=task.files,
        index=task.index,
        existing=task.existing,
        history=tuple(_past_document(past) for past in task.history),
        budget=LeftDocument(attempts_left=task.left.attempts, cycles_left=task.left.cycles),
    )
    written: dict[str, Any] = to_json(document)
    return written


def _past_document(past: PastAttempt) -> PastDocument:
    return PastDocument(attempt=past.attempt, class_=past.error_class, edits=past.edits, result=past.result)


def edit_to_json(edit: Edit) -> EditJson:
    """One edit in the published shape."""
    match edit:
        case Write(path, content):
            return {"path": path, "content": content}
        case Replace(path, old, new):
            return {"path": path, "old": old, "new": new}
        case Delete(path):
            return {"path": path, "delete": True}


def dispute_to_json(dispute: Dispute) -> DisputeJson:
    """A dispute in the published shape."""
    return {
        "suite": dispute.suite,
        "test": dispute.test,
        "principal": dispute.principal,
        "resource": dispute.resource,
        "action": dispute.action,
        "reason": dispute.reason,
    }


def proposal_to_json(proposal: Proposal) -> ProposalJson:
    """A proposal in the published shape."""
    return {
        "edits": [edit_to_json(edit) for edit in proposal.edits],
        "note": proposal.note,
        "dispute": dispute_to_json(proposal.dispute) if proposal.dispute else None,
        "read": list(proposal.read),
    }


def proposal_from_json(data: object) -> Proposal:
    """A proposal out of a model's JSON. Raises `Malformed` with the first thing that is wrong."""
    if not isinstance(data, dict):
        raise Malformed(f"the reply is {_kind(data)}, not a JSON object")
    unknown = sorted(str(key) for key in data.keys() - {"edits", "note", "dispute", "read"})
    if unknown:
        raise Malformed(f"unknown key {unknown[0][:100]!r}; a proposal has edits, note, dispute and read")
    edits = _list(data, "edits")
    read = _list(data, "read")
    note = data.get("note")
    if not isinstance(note, str | None):
        raise Malformed(f"note is {_kind(note)}, not text")
    for path in read:
        if not isinstance(path, str):
            raise Malformed(f"read holds {_kind(path)}, not a path")
        if len(path) > MAX_PATH_BYTES:
            raise Malformed(f"read holds a path of {len(path)} characters; a path has at most {MAX_PATH_BYTES}")
    if len(read) > MAX_READS:
        raise Malformed(f"read holds {len(read)} paths; it holds at most {MAX_READS}")
    return Proposal(
        edits=tuple(_edit(n, item) for n, item in enumerate(edits, 1)),
        note=cut(note or ""),
        dispute=_dispute(data.get("dispute")),
        read=tuple(read),
    )


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list | None):
        raise Malformed(f"{key} is {_kind(value)}, not a list")
    return value or []


def _edit(number: int, item: object) -> Edit:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        raise Malformed(f"edit {number} has no path")
    path, keys = item["path"], set(item)
    if keys == {"path", "content"} and isinstance(item["content"], str):
        return Write(path, item["content"])
    if keys == {"path", "old", "new"} and isinstance(item["old"], str) and isinstance(item["new"], str):
        return Replace(path, item["old"], item["new"])
    if keys == {"path", "delete"} and item["delete"] is True:
        return Delete(path)
    raise Malformed(
        f"edit {number} ({path[:MAX_PATH_BYTES]!r}) is none of path+content, path+old+new, path+delete: true, all text"
    )


def _dispute(item: object) -> Dispute | None:
    if item is None:
        return None
    names = ("suite", "test", "principal", "resource", "action", "reason")
    if not isinstance(item, dict) or not all(isinstance(item.get(name, ""), str) for name in names):
        raise Malformed("dispute is not an object of texts")
    if not item.get("reason"):
        raise Malformed("dispute has no reason")
    return Dispute(**{name: cut(item.get(name, "")) for name in names})


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
