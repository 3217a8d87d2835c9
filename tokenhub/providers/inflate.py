"""Bounded inflating of an answer that came compressed although `identity` was asked for."""

import zlib
from collections.abc import Iterator
from typing import Final

from tokenhub.errors import UpstreamError
from tokenhub.types import ErrorClass

MAX_INFLATED_BYTES: Final = 64 << 20
"""The most that one answer may inflate to; a bomb is cut off here."""
PIECE_BYTES: Final = 256 << 10
"""What is inflated in one step, so that a small chunk never fills the memory."""

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_DEFLATE_METHOD: Final = 8


class Inflater:
    """Inflates the gzip or deflate stream of one answer."""

    def __init__(self, encoding: str) -> None:
        """Raise `UpstreamError` for an encoding other than gzip and deflate."""
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise _failed("its content-encoding is neither identity nor gzip nor deflate")
        self._gzip = encoding != "deflate"
        self._stream: zlib._Decompress | None = None
        self._inflated = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` inflates to, in pieces; raise `UpstreamError` when it cannot be."""
        while data:
            stream = self._stream or self._begin(data)
            try:
                piece = stream.decompress(data, PIECE_BYTES)
            except zlib.error:
                raise _failed("its body is not in its content-encoding") from None
            self._inflated += len(piece)
            if self._inflated > MAX_INFLATED_BYTES:
                raise _failed(f"its body inflates to more than {MAX_INFLATED_BYTES >> 20} MiB")
            if piece:
                yield piece
            data = stream.unconsumed_tail
            if stream.eof:
                # A gzip body may consist of several members, one after the other.
                data, self._stream = stream.unused_data if self._gzip else b"", None

    def _begin(self, data: bytes) -> "zlib._Decompress":
        # RFC 9110 says zlib for "deflate", some servers send the bare stream: the first byte tells.
        bare = not self._gzip and data[0] & 0xF != _DEFLATE_METHOD
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS if bare else _GZIP_OR_ZLIB)
        return self._stream

    def finish(self) -> None:
        """Raise `UpstreamError` if the body ended before its compressed stream did."""
        if self._stream is not None:
            raise _failed("its compressed body was cut off")


def _failed(what: str) -> UpstreamError:
    return UpstreamError(ErrorClass.TRANSIENT, f"the provider's answer cannot be read: {what}")
