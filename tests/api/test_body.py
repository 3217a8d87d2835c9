import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.api.edge import Running, Wire, serving
from tokenhub.api.body import BODY_TIMEOUT_S, read_document
from tokenhub.wire.body import MAX_BODY_BYTES

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def reading(timeout_s: float = BODY_TIMEOUT_S) -> AsyncIterator[Running]:
    """A server whose one route tells what names it read, and how long the body was."""

    async def handler(request: web.Request) -> web.Response:
        document = await read_document(request, timeout_s=timeout_s)
        return web.json_response({"names": list(document.value), "bytes": len(document.body)})

    async with serving([web.post("/", handler)]) as hub:
        yield hub


def _length(size: int) -> bytes:
    return HEAD + f"Content-Length: {size}\r\n\r\n".encode()


async def test_a_document_comes_with_its_bytes() -> None:
    async with reading() as hub:
        reply = await hub.post(b'{"model": "m",  "n": 1}')
        assert reply.json == {"names": ["model", "n"], "bytes": 23}


async def test_a_document_in_pieces_is_put_together() -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(_length(9))
        for byte in b'{"abc":1}':
            await wire.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await wire.reply()).json == {"names": ["abc"], "bytes": 9}


async def test_a_chunked_document_is_put_together() -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(CHUNKED + b'4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')
        assert (await wire.reply()).json == {"names": ["a"], "bytes": 7}


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    body = b'{"a":"' + b"x" * (MAX_BODY_BYTES - 8) + b'"}'
    async with reading() as hub:
        assert (await hub.post(body)).json == {"names": ["a"], "bytes": MAX_BODY_BYTES}


async def test_33_mib_are_refused_before_they_are_sent() -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(_length(33 * 1024 * 1024))
        reply = await wire.reply()
    assert reply.status == 413
    assert "32 MiB" in reply.json["error"]["message"]


async def _send_for_ever(wire: Wire) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    for _ in range(64):
        await wire.send(chunk)


async def test_a_chunked_body_without_end_is_refused_at_the_limit() -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(CHUNKED)
        sending = asyncio.ensure_future(_send_for_ever(wire))
        try:
            assert (await wire.reply()).status == 413
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def test_a_body_that_stops_coming_is_a_408() -> None:
    async with reading(timeout_s=0.05) as hub, hub.wire() as wire:
        await wire.send(_length(100) + b'{"a":')
        reply = await wire.reply()
    assert reply.status == 408
    assert "0.05 s" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "lie",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b'2\r\n{"way too long": 1}\r\n0\r\n\r\n',
        b"ffffffffffffffffffff\r\n{}",
    ],
)
@pytest.mark.parametrize("apart", [True, False])
async def test_a_chunk_that_lies_about_itself_is_a_400(lie: bytes, apart: bool) -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(CHUNKED if apart else CHUNKED + lie)
        if apart:
            await hub.busy()
            await wire.send(lie)
        assert (await wire.reply()).status == 400
        await wire.rest()


async def test_a_complete_body_is_read_although_nonsense_follows() -> None:
    async with reading() as hub, hub.wire() as wire:
        await wire.send(_length(2))
        await hub.busy()
        await wire.send(b"{}" + b"\x00\x00\x00\r\n\r\n")
        assert (await wire.reply()).status in (200, 400)
        await wire.rest()


async def test_a_client_that_leaves_in_the_middle_of_its_body_ends_the_reading() -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            await read_document(request)
        finally:
            ended.set()
        raise AssertionError("the body never ended")

    async with serving([web.post("/", handler)]) as hub:
        async with hub.wire() as wire:
            await wire.send(_length(100) + b"{")
        async with asyncio.timeout(5):
            await ended.wait()


BAD = {
    "empty": b"",
    "not JSON": b"model=m",
    "half": b'{"a":',
    "null": b"null",
    "a list": b"[1]",
    "a string": b'"x"',
    "a number": b"1",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "duplicate keys": b'{"a":1,"a":2}',
    "nested": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "trailing": b"{} {}",
    "surrogate": b'{"a":"\\ud800"}',
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_body_is_a_400_that_says_what_is_wrong(name: str) -> None:
    async with reading() as hub:
        reply = await hub.post(BAD[name])
    assert reply.status == 400
    assert len(reply.json["error"]["message"]) > 10
    assert len(reply.body) < 1000


async def test_millions_of_tiny_values_are_refused() -> None:
    body = b'{"a":[' + b"{}," * 10_000_000 + b"{}]}"
    async with reading() as hub:
        assert (await hub.post(body)).status == 400


async def test_other_requests_are_served_while_a_large_body_is_read() -> None:
    text = json.dumps("def f(x):\n\treturn '\\n' + \"x\"\n" * 200_000)
    body = f'{{"messages":[{{"role":"user","content":{text}}}]}}'.encode()
    turns = []

    async def quick(_: web.Request) -> web.Response:
        turns.append("quick")
        return web.Response()

    async def slow(request: web.Request) -> web.Response:
        await read_document(request)
        turns.append("slow")
        return web.Response()

    async with serving([web.post("/", slow), web.get("/", quick)]) as hub:
        posting = asyncio.ensure_future(hub.post(body))
        while not posting.done():
            assert (await hub.get("/")).status == 200
        assert (await posting).status == 200
    assert "quick" in turns[: turns.index("slow")]
