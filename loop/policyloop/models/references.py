"""The prompts that ship with the package: `prompts/*.md` at the root of the project, readable by a person."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from policyloop.findings import ErrorClass
from policyloop.task import Stage, Task

NAMES = (
    "spec",
    "spec_more",
    "policies",
    "request",
    "generate",
    "generate_more",
    "syntax",
    "schema",
    "compile",
    "test",
)
READABLE = frozenset({"spec_more", "generate_more"})
"""References that a model may ask to read; they are told unasked where a task needs them."""
_SPEC_MORE = re.compile(
    r"scope|tenant|principalPolicy|one_of|everything|nothing else|irrelevant|decides|person\b|persons\b"
    r"|compan|countr|region|branch|subsidiar|except|unless",
    re.IGNORECASE,
)
"""Words of a request, a finding or an existing policy that hint at what `spec_more` tells; a guess costs 500 tokens."""
_GENERATE_MORE = frozenset({"person", "scope", "may_only_narrow", "everything_else"})


def system() -> str:
    """What a model is, and the rules that hold in every turn of every stage: the prefix that all requests share."""
    return text("system")


def needed(error_class: ErrorClass | None, stage: Stage = "policies", *, confirmed: bool = False) -> tuple[str, ...]:
    """The references for a turn, by name: what a spec is, or how policies decide, and what belongs to the class.

    `confirmed`: the policies are made from a confirmed spec, whose decisions are the tests.
    """
    if stage == "spec":
        return ("spec",)
    if error_class in (None, ErrorClass.TEST):
        if confirmed:
            return ("policies", "generate")
        return ("policies", "test" if error_class else "request")
    assert error_class is not None
    return (error_class.value, "generate") if confirmed else (error_class.value,)


def more_needed(task: Task) -> tuple[str, ...]:
    """The references about seldom constructs that a task is likely to need."""
    if task.stage == "spec":
        said = (task.request, *(f"{one.code} {one.message}" for one in task.findings))
        there = task.existing.files.values() if task.existing else ()
        return ("spec_more",) if any(map(_SPEC_MORE.search, (*said, *there))) else ()
    parts = (*_entries(task.spec, "rules"), *_entries(task.spec, "resources")) if task.spec else ()
    return ("generate_more",) if any(not _GENERATE_MORE.isdisjoint(part) for part in parts) else ()


def _entries(spec: Mapping[str, Any] | None, section: str) -> Iterator[Mapping[str, Any]]:
    part = (spec or {}).get(section, ())
    yield from (one for one in (part.values() if isinstance(part, Mapping) else part) if isinstance(one, Mapping))


@cache
def text(name: str) -> str:
    """The prompt of that name."""
    return (files("policyloop.prompts") / f"{name}.md").read_text(encoding="utf-8")
