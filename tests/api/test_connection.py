import asyncio
import gzip
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.api.edge import Running, Wire, hello, serving

SECRET = "sk-this-must-not-be-seen"
ROUTES = [web.get("/", hello), web.post("/", hello)]


async def _is_closed(wire: Wire) -> bool:
    try:
        return await wire.rest() == b""
    except ConnectionResetError:  # bytes of ours were still on the way
        return True


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with serving(ROUTES, header_timeout_s=0.05) as hub, hub.wire() as wire:
        assert await _is_closed(wire)


async def test_a_header_that_never_ends_is_cut_off() -> None:
    async with serving(ROUTES, header_timeout_s=0.05) as hub, hub.wire() as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert await _is_closed(wire)


async def test_dripping_bytes_do_not_extend_the_time_for_a_header() -> None:
    async def drip(wire: Wire) -> None:
        await wire.send(b"GET / HTTP/1.1\r\nX-Slow: ")
        while True:
            await wire.send(b"x")
            await asyncio.sleep(0.005)

    async with serving(ROUTES, header_timeout_s=0.05) as hub, hub.wire() as wire:
        dripping = asyncio.ensure_future(drip(wire))
        try:
            assert await _is_closed(wire)
        finally:
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)


async def test_a_second_header_is_timed_from_its_first_byte() -> None:
    async with serving(ROUTES, header_timeout_s=0.05) as hub, hub.wire() as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await wire.reply()).status == 200
        await asyncio.sleep(0.1)  # idle, which is not limited by the header's time
        await wire.send(b"GET / HT")
        assert await _is_closed(wire)


async def test_a_header_in_pieces_is_fine_while_it_is_in_time() -> None:
    async with serving(ROUTES) as hub, hub.wire() as wire:
        for _ in range(2):
            for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":
                await wire.send(bytes([byte]))
            assert (await wire.reply()).status == 200


async def test_a_slow_body_is_not_a_slow_header() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with serving([web.post("/", read)], header_timeout_s=0.05) as hub, hub.wire() as wire:
        await wire.send(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\n\r\n{"
        )
        await asyncio.sleep(0.1)
        await wire.send(b"}")
        assert (await wire.reply()).body == b"{}"


MALFORMED = [
    f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\x00\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\x7f\x01\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization {SECRET}\r\n\r\n",
    f"GET / HTTP/9.9\r\nHost: localhost\r\nAuthorization: {SECRET}\r\n\r\n",
    f"GET /{SECRET} nonsense\r\n\r\n",
    f"{SECRET}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: localhost\r\n{SECRET}: a\r\n b\r\n\r\n",
    f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SECRET}\r\n\r\n",
    f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{SECRET}",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    f"{SECRET}",
    f"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: {SECRET}\r\n\r\n",
    f"\x16\x03\x01\x02{SECRET}\r\n\r\n",
]


@pytest.mark.parametrize("request_text", MALFORMED)
async def test_a_malformed_request_is_a_400_without_a_word_of_it(
    request_text: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(ROUTES) as hub, hub.wire() as wire:
            await wire.send(request_text.encode("latin-1"))
            reply = await wire.reply()
            assert await _is_closed(wire)
    assert reply.status == 400
    assert reply.json["error"]["message"]
    assert reply.headers["x-request-id"] == reply.headers["x-inferoute-request-id"]
    seen = reply.body.decode() + caplog.text + "".join(capfd.readouterr())
    assert SECRET not in seen
    assert "Traceback" not in seen


async def test_a_header_field_that_is_too_long_is_a_431() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", "X-Long: " + "x" * 20_000)
        assert reply.status == 431
        assert "16384 bytes" in reply.json["error"]["message"]


async def test_long_credentials_are_fine() -> None:
    async with serving(ROUTES) as hub:
        assert (await hub.get("/", "Authorization: Bearer " + "x" * 12_000)).status == 200


async def test_more_header_fields_than_anybody_needs_are_refused() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", *(f"X-{number}: 1" for number in range(500)))
        assert 400 <= reply.status < 500


async def test_an_expectation_that_cannot_be_met_is_a_417_that_does_not_repeat_it() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", f"Expect: {SECRET}")
        assert reply.status == 417
        assert SECRET not in reply.body.decode()
        assert reply.json["error"]["message"]
        assert reply.headers["x-request-id"]


async def test_a_body_may_be_sent_after_100_continue() -> None:
    async with serving(ROUTES) as hub, hub.wire() as wire:
        await wire.send(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert (await wire.reply()).status == 100
        await wire.send(b"{}")
        assert (await wire.reply()).status == 200


async def test_an_upgrade_is_served_as_a_plain_request() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", "Connection: Upgrade", "Upgrade: websocket")
        assert reply.status == 200


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving(ROUTES) as hub, hub.wire() as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        assert [(await wire.reply()).status for _ in range(50)] == [200] * 50


async def test_a_gzip_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(b"[" * 50_000_000)
    async with serving(ROUTES) as hub:
        reply = await hub.post(bomb, "Content-Encoding: gzip")
        assert reply.status == 415


async def _broken(hub: Running) -> bytes:
    async with hub.wire() as wire:
        await wire.send(b"GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await wire.rest()


async def test_an_error_in_the_middle_of_an_answer_cuts_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first part")
        raise LookupError(SECRET)

    async with serving([web.get("/broken", broken)]) as hub:
        answer = await _broken(hub)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"first part" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert "unexpected LookupError" in caplog.text
    assert SECRET not in caplog.text


async def test_nonsense_after_a_refused_request_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(ROUTES) as hub, hub.wire() as wire:
            await wire.send(
                b"POST / HTTP/1.1\r\nHost: evil\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            assert (await wire.reply()).status == 403
            await wire.send(SECRET.encode() + b"\r\n\r\n")
            await wire.rest()
    assert SECRET not in caplog.text


async def test_a_body_that_breaks_while_it_is_sent_is_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first part"
        raise LookupError(SECRET)

    async def broken(_: web.Request) -> web.Response:
        return web.Response(body=parts())

    async with serving([web.get("/broken", broken)]) as hub:
        answer = await _broken(hub)
    assert not answer.endswith(b"0\r\n\r\n")
    assert "unexpected LookupError" in caplog.text
    assert SECRET not in caplog.text
