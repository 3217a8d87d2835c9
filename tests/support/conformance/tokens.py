"""Tokens as each protocol tells them, and what they cost."""

from dataclasses import dataclass, replace
from typing import Any, Final

from tests.support.cast import MODELS

MORE_MODELS: Final = tuple(
    {
        "id": name,
        "provider_id": provider,
        "max_context_tokens": 100_000,
        "max_output_tokens": 20_000,
        "input_per_1k": 0.004,
        "output_per_1k": 0.02,
    }
    for name, provider in (
        ("o3", "openai"),
        ("claude-opus-4-5", "anthropic"),
        ("claude-sonnet-5-5", "anthropic"),
        ("Qwen/Qwen3-8B", "vllm"),
        ("gone-o", "openai"),
        ("gone-a", "anthropic"),
        ("gone-v", "vllm"),
    )
)
"""Models that think, with room for it, and some that the providers do not have."""


@dataclass(frozen=True)
class Tokens:
    """All counters; `input` is all of it, `output` too. The protocols differ in what they tell."""

    input: int
    cached: int
    written_5m: int
    written_1h: int
    output: int
    reasoning: int

    @property
    def merged(self) -> "Tokens":
        """As told by a protocol that does not tell for how long a cache was written."""
        return replace(self, written_5m=self.written_5m + self.written_1h, written_1h=0)


def chat_tokens(usage: Any) -> Tokens:
    """The usage of a chat completion."""
    into, out = usage.prompt_tokens_details, usage.completion_tokens_details
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    return Tokens(
        input=usage.prompt_tokens,
        cached=(into and into.cached_tokens) or 0,
        written_5m=(into and into.cache_write_tokens) or 0,
        written_1h=0,
        output=usage.completion_tokens,
        reasoning=(out and out.reasoning_tokens) or 0,
    )


def response_tokens(usage: Any) -> Tokens:
    """The usage of a response."""
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    return Tokens(
        input=usage.input_tokens,
        cached=usage.input_tokens_details.cached_tokens,
        written_5m=usage.input_tokens_details.cache_write_tokens,
        written_1h=0,
        output=usage.output_tokens,
        reasoning=usage.output_tokens_details.reasoning_tokens,
    )


def message_tokens(usage: Any) -> Tokens:
    """The usage of a message, whose input is told in parts."""
    written = usage.cache_creation_input_tokens or 0
    long = usage.cache_creation.ephemeral_1h_input_tokens if usage.cache_creation else 0
    read, details = usage.cache_read_input_tokens or 0, usage.output_tokens_details
    return Tokens(
        input=usage.input_tokens + read + written,
        cached=read,
        written_5m=written - long,
        written_1h=long,
        output=usage.output_tokens,
        reasoning=details.thinking_tokens if details else 0,
    )


def cost_nano(model: str, tokens: Tokens) -> int:
    """What `tokens` cost in nano-dollars; caches by Anthropic's rates there, else as input."""
    row = next(row for row in (*MODELS, *MORE_MODELS) if row["id"] == model)
    into, out = (round(float(row[name]) * 1e6) for name in ("input_per_1k", "output_per_1k"))
    plain = tokens.input - tokens.cached - tokens.written_5m - tokens.written_1h
    rates = (0.1, 1.25, 2.0) if row["provider_id"] == "anthropic" else (1.0, 1.0, 1.0)
    parts = zip(rates, (tokens.cached, tokens.written_5m, tokens.written_1h), strict=True)
    return round((plain + sum(rate * count for rate, count in parts)) * into) + tokens.output * out
