"""What the events of a stream are, read beside forwarding them."""

from typing import Final

from tokenhub.types import Api
from tokenhub.wire.choices_reader import ChatReader, CompletionsReader
from tokenhub.wire.messages_reader import MessagesReader
from tokenhub.wire.reader import Part, StreamReader
from tokenhub.wire.responses_reader import ResponsesReader

__all__ = ["Part", "StreamReader", "reader_for"]

_READERS: Final[dict[Api, type[StreamReader]]] = {
    reader.api: reader
    for reader in (ChatReader, CompletionsReader, MessagesReader, ResponsesReader)
}


def reader_for(api: Api) -> StreamReader:
    """A reader for one stream of `api`: chat, completions, messages or responses."""
    return _READERS[api]()
