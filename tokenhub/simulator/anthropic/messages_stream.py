"""The events of a streamed message (Anthropic streaming guide)."""

from collections.abc import Iterator, Sequence

from tokenhub.simulator.anthropic.messages_input import MessagesRequest
from tokenhub.simulator.anthropic.parts import (
    Block,
    all_tokens,
    delta_usage,
    head,
    stop_fields,
    usage,
)
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Frame, named_event
from tokenhub.simulator.model.reply import Reply

PING = named_event({"type": "ping"})


def frames(
    exchange: Exchange, request: MessagesRequest, reply: Reply, blocks: Sequence[Block]
) -> Iterator[Frame]:
    """`message_start`, the blocks one after the other, `message_delta`, `message_stop`.

    A `ping` follows the first block's start, as the real service sends it.
    """
    begun = min(1, all_tokens(reply))
    message = {
        **head(exchange, request),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage(request, reply, begun),
    }
    yield named_event({"type": "message_start", "message": message})
    for index, block in enumerate(blocks):
        yield from _block(index, block)
    yield named_event(
        {
            "type": "message_delta",
            "delta": stop_fields(reply),
            "usage": delta_usage(request, reply),
        }
    )
    yield named_event({"type": "message_stop"})


def _block(index: int, block: Block) -> Iterator[Frame]:
    yield named_event({"type": "content_block_start", "index": index, "content_block": block.start})
    if index == 0:
        yield PING
    for delta, tokens in block.deltas:
        value = {"type": "content_block_delta", "index": index, "delta": delta}
        yield named_event(value, tokens)
    yield named_event({"type": "content_block_stop", "index": index})
