"""Claude through the Messages API: one strict tool call a turn, streamed, cached, and never beyond the budget."""

import os
from typing import TYPE_CHECKING, Any, cast

from policyloop.errors import Unavailable
from policyloop.models import pricing
from policyloop.models.answers import priced, reply_of, unavailable, usage_of
from policyloop.models.bounded import AnswerTooLong, bounded_client
from policyloop.models.conversation import Conversation
from policyloop.models.deadline import TimeIsUp, within
from policyloop.models.tool import PROPOSE
from policyloop.redact import sound_key
from policyloop.task import Reply, Task
from policyloop.usage import Left, Usage

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types import Message
    from anthropic.types import Usage as ApiUsage

DEFAULT_MODEL = "claude-sonnet-5-5"
"""The newest Sonnet that `anthropic.types.Model` of SDK 2.11 lists; the class for daily work on code, at $2/$10."""
DEFAULT_MAX_OUTPUT_TOKENS = 16_000
LEAST_OUTPUT_TOKENS = 1_024
"""An answer shorter than this is hardly a proposal: with less left, no call is made."""
SILENCE_SECONDS = 180.0
"""How long the API may send nothing at all; while it answers it sends a ping every few seconds."""


class ClaudeModel:
    """Proposes with Claude. The key, from the SDK's usual places, stays in the SDK's client.

    The tool is offered with `tool_choice: auto` and not forced: Sonnet 5.5, Opus 5.5 and Fable 5.1 answer a forced tool
    with a 400, and an answer without a call is a failed attempt anyhow. `note` is for the person, when the price of
    the model is not known.
    """

    def __init__(
        self,
        name: str | None = None,
        max_output_tokens: int | None = None,
        *,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self.name = name or DEFAULT_MODEL
        self.note = None if pricing.is_known(self.name) else _unknown_price(self.name)
        self._max_output = max_output_tokens or DEFAULT_MAX_OUTPUT_TOKENS
        self._silence = silence_seconds
        self._client: Anthropic | None = None
        self._conversation: Conversation | None = None

    def __repr__(self) -> str:
        return f"ClaudeModel({self.name!r})"

    def propose(self, task: Task) -> Reply:
        """Ask for a proposal. Raises `Unavailable` when the API gave no answer at all.

        An answer that broke off, or is none, is a `Reply`: it cost tokens, and the next attempt may do better. When its
        cost is not known, because the end is missing, the whole of `max_tokens` is counted.
        """
        asking = self._current(task).asking(task)
        max_tokens, cap = _affordable(self.name, asking.prompt_tokens, self._max_output, task.left)
        if cap:
            return Reply(None, f"The rest of the budget ({cap}) does not cover another call.", over_budget=cap)
        self._conversation = None
        call = _Call(self._ready(), self.name, asking, max_tokens)
        try:
            reply = within(task.left.seconds, call.reply)
        except TimeIsUp:
            self.close()
            why = "The time that was left went by before the model had answered."
            return Reply(None, why, call.cost_so_far(), over_budget="wall_seconds")
        except BaseException:
            self.close()
            raise
        self._conversation = call.conversation_after(reply)
        return reply

    def most(self, task: Task) -> Usage:
        """What `propose` can cost at most: booked before it is asked, for a call that is killed tells nothing."""
        prompt = self._current(task).asking(task).prompt_tokens
        max_tokens, cap = _affordable(self.name, prompt, self._max_output, task.left)
        return Usage() if cap else _most(self.name, prompt, max_tokens)

    def check(self) -> None:
        """Raises `Unavailable` where there is no key, or none that could be sent. Nothing is contacted."""
        self._ready()

    def close(self) -> None:
        """Let go of the connections and of the conversation."""
        client, self._client, self._conversation = self._client, None, None
        if client is not None:
            client.close()

    def _current(self, task: Task) -> Conversation:
        known = self._conversation
        return Conversation() if known is None or task.afresh else known

    def _ready(self) -> "Anthropic":
        if self._client is None:
            self._client = _connect(self._silence)
        return self._client


class _Call:
    """One request. Runs in a thread; what it has learned so far can be read from another."""

    def __init__(self, client: "Anthropic", name: str, asking: Conversation, max_tokens: int) -> None:
        self._client = client
        self._name = name
        self._asking = asking
        self._max_tokens = max_tokens
        self._started: ApiUsage | None = None
        self._message: Message | None = None

    def reply(self) -> Reply:
        """Send the request and read the whole answer."""
        import httpx2
        from anthropic import AnthropicError

        try:
            message = self._stream()
        except AnthropicError as error:
            raise unavailable(error, self._name, _host(self._client)) from None
        except AnswerTooLong as error:
            return Reply(None, f"No proposal: {error}.", self.cost_so_far())
        except (httpx2.HTTPError, ValueError, TypeError, LookupError, RuntimeError, AttributeError):
            # Past the response's headers the SDK hands on what httpx2 and its parser raise, as it comes.
            return Reply(None, "No proposal: the answer broke off or came garbled.", self.cost_so_far())
        if message is None or message.stop_reason is None:
            return Reply(None, "No proposal: the answer ended before it was complete.", self.cost_so_far())
        self._message = message
        return reply_of(message, usage_of(message.usage, self._name, self.most()), self._max_tokens)

    def cost_so_far(self) -> Usage:
        """What an answer without an end has cost at most."""
        if self._started is None:
            return Usage()
        counted = self._started.model_copy(update={"output_tokens": self._max_tokens})
        return usage_of(counted, self._name, self.most())

    def most(self) -> Usage:
        """What the call can have cost: all of its prompt, none of it cached, and the longest answer."""
        return _most(self._name, self._asking.prompt_tokens, self._max_tokens)

    def conversation_after(self, reply: Reply) -> Conversation | None:
        """The conversation with this answer; None, so that it starts anew, when the answer was no proposal."""
        if reply.proposal is None or self._message is None:
            return None
        content = [block.to_dict() for block in self._message.content]
        call = next(block.id for block in self._message.content if block.type == "tool_use")
        return self._asking.answered(content, call, reply.usage.tokens, reply.proposal)

    def _stream(self) -> "Message | None":
        arguments: dict[str, Any] = {
            "model": self._name,
            "max_tokens": self._max_tokens,
            "system": self._asking.system,
            "messages": list(self._asking.messages),
            "tools": [PROPOSE],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "cache_control": {"type": "ephemeral"},
        }
        with self._client.messages.stream(**arguments) as stream:
            for event in stream:
                if event.type == "message_start":
                    self._started = event.message.usage.model_copy()
            return cast("Message", stream.current_message_snapshot) if self._started else None


def _most(name: str, prompt: int, answer: int) -> Usage:
    """An upper bound: a token that is written into the cache costs more than one that is not."""
    return priced(Usage(cache_write_tokens=prompt, output_tokens=answer), name)


def _affordable(name: str, prompt: int, wanted: int, left: Left) -> tuple[int, str | None]:
    """How many tokens the answer may have, and the cap of the budget under which no call fits at all."""
    least = min(LEAST_OUTPUT_TOKENS, wanted)
    cost = pricing.price(name, prompt)
    by_tokens = left.tokens - prompt
    by_usd = int((left.usd - prompt * max(cost.input, cost.cache_write) / 1_000_000) / cost.output * 1_000_000)
    if left.seconds <= 0:
        return 0, "wall_seconds"
    if by_tokens < least:
        return 0, "tokens"
    if by_usd < least:
        return 0, "usd"
    return min(wanted, by_tokens, by_usd), None


def _connect(silence: float) -> "Anthropic":
    import httpx2
    from anthropic import Anthropic, AnthropicError, CredentialsError

    for variable in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        if not sound_key(os.environ.get(variable, "")):
            raise Unavailable(
                f"{variable} holds a blank, a line break or a character that no key has.", "Set it again."
            )
    timeout = httpx2.Timeout(silence, connect=min(silence, 10.0))
    try:
        client = Anthropic(timeout=timeout, http_client=bounded_client(timeout))
    except CredentialsError as error:
        raise unavailable(error, "", "") from None
    except (AnthropicError, httpx2.InvalidURL, ValueError, TypeError, OSError) as error:
        hint = "Check ANTHROPIC_BASE_URL and the other ANTHROPIC_ variables."
        raise Unavailable(f"The Anthropic client cannot be set up ({type(error).__name__}).", hint) from None
    if client.api_key is None and client.auth_token is None and client.credentials is None:
        client.close()
        hint = "Set ANTHROPIC_API_KEY, or use another model with --model-command; `policyloop demo` needs no key."
        raise Unavailable("There is no API key for Claude.", hint)
    return client


def _host(client: "Anthropic") -> str:
    """Where requests go, without a user, a password or a path."""
    url = client.base_url
    if not url.host:
        return "The address in ANTHROPIC_BASE_URL names no host and"
    return f"{url.host}:{url.port}" if url.port else str(url.host)


def _unknown_price(name: str) -> str:
    highest = pricing.HIGHEST
    return (
        f"No list price of {name} is known (prices as of {pricing.AS_OF}); its tokens are counted at the highest "
        f"known one, ${highest.input:g} in and ${highest.output:g} out per million."
    )
