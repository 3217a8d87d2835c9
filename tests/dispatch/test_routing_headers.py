import pytest

from tests.dispatch.fakes import decision, target
from tests.dispatch.test_trip import trip
from tokenhub.dispatch.routing_headers import routing_headers, usd
from tokenhub.dispatch.trip import Trip


def routed() -> Trip:
    made = trip(calls=2)
    made.decided(decision(target()))
    return made


def test_a_response_tells_where_its_request_went() -> None:
    assert dict(routing_headers(routed())) == {
        "X-TokenHub-Model": "m",
        "X-TokenHub-Provider": "p",
        "X-TokenHub-Reason": "named",
        "X-TokenHub-Estimated-Cost-USD": "0.001500000",
        "X-TokenHub-Attempts": "2",
    }


def test_a_whole_answer_tells_its_cost_too() -> None:
    assert dict(routing_headers(routed(), 0))["X-TokenHub-Cost-USD"] == "0.000000000"


def test_a_request_that_was_not_routed_has_nothing_to_tell() -> None:
    assert routing_headers(trip()) == []


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0.000000000"), (1, "0.000000001"), (12_345_678_901, "12.345678901")],
)
def test_dollars_are_exact(nano: int, text: str) -> None:
    assert usd(nano) == text
