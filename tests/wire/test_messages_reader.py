import pytest

from tests.wire.test_stream import block_delta, block_start, named
from tokenhub.types import Api
from tokenhub.wire import reader as base
from tokenhub.wire.reader import StreamReader
from tokenhub.wire.stream import reader_for

STOP = named({"type": "content_block_stop", "index": 0})


def reader(*events: bytes) -> StreamReader:
    made = reader_for(Api.MESSAGES)
    for event in events:
        made.read(event)
    return made


def thinking(*pieces: str) -> list[bytes]:
    start = block_start(type="thinking", thinking="", signature="")
    return [start, *(block_delta(type="signature_delta", signature=piece) for piece in pieces)]


def test_a_signature_is_a_seal_once_its_block_is_complete() -> None:
    made = reader(*thinking("Eq", "aB"))
    assert made.seals == []
    made.read(STOP)
    assert made.seals == ["EqaB"]


def test_a_signature_may_come_with_the_start_of_its_block() -> None:
    assert reader(block_start(type="thinking", signature="Eq"), STOP).seals == ["Eq"]


def test_redacted_thinking_is_a_seal_by_itself() -> None:
    assert reader(block_start(type="redacted_thinking", data="Er"), STOP).seals == ["Er"]


def test_each_block_has_a_seal_of_its_own() -> None:
    text = [block_start(type="text", text=""), block_delta(type="text_delta", text="a"), STOP]
    tool = [block_start(type="tool_use", id="t", name="f", input={}), STOP]
    made = reader(*thinking("a"), STOP, *text, *thinking(), STOP, *thinking("b"), STOP, *tool)
    assert made.seals == ["a", "b"]


@pytest.mark.parametrize("signature", [None, 5, ["a"], ""])
def test_what_is_no_signature_is_no_seal(signature: object) -> None:
    events = [block_delta(type="signature_delta", signature=signature)]
    assert reader(block_start(type="thinking", signature=signature), *events, STOP).seals == []


def test_the_seals_of_a_stream_are_bounded() -> None:
    made = reader_for(Api.MESSAGES)
    long = "x" * (base.MAX_SEAL_CHARS // 4 + 1)
    for _ in range(5):
        for event in (*thinking(long), STOP):
            made.read(event)
    assert [len(seal) for seal in made.seals] == [len(long)] * 3
    for event in (*thinking(*[long] * 9), STOP, *thinking("short"), STOP):
        made.read(event)
    assert made.seals[3:] == ["short"]
