"""What a client was told, read in its own protocol."""

import json
from collections.abc import Mapping
from typing import Any

from tests.road.asking import Reply
from tests.road.roads import Road


def data_of(reply: Reply) -> list[dict[str, Any]]:
    """The data of a stream's events."""
    lines = [line for event in reply.events for line in event.splitlines()]
    found = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    return [json.loads(one) for one in found if one != b"[DONE]"]


def text_of(road: Road, reply: Reply) -> str:
    """All that the client was told by the model."""
    if road.stream:
        return "".join(_said(road, event) for event in data_of(reply))
    answer = reply.json.get("response", reply.json) if road.client == "native" else reply.json
    match road.client:
        case "messages":
            return "".join(str(block["text"]) for block in answer["content"])
        case "responses":
            parts = [part for item in answer["output"] for part in item["content"]]
            return "".join(str(part["text"]) for part in parts)
        case "completions":
            return str(answer["choices"][0]["text"])
        case _:
            return str(answer["choices"][0]["message"]["content"])


def _said(road: Road, event: Mapping[str, Any]) -> str:
    choices = event.get("choices", ())
    match road.client:
        case "messages":
            return str(event["delta"]["text"]) if "text" in event.get("delta", ()) else ""
        case "responses":
            is_text = event["type"] == "response.output_text.delta"
            return str(event["delta"]) if is_text else ""
        case "completions":
            return "".join(choice["text"] for choice in choices)
        case _:
            return "".join(choice["delta"].get("content") or "" for choice in choices)


def ended_well(road: Road, reply: Reply) -> bool:
    """Whether a stream has its protocol's own end."""
    match road.client:
        case "messages":
            return reply.events[-1].startswith(b"event: message_stop")
        case "responses":
            return reply.events[-1].startswith(b"event: response.completed")
        case _:
            return reply.events[-1] == b"data: [DONE]\n\n"


def error_of(road: Road, reply: Reply) -> dict[str, Any]:
    """The error that a client was told, whose shape must be that of its protocol."""
    told = data_of(reply)[-1] if road.stream and reply.status == 200 else reply.json
    match road.client:
        case "messages":
            assert told["type"] == "error"
            assert told["error"].keys() == {"type", "message"}
        case "responses" if "response" in told:
            assert told["type"] == "response.failed"
            told = told["response"]
            assert told["status"] == "failed"
        case _:
            assert told["error"].keys() >= {"message", "code"}
    return dict(told["error"])


def used(road: Road, reply: Reply) -> tuple[int, int]:
    """Input and output tokens, as a client that gets a whole answer is told them."""
    told = reply.json.get("response", reply.json)["usage"]
    match road.client:
        case "messages" | "responses":
            return told["input_tokens"], told["output_tokens"]
        case "embeddings":
            return told["prompt_tokens"], 0
        case _:
            return told["prompt_tokens"], told["completion_tokens"]
