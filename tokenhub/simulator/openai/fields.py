"""Which top-level fields OpenAI's APIs know. vLLM takes any other one and ignores it.

`client_metadata` is in no reference; Codex sends it to the responses API (texts only).
"""

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.openai import checks as check

_BOTH = (
    "metadata model moderation parallel_tool_calls prompt_cache_key prompt_cache_options "
    "prompt_cache_retention safety_identifier service_tier store stream stream_options temperature "
    "tool_choice tools top_logprobs top_p user"
)
_CHAT = frozenset(
    f"{_BOTH} audio frequency_penalty function_call functions logit_bias logprobs messages "
    "max_completion_tokens max_tokens modalities n prediction presence_penalty reasoning_effort "
    "response_format seed stop verbosity web_search_options".split()
)
_RESPONSES = frozenset(
    f"{_BOTH} access_programs background client_metadata context_management conversation image "
    "include input instructions max_output_tokens max_tool_calls previous_response_id prompt "
    "reasoning text truncation".split()
)


def check_chat_fields(exchange: Exchange) -> None:
    """Refuse the fields that chat does not know, all in one message."""
    unknown = [] if exchange.vllm else [name for name in exchange.body if name not in _CHAT]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        names = ", ".join(unknown)
        raise ApiError(400, f"Unrecognized request argument{plural} supplied: {names}")


def check_responses_fields(exchange: Exchange) -> None:
    """Refuse the first field that responses do not know."""
    if not exchange.vllm:
        check.only(exchange.body, _RESPONSES, "")
    told = check.optional(exchange.body, "client_metadata", "an object") or {}
    for name in told:
        check.optional(told, name, "a string", f"client_metadata.{name}")
