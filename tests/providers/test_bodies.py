from collections.abc import AsyncIterator

import pytest

from tokenhub.errors import UpstreamError
from tokenhub.providers.bodies import inflater_for, read_all


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_body_as_it_is_needs_no_inflater(encoding: str) -> None:
    assert inflater_for({"Content-Encoding": encoding}) is None
    assert inflater_for({}) is None


def test_a_compressed_body_has_its_inflater() -> None:
    assert inflater_for({"Content-Encoding": " GZIP "}) is not None
    with pytest.raises(UpstreamError):
        inflater_for({"Content-Encoding": "br"})


async def test_reading_all_joins_the_pieces() -> None:
    assert await read_all(chunks(), 0) == b""
    assert await read_all(chunks(b"ab"), 2) == b"ab"
    assert await read_all(chunks(b"ab", b"c"), 3) == b"abc"


async def test_reading_all_stops_at_the_limit() -> None:
    with pytest.raises(UpstreamError, match="longer than 2 bytes"):
        await read_all(chunks(b"ab", b"c"), 2)
