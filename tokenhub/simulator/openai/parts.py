"""Parts that the answers of OpenAI's APIs share: usage, finish reasons, ids of calls."""

from collections.abc import Mapping, Sequence

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.reply import Finish, Reply

FINISH: Mapping[Finish, str] = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOLS: "tool_calls",
    Finish.REFUSED: "stop",
    Finish.FILTERED: "content_filter",
    Finish.PAUSED: "stop",
    Finish.WINDOW: "length",
}
"""`finish_reason` of chat and completions."""


def call_id(exchange: Exchange) -> str:
    """A new id of a tool call."""
    if exchange.vllm:
        return exchange.ids.hex("chatcmpl-tool-", 32)
    return exchange.ids.alnum("call_", 24)


def chat_usage(
    exchange: Exchange, input_tokens: int, cached: int, replies: Sequence[Reply]
) -> Json:
    """The `usage` of chat and legacy completions; cached and reasoning tokens are parts of it."""
    output = sum(reply.output_tokens for reply in replies)
    usage: Json = {
        "prompt_tokens": input_tokens,
        "completion_tokens": output,
        "total_tokens": input_tokens + output,
    }
    if exchange.vllm:
        return usage | {"prompt_tokens_details": {"cached_tokens": cached} if cached else None}
    return usage | {
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(reply.reasoning_tokens for reply in replies),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def responses_usage(input_tokens: int, cached: int, reply: Reply) -> Json:
    """The `usage` of a response."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": input_tokens + reply.output_tokens,
    }
