import io
import json

from tokenhub.ctl.output import Output

COLUMNS = {"id": "ID", "price": "PRICE", "on": "ON", "deep.state": "STATE", "tags": "TAGS"}


def printed(*items: dict[str, object], as_json: bool = False) -> str:
    stream = io.StringIO()
    Output(stream, as_json=as_json).rows(items, COLUMNS)
    return stream.getvalue()


def test_numbers_stand_right_and_words_left() -> None:
    lines = printed(
        {"id": "a", "price": 0.0025, "on": True, "deep": {"state": "up"}, "tags": ["x", "y"]},
        {"id": "long", "price": 10, "on": False, "deep": None, "tags": []},
    ).splitlines()
    assert lines == [
        "ID     PRICE  ON   STATE  TAGS",
        "a     0.0025  yes  up     x, y",
        "long      10  no   -      -",
    ]


def test_small_prices_are_not_written_with_an_exponent() -> None:
    assert "0.00000001" in printed({"id": "a", "price": 1e-8})


def test_long_text_is_cut() -> None:
    assert "x" * 61 not in printed({"id": "x" * 1000})


def test_json_is_ascii_so_that_nothing_reaches_the_terminal_unescaped() -> None:
    text = printed({"id": "\x9b31m\u202e"}, as_json=True)
    assert text.isascii()
    assert json.loads(text) == [{"id": "\x9b31m\u202e"}]
