import pytest

from tokenhub.text import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\x9b31mb\x7f", "a31mb"),
        ("user\u202egnp.exe\u2066\u200b\ufeff", "usergnp.exe"),
        ("\U000e0041tag", "tag"),
        ("  spaced   out ", "spaced out"),
        ("modèle 模型 😀", "modèle 模型 😀"),
        ("half \ud800", "half"),
        ("", ""),
    ],
)
def test_text_from_outside_is_made_harmless(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_long_text_is_cut() -> None:
    assert clean("x" * 500) == "x" * 299 + "…"
    assert clean("abcdef", 6) == "abcdef"
    assert clean("abcdefg", 6) == "abcde…"


def test_removed_characters_take_no_room() -> None:
    assert clean("\x00" * 20 + "abc", 6) == "abc"
