import pytest

from tokenhub.routing.money import dollars


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "$0.00"), (1, "$0.000000001"), (1_200_000, "$0.0012"), (2_500_000_000, "$2.50")],
)
def test_money_is_told_exactly(nano: int, text: str) -> None:
    assert dollars(nano) == text
