from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.types import Usage
from tokenhub.wire.usage import (
    anthropic_usage,
    embeddings_usage,
    openai_usage,
    responses_usage,
)


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (
            {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
            Usage(9, output_tokens=12),
        ),
        # OpenAI, chat completions.
        (
            {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "cache_write_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 192},
            },
            Usage(2006, 1920, 40, 0, 300, 192),
        ),
        # OpenAI, embeddings.
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(8)),
        # DeepSeek.
        (
            {
                "prompt_tokens": 100,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
                "completion_tokens": 5,
                "total_tokens": 105,
            },
            Usage(100, 64, output_tokens=5),
        ),
        # xAI: reasoning beside completion_tokens, inside total_tokens.
        (
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 399,
                "completion_tokens_details": {"reasoning_tokens": 386},
            },
            Usage(12, output_tokens=387, reasoning_tokens=386),
        ),
        # vLLM.
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 3,
                "total_tokens": 10,
                "prompt_tokens_details": None,
            },
            Usage(7, output_tokens=3),
        ),
        ({}, Usage()),
    ],
)
def test_openai_usage_is_read_exactly(report: dict[str, Any], usage: Usage) -> None:
    assert openai_usage(report) == usage


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"input_tokens": 25, "output_tokens": 15}, Usage(25, output_tokens=15)),
        (
            {
                "input_tokens": 21,
                "cache_creation_input_tokens": 188086,
                "cache_read_input_tokens": 1000,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 88086,
                    "ephemeral_1h_input_tokens": 100000,
                },
                "output_tokens": 393,
                "output_tokens_details": {"thinking_tokens": 300},
            },
            Usage(189107, 1000, 88086, 100000, 393, 300),
        ),
        (
            {"input_tokens": 1, "cache_creation_input_tokens": 50, "output_tokens": 2},
            Usage(51, 0, 50, 0, 2),
        ),
        (
            {
                "input_tokens": 1,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 6},
                "output_tokens": 2,
            },
            Usage(12, 0, 5, 6, 2),
        ),
        # A later, larger total beside the split of an earlier report.
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 6},
            },
            Usage(31, 0, 24, 6),
        ),
        (
            {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_creation": None},
            Usage(3),
        ),
    ],
)
def test_anthropic_usage_is_summed_into_all_input(report: dict[str, Any], usage: Usage) -> None:
    assert anthropic_usage(report) == usage


@pytest.mark.parametrize(
    ("report", "input_tokens"),
    [
        ({"prompt_tokens": 8, "total_tokens": 8}, 8),
        ({"total_tokens": 1000}, 1000),  # Voyage
        ({"prompt_tokens": None, "total_tokens": 7}, 7),
        ({"prompt_tokens": 8, "total_tokens": 9, "completion_tokens": 1}, 8),
        ({}, 0),
    ],
)
def test_embeddings_are_all_input(report: dict[str, Any], input_tokens: int) -> None:
    assert embeddings_usage(report) == Usage(input_tokens)


@pytest.mark.parametrize("value", [None, "12", -5, [], "x"])
def test_a_counter_that_is_no_number_counts_nothing(value: Any) -> None:
    assert openai_usage({"prompt_tokens": value}) == Usage()


def test_a_counter_beyond_belief_is_bounded() -> None:
    assert openai_usage({"prompt_tokens": 1e300}).input_tokens == 1_000_000_000


_counts = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text())
_details = st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens", "thinking_tokens"]),
    _counts,
)
_reports = st.dictionaries(
    st.sampled_from(
        [
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "prompt_cache_hit_tokens",
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_creation",
            "prompt_tokens_details",
            "completion_tokens_details",
            "output_tokens_details",
        ]
    ),
    _counts | _details,
)


@given(_reports)
def test_whatever_is_reported_the_parts_fit_in_their_whole(report: dict[str, Any]) -> None:
    for usage in (openai_usage(report), anthropic_usage(report), embeddings_usage(report)):
        written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
        assert 0 <= usage.cached_input_tokens + written <= usage.input_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (
            {
                "input_tokens": 50,
                "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
                "output_tokens": 30,
                "output_tokens_details": {"reasoning_tokens": 20},
                "total_tokens": 80,
            },
            Usage(50, 10, 5, 0, 30, 20),
        ),
        ({"input_tokens": 5, "output_tokens": 3}, Usage(5, output_tokens=3)),
        ({"input_tokens": 5, "output_tokens": 1, "total_tokens": 9}, Usage(5, output_tokens=4)),
        (
            {
                "input_tokens": 5,
                "input_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9},
                "output_tokens_details": {"reasoning_tokens": 9},
            },
            Usage(5, 5),
        ),
        ({"input_tokens_details": None}, Usage()),
    ],
)
def test_the_usage_of_a_response(report: Any, usage: Usage) -> None:
    assert responses_usage(report) == usage
