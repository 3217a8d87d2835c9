"""The blocks of thinking in a request, and taking some of them out of its bytes.

A block of thinking is sealed: its maker knows it again by Anthropic's `signature` or the `data` of
`redacted_thinking`, in responses by the `encrypted_content`, and refuses what another has made.

What is taken out is the block with one comma beside it, or its whole message where nothing else
is in that; all other bytes stay. It depends on nothing that follows, so that a conversation that
goes on begins with the same bytes on each turn.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from tokenhub.errors import BadRequest
from tokenhub.types import Api, per_request
from tokenhub.wire.body import Document, Edit
from tokenhub.wire.spans import Span, elements, member
from tokenhub.wire.translation.seals import OWN_PREFIX, REDACTED_PREFIX

MOST_SEALS: Final = 4096
"""More of one request are not looked at: no conversation has so many."""

_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_SEALED: Final = frozenset({Api.MESSAGES, Api.COUNT_TOKENS, Api.RESPONSES})
_OFF: Final = b'{"type":"disabled"}'


@per_request
class Seal:
    """The seal of one block of thinking.

    `hash` is its SHA-256. `turn` is the message that the block stands in and `block` its place in
    the message's content; in responses `turn` is the item of `input`. `ours` tells that we made it
    for thinking which came without one.
    """

    hash: bytes
    turn: int
    block: int
    ours: bool


def hash_of(seal: str) -> bytes:
    """The SHA-256 by which `seal` is remembered."""
    return sha256(seal.encode("utf-8", "surrogatepass")).digest()


def seals_in(api: Api, document: Document) -> tuple[Seal, ...]:
    """The seals in a request of `api`, in their order; the first 4,096 at most."""
    if api not in _SEALED:
        return ()
    # To search the bytes for the names first would take longer than looking at the values.
    found = _in_input if api is Api.RESPONSES else _in_messages
    return tuple(islice(found(document.value), MOST_SEALS))


def without(api: Api, document: Document, removed: Collection[Seal]) -> list[Edit]:
    """Take the blocks of the seals `removed` (some of `seals_in`) out of a request of `api`."""
    if not removed:
        return []
    name = "input" if api is Api.RESPONSES else "messages"
    blocks: dict[int, set[int]] = {}
    for seal in removed:
        blocks.setdefault(seal.turn, set()).add(seal.block)
    turns = document.value[name]
    if api is Api.RESPONSES:
        whole = set(blocks)
    else:
        whole = {turn for turn, gone in blocks.items() if len(gone) == len(turns[turn]["content"])}
    start = document.spans[name][0]
    try:
        ranges = list(_ranges(document.raw(name).decode("latin-1"), blocks, whole))
    except RecursionError:
        raise BadRequest(f"{name}: nested too deeply", param=name) from None
    return [Edit(start + first, start + last, b"") for first, last in ranges]


def thinking_is_lost(document: Document, removed: Collection[Seal]) -> bool:
    """Tell whether a request of Anthropic messages cannot think without the blocks `removed`.

    With `thinking.type` "enabled" the answer to tool results must follow an assistant message that
    begins with thinking. That is looked at only where one was taken out of the tool loop that is
    running; with "adaptive" there is no such rule. Source: Anthropic docs, "Extended thinking with
    tool use" and "Adaptive thinking", validation changes.
    """
    thinking = document.value.get("thinking")
    if not removed or not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return False
    messages = document.value["messages"]
    loop = _running_loop(messages)
    gone = {(seal.turn, seal.block) for seal in removed if seal.turn in loop}
    if not gone:
        return False
    last = max(loop)
    left = [
        block
        for number, block in enumerate(_list(messages[last].get("content")))
        if (last, number) not in gone
    ]
    return not left or _kind(left[0]) not in _THINKING


def thinking_off(document: Document) -> list[Edit]:
    """Switch the thinking of a request of Anthropic messages off, and what needs thinking with it.

    No edits where it asks for none. The provider refuses `clear_thinking_…` in
    `context_management.edits` without thinking.
    """
    if "thinking" not in document.spans:
        return []
    edits = [Edit(*document.spans["thinking"], _OFF)]
    management = document.value.get("context_management")
    clearing = management.get("edits") if isinstance(management, dict) else None
    if isinstance(clearing, list):
        gone = {
            number
            for number, edit in enumerate(clearing)
            if str(_kind(edit)).startswith("clear_thinking_")
        }
        start = document.spans["context_management"][0]
        text = document.raw("context_management").decode("latin-1")
        spans = list(elements(text, member(text, 0, "edits")[0]))
        edits += [Edit(start + first, start + last, b"") for first, last in _cuts(spans, gone)]
    return edits


def _in_messages(value: Mapping[str, Any]) -> Iterator[Seal]:
    for turn, message in enumerate(_list(value.get("messages"))):
        if not isinstance(message, dict) or message.get("role") != "assistant":
            continue
        for number, block in enumerate(_list(message.get("content"))):
            kind = _kind(block)
            if kind == "thinking":
                seal = block.get("signature")
            elif kind == "redacted_thinking":
                seal = block.get("data")
            else:
                continue
            if isinstance(seal, str):
                yield Seal(hash_of(seal), turn, number, seal.startswith(OWN_PREFIX))


def _in_input(value: Mapping[str, Any]) -> Iterator[Seal]:
    for turn, item in enumerate(_list(value.get("input"))):
        if _kind(item) == "reasoning":
            seal = item.get("encrypted_content")
            if isinstance(seal, str):
                seal = seal.removeprefix(REDACTED_PREFIX)
                yield Seal(hash_of(seal), turn, 0, seal.startswith(OWN_PREFIX))


def _ranges(text: str, blocks: Mapping[int, set[int]], whole: set[int]) -> Iterator[Span]:
    """Where to cut the list of turns `text`: the turns `whole`, and from the others `blocks`."""
    # One turn more than is touched: where the first ones go, the cut ends where the next begins.
    turns = list(islice(elements(text, 0), max(blocks) + 2))
    yield from _cuts(turns, whole)
    for turn in sorted(blocks.keys() - whole):
        content = member(text, turns[turn][0], "content")[0]
        yield from _cuts(list(elements(text, content)), blocks[turn])


def _cuts(spans: Sequence[Span], gone: Collection[int]) -> Iterator[Span]:
    """What to cut so that the elements `gone` of a list go, each with one comma."""
    kept = False
    for number, (start, end) in enumerate(spans):
        if number not in gone:
            kept = True
        elif kept:
            yield spans[number - 1][1], end
        elif number + 1 < len(spans):
            yield start, spans[number + 1][0]
        else:
            yield start, end


def _running_loop(messages: Sequence[Any]) -> set[int]:
    """The assistant's messages since the user last spoke, empty when no tool results came in.

    What a user says beside tool results is a part of the loop.
    """
    loop: set[int] = set()
    answered = False
    for turn in range(len(messages) - 1, -1, -1):
        message = messages[turn]
        role = message.get("role") if isinstance(message, dict) else None
        if role == "assistant":
            if not answered:
                break
            loop.add(turn)
        elif role == "user":
            answered = any(_kind(b) == "tool_result" for b in _list(message.get("content")))
            if not answered:
                break
    return loop


def _kind(block: object) -> object:
    return block.get("type") if isinstance(block, dict) else None


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
