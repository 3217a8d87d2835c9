"""`POST /v1/messages` and `/v1/messages/count_tokens` as Anthropic answers them."""

from tokenhub.simulator.anthropic import messages_input, messages_stream
from tokenhub.simulator.anthropic.parts import head, message_blocks, stop_fields, usage
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, compact
from tokenhub.simulator.model.brain import think
from tokenhub.simulator.model.reply import Finish, Reply


def answer(exchange: Exchange) -> Answer:
    """The answer to a messages request, streamed when it asks for that."""
    request = messages_input.read(exchange)
    reply = think(request.prompt, exchange.profile, request.model.id, exchange.seed)
    if request.refused:
        reply = Reply((), (), (), Finish.REFUSED)
    blocks = message_blocks(exchange, request, reply)
    if request.stream:
        frames = messages_stream.frames(exchange, request, reply, blocks)
        return Answer(frames=frames, content_type="text/event-stream")
    body = {
        **head(exchange, request),
        "content": [block.whole for block in blocks],
        **stop_fields(reply),
        "usage": usage(request, reply),
    }
    return Answer(body=compact(body), tokens=reply.output_tokens)


def count_tokens(exchange: Exchange) -> Answer:
    """The input tokens of a request that is not made."""
    return Answer(body=compact({"input_tokens": messages_input.count(exchange)}))
