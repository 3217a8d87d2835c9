import json
from typing import Any

import pytest

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.answer import read_answer


@pytest.mark.parametrize(
    ("api", "body", "usage"),
    [
        (
            Api.CHAT,
            {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
            Usage(1, 0, 0, 0, 2),
        ),
        (Api.COMPLETIONS, {"choices": [{}], "usage": {"prompt_tokens": 4}}, Usage(4)),
        (Api.EMBEDDINGS, {"data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}}, Usage(3)),
        (
            Api.MESSAGES,
            {
                "content": [],
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1},
            },
            Usage(7, 2, 0, 0, 1),
        ),
        (Api.CHAT, {"choices": []}, None),
        (Api.MESSAGES, {"content": [], "usage": None}, None),
    ],
)
def test_the_usage_of_an_answer_is_read(api: Api, body: Any, usage: Usage | None) -> None:
    assert read_answer(api, json.dumps(body).encode()).usage == usage


@pytest.mark.parametrize(
    ("api", "body", "output_tokens"),
    [
        (Api.CHAT, {"choices": [{"index": 0, "message": {"content": "a" * 40}}]}, 10),
        (Api.COMPLETIONS, {"choices": [{"text": "a" * 40, "finish_reason": "stop"}]}, 10),
        (Api.MESSAGES, {"content": [{"type": "text", "text": "a" * 40}]}, 10),
        (Api.EMBEDDINGS, {"data": [{"embedding": "a" * 40}]}, 0),
        (Api.COMPLETIONS, {"choices": [{"text": "a" * 40}], "usage": {"prompt_tokens": 1}}, 0),
    ],
)
def test_output_without_reported_usage_is_estimated(
    api: Api, body: Any, output_tokens: int
) -> None:
    assert read_answer(api, json.dumps(body).encode()).output_tokens == output_tokens


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"choices":{}}', b'{"error":{}}', b'{"data":[]}']
)
def test_an_answer_that_is_not_of_its_protocol_is_refused(body: bytes) -> None:
    with pytest.raises(NotOfProtocol):
        read_answer(Api.CHAT, body)
