import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.providers.asking import MIB, WHOLE, ask, post, refused, saying
from tests.providers.raw import Line, scripted
from tests.providers.servers import certificate, serve
from tokenhub.errors import UpstreamError
from tokenhub.providers import pool
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.upstream import UpstreamRequest


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def upstream(clock: Clock) -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream({}, clock)
    yield client
    await client.close()


async def closes(line: Line) -> None:
    """Answer one request, take the next and close."""
    await line.asked()
    await line.say(WHOLE)
    await line.asked()


async def test_a_request_to_a_connection_closed_for_idleness_goes_out_once_more(
    upstream: HttpUpstream, clock: Clock
) -> None:
    async with scripted(closes, saying(WHOLE)) as server:
        await ask(upstream, server.url)
        clock.now += 5
        assert (await ask(upstream, server.url))[1] == b"ab"
        assert server.connections == 2


async def test_it_goes_out_once_more_only_once(upstream: HttpUpstream, clock: Clock) -> None:
    async def hangs_up(line: Line) -> None:
        await line.asked()

    async with scripted(closes, hangs_up) as server:
        await ask(upstream, server.url)
        clock.now += 5
        assert "closed before the end" in await refused(upstream, server.url)
        assert server.connections == 2


async def test_a_connection_just_used_was_not_closed_for_idleness(upstream: HttpUpstream) -> None:
    async with scripted(closes, saying(WHOLE)) as server:
        await ask(upstream, server.url)
        assert "closed before the end" in await refused(upstream, server.url)
        assert server.connections == 1


async def test_a_request_that_the_server_worked_on_is_not_repeated(
    upstream: HttpUpstream, clock: Clock
) -> None:
    async def works(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE)
        await line.asked()
        clock.now += 20

    async with scripted(works, saying(WHOLE)) as server:
        await ask(upstream, server.url)
        clock.now += 5
        assert "closed before the end" in await refused(upstream, server.url)
        assert server.connections == 1


async def test_after_a_byte_of_an_answer_nothing_is_repeated(
    upstream: HttpUpstream, clock: Clock
) -> None:
    async def begins(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE)
        await line.asked()
        await line.say(b"H")

    async with scripted(begins, saying(WHOLE)) as server:
        await ask(upstream, server.url)
        clock.now += 5
        assert "closed before the end" in await refused(upstream, server.url)
        assert server.connections == 1


async def test_a_connection_that_the_server_closes_is_not_kept(upstream: HttpUpstream) -> None:
    async with scripted(saying(WHOLE, then_close=True)) as server:
        for number in range(3):
            await ask(upstream, server.url)
            await server.closed(number)
            for _ in range(5):
                await asyncio.sleep(0)
        assert server.connections == 3


async def test_idle_connections_are_closed_after_a_while(
    upstream: HttpUpstream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.02)

    async def script(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE)
        await line.until_closed()

    async with scripted(script) as server, asyncio.timeout(10):
        await ask(upstream, server.url)
        await asyncio.sleep(0.05)
        assert not server.over[0].is_set()
        clock.now += 1
        await server.closed(0)


async def test_closing_what_is_idle_spares_what_is_in_use(upstream: HttpUpstream) -> None:
    async def script(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE[:-1])
        await line.asked()

    async def idle(line: Line) -> None:
        await line.asked()
        await line.say(WHOLE)
        await line.until_closed()

    async with scripted(script, idle) as server, asyncio.timeout(10):
        response = await upstream.send(post(f"http://127.0.0.1:{server.port}"))
        await ask(upstream, server.url)
        upstream.close_idle()
        await server.closed(1)
        assert not server.over[0].is_set()
        response.close()
        await server.closed(0)


async def test_no_more_than_so_many_idle_connections_are_kept(
    upstream: HttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_IDLE", 1)
    both = asyncio.Barrier(2)

    async def script(line: Line) -> None:
        await line.asked()
        await both.wait()
        await line.say(WHOLE)
        await line.until_closed()

    async with scripted(script) as server, asyncio.timeout(10):
        await asyncio.gather(ask(upstream, server.url), ask(upstream, server.url))
        ends = [asyncio.ensure_future(server.closed(number)) for number in range(2)]
        done, waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert (len(done), len(waiting)) == (1, 1)
        for end in waiting:
            end.cancel()


async def test_close_ends_calls_in_progress(upstream: HttpUpstream) -> None:
    asked = asyncio.Event()

    async def silent(line: Line) -> None:
        await line.asked()
        asked.set()
        await line.until_closed()

    async with scripted(silent) as server, asyncio.timeout(10):
        sending = asyncio.ensure_future(upstream.send(post(f"http://127.0.0.1:{server.port}")))
        await asked.wait()
        await upstream.close()
        with pytest.raises(UpstreamError, match="closed before the end"):
            await sending


async def test_nobody_at_a_port_is_unreachable(upstream: HttpUpstream) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        with pytest.raises(UpstreamError) as raised:
            await upstream.send(post(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert raised.value.unreachable


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".test", "nobody.invalid"])
async def test_a_name_that_leads_nowhere_is_unreachable(upstream: HttpUpstream, host: str) -> None:
    with pytest.raises(UpstreamError, match="cannot be resolved") as raised:
        await upstream.send(post(f"http://{host}/v1"))
    assert raised.value.unreachable


async def test_several_addresses_that_all_fail_are_unreachable(
    upstream: HttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two(*_: object, **__: object) -> list[object]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("127.0.0.1", 1)), (*kind, ("127.0.0.2", 1))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
    with pytest.raises(UpstreamError, match="none of its addresses") as raised:
        await upstream.send(post("http://box.test:1"))
    assert raised.value.unreachable
    assert "127.0.0" not in str(raised.value)


async def test_a_call_that_is_cancelled_while_it_connects_leaves_nothing_open(
    upstream: HttpUpstream,
) -> None:
    async def silent(line: Line) -> None:
        await line.until_closed()

    async with scripted(silent) as server, asyncio.timeout(10):
        for turns in range(12):
            sending = asyncio.ensure_future(upstream.send(post(f"http://127.0.0.1:{server.port}")))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.wait({sending})
    gc.collect()  # a socket that was left open is an error then


async def test_a_cancelled_tls_greeting_leaves_nothing_open(upstream: HttpUpstream) -> None:
    greeted = asyncio.Event()

    async def silent(line: Line) -> None:
        await line.reader.read(1)
        greeted.set()
        await line.until_closed()

    async with scripted(silent) as server, asyncio.timeout(10):
        url = f"https://127.0.0.1:{server.port}"
        sending = asyncio.ensure_future(upstream.send(post(url)))
        await greeted.wait()
        sending.cancel()
        await asyncio.wait({sending})
        await server.closed(0)


async def test_connections_are_kept_apart_by_what_they_trust(
    upstream: HttpUpstream, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)
    other = tmp_path / "other.pem"
    other.write_bytes(ca_file.read_bytes())

    async with serve(lambda call: call.answer(b"{}"), tls) as server:
        for trusted in (ca_file, other, ca_file):
            url = f"https://localhost:{server.port}/v1"
            request = UpstreamRequest("POST", url, [], b"{}", ca_file=str(trusted))
            assert await (await upstream.send(request)).read(MIB) == b"{}"
        assert server.connections == 2
