"""How a provider's answer reaches the client: byte for byte, or translated into its API."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tokenhub.dispatch.order import Headers, Order
from tokenhub.dispatch.target import Target
from tokenhub.errors import NotOfProtocol
from tokenhub.providers.failure import classify_event
from tokenhub.types import Api, ErrorClass
from tokenhub.wire.errors import end_of_stream
from tokenhub.wire.headers import Pairs, forward_response_headers, neutral
from tokenhub.wire.stream import Part, StreamReader
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.errors import failure_of
from tokenhub.wire.translation.reply import Setting, StreamTeller

MAX_STREAM_BYTES = 64 * 1024 * 1024
"""A translated stream may be this long: some protocols repeat all of it at its end."""
_REPLACED = frozenset({"content-type", "request-id"})
_ANSWER_TYPE = ("Content-Type", "application/json")
_STREAM_TYPE = ("Content-Type", "text/event-stream; charset=utf-8")


class Voice(ABC):
    """Says to the client what a stream's reader has just read.

    `verbatim` tells that events are passed on as they are, all but errors.
    """

    verbatim: ClassVar = False

    def __init__(self, reader: StreamReader, request_id: str) -> None:
        self._reader = reader
        self._request_id = request_id

    def seals(self) -> list[str]:
        """The seals of thinking that came since the last call."""
        seals, self._reader.seals = self._reader.seals, []
        return seals

    @abstractmethod
    def event(self, event: bytes, part: Part) -> Sequence[bytes]:
        """The client's events for `event`, which was read as `part`; raises NotOfProtocol."""

    @abstractmethod
    def end(self) -> bytes:
        """What ends a whole stream whose provider has left its own end out."""

    @abstractmethod
    def failed(self, code: str, message: str, status: int) -> bytes:
        """What ends a stream that is not whole, with our own error."""


class Verbatim(Voice):
    """Passes the provider's events on as they are."""

    verbatim: ClassVar = True

    def event(self, event: bytes, part: Part) -> Sequence[bytes]:
        """`event` itself, and after an error what clients need to see to take it for the end."""
        if part is Part.ERROR and (after := self._reader.after_error(self._request_id)):
            return (event, after)
        return (event,)

    def end(self) -> bytes:
        """The protocol's end."""
        return end_of_stream(self._reader.api)

    def failed(self, code: str, message: str, status: int) -> bytes:
        """Our own error event."""
        return self._reader.error_event(code, message, self._request_id, status=status)


class Translating(Voice):
    """Tells the client of `order` what `target` says in the reader's API."""

    def __init__(
        self, reader: StreamReader, order: Order, target: Target, teller: StreamTeller
    ) -> None:
        super().__init__(reader, order.request_id)
        reader.skims = False
        self._bytes = 0
        self._client = order.api
        self._provider_type = target.provider.type
        self._teller = teller

    def event(self, event: bytes, part: Part) -> Sequence[bytes]:
        """What has become events of the client's; an error is told in its protocol's words."""
        writer, reader = self._teller.writer, self._reader
        self._bytes += len(event)
        if self._bytes > MAX_STREAM_BYTES:
            raise NotOfProtocol(f"more than {MAX_STREAM_BYTES} bytes in one stream")
        if part is Part.ERROR:
            error = classify_event(self._provider_type, reader.error)
            overflow = error.error_class is ErrorClass.CONTEXT_OVERFLOW
            told = failure_of(
                reader.api, self._client, error.status or 502, reader.error, overflow=overflow
            )
            writer.failed(told.code, told.message, told.status)
        elif reader.value is not None:
            self._teller.event(reader.value)
        if part is Part.END:
            self._teller.end()
        return writer.take()

    def seals(self) -> list[str]:
        """Also those that were made for thinking which came without."""
        made = self._teller.writer.setting.seals
        seals = [*super().seals(), *made]
        made.clear()
        return seals

    def end(self) -> bytes:
        """What is left to be told."""
        self._teller.end()
        return b"".join(self._teller.writer.take())

    def failed(self, code: str, message: str, status: int) -> bytes:
        """The client's error event, after what its protocol wants to be closed before."""
        self._teller.writer.failed(code, message, status)
        return b"".join(self._teller.writer.take())


def voice_for(order: Order, target: Target, reader: StreamReader, setting: Setting) -> Voice:
    """What says a stream of `target` to the client of `order`."""
    if target.api is order.api:
        return Verbatim(reader, order.request_id)
    teller = translator.stream(target.api, order.api, setting)
    return Translating(reader, order, target, teller)


def answer_headers(order: Order, target: Target, headers: Pairs) -> Headers:
    """The provider's headers as they go with its whole answer."""
    passed = forward_response_headers(headers)
    return passed if target.api is order.api else [*_foreign(order, passed), _ANSWER_TYPE]


def stream_headers(order: Order, target: Target, headers: Pairs) -> Headers:
    """The provider's headers as they go with its stream."""
    passed = forward_response_headers(headers)
    return passed if target.api is order.api else [*_foreign(order, passed), _STREAM_TYPE]


def _foreign(order: Order, passed: Headers) -> Headers:
    """What of a provider's headers means something to a client of another protocol.

    Anthropic's SDK reads the request's id from a header of its own.
    """
    kept = [pair for pair in neutral(passed) if pair[0].lower() not in _REPLACED]
    return [*kept, ("request-id", order.request_id)] if order.api is Api.MESSAGES else kept


def setting_of(order: Order, target: Target, created_s: int) -> Setting:
    """What a translated answer is written with."""
    return Setting(
        request_id=order.request_id,
        created_s=created_s,
        model=target.deployment.id,
        input_tokens=order.facts.input_tokens,
        asked=order.document.value,
        include_usage=order.facts.usage_asked,
    )
