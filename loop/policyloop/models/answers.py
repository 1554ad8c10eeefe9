"""From what the Messages API answers to a `Reply`, and from what it refuses to one clear `Unavailable`."""

from typing import TYPE_CHECKING

from policyloop.errors import Unavailable
from policyloop.models.pricing import price
from policyloop.models.tally import MAX_COUNT
from policyloop.models.tool import NAME
from policyloop.protocol import proposal_from_json
from policyloop.redact import redact
from policyloop.task import Malformed, Reply
from policyloop.usage import Usage

if TYPE_CHECKING:
    from anthropic import AnthropicError
    from anthropic.types import Message
    from anthropic.types import Usage as ApiUsage

_KEY_HINT = "Check ANTHROPIC_API_KEY; `policyloop doctor` tells what is set."
_WAIT_HINT = "Wait a little, then go on with `policyloop run --resume`."
_KINDS = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "api_error": 500,
}


def usage_of(counted: "ApiUsage", model: str, most: Usage) -> Usage:
    """Tokens as the API counted them, with their price; `most`, what the call can have cost, where it did not count.

    The SDK hands on what came: text, NaN and 1e308 are no counts, and neither is a number below zero.
    """
    given = (
        counted.input_tokens,
        counted.output_tokens,
        _counted(counted.cache_read_input_tokens),
        _counted(counted.cache_creation_input_tokens),
    )
    if not all(type(count) is int and 0 <= count <= MAX_COUNT for count in given):
        return most
    usage = Usage(
        input_tokens=given[0], output_tokens=given[1], cache_read_tokens=given[2], cache_write_tokens=given[3]
    )
    return priced(usage, model)


def _counted(count: int | None) -> int:
    return 0 if count is None else count


def priced(usage: Usage, model: str) -> Usage:
    """The same tokens with what they cost."""
    prompt = usage.tokens - usage.output_tokens
    return usage + Usage(usd=price(model, prompt).of(usage))


def reply_of(message: "Message", usage: Usage, max_tokens: int) -> Reply:
    """The proposal in a finished message, or why there is none."""
    calls = [block for block in message.content if block.type == "tool_use"]
    match message.stop_reason:
        case "max_tokens":
            why = f"the answer was cut off at its limit of {max_tokens} tokens; make smaller edits"
        case "refusal":
            why = "the model declined to answer"
        case "model_context_window_exceeded":
            why = "the conversation is longer than the model can read"
        case _ if not message.content:
            why = "the answer is empty"
        case _ if len(calls) != 1 or calls[0].name != NAME:
            why = f"the answer holds {len(calls)} tool calls instead of one call of `{NAME}`"
        case _:
            try:
                return Reply(proposal_from_json(calls[0].input), usage=usage)
            except Malformed as error:
                why = redact(str(error))
    return Reply(None, f"No proposal: {why}.", usage)


def unavailable(error: "AnthropicError", model: str, host: str) -> Unavailable:
    """One sentence for what kept the API from answering at all. Retries were made by the SDK where they help."""
    from anthropic import APIConnectionError, APIError, APIStatusError, APITimeoutError

    if not isinstance(error, APIError):
        return Unavailable(f"The credentials for Claude cannot be used{_short(str(error))}.", _KEY_HINT)
    if isinstance(error.__cause__, Unavailable):
        return error.__cause__
    if isinstance(error, APITimeoutError):
        return Unavailable(f"{host} did not answer in time, also after retries.", _WAIT_HINT)
    if isinstance(error, APIConnectionError):
        return Unavailable(
            f"{host} cannot be reached.", "Check the network, the proxy settings and ANTHROPIC_BASE_URL."
        )
    if not isinstance(error, APIStatusError):
        return Unavailable(f"{host} gave an answer that is not one of the Messages API.", "Check ANTHROPIC_BASE_URL.")
    status = error.status_code if error.status_code >= 300 else _KINDS.get(error.type or "", 500)
    return _by_status(status, _said(error), model, host)


def _by_status(status: int, said: str, model: str, host: str) -> Unavailable:
    match status:
        case _ if 300 <= status < 400:
            return Unavailable(
                f"{host} answers with a redirect ({status}), which is not followed: the prompt would go elsewhere.",
                "Set ANTHROPIC_BASE_URL to the address that answers itself.",
            )
        case 401:
            return Unavailable(f"{host} does not accept the API key (401).", _KEY_HINT)
        case 402:
            return Unavailable(f"{host} asks for payment (402){said}.", "Check the plan and its credit.")
        case 403:
            return Unavailable(f"{host} does not let this key use {model} (403){said}.", _KEY_HINT)
        case 404:
            hint = "Set model.name to a model that the key may use, and check ANTHROPIC_BASE_URL."
            return Unavailable(f"{host} knows no model {model!r} (404){said}.", hint)
        case 429:
            return Unavailable(f"{host} limits the rate of requests (429), also after retries{said}.", _WAIT_HINT)
        case 529:
            return Unavailable(f"{host} is overloaded (529), also after retries.", _WAIT_HINT)
        case _ if status >= 500:
            return Unavailable(f"{host} failed ({status}), also after retries.", _WAIT_HINT)
        case _:
            return Unavailable(
                f"{host} turned the request down ({status}){said}.", "Check model.name and its settings."
            )


def _said(error: "AnthropicError") -> str:
    """What the API says itself."""
    said = getattr(error, "api_message", None)
    return _short(said) if isinstance(said, str) else ""


def _short(text: str) -> str:
    """`: text` as one short line without secrets, or nothing."""
    line = " ".join(redact(text).split())[:300].rstrip(".")
    return f": {line}" if line else ""
