"""One request, for providers of other protocols than its own."""

from dataclasses import replace
from typing import Final

from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.body import Document
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.conversation import Conversation, Reasoning, Thinking
from tokenhub.wire.translation.exact import reread
from tokenhub.wire.translation.fields import obstacle
from tokenhub.wire.translation.seals import OWN_PREFIX

_UNTHINKING: Final = "how much to think, which this model does not take"
_UNMEASURED: Final = "the effort, of which this model has other degrees"
_UNSHOWN: Final = "the summary of the thinking, which is not given for this model"
_UNREAD: Final = BadRequest("not read yet")
LONG_BYTES: Final = 128 * 1024
"""A longer request may take milliseconds to decide about, and to translate."""


class Interpreter:
    """Says a request of `source` in other APIs; it is read when that is first asked for, once.

    One of more than LONG_BYTES is read by `read` or `write`, which may be called in a thread. Until
    then `obstacle` tells of none, `sealed` of nothing, and `put_off` that one was asked too early.
    """

    __slots__ = ("_document", "_obstacles", "_said", "_sealed", "_source", "put_off")

    def __init__(self, source: Api, document: Document) -> None:
        self._source = source
        self._document = document
        self._said: Conversation | BadRequest = _UNREAD
        self._obstacles: dict[Api, BadRequest | None] = {}
        self._sealed: bool | None = None
        self.put_off = False

    def read(self) -> None:
        """Read the request, so that `obstacle` and `sealed` need not."""
        self._conversation()
        self.put_off = False

    def obstacle(self, target: Api) -> BadRequest | None:
        """What keeps the request from being said in `target`, None where nothing does."""
        if self._said is _UNREAD and len(self._document.body) > LONG_BYTES:
            self.put_off = True
            return None
        return self._obstacle(target)

    def sealed(self) -> bool:
        """Whether the request holds thinking that its maker has sealed; our own seals are none."""
        if self._said is _UNREAD and len(self._document.body) > LONG_BYTES:
            self.put_off = True
            return False
        if self._sealed is None:
            said = self._conversation()
            self._sealed = not isinstance(said, BadRequest) and _is_sealed(said)
        return self._sealed

    def _obstacle(self, target: Api) -> BadRequest | None:
        if target not in self._obstacles:
            said = self._conversation()
            self._obstacles[target] = (
                said
                if isinstance(said, BadRequest)
                else obstacle(self._source, target, self._document.value, said)
            )
        return self._obstacles[target]

    def write(self, target: Api, aim: Aim) -> Written:
        """The request as a provider of `target` is to get it.

        Raises BadRequest where it cannot be said, or is none that its own protocol knows.
        """
        said = self._conversation()
        if isinstance(said, BadRequest):
            raise said
        if (found := self._obstacle(target)) is not None:
            raise found
        missing: list[str] = []
        if said.reasoning is not None:
            asked, missing = _asked(said.reasoning, aim)
            said = replace(said, reasoning=asked) if missing else said
        written = translator.write(self._source, target, said, self._document.value, aim)
        if not missing:
            return written
        return Written(written.body, [*written.warnings, *missing], [*written.kept, *missing])

    def _conversation(self) -> Conversation | BadRequest:
        if self._said is _UNREAD:
            try:
                self._said = self._read()
            except BadRequest as error:
                self._said = error
        return self._said

    def _read(self) -> Conversation:
        """What the request says, with all digits of its numbers."""
        value = self._document.value
        said = translator.read(self._source, value)
        messages = reread(self._document.raw("messages")) if said.rounded else None
        if messages is None:
            return said
        return translator.read(self._source, {**value, "messages": messages})


def _asked(wish: Reasoning, aim: Aim) -> tuple[Reasoning | None, list[str]]:
    """What of the `wish` is said to the one aimed at, and what the client is told to miss."""
    if not aim.thinks:
        return None, [_UNTHINKING]
    missing = []
    if not aim.measures and (wish.effort is not None or wish.budget is not None):
        wish = replace(wish, effort=None, budget=None)
        missing.append(_UNMEASURED)
    if not aim.shows and wish.shown:
        wish = replace(wish, shown=False)
        missing.append(_UNSHOWN)
    return wish, missing


def _is_sealed(said: Conversation) -> bool:
    return any(
        isinstance(piece, Thinking) and piece.seal and not piece.seal.startswith(OWN_PREFIX)
        for turn in said.turns
        for piece in turn.pieces
    )
