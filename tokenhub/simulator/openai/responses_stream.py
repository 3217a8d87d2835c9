"""The events of a streamed response (OpenAI API reference, responses streaming)."""

from collections.abc import Iterator, Sequence

from tokenhub.simulator.frames import Frame, Json, named_event
from tokenhub.simulator.ids import Ids
from tokenhub.simulator.openai.responses_items import Item


def frames(
    started: Json, items: Sequence[Item], done: Json, obfuscated_by: Ids | None
) -> Iterator[Frame]:
    """`response.created`, `.in_progress`, the items, and `.completed` or `.incomplete`.

    With `obfuscated_by` each delta is filled up to an even length with random letters.
    """
    for number, (name, fields, tokens) in enumerate(_events(started, items, done)):
        event = {"type": f"response.{name}", "sequence_number": number, **fields}
        if obfuscated_by is not None and name.endswith(".delta"):
            event["obfuscation"] = obfuscated_by.alnum("", max(1, 16 - len(fields["delta"])))
        yield named_event(event, tokens)


def _events(started: Json, items: Sequence[Item], done: Json) -> Iterator[tuple[str, Json, int]]:
    yield "created", {"response": started}, 0
    yield "in_progress", {"response": started}, 0
    for index, item in enumerate(items):
        yield "output_item.added", {"output_index": index, "item": item.started}, 0
        place = {"item_id": item.started["id"], "output_index": index}
        for name, fields, tokens in item.events:
            yield name, place | fields, tokens
        yield "output_item.done", {"output_index": index, "item": item.done}, 0
    yield str(done["status"]), {"response": done}, 0
