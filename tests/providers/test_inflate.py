import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import UpstreamError
from tokenhub.providers.inflate import MAX_INFLATED_BYTES, PIECE_BYTES, Inflater
from tokenhub.types import ErrorClass

TEXT = b"data: hello\n\n" * 50


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def inflated(encoding: str, chunks: list[bytes]) -> bytes:
    inflater = Inflater(encoding)
    whole = b"".join(piece for chunk in chunks for piece in inflater.pieces(chunk))
    inflater.finish()
    return whole


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
    ],
    ids=["gzip", "x-gzip", "gzip in two members", "deflate", "bare deflate"],
)
def test_every_form_of_gzip_and_deflate_is_inflated(encoding: str, body: bytes) -> None:
    assert inflated(encoding, [body]) == TEXT


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2100), max_size=5))
def test_any_split_of_the_bytes_gives_the_same(data: bytes, cuts: list[int]) -> None:
    body = gzip.compress(data)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[a:b] for a, b in itertools.pairwise(edges)]
    assert inflated("gzip", chunks) == data


def test_a_bomb_is_cut_off_and_comes_in_pieces() -> None:
    bomb = gzip.compress(bytes(MAX_INFLATED_BYTES + 1), compresslevel=1)
    sizes: list[int] = []
    with pytest.raises(UpstreamError, match="more than 64 MiB") as raised:
        sizes.extend(len(piece) for piece in Inflater("gzip").pieces(bomb))
    assert max(sizes) <= PIECE_BYTES
    assert sum(sizes) <= MAX_INFLATED_BYTES
    assert raised.value.error_class is ErrorClass.TRANSIENT


def test_a_cut_off_body_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="cut off"):
        inflated("gzip", [gzip.compress(TEXT)[:-9]])


def test_what_is_not_compressed_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="not in its content-encoding"):
        inflated("gzip", [b"plain text"])


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br"])
def test_another_encoding_is_an_error(encoding: str) -> None:
    with pytest.raises(UpstreamError, match="neither identity nor gzip nor deflate"):
        Inflater(encoding)
