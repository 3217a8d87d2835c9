import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.answer import AnswerFacts, read_answer


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
        (Api.EMBEDDINGS, {"data": [], "usage": {"total_tokens": 3}}, Usage(3)),
        (
            Api.MESSAGES,
            {
                "content": [],
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1},
            },
            Usage(7, 2, 0, 0, 1),
        ),
        (
            Api.RESPONSES,
            {
                "output": [],
                "status": "incomplete",
                "error": None,
                "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
            },
            Usage(5, output_tokens=3),
        ),
        (Api.COUNT_TOKENS, {"input_tokens": 7}, None),
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
        (Api.RESPONSES, {"output": [{"content": [{"text": "a" * 40, "type": "x"}]}]}, 10),
        (Api.COUNT_TOKENS, {"input_tokens": 7}, 0),
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


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (Api.CHAT, b'{"error":{"message":"slow down","code":429}}'),
        (Api.CHAT, b'{"choices":[],"error":{"message":"slow down","code":429}}'),
        (Api.CHAT, b'{"choices":null,"error":"slow down"}'),
        (Api.MESSAGES, b'{"type":"error","error":{"type":"overloaded_error"}}'),
        (Api.EMBEDDINGS, b'{"error":{"message":"no"}}'),
        (Api.RESPONSES, b'{"status":"failed","output":[{}],"error":{"code":"server_error"}}'),
        (Api.COUNT_TOKENS, b'{"type":"error","error":{"type":"overloaded_error"}}'),
    ],
)
def test_an_answer_that_is_an_error_is_handed_on_to_be_classified(api: Api, body: bytes) -> None:
    with pytest.raises(NotOfProtocol) as caught:
        read_answer(api, body)
    assert caught.value.error_body == body


@pytest.mark.parametrize("body", [b"{}", b'{"error":null}', b'{"error":{}}', b"[1]", b"no"])
def test_an_answer_that_is_nothing_known_has_no_error(body: bytes) -> None:
    with pytest.raises(NotOfProtocol) as caught:
        read_answer(Api.CHAT, body)
    assert caught.value.error_body == b""


def test_an_error_beside_content_does_not_count() -> None:
    body = b'{"choices":[{"text":"a"}],"error":{"code":1},"usage":{"prompt_tokens":1}}'
    assert read_answer(Api.CHAT, body).usage == Usage(1)


MIB = 1024 * 1024
UNREAD = b"?" * (2 * MIB)
"""No JSON, which whoever parses the whole answer would find."""


@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"list","data":[%b],"model":"m","usage":{"prompt_tokens":7}}',
        b' {\n "object": "list",\n "data": [%b],\n "usage" : {"total_tokens": 7}\n}\n',
        b'{"data":[%b],"usage":{"prompt_tokens":7},"id":"x","meta":{"usage":{}}}',
        b'{"object":"list","usage":{"prompt_tokens":7},"data":[%b]}',
    ],
)
def test_a_long_embeddings_answer_is_read_at_its_ends(body: bytes) -> None:
    assert read_answer(Api.EMBEDDINGS, body % UNREAD).usage == Usage(7)


@pytest.mark.parametrize(
    "body",
    [
        b'["data",[%b],{"usage":{"prompt_tokens":7}}]',
        b'{"x":{"data":[%b]},"usage":{"prompt_tokens":7}}',
        b'{"x":"\\"data\\":[%b]","usage":{"prompt_tokens":7}}',
        b'{"data":[%b],"x":{"usage":{"prompt_tokens":7}}}',
        b'{"data":[%b],"usage":{"prompt_tokens":7}',
        b'{"data":[%b',
    ],
)
def test_a_long_embeddings_answer_of_another_shape_is_parsed(body: bytes) -> None:
    with pytest.raises(NotOfProtocol):
        read_answer(Api.EMBEDDINGS, body % UNREAD)


def test_a_long_embeddings_answer_without_usage_has_none() -> None:
    body = b'{"data":[{"embedding":"%b"}]}' % (b"A" * 2 * MIB)
    assert read_answer(Api.EMBEDDINGS, body) == AnswerFacts(None)


_REPORT = '{"prompt_tokens":5}'


def _name(member: str) -> str:
    """A member's name: twice in one object it has no meaning that everybody agrees on."""
    return member.partition(":")[0].strip()


_members = st.lists(
    st.sampled_from(
        [
            f'"usage":{_REPORT}',
            '"usage" :\n{"total_tokens":9}',
            '"usage":null',
            '"usage":[]',
            f'"\\"usage":{_REPORT}',
            f'",\\"usage":{_REPORT}',
            f'"usage\\\\":{_REPORT}',
            f'"x":{{"usage":{_REPORT}}}',
            f'"y":[{{"z":1,"usage":{_REPORT}}}]',
            '"usage_":"usage"',
            '"s":"{,\\"usage\\":{\\"prompt_tokens\\":5}}"',
            '"d":{"data":[]}',
            '"t":"\\"data\\":["',
        ]
    ),
    max_size=4,
    unique_by=_name,
)


@settings(max_examples=200)
@given(_members, _members)
def test_a_long_embeddings_answer_is_read_as_a_short_one(head: list[str], tail: list[str]) -> None:
    names = ['"data"', *map(_name, head + tail)]
    assume(len(names) == len(set(names)))

    def body(pad: str) -> bytes:
        members = (*head, f'"data":[{{"embedding":"{pad}"}}]', *tail)
        return f"{{{','.join(members)}}}".encode()

    try:
        expected = read_answer(Api.EMBEDDINGS, body(""))
    except NotOfProtocol:
        with pytest.raises(NotOfProtocol):
            read_answer(Api.EMBEDDINGS, body("A" * MIB))
    else:
        assert read_answer(Api.EMBEDDINGS, body("A" * MIB)) == expected


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (Api.RESPONSES, b'{"status":"failed","output":[],"error":null}'),
        (Api.RESPONSES, b'{"choices":[]}'),
        (Api.COUNT_TOKENS, b'{"input_tokens":"7"}'),
        (Api.COUNT_TOKENS, b'{"input_tokens":true}'),
        (Api.COUNT_TOKENS, b"[7]"),
    ],
)
def test_an_answer_without_what_it_is_about_is_refused(api: Api, body: bytes) -> None:
    with pytest.raises(NotOfProtocol) as caught:
        read_answer(api, body)
    assert caught.value.error_body == b""


@pytest.mark.parametrize(
    ("api", "content"),
    [
        (
            Api.MESSAGES,
            [
                {"type": "thinking", "thinking": "hm", "signature": "a"},
                {"type": "redacted_thinking", "data": "b"},
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "hi", "signature": "no", "data": "no"},
                {"type": ["thinking"]},
                "text",
            ],
        ),
        (
            Api.RESPONSES,
            [
                {"type": "reasoning", "encrypted_content": "a"},
                {"type": "reasoning", "encrypted_content": None},
                {"type": "message", "encrypted_content": "no"},
                {"type": "reasoning", "encrypted_content": "b"},
            ],
        ),
    ],
)
@pytest.mark.parametrize("usage", [None, {"input_tokens": 1}])
def test_the_seals_of_an_answers_thinking_are_found(api: Api, content: Any, usage: Any) -> None:
    name = "content" if api is Api.MESSAGES else "output"
    body = json.dumps({name: content, "usage": usage}).encode()
    assert read_answer(api, body).seals == ("a", "b")
