"""A spec written into the file that it was read from: the comments and the layout of people stay where they can."""

import io
import json
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from policyloop.errors import UsageError
from policyloop.specification.model import Spec
from policyloop.specification.parse import parse_spec
from policyloop.specification.printing import OPEN_LEVELS, spec_to_yaml
from policyloop.yaml_text.writing import WIDTH, block, flow

_CONFIRMED = re.compile(r"^confirmed:.*\n?(?:[ \t]+.*\n?|\n)*", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#[ \t]*(\S.*)$", re.MULTILINE)


def renewed(text: str | None, spec: Spec) -> str:
    """The text of a file that holds `spec`, after `text`, which may be another spec or none.

    Whatever cannot be kept exactly is given up rather than the content: what comes back always reads as `spec`.
    """
    for attempt in (_beside, _within) if text is not None else ():
        try:
            new = attempt(text or "", spec)
            if parse_spec(new) == spec:
                return new
        except (UsageError, YAMLError, ValueError, TypeError, LookupError, AttributeError):
            continue
    return spec_to_yaml(spec)


def lost_comments(before: str, after: str) -> tuple[str, ...]:
    """The comments of `before` that `after` does not hold any more."""
    return tuple(found for found in _COMMENT.findall(before) if found.rstrip() not in after)


def _beside(text: str, spec: Spec) -> str:
    """The text as it is; sections that are new in the spec, and the confirmation, at its end."""
    head = _CONFIRMED.sub("", text).rstrip("\n")
    known = parse_spec(head).plain()
    more = [_section(key, value) for key, value in spec.plain().items() if key not in known]
    return "\n\n".join([head, *more]) + "\n"


def _within(text: str, spec: Spec) -> str:
    """The text with what differs changed in its place."""
    head = _CONFIRMED.sub("", text).rstrip("\n") + "\n"
    before, after = parse_spec(head).plain(), spec.plain()
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    kept = _merged(yaml.load(head), before, {key: value for key, value in after.items() if key in before})
    stream = io.StringIO()
    yaml.dump(kept, stream)
    more = [_section(key, value) for key, value in after.items() if key not in before]
    return "\n\n".join([stream.getvalue().rstrip("\n"), *more]) + "\n"


def _section(key: str, value: Any) -> str:
    return "\n".join(block({key: value}, open_levels=OPEN_LEVELS))


def _merged(node: Any, before: Any, after: Any) -> Any:
    """`node`, which says `before`, made to say `after`."""
    if json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
        return node
    if isinstance(node, CommentedMap) and isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before.keys() - after.keys():
            _take_out(node, key)
        for key, value in after.items():
            node[key] = _merged(node[key], before[key], value) if key in before else _styled(value)
        return node
    if isinstance(node, CommentedSeq) and _has_ids(before) and _has_ids(after):
        return _list_merged(node, before, after)
    return _styled(after)


def _take_out(node: CommentedMap, key: str) -> None:
    """Delete a key. Comment lines below it are about what follows, so they go to the key before it."""
    keys = list(node)
    place = keys.index(key)
    tokens: list[Any] = node.ca.items.pop(key, None) or [None, None, None, None]
    token = tokens[2]
    del node[key]
    below = token.value.partition("\n")[2] if token else ""
    before = keys[place - 1] if place else None
    if not below.strip() or before is None or isinstance(node[before], CommentedMap | CommentedSeq):
        return
    mine: list[Any] = node.ca.items.setdefault(before, [None, None, None, None])
    if mine[2] is None:
        token.value = "\n" + below
        mine[2] = token
    else:
        mine[2].value = mine[2].value.rstrip("\n") + "\n" + below


def _in_order(node: CommentedSeq, before: list[Any], after: list[Any]) -> list[Any]:
    """Put the entries that stay into their new order, with the comments that belong to them; what they say now."""
    place = {one["id"]: number for number, one in enumerate(after)}
    order = sorted(range(len(before)), key=lambda number: place[before[number]["id"]])
    entries, comments = list(node), dict(node.ca.items)
    node.ca.items.clear()
    for new, old in enumerate(order):
        node[new] = entries[old]
        if old in comments:
            node.ca.items[new] = comments[old]
    return [before[number] for number in order]


def _list_merged(node: CommentedSeq, before: list[Any], after: list[Any]) -> CommentedSeq:
    wanted = {one["id"] for one in after}
    for number in reversed(range(len(before))):
        if before[number]["id"] not in wanted:
            del node[number]
    left = _in_order(node, [one for one in before if one["id"] in wanted], after)
    for number, one in enumerate(after):
        if number < len(left) and left[number]["id"] == one["id"]:
            node[number] = _merged(node[number], left[number], one)
        else:
            node.insert(number, _styled(one))
            left.insert(number, one)
    return node


def _has_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "id" in one for one in value)


def _styled(value: Any) -> Any:
    """Data in the layout that our own files have: on one line where it fits."""
    if not isinstance(value, dict | list):
        return value
    inner: Any = CommentedMap() if isinstance(value, dict) else CommentedSeq()
    if isinstance(value, dict):
        inner.update({key: _styled(item) for key, item in value.items()})
    else:
        inner.extend(_styled(item) for item in value)
    if len(flow(value)) <= WIDTH - 20:
        inner.fa.set_flow_style()
    return inner
