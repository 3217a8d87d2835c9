"""Which modules translate between two protocols: one request's way there, its answer's back."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tokenhub.types import Api
from tokenhub.wire.translation import (
    chat_answer,
    chat_request,
    chat_stream,
    messages_answer,
    messages_request,
    messages_stream,
    responses_answer,
    responses_request,
    responses_stream,
)
from tokenhub.wire.translation.aim import Aim, Written
from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.exact import is_rounded, reread
from tokenhub.wire.translation.fields import kept, left_out, unsaid
from tokenhub.wire.translation.reply import Reply, Setting, StreamTeller, StreamWriter

_READ: Final[Mapping[Api, Callable[[Mapping[str, Any]], Conversation]]] = {
    Api.CHAT: chat_request.read,
    Api.RESPONSES: responses_request.read,
    Api.MESSAGES: messages_request.read,
}
_WRITE: Final[Mapping[Api, Callable[[Conversation, Aim], Written]]] = {
    Api.CHAT: chat_request.write,
    Api.RESPONSES: responses_request.write,
    Api.MESSAGES: messages_request.write,
}
_READ_ANSWER: Final[Mapping[Api, Callable[[Mapping[str, Any]], Reply]]] = {
    Api.CHAT: chat_answer.read,
    Api.RESPONSES: responses_answer.read,
    Api.MESSAGES: messages_answer.read,
}
_WRITE_ANSWER: Final[Mapping[Api, Callable[[Reply, Setting], bytes]]] = {
    Api.CHAT: chat_answer.write,
    Api.RESPONSES: responses_answer.write,
    Api.MESSAGES: messages_answer.write,
}
_TELLERS: Final[Mapping[Api, type[StreamTeller]]] = {
    Api.CHAT: chat_stream.ChatTeller,
    Api.RESPONSES: responses_stream.ResponsesTeller,
    Api.MESSAGES: messages_stream.MessagesTeller,
}
_WRITERS: Final[Mapping[Api, type[StreamWriter]]] = {
    Api.CHAT: chat_stream.ChatWriter,
    Api.RESPONSES: responses_stream.ResponsesWriter,
    Api.MESSAGES: messages_stream.MessagesWriter,
}


def read(source: Api, body: Mapping[str, Any]) -> Conversation:
    """What a request of `source` says; raises BadRequest naming the field."""
    return _READ[source](body)


def write(
    source: Api, target: Api, conversation: Conversation, body: Mapping[str, Any], aim: Aim
) -> Written:
    """The request for a provider of `target`; to be called where there is no `obstacle`."""
    written = _WRITE[target](conversation, aim)
    missed = [*left_out(source, target, body), *unsaid(target, conversation)]
    remarks = written.warnings
    return Written(written.body, missed + remarks, kept(source, missed) + remarks)


def answer(
    spoken: Api, client: Api, body: bytes, value: Mapping[str, Any], setting: Setting
) -> bytes:
    """A provider's whole answer in `spoken` as the client's API has it; `value` is `body`, parsed.

    Raises NotOfProtocol.
    """
    if spoken is Api.MESSAGES and is_rounded(value.get("content")):
        value = reread(body) or value
    return _WRITE_ANSWER[client](_READ_ANSWER[spoken](value), setting)


def stream(spoken: Api, client: Api, setting: Setting) -> StreamTeller:
    """What turns the events of a provider's stream into the client's (see its `writer`)."""
    return _TELLERS[spoken](_WRITERS[client](setting))
