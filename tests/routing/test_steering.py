from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.routing.policy import Mode, Steering
from tokenhub.routing.steering import from_envelope, from_headers


def test_headers_steer_in_any_spelling() -> None:
    steering = from_headers(
        [
            ("X-TokenHub-Mode", "cheap"),
            ("x-tokenhub-max-budget-usd", " 0.01 "),
            ("X-TOKENHUB-MAX-LATENCY-MS", "5000"),
            ("X-TokenHub-Min-Weight", "5"),
            ("X-TokenHub-Fallback", "OFF"),
        ]
    )
    assert steering == Steering(Mode.CHEAP, 10_000_000, 5000, 5, fallback=False)


def test_other_headers_steer_nothing() -> None:
    headers = [("X-TokenHub-Key", "x"), ("Mode", "cheap"), ("X-Other-Mode", "fast")]
    assert from_headers(headers) == Steering()


def test_of_a_repeated_header_the_last_counts() -> None:
    headers = [("X-TokenHub-Fallback", "off"), ("X-TokenHub-Fallback", "on")]
    assert from_headers(headers).fallback is True


@pytest.mark.parametrize(
    ("text", "nano"),
    [("0", 0), ("100", 10**11), ("1e-3", 10**6), ("0.000000001", 1), ("0.0000000019", 1)],
)
def test_a_budget_is_read_exactly_and_never_rounded_up(text: str, nano: int) -> None:
    assert from_headers([("X-TokenHub-Max-Budget-USD", text)]).max_budget_nano == nano


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Mode", "cheep", "unknown mode 'cheep': one of cheap, normal, "),
        ("Mode", "5", "unknown mode 5"),
        ("Max-Budget-USD", "NaN", "0 to 100, got 'NaN'"),
        ("Max-Budget-USD", "inf", "got 'inf'"),
        ("Max-Budget-USD", "-1", "got '-1'"),
        ("Max-Budget-USD", "100.01", "got 100.01"),
        ("Max-Budget-USD", "1e99", "got 1E"),
        ("Max-Budget-USD", "", "got ''"),
        ("Max-Latency-Ms", "1.5", "an integer, 0 to 300000, got 1.5"),
        ("Max-Latency-Ms", "300001", "got 300001"),
        ("Max-Latency-Ms", "²", "got '²'"),
        ("Min-Weight", "11", "0 to 10"),
        ("Fallback", "maybe", "on or off, got 'maybe'"),
    ],
)
def test_a_wrong_header_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        from_headers([(f"X-TokenHub-{name}", value)])
    assert refused.value.param == f"X-TokenHub-{name}"
    assert said in refused.value.message


def test_the_envelope_steers() -> None:
    policy = {"mode": "fast", "max_budget_usd": 0.05, "max_latency_ms": 300_000, "min_weight": 10}
    steering = from_envelope(policy, {"planning": True})
    assert steering == Steering(Mode.FAST, 50_000_000, 300_000, 10, planning=True)


@pytest.mark.parametrize("empty", [None, {}, {"planning": None}])
def test_an_envelope_without_wishes_steers_nothing(empty: object) -> None:
    policy = {"mode": None} if empty else empty
    assert from_envelope(policy, empty) == Steering()


@pytest.mark.parametrize("steering", [{"max_latency_ms": 0}])
def test_a_latency_of_0_is_no_limit(steering: dict[str, Any]) -> None:
    assert from_envelope(steering, None).max_latency_ms is None
    assert from_headers([("X-TokenHub-Max-Latency-Ms", "0")]).max_latency_ms is None


@pytest.mark.parametrize(
    ("policy", "capabilities", "param", "said"),
    [
        ([], None, "policy", "expected an object, got a list"),
        ("cheap", None, "policy", "got 'cheap'"),
        (None, 5, "capabilities", "got 5"),
        ({"mode": 3}, None, "policy.mode", "unknown mode 3"),
        ({"mode": {}}, None, "policy.mode", "unknown mode an object"),
        ({"max_budget_usd": True}, None, "policy.max_budget_usd", "got true"),
        ({"max_budget_usd": "1"}, None, "policy.max_budget_usd", "got '1'"),
        ({"max_budget_usd": float("nan")}, None, "policy.max_budget_usd", "got nan"),
        ({"max_budget_usd": float("inf")}, None, "policy.max_budget_usd", "got inf"),
        ({"max_budget_usd": -0.1}, None, "policy.max_budget_usd", "0 to 100"),
        ({"max_latency_ms": 5.5}, None, "policy.max_latency_ms", "an integer"),
        ({"min_weight": 11}, None, "policy.min_weight", "0 to 10"),
        ({"weight": 1}, None, "policy.weight", "unknown field 'policy.weight': one of mode, "),
        (None, {"planning": 1}, "capabilities.planning", "true or false, got 1"),
        (None, {"tools": True}, "capabilities.tools", "one of planning"),
    ],
)
def test_a_wrong_field_of_the_envelope_is_refused_by_its_name(
    policy: object, capabilities: object, param: str, said: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        from_envelope(policy, capabilities)
    assert refused.value.param == param
    assert said in refused.value.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["mode", "max_budget_usd", "min_weight"]), json_values))
def test_whatever_comes_is_read_into_its_range_or_refused(policy: dict[str, Any]) -> None:
    try:
        steering = from_envelope(policy, None)
    except BadRequest:
        return
    assert 0 <= (steering.max_budget_nano or 0) <= 10**11
    assert 0 <= (steering.min_weight or 0) <= 10


@given(st.text(max_size=40), st.sampled_from(["Max-Budget-USD", "Max-Latency-Ms", "Min-Weight"]))
def test_any_text_in_a_header_is_read_or_refused(text: str, name: str) -> None:
    try:
        steering = from_headers([(f"X-TokenHub-{name}", text)])
    except BadRequest:
        return
    assert 0 <= (steering.max_budget_nano or 0) <= 10**11
