import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.providers.retry_after import MAX_WAIT_S, retry_after_s

NOW_MS = 1_700_000_000_000  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "99999999"}, MAX_WAIT_S),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 -0000"}, 60),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1d2h3m4.5s"}, 86_400),
        ({"x-ratelimit-reset-tokens": "2h3m4.5s"}, 7384.5),
        ({"x-ratelimit-reset-tokens": ""}, None),
        ({"x-ratelimit-reset-tokens": "never"}, None),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "1700000030"}, 30),
        ({"x-ratelimit-reset": "1700000030000"}, 30),
        ({"anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:50Z"}, 30),
        ({"anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:50"}, 30),
        ({"anthropic-ratelimit-unified-reset": "1700000030"}, 30),
        ({"anthropic-ratelimit-tokens-reset": "later"}, None),
    ],
)
def test_a_wait_is_read_in_every_form(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after_s(headers, NOW_MS) == (None if wait is None else pytest.approx(wait))


def test_an_explicit_wait_counts_before_the_windows() -> None:
    assert retry_after_s({"retry-after": "2", "x-ratelimit-reset-requests": "9s"}, NOW_MS) == 2


def test_an_unreadable_wait_leaves_it_to_the_windows() -> None:
    assert retry_after_s({"retry-after": "?", "x-ratelimit-reset-requests": "9s"}, NOW_MS) == 9


def test_the_exhausted_window_counts() -> None:
    headers = {
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-tokens": "40s",
        "x-ratelimit-remaining-tokens": "0",
    }
    assert retry_after_s(headers, NOW_MS) == 40


def test_without_an_exhausted_window_the_first_to_end_counts() -> None:
    headers = {"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "40s"}
    assert retry_after_s(headers, NOW_MS) == 2


NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-tokens-reset",
    ]
)


@given(st.dictionaries(NAMES, st.text(max_size=40)))
def test_no_text_makes_more_of_it_than_a_bounded_wait(headers: dict[str, str]) -> None:
    wait = retry_after_s(headers, NOW_MS)
    assert wait is None or 0 <= wait <= MAX_WAIT_S
