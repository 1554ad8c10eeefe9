"""The running conversation with the Messages API about one class of findings.

Append-only, and its system prompt and tools never change: the thinking blocks of current models are bound to all that
came before them, and a request that replays one after an edit is turned down with a 400
(https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, read 2026-10). It also keeps the cache warm.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from policyloop.findings import ErrorClass
from policyloop.models import references
from policyloop.models.render import render, showing
from policyloop.models.tool import PROPOSE
from policyloop.task import Stage, Task

OVERHEAD_TOKENS = 2_000
"""More than what the API adds by itself: the tool-use and strict-schema prompts take some 300 to 1,000 tokens."""

Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`prompt_tokens` is an upper bound of what the next request sends: exact for the turns that were counted by the
    API, and a token for each byte of what is new (a token is at least one byte).
    """

    error_class: ErrorClass | None
    stage: Stage = "policies"
    confirmed: bool = False
    """The policies are made from a confirmed spec."""
    messages: tuple[Block, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)
    tool_use: str | None = None
    prompt_tokens: int = 0

    @property
    def system(self) -> list[Block]:
        """The system prompt: what holds always, then the reference for this class, both cached."""
        more = (references.generating(),) if self.confirmed else ()
        texts = (references.system(), *more, references.reference(self.error_class, self.stage))
        return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}} for text in texts]

    def asking(self, task: Task) -> "Conversation":
        """This conversation with `task` as its last message."""
        text = render(task, self.shown)
        content: list[Block] = [{"type": "text", "text": text}]
        if self.tool_use:
            result = "Received. What came of it follows."
            content.insert(0, {"type": "tool_result", "tool_use_id": self.tool_use, "content": result})
        size = len(text.encode(errors="replace"))
        return replace(
            self,
            messages=(*self.messages, {"role": "user", "content": content}),
            shown={**self.shown, **showing(task)},
            prompt_tokens=(self.prompt_tokens or _fixed_tokens(self.system)) + size,
        )

    def answered(self, content: Sequence[Block], tool_use: str, tokens: int) -> "Conversation":
        """This conversation with the model's answer, which with all before it has `tokens` tokens."""
        message = {"role": "assistant", "content": list(content)}
        return replace(
            self, messages=(*self.messages, message), tool_use=tool_use, prompt_tokens=tokens + OVERHEAD_TOKENS
        )


def _fixed_tokens(system: Sequence[Block]) -> int:
    texts = [block["text"] for block in system]
    return sum(len(text.encode()) for text in (*texts, json.dumps(PROPOSE))) + OVERHEAD_TOKENS
