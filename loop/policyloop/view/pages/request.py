"""A request in the one notation that every page has: who, with which roles and attributes, what, on which thing."""

import json
from collections.abc import Mapping
from typing import Any

from policyloop.printing import one_line

_MOST = 600


def request_words(request: Mapping[str, Any], now: str | None = None) -> str:
    """`u1 (user) {"tenant": "x"} read doc r1 {"tenant": []}`. `request` is the JSON of one; `now` its moment."""
    who, what = _part(request, "principal"), _part(request, "resource")
    roles = ", ".join(str(role) for role in who.get("roles") or ())
    parts = [f"{who.get('id', '?')} ({roles})", _attributes(who.get("attr"))]
    parts += [str(request.get("action", "?")), str(what.get("kind", "?")), str(what.get("id", "?"))]
    parts += [_attributes(what.get("attr"))]
    places = (("of version", what.get("policyVersion")), ("of scope", what.get("scope")))
    parts += [f"{words} {value}" for words, value in places if value]
    own = (("person's version", who.get("policyVersion")), ("person's scope", who.get("scope")))
    parts += [f"{words} {value}" for words, value in own if value]
    claims = _part(_part(request, "auxData"), "jwt")
    parts += [f"with the token {_attributes(claims)}"] if claims else []
    parts += [f"at {now}"] if now else []
    return one_line(" ".join(part for part in parts if part), _MOST)


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, Mapping) else {}


def _attributes(attr: object) -> str:
    return json.dumps(_whole(attr), sort_keys=True, ensure_ascii=False, default=str) if attr else ""


def _whole(value: object) -> object:
    """Numbers as a person writes them: Cerbos keeps 1000 as 1000.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value
