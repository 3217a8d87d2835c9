"""What happens to a connection within one turn of the loop, step by step, without a network."""

import asyncio

import pytest

from tests.providers.asking import CHUNKED, WHOLE
from tokenhub.errors import UpstreamError
from tokenhub.providers.connection import Connection
from tokenhub.providers.pool import Pool
from tokenhub.providers.target import Place
from tokenhub.providers.tls import TlsContexts


class Wire(asyncio.Transport):
    """A transport that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes | bytearray | memoryview] = []
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 0


def unplugged(client_pool: Pool) -> tuple[Connection, Wire]:
    connection, wire = Connection(Place(False, "a.test", 80, None), client_pool), Wire()
    connection.connection_made(wire)
    return connection, wire


def receive(connection: Connection, data: bytes) -> None:
    connection.get_buffer(-1)[: len(data)] = data
    connection.buffer_updated(len(data))


@pytest.fixture
def client_pool() -> Pool:
    return Pool(TlsContexts(None), lambda: 0.0)


@pytest.mark.parametrize("data", [WHOLE, WHOLE[:-1], WHOLE[:9], b"?", CHUNKED])
@pytest.mark.parametrize("told_first", [True, False])
async def test_an_answer_and_a_cancellation_in_one_turn_leave_no_call_behind(
    client_pool: Pool, data: bytes, told_first: bool
) -> None:
    connection, wire = unplugged(client_pool)
    asking = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n", None))
    await asyncio.sleep(0)
    for step in (0, 1) if told_first else (1, 0):
        if step:
            asking.cancel()
        else:
            receive(connection, data)
    await asyncio.wait({asking})
    kept = client_pool.take(connection.place) is connection
    # Whole before anybody gave up: the connection may serve others. Else nobody is to have it.
    assert kept is (told_first and data == WHOLE)
    assert wire.aborted is not kept


async def test_a_late_cancellation_does_not_end_the_next_call(client_pool: Pool) -> None:
    connection, wire = unplugged(client_pool)
    first = asyncio.ensure_future(connection.ask(b"1", None))
    await asyncio.sleep(0)
    receive(connection, WHOLE)
    taken = client_pool.take(connection.place)
    assert taken is connection
    second = asyncio.ensure_future(taken.ask(b"2", None))
    first.cancel()
    await asyncio.sleep(0)
    receive(connection, WHOLE)
    assert await (await second).read(2) == b"ab"
    assert first.cancelled()
    assert not wire.aborted


async def test_a_connection_that_is_closing_is_not_given_out(client_pool: Pool) -> None:
    connection, _ = unplugged(client_pool)
    client_pool.idle(connection)
    receive(connection, b"HTTP/1.1 200 OK\r\n")
    assert client_pool.take(connection.place) is None


async def test_an_end_while_idle_closes_and_one_while_asked_does_not(client_pool: Pool) -> None:
    connection, wire = unplugged(client_pool)
    asking = asyncio.ensure_future(connection.ask(b"1", None))
    await asyncio.sleep(0)
    connection.eof_received()
    assert not wire.aborted
    receive(connection, WHOLE)
    await asking
    connection.eof_received()
    assert connection.closing
    await client_pool.close()


async def test_a_body_waits_while_the_transport_is_full(client_pool: Pool) -> None:
    connection, wire = unplugged(client_pool)
    asking = asyncio.ensure_future(connection.ask(b"head", bytes(700_000)))
    await asyncio.sleep(0)
    connection.pause_writing()
    for _ in range(5):
        await asyncio.sleep(0)
    assert sum(map(len, wire.written)) < 700_000
    connection.resume_writing()
    for _ in range(5):
        await asyncio.sleep(0)
    assert sum(map(len, wire.written)) == 700_004
    connection.abort()
    with pytest.raises(UpstreamError):
        await asking
