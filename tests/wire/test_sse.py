from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.wire.sse import MAX_EVENT_BYTES, EventSplitter, EventTooLong, data_of

_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
_fields = st.sampled_from(
    [
        b"data: x",
        b'data: {"a":1}',
        b"data:",
        b": note",
        b"event: ping",
        b"id: 1",
        "data: é".encode(),
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Lines, empty ones among them, with all three line ends mixed or only one."""
    ends = draw(st.sampled_from([_ends, st.just(b"\n"), st.just(b"\r\n"), st.just(b"\r")]))
    lines = draw(st.lists(st.tuples(_fields | st.just(b""), ends), max_size=20))
    return b"".join(line + end for line, end in lines)


def split(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events, splitter.rest


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


@given(streams(), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    assert split(cut(stream, places)) == split([stream])


@given(streams())
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert split([stream[i : i + 1] for i in range(len(stream))]) == split([stream])


@given(streams(), st.lists(st.integers(0, 10_000), max_size=12))
def test_events_and_rest_together_are_the_bytes(stream: bytes, places: list[int]) -> None:
    events, rest = split(cut(stream, places))
    assert b"".join(events) + rest == stream


@given(st.binary(max_size=40), st.lists(st.integers(0, 10_000), max_size=6))
def test_arbitrary_bytes_are_cut_alike_too(stream: bytes, places: list[int]) -> None:
    assert split(cut(stream, places)) == split([stream])


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\n\n", b"\n\r\n"])
def test_an_event_is_complete_at_its_empty_line(end: bytes) -> None:
    assert EventSplitter().feed(b"data: x" + end) == [b"data: x" + end]


def test_a_cr_at_the_end_of_the_bytes_may_be_half_a_line_end() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\r\n\r") == []
    assert splitter.feed(b"\ndata: y") == [b"data: x\r\n\r\n"]
    assert splitter.rest == b"data: y"


def test_lines_that_end_in_cr_alone_are_lines() -> None:
    assert EventSplitter().feed(b"data: x\r\rdata: y\r\r:") == [b"data: x\r\r", b"data: y\r\r"]


def test_nothing_fed_is_nothing_found() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"") == []
    assert splitter.rest == b""


def test_an_endless_event_is_refused() -> None:
    splitter = EventSplitter()
    splitter.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 6))
    with pytest.raises(EventTooLong):
        splitter.feed(b"x")


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (b"data: x\n\n", None, b"x"),
        (b"data:x\n\n", None, b"x"),
        (b"data:  x\r\n\r\n", None, b" x"),
        (b"data: a\ndata: b\n\n", None, b"a\nb"),
        (b"data: a\rdata: b\n\n", None, b"a\nb"),
        (b"event: error\ndata: {}\n\n", b"error", b"{}"),
        (b"id: 7\nretry: 10\ndata\n\n", None, b""),
        (b": keep-alive\n\n", None, b""),
        (b"\n\n", None, b""),
    ],
)
def test_the_name_and_data_of_an_event_are_read(
    event: bytes, name: bytes | None, data: bytes
) -> None:
    assert data_of(event) == (name, data)
