"""What providers report about tokens, as one `Usage` in which each token is counted once."""

from collections.abc import Mapping
from typing import Any, Final

from tokenhub.types import Usage

_MOST_TOKENS: Final = 1_000_000_000
"""A larger count is a broken report; this keeps every sum of money within 64 bits."""


def openai_usage(report: Mapping[str, Any]) -> Usage:
    """The `usage` object of chat completions and completions.

    Sources: OpenAI API reference (`prompt_tokens` includes cached and written ones), DeepSeek's
    (`prompt_cache_hit_tokens`), xAI's (reasoning is left out of `completion_tokens`, not out of
    `total_tokens`, and is billed as output; some conversions from Gemini's API do the same).
    """
    given, made = _details(report, "prompt_tokens"), _details(report, "completion_tokens")
    input_tokens = _count(report, "prompt_tokens")
    output_tokens = max(
        _count(report, "completion_tokens"), _count(report, "total_tokens") - input_tokens
    )
    cached = _count(given, "cached_tokens") or _count(report, "prompt_cache_hit_tokens")
    cached = min(cached, input_tokens)
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=cached,
        cache_write_5m_tokens=min(_count(given, "cache_write_tokens"), input_tokens - cached),
        output_tokens=output_tokens,
        reasoning_tokens=min(_count(made, "reasoning_tokens"), output_tokens),
    )


def responses_usage(report: Mapping[str, Any]) -> Usage:
    """The `usage` object of responses. Source: OpenAI API reference, "The response object".

    It has other names than that of chat completions, and the same meaning.
    """
    given, made = _details(report, "input_tokens"), _details(report, "output_tokens")
    input_tokens = _count(report, "input_tokens")
    output_tokens = max(
        _count(report, "output_tokens"), _count(report, "total_tokens") - input_tokens
    )
    cached = min(_count(given, "cached_tokens"), input_tokens)
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=cached,
        cache_write_5m_tokens=min(_count(given, "cache_write_tokens"), input_tokens - cached),
        output_tokens=output_tokens,
        reasoning_tokens=min(_count(made, "reasoning_tokens"), output_tokens),
    )


def embeddings_usage(report: Mapping[str, Any]) -> Usage:
    """The `usage` object of embeddings, which are all input.

    Sources: OpenAI API reference (`prompt_tokens`), Voyage's (only `total_tokens`).
    """
    return Usage(_count(report, "prompt_tokens") or _count(report, "total_tokens"))


def anthropic_usage(report: Mapping[str, Any]) -> Usage:
    """The `usage` object of messages, whose three input counters are summed into `input_tokens`.

    Source: Anthropic API reference, "Prompt caching": `cache_creation` splits
    `cache_creation_input_tokens` by lifetime; what it does not name is taken for 5 minutes.
    """
    read = _count(report, "cache_read_input_tokens")
    split = report.get("cache_creation")
    split = split if isinstance(split, Mapping) else {}
    written_1h = _count(split, "ephemeral_1h_input_tokens")
    written_5m = _count(split, "ephemeral_5m_input_tokens")
    if report.get("cache_creation_input_tokens") is not None:
        total = _count(report, "cache_creation_input_tokens")
        written_1h = min(written_1h, total)
        written_5m = total - written_1h
    output_tokens = _count(report, "output_tokens")
    thinking = _count(_details(report, "output_tokens"), "thinking_tokens")
    return Usage(
        input_tokens=_count(report, "input_tokens") + read + written_5m + written_1h,
        cached_input_tokens=read,
        cache_write_5m_tokens=written_5m,
        cache_write_1h_tokens=written_1h,
        output_tokens=output_tokens,
        reasoning_tokens=min(thinking, output_tokens),
    )


def _details(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = report.get(f"{name}_details")
    return details if isinstance(details, Mapping) else {}


def _count(report: Mapping[str, Any], name: str) -> int:
    """A counter: 0 where it is absent or no number of tokens."""
    value = report.get(name)
    if type(value) is int and 0 <= value <= _MOST_TOKENS:
        return value
    if not isinstance(value, int | float) or value < 0:
        return 0
    return int(min(value, _MOST_TOKENS))
