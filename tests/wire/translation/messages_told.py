"""A begun writer of an Anthropic stream, and what it has written since, long and short."""

from typing import Any

import orjson
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from tokenhub.wire.sse import data_of
from tokenhub.wire.translation.messages_writer import MessagesWriter
from tokenhub.wire.translation.reply import Setting

SETTING = Setting("r1", 0, "asked-for", 12)
TYPED: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def writer() -> MessagesWriter:
    begun = MessagesWriter(SETTING)
    begun.begin("gpt-5", None)
    begun.take()
    return begun


def events(writer: MessagesWriter) -> list[dict[str, Any]]:
    """The events that the writer has written, as the SDK takes them."""
    values = []
    for event in writer.take():
        name, data = data_of(event)
        value = orjson.loads(data)
        assert name == value["type"].encode()
        if name != b"error":
            TYPED.validate_json(data, strict=True)
        values.append(value)
    return values


def shown(writer: MessagesWriter) -> list[Any]:
    """The same in short: blocks begin as their type, end as their index."""
    short: list[Any] = []
    for event in events(writer):
        match event["type"]:
            case "content_block_start":
                short.append(event["content_block"]["type"])
            case "content_block_delta":
                value = {key: part for key, part in event["delta"].items() if key != "type"}
                short.append((event["index"], *value.values()))
            case "content_block_stop":
                short.append(event["index"])
            case kind:
                short.append(kind)
    return short
