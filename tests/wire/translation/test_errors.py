import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.responses import heard_by_the_sdk
from tokenhub.types import Api
from tokenhub.wire.stream import Part, reader_for
from tokenhub.wire.translation.errors import error_answer, error_event_of, failure_of

CHAT, RESPONSES, MESSAGES = Api.CHAT, Api.RESPONSES, Api.MESSAGES

OPENAI = {
    "message": "Invalid 'temperature': too high.",
    "type": "invalid_request_error",
    "param": "temperature",
    "code": "decimal_above_max_value",
}
ANTHROPIC = {"type": "invalid_request_error", "message": "temperature: range: 0..1"}


def openai_body(**fields: Any) -> bytes:
    return json.dumps({"error": OPENAI | fields}).encode()


def anthropic_body(**fields: Any) -> bytes:
    told = {"type": "error", "error": ANTHROPIC | fields, "request_id": "req_theirs"}
    return json.dumps(told).encode()


def answered(source: Api, target: Api, status: int, body: bytes, **how: Any) -> Any:
    return json.loads(error_answer(source, target, status, body, "r1", **how))


def raised(target: Api, status: int, body: bytes) -> Any:
    """What the official SDK of `target` raises for an answer."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"Content-Type": "application/json"}, content=body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        how: Any = {"api_key": "k", "base_url": "http://hub", "http_client": http, "max_retries": 0}
        try:
            if target is MESSAGES:
                anthropic.Anthropic(**how).messages.create(model="m", max_tokens=1, messages=[])
            elif target is CHAT:
                openai.OpenAI(**how).chat.completions.create(model="m", messages=[])
            else:
                openai.OpenAI(**how).responses.create(model="m", input="hi")
        except (anthropic.APIStatusError, openai.APIStatusError) as error:
            return error
    raise AssertionError("the SDK took an error for an answer")


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (404, "not_found_error", anthropic.NotFoundError),
        (413, "request_too_large", anthropic.RequestTooLargeError),
        (422, "invalid_request_error", anthropic.UnprocessableEntityError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("source", [CHAT, RESPONSES])
def test_an_error_of_openai_is_raised_by_anthropics_sdk(
    source: Api, status: int, kind: str, error: type[Exception]
) -> None:
    body = error_answer(source, MESSAGES, status, openai_body(), "r1")
    assert json.loads(body) == {
        "type": "error",
        "error": {"type": kind, "message": OPENAI["message"]},
        "request_id": "r1",
    }
    caught = raised(MESSAGES, status, body)
    assert type(caught) is error
    assert str(OPENAI["message"]) in str(caught)


@pytest.mark.parametrize(
    ("status", "kind", "code", "error"),
    [
        (400, "invalid_request_error", "invalid_request", openai.BadRequestError),
        (401, "authentication_error", "invalid_api_key", openai.AuthenticationError),
        (404, "invalid_request_error", "model_not_found", openai.NotFoundError),
        (429, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError),
        (529, "server_error", "server_error", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("target", [CHAT, RESPONSES])
def test_an_error_of_anthropic_is_raised_by_openais_sdk(
    target: Api, status: int, kind: str, code: str, error: type[Exception]
) -> None:
    body = error_answer(MESSAGES, target, status, anthropic_body(), "r1")
    told = {"message": ANTHROPIC["message"], "type": kind, "param": None, "code": code}
    assert json.loads(body) == {"error": told}
    caught = raised(target, status, body)
    assert type(caught).__name__ == error.__name__
    assert (caught.code, caught.type) == (code, kind)
    assert str(ANTHROPIC["message"]) in str(caught)


def test_openais_apis_tell_each_other_code_and_field() -> None:
    assert answered(CHAT, RESPONSES, 400, openai_body())["error"] == OPENAI
    assert answered(RESPONSES, CHAT, 400, openai_body(code=400))["error"] == OPENAI | {
        "code": "invalid_request"
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"error":{"code":400,"message":"from Gemini"}}]', "from Gemini"),
        (b'{"object":"error","message":"from Mistral","type":"t","code":3051}', "from Mistral"),
        (b'{"error":"plain"}', "plain"),
        (b'{"detail":"Not so."}', "Not so."),
        (
            b'{"detail":[{"loc":["body","messages",0],"msg":"required"},{"msg":"and"},{},7]}',
            "body.messages.0: required; and; ; ",
        ),
        (b'{"error":{"message":" "}}', "the provider answered 400"),
        (b'{"error":[]}', "the provider answered 400"),
        (b"<html>no</html>", "the provider answered 400"),
        (b"[]", "the provider answered 400"),
        (b"7", "the provider answered 400"),
    ],
)
def test_errors_of_every_shape_are_read(body: bytes, message: str) -> None:
    assert failure_of(CHAT, MESSAGES, 400, body).message == message


def test_a_long_message_is_cut() -> None:
    assert len(failure_of(CHAT, MESSAGES, 400, openai_body(message="x" * 100_000)).message) < 20_000


TOO_LONG = "prompt is too long: {} tokens > {} maximum"
TOO_MUCH = "input length and `max_tokens` exceed context limit: {} + {} > {}, decrease input"


@pytest.mark.parametrize(
    ("message", "wording"),
    [
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted "
            "in 130000 tokens. Please reduce the length of the messages.",
            TOO_LONG.format(130000, 128000),
        ),
        (
            "This model's maximum context length is 8192 tokens. However, you requested 9000 "
            "tokens (5000 in the messages, 4000 in the completion).",
            TOO_MUCH.format(5000, 4000, 8192),
        ),
        (
            "This endpoint's maximum context length is 200000 tokens. However, you requested about "
            "230000 tokens (220000 of text input, 10000 in the output).",
            TOO_LONG.format(220000, 200000),
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum "
            "context length is 262144 tokens and your request has 230462 input tokens (32000 > "
            "262144 - 230462).",
            TOO_MUCH.format(230462, 32000, 262144),
        ),
        (
            "Requested token count exceeds the model's maximum context length of 262144 tokens. "
            "You requested a total of 262462 tokens: 230462 tokens from the input messages and "
            "32000 tokens for the completion.",
            TOO_MUCH.format(230462, 32000, 262144),
        ),
        (
            "The input token count (1196265) exceeds the maximum number of tokens allowed "
            "(1048575).",
            TOO_LONG.format(1196265, 1048575),
        ),
        (
            "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            TOO_LONG.format(537812, 131072),
        ),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
            "maximum context length",
            TOO_LONG.format(40000, 32768),
        ),
        (
            "the request exceeds the available context size (4096 tokens), try increasing it",
            "prompt is too long (the request",
        ),
        ("Your input exceeds the context window of this model.", "prompt is too long (Your input"),
        ("your messages resulted in 5 tokens, the context length is 9", "prompt is too long (your"),
    ],
)
def test_a_context_that_is_too_long_is_told_in_anthropics_words(message: str, wording: str) -> None:
    body = error_answer(CHAT, MESSAGES, 413, openai_body(message=message), "r1", overflow=True)
    caught = raised(MESSAGES, 400, body)
    assert type(caught) is anthropic.BadRequestError
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    told = json.loads(body)["error"]["message"]
    assert told.startswith(wording)
    assert message in told


@pytest.mark.parametrize(
    ("message", "wording"),
    [
        (
            TOO_LONG.format(210000, 200000),
            "This model's maximum context length is 200000 tokens. However, your messages "
            "resulted in 210000 tokens. (prompt is too long",
        ),
        (
            TOO_MUCH.format(196778, 21333, 200000),
            "This model's maximum context length is 200000 tokens. However, you requested 218111 "
            "tokens (196778 in the messages, 21333 in the completion). (input length",
        ),
        (
            "Request exceeds the maximum size",
            "Your input exceeds the maximum context length of this model. (Request exceeds",
        ),
    ],
)
@pytest.mark.parametrize("target", [CHAT, RESPONSES])
def test_a_context_that_is_too_long_is_told_in_openais_words(
    target: Api, message: str, wording: str
) -> None:
    body = error_answer(MESSAGES, target, 413, anthropic_body(message=message), "r1", overflow=True)
    caught = raised(target, 400, body)
    assert type(caught) is openai.BadRequestError
    assert caught.code == "context_length_exceeded"
    assert json.loads(body)["error"]["message"].startswith(wording)


def test_openais_own_words_for_it_stay_as_they_are() -> None:
    told = "This model's maximum context length is 8192 tokens. However, …"
    body = openai_body(message=told, code=400)
    error = answered(CHAT, RESPONSES, 400, body, overflow=True)["error"]
    assert (error["message"], error["code"]) == (told, "context_length_exceeded")


def test_an_error_before_the_first_event_is_an_event_of_the_clients_stream() -> None:
    for target in (CHAT, MESSAGES):
        event = error_event_of(RESPONSES, target, 400, openai_body(), "r1")
        reader = reader_for(target)
        assert reader.read(event) is Part.ERROR
        assert json.loads(reader.error)["error"]["message"] == OPENAI["message"]


def test_codex_is_told_by_an_event_that_the_context_is_too_long() -> None:
    body = anthropic_body(message=TOO_LONG.format(210000, 200000))
    event = error_event_of(MESSAGES, RESPONSES, 400, body, "r1", overflow=True)
    heard = heard_by_the_sdk(event)
    assert [one.type for one in heard] == ["response.created", "response.failed"]
    assert heard[-1].response.error.code == "context_length_exceeded"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "detail", "message", "code", "type", "param", "loc", "msg"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    _VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40),
    st.sampled_from([CHAT, RESPONSES, MESSAGES, Api.COUNT_TOKENS]),
    st.booleans(),
)
def test_any_body_becomes_an_error_that_clients_can_read(
    body: bytes, target: Api, overflow: bool
) -> None:
    source = MESSAGES if target is CHAT else CHAT
    error = answered(source, target, 400, body, overflow=overflow)["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
