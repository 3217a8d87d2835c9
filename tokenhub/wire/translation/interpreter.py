"""One request, for providers of other protocols than its own."""

from dataclasses import replace
from typing import Final

from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.body import Document
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.fields import obstacle

_UNTHINKING: Final = "how much to think, which this model does not take"
_UNREAD: Final = BadRequest("not read yet")


class Interpreter:
    """Says a request of `source` in other APIs; it is read when that is first asked for, once."""

    __slots__ = ("_document", "_obstacles", "_said", "_source")

    def __init__(self, source: Api, document: Document) -> None:
        self._source = source
        self._document = document
        self._said: Conversation | BadRequest = _UNREAD
        self._obstacles: dict[Api, BadRequest | None] = {}

    def obstacle(self, target: Api) -> BadRequest | None:
        """What keeps the request from being said in `target`, None where nothing does."""
        if target not in self._obstacles:
            said = self._conversation()
            self._obstacles[target] = (
                said
                if isinstance(said, BadRequest)
                else obstacle(self._source, target, self._document.value, said)
            )
        return self._obstacles[target]

    def write(self, target: Api, aim: Aim) -> Written:
        """The request as a provider of `target` is to get it, where there is no `obstacle`.

        Raises BadRequest for a request that its own protocol does not know.
        """
        said = self._conversation()
        if isinstance(said, BadRequest):
            raise said
        if said.reasoning is not None and not aim.thinks:
            written = self._written(target, replace(said, reasoning=None), aim)
            return Written(written.body, [*written.warnings, _UNTHINKING])
        return self._written(target, said, aim)

    def _written(self, target: Api, said: Conversation, aim: Aim) -> Written:
        return translator.write(self._source, target, said, self._document.value, aim)

    def _conversation(self) -> Conversation | BadRequest:
        if self._said is _UNREAD:
            try:
                self._said = translator.read(self._source, self._document.value)
            except BadRequest as error:
                self._said = error
        return self._said
