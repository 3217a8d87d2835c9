import json
from typing import Any

import pytest
from anthropic.types import MessageTokensCount
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.types import Api
from tokenhub.wire.body import Document, parse
from tokenhub.wire.tokens import InputEstimate, count_body, estimate_input, estimate_text

PROSE = "The quick brown fox jumps over the lazy dog, and then it rests for a while. "
CODE = "def total(items: list[Item]) -> int:\n    return sum(i.price for i in items)\n"


def estimated(api: Api = Api.CHAT, **body: Any) -> InputEstimate:
    return estimate_input(api, parse(json.dumps(body).encode()))


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        # Wide bounds: words, parts of words and characters, as tokenizers cut them.
        (PROSE, 13, 23),
        (CODE, 16, 32),
        ("模型路由器把请求送到最合适的模型", 9, 20),
        ("Маршрутизатор выбирает лучшую модель", 9, 24),
        ("😀😀😀😀", 4, 12),
        ("1234567890123456", 5, 9),
        ("", 0, 0),
    ],
)
def test_text_counts_by_the_class_of_its_bytes(text: str, least: int, most: int) -> None:
    assert least <= estimate_text(text.encode()) <= most


def test_escaped_text_counts_as_what_it_means() -> None:
    text = "模型路由器" * 10
    assert estimate_text(json.dumps(text).encode()) == estimate_text(f'"{text}"'.encode())


@pytest.mark.parametrize("text", [PROSE, CODE, "模型路由器"])
def test_a_long_text_is_estimated_from_samples(text: str) -> None:
    once, times = estimate_text((text * 500).encode()), 20
    assert estimate_text((text * 500 * times).encode()) == pytest.approx(once * times, rel=0.02)


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_an_estimate_never_falls_below_one_byte_class(text: bytes, more: bytes) -> None:
    assert 0 <= estimate_text(text) <= 2 * len(text) + 1


def test_each_message_has_its_fixed_cost() -> None:
    one = estimated(messages=user("hello")).tokens
    ten = estimated(messages=user("hello") * 10).tokens
    assert 4 <= one <= 8
    assert ten == pytest.approx(10 * one, abs=10)


def test_tools_add_their_schemas_and_a_fixed_cost() -> None:
    tools = [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}]
    plain = estimated(Api.MESSAGES, messages=user("hi")).tokens
    assert estimated(Api.MESSAGES, messages=user("hi"), tools=tools).tokens >= plain + 346 + 20


def test_the_system_prompt_counts() -> None:
    plain = estimated(Api.MESSAGES, messages=user("hi")).tokens
    assert estimated(Api.MESSAGES, messages=user("hi"), system=PROSE * 10).tokens > plain + 130


def test_what_the_model_does_not_read_is_free() -> None:
    plain = estimated(messages=user("hi"))
    assert estimated(messages=user("hi"), metadata={"note": PROSE}) == plain


URL = "data:image/png;base64," + "iVBORw0KGgo" * 20_000
PDF = "JVBERi0xLjcK" * 16_000


@pytest.mark.parametrize(
    ("part", "least", "most", "image"),
    [
        ({"type": "image_url", "image_url": {"url": URL}}, 1100, 1130, True),
        ({"type": "image_url", "image_url": {"url": URL, "detail": "low"}}, 85, 115, True),
        ({"type": "image_url", "image_url": URL}, 1100, 1130, True),
        ({"type": "image", "source": {"type": "base64", "data": URL}}, 1600, 1630, True),
        ({"type": "input_audio", "input_audio": {"data": PDF}}, 97, 130, False),
        ({"type": "file", "file": {"file_data": PDF}}, 6000, 6030, False),
        ({"type": "file", "file": {"file_id": "file-1"}}, 1500, 1530, False),
        ({"type": "document", "source": {"type": "base64", "data": PDF}}, 6000, 6030, False),
        ({"type": "document", "source": {"type": "url", "url": "u"}}, 1500, 1530, False),
        ({"type": "document", "source": None}, 1500, 1530, False),
        ({"type": "document", "source": {"type": "text", "data": PROSE * 100}}, 1500, 2200, False),
        (
            {
                "type": "tool_result",
                "content": [{"type": "image", "source": {"data": URL}}, {"type": "text"}],
            },
            1600,
            1650,
            True,
        ),
        ({"type": "tool_result", "content": PROSE * 100}, 1500, 2200, False),
        ({"type": ["image"]}, 5, 30, False),
        ("just text in a list", 5, 30, False),
    ],
)
def test_media_have_fixed_costs_whatever_their_bytes(
    part: Any, least: int, most: int, image: bool
) -> None:
    estimate = estimated(messages=[*user("look"), *user([{"type": "text"}, part])])
    assert least <= estimate.tokens <= most
    assert estimate.has_images is image


def test_tool_results_are_looked_into_to_a_bounded_depth() -> None:
    content: list[Any] = [{"type": "image", "source": {"data": "AAAA"}}]
    for _ in range(10):
        content = [{"type": "tool_result", "content": content}]
    assert not estimated(messages=user(content)).has_images


def test_too_many_parts_are_taken_for_text() -> None:
    parts = [{"type": "image"}] * 20_001
    assert estimated(messages=user(parts)).has_images is False
    assert estimated(messages=user(parts[:20_000])).has_images is True


def test_media_beside_deep_nesting_are_no_error() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    assert estimated(messages=user([{"type": "image"}, {"type": "text", "x": deep}])).has_images


@pytest.mark.parametrize(
    ("given_input", "tokens"),
    [([1, 2, 3], 3), ([[1, 2], [3, 4, 5]], 5), ([[1, 2], "x"], 2), ("ab cd ef g", 4)],
)
def test_token_ids_are_counted_and_text_is_estimated(given_input: Any, tokens: int) -> None:
    assert estimated(Api.EMBEDDINGS, input=given_input).tokens == tokens
    assert estimated(Api.COMPLETIONS, prompt=given_input).tokens == tokens


def test_several_texts_are_estimated_together() -> None:
    assert 20 <= estimated(Api.EMBEDDINGS, input=[PROSE, PROSE]).tokens <= 50


def test_an_estimate_takes_the_clients_own_bytes() -> None:
    document: Document = parse(b'{"prompt":"caf\\u00e9"}')
    assert estimate_input(Api.COMPLETIONS, document).tokens >= 1


def test_the_items_of_a_response_count_as_the_messages_of_a_chat() -> None:
    items = [{"role": "user", "content": PROSE * 20}] * 5
    said = estimated(Api.RESPONSES, input=items, tools=[{"name": "f"}]).tokens
    assert said == estimated(Api.CHAT, messages=items, tools=[{"name": "f"}]).tokens


@pytest.mark.parametrize("name", ["input", "instructions"])
def test_the_text_of_a_response_is_estimated(name: str) -> None:
    body = {"input": "hi", name: PROSE * 100}
    assert 1500 <= estimated(Api.RESPONSES, **body).tokens <= 2200


@pytest.mark.parametrize(
    ("part", "least", "most", "image"),
    [
        ({"type": "input_image", "image_url": URL}, 1100, 1140, True),
        ({"type": "input_image", "image_url": URL, "detail": "low"}, 85, 125, True),
        ({"type": "input_file", "file_data": PDF}, 6000, 6040, False),
        ({"type": "input_file", "file_id": "file-1"}, 1500, 1540, False),
        ({"type": "input_text", "text": PROSE * 100}, 1500, 2200, False),
    ],
)
@pytest.mark.parametrize("name", ["content", "output"])
def test_media_in_items_have_fixed_costs(
    name: str, part: Any, least: int, most: int, image: bool
) -> None:
    kind = {"role": "user"} if name == "content" else {"type": "function_call_output"}
    estimate = estimated(Api.RESPONSES, input=[{**kind, name: [part]}])
    assert least <= estimate.tokens <= most
    assert estimate.has_images is image


def test_encrypted_reasoning_is_no_text() -> None:
    items = [{"type": "reasoning", "summary": [{"text": "hm"}], "encrypted_content": PDF}]
    assert estimated(Api.RESPONSES, input=items).tokens < 30
    assert estimated(Api.RESPONSES, input=[{"type": "reasoning", "summary": []}]).tokens < 30


def test_a_count_is_told_as_anthropic_tells_it() -> None:
    body = {"messages": user(PROSE), "system": PROSE, "tools": [{"name": "f"}]}
    tokens = estimated(Api.COUNT_TOKENS, **body).tokens
    assert tokens == estimated(Api.MESSAGES, **body).tokens
    counted = MessageTokensCount.model_validate_json(count_body(tokens), strict=True)
    assert counted.input_tokens == tokens
