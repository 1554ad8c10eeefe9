"""The model that the configuration names."""

from typing import Literal

from policyloop.errors import UsageError
from policyloop.models.claude import ClaudeModel
from policyloop.models.command import CommandModel
from policyloop.models.recorded import RecordedModel
from policyloop.task import Model


def check_model(model: Model) -> None:
    """Raises `Unavailable` where the first call would fail for want of a key or a program. Nothing is contacted."""
    if isinstance(model, ClaudeModel | CommandModel):
        model.check()


def open_model(
    kind: Literal["claude", "command", "recorded"],
    *,
    name: str | None = None,
    max_output_tokens: int | None = None,
    command: str | None = None,
    replay: str | None = None,
) -> Model:
    """The model of `kind`. Nothing is contacted yet. Raises `UsageError` when something it needs is missing."""
    match kind:
        case "claude":
            return ClaudeModel(name, max_output_tokens)
        case "command":
            if not command:
                raise UsageError("model.kind is command, but there is no command.", "Give --model-command CMD.")
            return CommandModel(command)
        case "recorded":
            if not replay:
                raise UsageError("model.kind is recorded, but there is no recording.", "Give --replay FILE.")
            return RecordedModel(replay)
