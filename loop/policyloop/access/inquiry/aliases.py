"""A changed policy beside the one that it was: under another name of its kind, on the same server.

The answers are those about the kind itself where nothing looks at the kind's name: no condition, no role policy and no
principal policy. Anywhere else a change is asked about by itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import Question
from policyloop.access.source import policies_of, spliced
from policyloop.access.source.splice import rewritten
from policyloop.bundle import Bundle

_FOLDER = "policyloop_alias"
_WHOLE = re.compile(r"\b(R|resource|request)\b(?!\s*\.\s*[A-Za-z])")
"""A resource or a request of which no field is taken."""


class Changing(Protocol):
    """What is asked about a change."""

    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def changed(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Alias:
    """The other name of a kind, and its policies under that name."""

    kind: str
    files: Mapping[str, str]


class Aliases:
    """Which changes can be looked at under another name, and how."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._folder = _FOLDER
        while any(name.startswith(self._folder) for name in (*parts.kinds, *parts.bundle)):
            self._folder += "_"
        self._nameless: dict[str, bool] = {}

    def fit(self, ask: Changing) -> bool:
        """Whether the change is one of the resource policies of one kind whose name nothing looks at."""
        if len(ask.kinds) != 1 or not ask.changed:
            return False
        (kind,) = ask.kinds
        own = all(self._parts.kind_of_file.get(path) == kind for path in ask.changed)
        if kind not in self._nameless:
            self._nameless[kind] = self._looks_at_no_name(kind)
        return own and self._nameless[kind]

    def of(self, ask: Changing, number: int) -> Alias | None:
        """The change under the name with that number; None where it cannot have one."""
        if not self.fit(ask):
            return None
        (kind,) = ask.kinds
        name = f"{self._folder}_{number}"
        texts = {path: self._parts.bundle[path] for path, of in self._parts.kind_of_file.items() if of == kind}
        texts |= ask.changed
        files: dict[str, str] = {}
        for path, text in texts.items():
            policy = next(iter(policies_of(Bundle({path: text}))), None)
            named = policy.body.get("resource") if policy is not None else None
            if named is None or named.shape != "scalar" or named.text != kind:
                return None
            files[f"{name}/{path}"] = spliced(text, [rewritten(text, named, name)])
        return Alias(name, files)

    def _looks_at_no_name(self, kind: str) -> bool:
        policies = self._parts.policies_about(kind)
        if not self._parts.known or any(policy.what in ("role", "principal") for policy in policies):
            return False
        # In whatever way it is spelled, a condition cannot look at the name without this word; a whole resource or
        # request that is passed on could be looked at elsewhere.
        texts: Sequence[str] = [one.text for policy in policies for one in policy.expressions()]
        return not any("kind" in text or "\\" in text or _WHOLE.search(text) for text in texts)


def about(question: Question, kind: str) -> Question:
    """The same question about another kind."""
    request = question.request
    return replace(question, request=replace(request, resource=replace(request.resource, kind=kind)))
