import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.types import Api
from tokenhub.wire.translation.tool_ids import fit


@pytest.mark.parametrize(
    ("id", "api"),
    [
        ("toolu_01A9", Api.MESSAGES),
        ("call_abc-DEF", Api.MESSAGES),
        ("functions.get:0", Api.CHAT),
        ("x" * 40, Api.CHAT),
        ("x" * 64, Api.RESPONSES),
        ("x" * 64, Api.MESSAGES),
    ],
)
def test_an_id_that_will_do_is_kept(id: str, api: Api) -> None:
    assert fit(id, api) == id


@pytest.mark.parametrize(
    ("id", "api"),
    [
        ("functions.get:0", Api.MESSAGES),
        ("é", Api.MESSAGES),
        ("a\n", Api.MESSAGES),
        ("", Api.CHAT),
        ("x" * 41, Api.CHAT),
        ("x" * 65, Api.RESPONSES),
        ("x" * 65, Api.MESSAGES),
    ],
)
def test_another_id_is_always_rewritten_alike(id: str, api: Api) -> None:
    assert fit(id, api) != id
    assert fit(id, api) == fit(id, api)
    assert fit(fit(id, api), api) == fit(id, api)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["x", "é"]))
def test_every_id_becomes_one_that_anthropic_takes_and_stays_apart(id: str, more: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", fit(id, Api.MESSAGES))
    assert fit(id, Api.MESSAGES) != fit(id + more, Api.MESSAGES)
