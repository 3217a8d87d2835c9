"""Events of responses for tests, and what OpenAI's own SDK makes of a stream."""

import json
from typing import Any

import httpx2
from openai import OpenAI

from tests.wire.test_stream import named

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "in_progress",
    "model": "gpt-5",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": None,
}
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 80,
}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
REASONING = {"id": "rs_1", "type": "reasoning", "summary": []}
CALL = {"id": "fc_1", "type": "function_call", "name": "look", "arguments": "", "call_id": "c"}


def event(kind: str, number: int | None = None, **fields: Any) -> bytes:
    """The event `response.<kind>`."""
    counted = {} if number is None else {"sequence_number": number}
    return named({"type": f"response.{kind}", **counted, **fields})


def lifecycle(kind: str, number: int | None = None, **response: Any) -> bytes:
    """An event that holds the response as it is now."""
    return event(kind, number, response={**RESPONSE, **response})


def delta(text: Any, kind: str = "output_text", number: int | None = None) -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return event(f"{kind}.delta", number, delta=text, **place)


def heard_by_the_sdk(stream: bytes) -> list[Any]:
    """The events that OpenAI's SDK, keeping account of the response, gives for `stream`."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        headers = {"Content-Type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=stream)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = OpenAI(api_key="k", base_url="http://hub/v1", http_client=http, max_retries=0)
        with client.responses.stream(model="m", input="hi") as events:
            return list(events)


def loads(data: bytes) -> Any:
    return json.loads(data)
