"""The running conversation with the Messages API.

Append-only, and its system prompt and tools never change: the thinking blocks of current models are bound to all that
came before them, and a request that replays one after an edit is turned down with a 400
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-10). It also keeps the cache warm.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from policyloop.bundle import Edit, Replace, Write
from policyloop.models import references
from policyloop.models.render import EXISTING, render, showing
from policyloop.models.tool import PROPOSE
from policyloop.shown import is_cut
from policyloop.task import Proposal, Task

OVERHEAD_TOKENS = 2_000
"""More than what the API adds by itself: the tool-use and strict-schema prompts take some 300 to 1,000 tokens."""

Block = dict[str, Any]
CACHED = {"type": "ephemeral"}
"""A breakpoint: what stands before it, and the block itself, is read from the cache by the next request like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`prompt_tokens` is an upper bound of what the next request sends: exact for the turns that were counted by the
    API, and a token for each byte of what is new (a token is at least one byte).

    It goes on from the spec to the policies made from it: what was said once is said, and read from the cache.
    """

    messages: tuple[Block, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)
    """What the model knows word for word: sections and files (see `render.showing`), with its own edits made."""
    taught: frozenset[str] = frozenset()
    """The references that stand in it."""
    asked_for: tuple[str, ...] = ()
    """The references that the model asked to read."""
    tool_use: str | None = None
    prompt_tokens: int = 0

    @property
    def system(self) -> list[Block]:
        """What holds in every stage: with the tool the prefix that all requests share, also those of other runs."""
        return [{"type": "text", "text": references.system(), "cache_control": CACHED}]

    def asking(self, task: Task) -> "Conversation":
        """This conversation with `task` as its last message."""
        content: list[Block] = []
        if self.tool_use:
            result = "Received. What came of it follows."
            content.append({"type": "tool_result", "tool_use_id": self.tool_use, "content": result})
        needed = references.needed(task.error_class, task.stage, confirmed=task.spec is not None)
        names = dict.fromkeys((*needed, *references.more_needed(task), *self.asked_for))
        new = [name for name in names if name not in self.taught]
        content += [{"type": "text", "text": references.text(name)} for name in new]
        if new and not self.messages:
            # A second drafting turn in another process, after a person has answered, begins alike up to here.
            content[-1]["cache_control"] = CACHED
        content.append({"type": "text", "text": render(task, self.shown)})
        size = sum(len(str(block.get("text", "")).encode(errors="replace")) for block in content)
        return replace(
            self,
            messages=(*self.messages, {"role": "user", "content": content}),
            shown={**self.shown, **showing(task, self.shown)},
            taught=self.taught | set(new),
            prompt_tokens=(self.prompt_tokens or _fixed_tokens(self.system)) + size,
        )

    def answered(self, content: Sequence[Block], tool_use: str, tokens: int, said: Proposal) -> "Conversation":
        """This conversation with the model's answer, which with all before it has `tokens` tokens."""
        message = {"role": "assistant", "content": list(content)}
        return replace(
            self,
            messages=(*self.messages, message),
            shown=_edited(self.shown, said.edits),
            asked_for=tuple(name for name in said.read if name in references.READABLE),
            tool_use=tool_use,
            prompt_tokens=tokens + OVERHEAD_TOKENS,
        )


def _edited(shown: Mapping[str, str], edits: Sequence[Edit]) -> Mapping[str, str]:
    """What the model knows after its own edits; of a file that it knows only in part, nothing."""
    known = dict(shown)
    for edit in edits:
        before = known.pop(edit.path, known.get(EXISTING + edit.path, ""))
        if isinstance(edit, Write):
            known[edit.path] = edit.content
        elif isinstance(edit, Replace) and before.count(edit.old) == 1 and not is_cut(before):
            known[edit.path] = before.replace(edit.old, edit.new)
    return known


def _fixed_tokens(system: Sequence[Block]) -> int:
    texts = [block["text"] for block in system]
    return sum(len(text.encode()) for text in (*texts, json.dumps(PROPOSE))) + OVERHEAD_TOKENS
