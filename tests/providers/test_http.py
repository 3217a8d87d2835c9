import asyncio
import gzip

import pytest

from tests.providers.asking import MIB, Client, fails, post
from tests.providers.servers import Call, serve
from tokenhub.errors import UpstreamError
from tokenhub.providers.inflate import MAX_INFLATED_BYTES
from tokenhub.providers.upstream import UpstreamRequest
from tokenhub.types import ErrorClass

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
)


async def test_a_request_goes_out_byte_for_byte(client: Client) -> None:
    calls: list[Call] = []

    async def handler(call: Call) -> None:
        calls.append(call)
        await call.answer(b"{}")

    headers = [
        ("anthropic-Beta", "one"),
        ("anthropic-Beta", "two"),
        ("Accept-Encoding", "identity"),
    ]
    body = b'{ "model":"caf\xc3\xa9" , "n":1.0}'
    async with serve(handler) as server:
        request = UpstreamRequest("POST", f"{server.url}/v1/messages?beta=true", headers, body)
        response = await client.send(request)
        await response.read(MIB)

    assert calls[0].head.startswith(b"POST /v1/messages?beta=true HTTP/1.1\r\n")
    assert calls[0].header_lines == [
        f"Host: 127.0.0.1:{server.port}",
        "anthropic-Beta: one",
        "anthropic-Beta: two",
        "Accept-Encoding: identity",
        f"Content-Length: {len(body)}",
    ]
    assert calls[0].body == body


async def test_two_spellings_of_a_header_are_both_sent(client: Client) -> None:
    calls: list[Call] = []

    async def handler(call: Call) -> None:
        calls.append(call)
        await call.answer(b"{}")

    async with serve(handler) as server:
        headers = [("anthropic-Beta", "one"), ("anthropic-beta", "two")]
        await (await client.send(UpstreamRequest("GET", server.url, headers))).read(MIB)
    lines = [line.lower() for line in calls[0].header_lines]
    assert lines[1:] == ["anthropic-beta: one", "anthropic-beta: two"]


async def test_an_answer_comes_back_byte_for_byte(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b'{"a" : 1}\n', "Request-Id: r1", "X-Two: 1", "X-Two: 2", status="418 T")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        assert response.status == 418
        assert response.headers["request-id"] == "r1"
        assert [value for name, value in response.headers.items() if name == "X-Two"] == ["1", "2"]
        assert await response.read(MIB) == b'{"a" : 1}\n'


async def test_chunks_come_as_they_arrive(client: Client) -> None:
    went_on = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")
        await went_on.wait()
        await call.chunk(b"data: 2\n\n")
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        chunks = response.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        went_on.set()
        assert [chunk async for chunk in chunks] == [b"data: 2\n\n"]


async def test_a_connection_is_used_again_after_a_whole_answer(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}")

    async with serve(handler) as server:
        for _ in range(3):
            response = await client.send(post(server.url))
            await response.read(MIB)
            response.close()
        assert server.connections == 1


async def test_closing_in_the_middle_closes_the_connection(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        assert await anext(response.chunks()) == b"data: 1\n\n"
        response.close()
        response.close()
        async with asyncio.timeout(10):
            await server.closed.wait()


async def test_a_cancelled_call_closes_the_connection(client: Client) -> None:
    asked = asyncio.Event()

    async def handler(call: Call) -> None:
        asked.set()

    async with serve(handler) as server, asyncio.timeout(10):
        sending = asyncio.ensure_future(client.send(post(server.url)))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await server.closed.wait()


async def test_a_body_of_many_megabytes_arrives_whole(client: Client) -> None:
    sizes: list[int] = []

    async def handler(call: Call) -> None:
        sizes.append(len(call.body))
        await call.answer(b"{}")

    async with serve(handler) as server:
        response = await client.send(post(server.url, bytes(5 * MIB)))
        await response.read(MIB)
    assert sizes == [5 * MIB]


async def test_an_answer_over_the_limit_is_an_error(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(bytes(200_000))

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        with pytest.raises(UpstreamError, match="longer than 100000 bytes"):
            await response.read(100_000)
        response.close()


async def test_redirects_are_not_followed(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"", "Location: /elsewhere", status="307 Temporary Redirect")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        assert response.status == 307
        response.close()


async def test_cookies_are_not_kept(client: Client) -> None:
    heads: list[bytes] = []

    async def handler(call: Call) -> None:
        heads.append(call.head)
        await call.answer(b"{}", "Set-Cookie: a=b; Path=/")

    async with serve(handler) as server:
        for _ in range(2):
            await (await client.send(post(server.url))).read(MIB)
    assert b"cookie" not in heads[1].lower()


async def test_a_compressed_answer_is_inflated(client: Client) -> None:
    body = b'{"text": "' + b"x" * 300_000 + b'"}'

    async def handler(call: Call) -> None:
        await call.answer(gzip.compress(body), "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        assert await response.read(MIB) == body


async def test_a_compressed_stream_is_inflated_as_it_comes(client: Client) -> None:
    packed = gzip.compress(b"data: 1\n\n") + gzip.compress(b"data: 2\n\n")

    async def handler(call: Call) -> None:
        await call.say(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: GZIP\r\n\r\n"))
        await call.chunk(packed)
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        assert b"".join([chunk async for chunk in response.chunks()]) == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize("packed", [False, True])
async def test_a_cancelled_wait_for_bytes_loses_none(client: Client, packed: bool) -> None:
    went_on = asyncio.Event()
    encoding = b"\r\nContent-Encoding: gzip\r\n\r\n" if packed else b"\r\n\r\n"

    async def handler(call: Call) -> None:
        await call.say(CHUNKED.replace(b"\r\n\r\n", encoding))
        await went_on.wait()
        for piece in (b"data: 1\n\n", b"data: 2\n\n"):
            await call.chunk(gzip.compress(piece) if packed else piece)
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        chunks = (await client.send(post(server.url))).chunks()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(chunks)
        went_on.set()
        assert b"".join([chunk async for chunk in chunks]) == b"data: 1\n\ndata: 2\n\n"


async def test_a_compressed_answer_that_is_cut_off_is_an_error(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(gzip.compress(b"{}" * 500)[:-9], "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        with pytest.raises(UpstreamError, match="cut off"):
            await response.read(MIB)
        response.close()


async def test_a_gzip_bomb_stops_at_the_limit(client: Client) -> None:
    bomb = gzip.compress(bytes(MAX_INFLATED_BYTES), compresslevel=1)

    async def handler(call: Call) -> None:
        await call.answer(bomb, "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        with pytest.raises(UpstreamError, match=f"longer than {MIB} bytes"):
            await response.read(MIB)
        response.close()


async def test_an_unknown_encoding_is_an_error(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"??", "Content-Encoding: br")

    async with serve(handler) as server:
        assert "content-encoding" in str(await fails(client, post(server.url)))


async def test_an_encoding_of_identity_is_none(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}", "Content-Encoding: identity")

    async with serve(handler) as server:
        assert await (await client.send(post(server.url))).read(MIB) == b"{}"


async def test_a_refused_connection_is_transient(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}")

    async with serve(handler) as server:
        pass
    assert str(await fails(client, post(server.url))).startswith("127.0.0.1: ")


async def test_a_reset_before_the_answer_is_transient(client: Client) -> None:
    async def handler(call: Call) -> None:
        call.reset()

    async with serve(handler) as server:
        await fails(client, post(server.url))


async def test_garbage_instead_of_http_is_transient(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async with serve(handler) as server:
        assert "not HTTP" in str(await fails(client, post(server.url)))


async def test_a_stream_that_is_cut_off_is_transient(client: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")
        call.writer.close()

    async with serve(handler) as server:
        response = await client.send(post(server.url))
        chunks = response.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        with pytest.raises(UpstreamError, match="closed before the end") as raised:
            await anext(chunks)
        response.close()
        assert raised.value.error_class is ErrorClass.TRANSIENT


async def test_a_request_shows_neither_headers_nor_body() -> None:
    request = UpstreamRequest("POST", "http://a", [("Authorization", "Bearer sk-1")], b"prompt")
    assert "sk-1" not in repr(request)
    assert "prompt" not in repr(request)


async def test_an_unused_client_closes_quietly(client: Client) -> None:
    await client.close()
