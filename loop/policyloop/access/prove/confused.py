"""Conditions that Cerbos 0.55.0 may take for each other, looked for in the texts of whole bundles.

Seen: of conditions that hold the same expressions in the same order under another `all`, `any` or `none`, the server
keeps one for all of them, wherever in the bundle they stand. So what is proved of a part alone may not hold in the
whole. This errs on the side of finding some; `Shape.confused` says which they are, as the server itself reads them.
"""

from collections.abc import Iterator
from typing import Any

from policyloop.access.source import Doubtful, Node, policies_of, unread
from policyloop.access.source.alike import luck_in
from policyloop.bundle import Bundle

_OPERATORS = ("all", "any", "none")


def confusable(*bundles: Bundle) -> bool:
    """Whether any of these holds conditions that may be taken for each other, or is not read with certainty."""
    return any(_confusable(bundle) for bundle in bundles)


def _confusable(bundle: Bundle) -> bool:
    if unread(bundle) or luck_in(bundle):
        return True
    forms: dict[tuple[str, ...], str] = {}
    for match in _matches(bundle):
        try:
            data = match.data()
        except Doubtful:
            return True
        texts: list[str] = []
        form = _form(data, texts)
        if forms.setdefault(tuple(texts), form) != form:
            return True
    return False


def _matches(bundle: Bundle) -> Iterator[Node]:
    for policy in policies_of(bundle):
        holders = [*(rule.node for rule in policy.rules), *(role.node for role in policy.definitions)]
        for holder in holders:
            match = holder.at("condition", "match")
            if match is not None:
                yield match


def _form(match: Any, texts: list[str]) -> str:
    """How the expressions of a condition, which join `texts`, are put together; one under `all` or `any` is itself."""
    if not isinstance(match, dict) or "expr" in match:
        texts.append(str(match))
        return "expr"
    parts: list[str] = []
    operators = [name for name in match if name in _OPERATORS]
    for name in operators:
        held = match[name]
        parts += [_form(part, texts) for part in (held.get("of") or () if isinstance(held, dict) else ())]
    operator = " ".join(operators)
    return parts[0] if len(parts) == 1 and operator in ("all", "any") else f"{operator}({', '.join(parts)})"
