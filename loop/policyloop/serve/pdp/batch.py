"""Requests of one principal as one CheckResources, and its reply as one reply for each. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.serve.pdp.interface import PdpError
from policyloop.strict_json import read_strictly

MOST_RESOURCES = 50
"""The most resources that Cerbos takes in one request unless it is told otherwise."""
MOST_BYTES = 1_048_576
"""The most bytes of resources that become one request; Cerbos takes 4 MiB unless it is told otherwise."""
_JOINABLE = frozenset({"requestId", "includeMeta", "principal", "resources", "auxData"})


@dataclass(frozen=True, slots=True)
class Question:
    """One request, encoded. `who` is everything in it but its id and its resources.

    `id` is the request's, `name` the kind and the id of its resource; None for a request that must be asked alone.
    """

    id: str
    who: bytes
    resources: bytes
    name: tuple[str, str] | None


def question_of(request: Mapping[str, Any]) -> Question:
    """A request, ready to be asked. Raises `PdpError` for one that JSON has no form for."""
    who = {key: value for key, value in request.items() if key not in ("requestId", "resources")}
    id_, resources = request.get("requestId", ""), request.get("resources", [])
    if not isinstance(id_, str) or not isinstance(resources, Sequence) or isinstance(resources, str):
        raise PdpError("refused", "the request is none: its id is no text, or its resources no list")
    encoded = [_encoded(entry) for entry in resources]
    name = _name(resources) if set(request) <= _JOINABLE else None
    return Question(id_, _encoded(who), b",".join(encoded), name)


def _name(resources: Sequence[Any]) -> tuple[str, str] | None:
    match resources:
        case [{"resource": {"kind": str(kind), "id": str(id_)}}]:
            return kind, id_
    return None


def _encoded(value: Any) -> bytes:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise PdpError("refused", f"the request cannot be written as JSON: {type(error).__name__}") from None


def together(waiting: Sequence[Question], most: int) -> int:
    """How many of `waiting`, from the first on, are asked as one request: at least one.

    No two with a resource of one name: replies are told apart by it.
    """
    if waiting[0].name is None:
        return 1
    names = {waiting[0].name}
    size = len(waiting[0].resources)
    for count, question in enumerate(waiting[1:], start=1):
        size += len(question.resources)
        if question.name is None or question.name in names or size > MOST_BYTES or count >= most:
            return count
        names.add(question.name)
    return len(waiting)


def body_of(questions: Sequence[Question]) -> bytes:
    """The one request that asks them all; they have one `who`."""
    id_ = json.dumps(_joined_id(questions)).encode()
    resources = b",".join(question.resources for question in questions)
    who = questions[0].who[1:-1]
    comma = b"," if who else b""
    return b'{"requestId":' + id_ + comma + who + b',"resources":[' + resources + b"]}"


def _joined_id(questions: Sequence[Question]) -> str:
    first = questions[0].id
    return first if len(questions) == 1 else f"{first} and {len(questions) - 1} more"


def replies_of(questions: Sequence[Question], answer: bytes) -> list[object]:
    """For each question the reply that it would have got alone; `cerbosCallId` is that of the one call.

    Raises `PdpError` for an answer that is none to these questions, each in its place.
    """
    reply = _decoded(answer)
    match reply:
        case {"requestId": str(id_), "results": list(results)} if id_ == _joined_id(questions):
            pass
        case {"results": list(results)} if not _joined_id(questions) and "requestId" not in reply:
            pass
        case _:
            raise PdpError("odd", "the PDP's answer is none to this request")
    if len(questions) == 1 and questions[0].name is None:
        return [reply]
    if len(results) != len(questions):
        raise PdpError("odd", f"the PDP gave {len(results)} results for {len(questions)} resources")
    for question, result in zip(questions, results, strict=True):
        match result:
            case {"resource": {"kind": str(kind), "id": str(id_)}} if (kind, id_) == question.name:
                continue
        raise PdpError("odd", "a result of the PDP is about another resource than the one asked about")
    shared = {key: value for key, value in reply.items() if key not in ("requestId", "results")}
    return [
        {"requestId": question.id, "results": [result], **shared}
        for question, result in zip(questions, results, strict=True)
    ]


def _decoded(answer: bytes) -> dict[str, Any]:
    try:
        value = read_strictly(answer)
    except (ValueError, RecursionError):
        raise PdpError("odd", "the PDP's answer is no JSON") from None
    if not isinstance(value, dict):
        raise PdpError("odd", "the PDP's answer is no JSON object")
    return value
