"""What every answer's body has in common, whoever carried it: bounded reading, and inflating."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

from tokenhub.errors import UpstreamError
from tokenhub.providers.inflate import Inflater
from tokenhub.types import ErrorClass


def inflater_for(headers: Mapping[str, str]) -> Inflater | None:
    """Return what inflates a body with `headers`, None for one that is not compressed.

    Raises `UpstreamError` for an encoding that cannot be inflated.
    """
    encoding = headers.get("Content-Encoding")
    if encoding is None or (name := encoding.strip().lower()) in ("", "identity"):
        return None
    return Inflater(name)


async def read_all(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """Return all of `chunks`; raise `UpstreamError` if they exceed `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for data in chunks:
        parts.append(data)
        size += len(data)
        if size > limit:
            raise UpstreamError(
                ErrorClass.TRANSIENT, f"the provider's answer is longer than {limit} bytes"
            )
    return parts[0] if len(parts) == 1 else b"".join(parts)


class InflatedBody:
    """The inflated bytes of an answer; a wait for them may be cancelled and repeated."""

    def __init__(self, body: AsyncIterator[bytes], inflater: Inflater) -> None:
        self._body = body
        self._inflater = inflater
        self._pieces: Iterator[bytes] = iter(())

    def __aiter__(self) -> "InflatedBody":
        return self

    async def __anext__(self) -> bytes:
        while True:
            await asyncio.sleep(0)  # a small chunk can inflate to work of 100 ms
            if (piece := next(self._pieces, None)) is not None:
                return piece
            try:
                self._pieces = self._inflater.pieces(await anext(self._body))
            except StopAsyncIteration:
                self._inflater.finish()
                raise
