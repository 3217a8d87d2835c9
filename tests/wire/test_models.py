import json
from typing import Any

import pytest
from anthropic.types import ModelInfo
from openai.types import Model

from tokenhub.errors import BadRequest
from tokenhub.wire.models import (
    ModelEntry,
    Page,
    anthropic_item,
    anthropic_list,
    openai_item,
    openai_list,
    read_page,
)

ENTRIES = [ModelEntry(f"m{n}", "acme", 1_700_000_000_123, 1000 * n, None) for n in range(5)]


def listed(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(anthropic_list(ENTRIES, page))
    return {**answer, "data": [item["id"] for item in answer["data"]]}


def test_openais_list_has_every_model() -> None:
    answer = json.loads(openai_list(ENTRIES))
    assert answer["object"] == "list"
    assert [Model(**item).id for item in answer["data"]] == ["m0", "m1", "m2", "m3", "m4"]


def test_openais_model_names_its_owner_and_seconds() -> None:
    model = Model(**json.loads(openai_item(ENTRIES[1])))
    assert (model.id, model.object, model.owned_by) == ("m1", "model", "acme")
    assert model.created == 1_700_000_000


def test_anthropics_model_has_what_its_sdk_reads() -> None:
    model = ModelInfo.model_validate(json.loads(anthropic_item(ENTRIES[1])))
    assert (model.id, model.type, model.display_name) == ("m1", "model", "m1")
    assert model.created_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert (model.max_input_tokens, model.max_tokens) == (1000, None)


@pytest.mark.parametrize(
    ("page", "ids", "more"),
    [
        (Page(), ["m0", "m1", "m2", "m3", "m4"], False),
        (Page(limit=2), ["m0", "m1"], True),
        (Page(limit=2, after_id="m1"), ["m2", "m3"], True),
        (Page(limit=2, after_id="m3"), ["m4"], False),
        (Page(limit=2, after_id="gone"), ["m0", "m1"], True),
        (Page(limit=2, before_id="m4"), ["m2", "m3"], True),
        (Page(limit=2, before_id="m1"), ["m0"], False),
        (Page(limit=2, before_id="gone"), ["m3", "m4"], True),
        (Page(limit=2, after_id="m4"), [], False),
    ],
)
def test_anthropics_list_comes_in_pages(page: Page, ids: list[str], more: bool) -> None:
    assert listed(page) == {
        "data": ids,
        "has_more": more,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
    }


def test_a_page_is_read_from_the_query() -> None:
    assert read_page(None, None, None) == Page(20, None, None)
    assert read_page("1000", "a", None) == Page(1000, "a", None)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "", "1" * 5000, "²"])
def test_a_wrong_limit_is_named(limit: str) -> None:
    with pytest.raises(BadRequest, match="1 to 1000") as caught:
        read_page(limit, None, None)
    assert caught.value.param == "limit"
