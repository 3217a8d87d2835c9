"""What to leave out of a request that a provider refused for its blocks of thinking."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tokenhub.dispatch.provenance import Knowledge
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.types import Api, per_request
from tokenhub.wire.body import Document, Edit, parse
from tokenhub.wire.thinking import Seal, seals_in, thinking_is_lost, thinking_off, without
from tokenhub.wire.translation.conversation import Origin

_READ_BYTES: Final = 4096
# Servers in between quote the words in other ways, or wrap the error into another one.
_REFUSED: Final = re.compile(
    r"invalid\W+(?:signature|data)\W+in\W+(?:redacted_)?thinking\W+block"
    r"|invalid_encrypted_content"
    r"|encrypted content .{0,200}could not be verified",
    re.IGNORECASE | re.DOTALL,
)
_MODIFIED: Final = re.compile(
    r"thinking\W+blocks in the latest assistant message cannot be modified", re.IGNORECASE
)
_LOST: Final = re.compile(
    r"expected\W+thinking\W+or\W+redacted_thinking\W+but found", re.IGNORECASE
)
_BLOCK: Final = re.compile(r"messages\.(\d{1,6})\.content\.(\d{1,6})")
_ITEM: Final = re.compile(r"encrypted content for item ([\w-]{1,200})")
_SHORTENED: Final = re.compile(r"encrypted content (\S{1,40}?)\.\.\.(\S{1,40}?) could not")


@per_request
class Repair:
    """How a request is changed for one target: without the seals of the hashes `refused`.

    `unthinking` tells that its thinking is switched off. Of what a translation says of
    thinking, `unmeasured` leaves out how much, `unshown` the wish for a summary, `unasked` all.
    `uncounted` leaves out the wish for a stream's usage.
    """

    refused: frozenset[bytes] = frozenset()
    unthinking: bool = False
    unasked: bool = False
    unmeasured: bool = False
    unshown: bool = False
    uncounted: bool = False


AS_IT_IS: Final = Repair()


def edits(
    api: Api, document: Document, knowledge: Knowledge, target: Target, repair: Repair
) -> list[Edit]:
    """What a request of `api` is to be sent to `target` without, in its own protocol.

    Where that ends the thinking of a tool loop that is running, it is switched off until the
    loop's end, since Anthropic refuses to think on then.
    """
    removed = knowledge.foreign(target, repair.refused)
    found = without(api, document, removed)
    if repair.unthinking or thinking_is_lost(document, removed):
        found += thinking_off(document)
    return found


def repair_of(
    error: UpstreamError, api: Api, sent: bytes, knowledge: Knowledge, target: Target
) -> Repair | None:
    """How to repeat a call that was refused with `error`; None where thinking is not the reason.

    `sent` is the body, of `api`, that the provider has refused. Only the repetition can prove that
    the blocks were the reason: some servers echo the whole body in any error. Source: the wording
    of the Anthropic API, code and wording of the OpenAI API.
    """
    text = error.body[:_READ_BYTES].decode("utf-8", "replace")
    if _REFUSED.search(text) or _MODIFIED.search(text):
        refused = _suspects(text, api, parse(sent), knowledge, target)
        return Repair(frozenset(seal.hash for seal in refused)) if refused else None
    return Repair(unthinking=True) if _LOST.search(text) else None


def _suspects(
    text: str, api: Api, sent: Document, knowledge: Knowledge, target: Target
) -> Sequence[Seal]:
    """The seals in `sent` that are not to be trusted any more when an error says `text`.

    A provider checks the blocks in order and names the first wrong one, so those before it are
    good. With it go those behind that are not known to be the target's own; where the named one is
    its own, they all go: the prompt before them has changed, or the provider's key. Where none is
    named, all go that are not its own or, without such, all.
    """
    present = seals_in(api, sent)
    own = {seal for seal in present if knowledge.origin(seal.hash, target) is Origin.OWN}
    named = next(_named(text, api, present, sent.value), None)
    if named is None:
        return [seal for seal in present if seal not in own] or present
    if _MODIFIED.search(text):  # of one message all blocks or none
        return [seal for seal in present if seal.turn >= named.turn]
    behind = present[present.index(named) :]
    return behind if named in own else [seal for seal in behind if seal not in own]


def _named(
    text: str, api: Api, present: Sequence[Seal], value: Mapping[str, Any]
) -> Iterator[Seal]:
    """The seals that an error's `text` names: by place, by the item's id, by the content's ends."""
    if api is not Api.RESPONSES:
        if block := _BLOCK.search(text):
            place = (int(block[1]), int(block[2]))
            yield from (seal for seal in present if (seal.turn, seal.block) == place)
        return
    item, ends = _ITEM.search(text), _SHORTENED.search(text)
    for seal in present:
        reasoning = value["input"][seal.turn]
        content: str = reasoning["encrypted_content"]
        by_id = item is not None and reasoning.get("id") == item[1]
        if by_id or (ends and content.startswith(ends[1]) and content.endswith(ends[2])):
            yield seal
