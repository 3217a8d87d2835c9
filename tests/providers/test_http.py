import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.providers.servers import Call, certificate, connect_proxy, serve
from tokenhub.errors import UpstreamError
from tokenhub.providers.direct import HttpUpstream
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.providers.inflate import MAX_INFLATED_BYTES
from tokenhub.providers.upstream import UpstreamRequest
from tokenhub.types import ErrorClass

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
)
MIB = 1 << 20


Client = AiohttpUpstream | HttpUpstream


@pytest.fixture(params=[AiohttpUpstream, HttpUpstream])
async def kind(request: pytest.FixtureRequest) -> type[Client]:
    kind: type[Client] = request.param
    return kind


@pytest.fixture
async def upstream(kind: type[Client]) -> AsyncIterator[Client]:
    client = kind({})
    yield client
    await client.close()


@pytest.fixture
async def make(kind: type[Client]) -> AsyncIterator[Callable[[dict[str, str]], Client]]:
    made: list[Client] = []

    def build(environ: dict[str, str]) -> Client:
        made.append(kind(environ))
        return made[-1]

    yield build
    for client in made:
        await client.close()


def post(url: str, body: bytes = b"{}", **fields: str | None) -> UpstreamRequest:
    return UpstreamRequest("POST", url, [("Content-Type", "application/json")], body, **fields)  # type: ignore[arg-type]


async def fails(upstream: Client, request: UpstreamRequest) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await upstream.send(request)
    assert raised.value.error_class is ErrorClass.TRANSIENT
    assert raised.value.status is None
    return raised.value


async def test_a_request_goes_out_byte_for_byte(upstream: Client) -> None:
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
        response = await upstream.send(request)
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


async def test_two_spellings_of_a_header_are_both_sent(upstream: Client) -> None:
    calls: list[Call] = []

    async def handler(call: Call) -> None:
        calls.append(call)
        await call.answer(b"{}")

    async with serve(handler) as server:
        headers = [("anthropic-Beta", "one"), ("anthropic-beta", "two")]
        await (await upstream.send(UpstreamRequest("GET", server.url, headers))).read(MIB)
    lines = [line.lower() for line in calls[0].header_lines]
    assert lines[1:] == ["anthropic-beta: one", "anthropic-beta: two"]


async def test_an_answer_comes_back_byte_for_byte(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b'{"a" : 1}\n', "Request-Id: r1", "X-Two: 1", "X-Two: 2", status="418 T")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        assert response.status == 418
        assert response.headers["request-id"] == "r1"
        assert [value for name, value in response.headers.items() if name == "X-Two"] == ["1", "2"]
        assert await response.read(MIB) == b'{"a" : 1}\n'


async def test_chunks_come_as_they_arrive(upstream: Client) -> None:
    went_on = asyncio.Event()

    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")
        await went_on.wait()
        await call.chunk(b"data: 2\n\n")
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        chunks = response.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        went_on.set()
        assert [chunk async for chunk in chunks] == [b"data: 2\n\n"]


async def test_a_connection_is_used_again_after_a_whole_answer(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}")

    async with serve(handler) as server:
        for _ in range(3):
            response = await upstream.send(post(server.url))
            await response.read(MIB)
            response.close()
        assert server.connections == 1


async def test_closing_in_the_middle_closes_the_connection(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        assert await anext(response.chunks()) == b"data: 1\n\n"
        response.close()
        response.close()
        async with asyncio.timeout(10):
            await server.closed.wait()


async def test_a_cancelled_call_closes_the_connection(upstream: Client) -> None:
    asked = asyncio.Event()

    async def handler(call: Call) -> None:
        asked.set()

    async with serve(handler) as server, asyncio.timeout(10):
        sending = asyncio.ensure_future(upstream.send(post(server.url)))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await server.closed.wait()


async def test_a_body_of_many_megabytes_arrives_whole(upstream: Client) -> None:
    sizes: list[int] = []

    async def handler(call: Call) -> None:
        sizes.append(len(call.body))
        await call.answer(b"{}")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url, bytes(5 * MIB)))
        await response.read(MIB)
    assert sizes == [5 * MIB]


async def test_an_answer_over_the_limit_is_an_error(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(bytes(200_000))

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        with pytest.raises(UpstreamError, match="longer than 100000 bytes"):
            await response.read(100_000)
        response.close()


async def test_redirects_are_not_followed(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"", "Location: /elsewhere", status="307 Temporary Redirect")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        assert response.status == 307
        response.close()


async def test_cookies_are_not_kept(upstream: Client) -> None:
    heads: list[bytes] = []

    async def handler(call: Call) -> None:
        heads.append(call.head)
        await call.answer(b"{}", "Set-Cookie: a=b; Path=/")

    async with serve(handler) as server:
        for _ in range(2):
            await (await upstream.send(post(server.url))).read(MIB)
    assert b"cookie" not in heads[1].lower()


async def test_a_compressed_answer_is_inflated(upstream: Client) -> None:
    body = b'{"text": "' + b"x" * 300_000 + b'"}'

    async def handler(call: Call) -> None:
        await call.answer(gzip.compress(body), "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        assert await response.read(MIB) == body


async def test_a_compressed_stream_is_inflated_as_it_comes(upstream: Client) -> None:
    packed = gzip.compress(b"data: 1\n\n") + gzip.compress(b"data: 2\n\n")

    async def handler(call: Call) -> None:
        await call.say(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: GZIP\r\n\r\n"))
        await call.chunk(packed)
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        assert b"".join([chunk async for chunk in response.chunks()]) == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize("packed", [False, True])
async def test_a_cancelled_wait_for_bytes_loses_none(upstream: Client, packed: bool) -> None:
    went_on = asyncio.Event()
    encoding = b"\r\nContent-Encoding: gzip\r\n\r\n" if packed else b"\r\n\r\n"

    async def handler(call: Call) -> None:
        await call.say(CHUNKED.replace(b"\r\n\r\n", encoding))
        await went_on.wait()
        for piece in (b"data: 1\n\n", b"data: 2\n\n"):
            await call.chunk(gzip.compress(piece) if packed else piece)
        await call.say(b"0\r\n\r\n")

    async with serve(handler) as server:
        chunks = (await upstream.send(post(server.url))).chunks()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(chunks)
        went_on.set()
        assert b"".join([chunk async for chunk in chunks]) == b"data: 1\n\ndata: 2\n\n"


async def test_a_compressed_answer_that_is_cut_off_is_an_error(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(gzip.compress(b"{}" * 500)[:-9], "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        with pytest.raises(UpstreamError, match="cut off"):
            await response.read(MIB)
        response.close()


async def test_a_gzip_bomb_stops_at_the_limit(upstream: Client) -> None:
    bomb = gzip.compress(bytes(MAX_INFLATED_BYTES), compresslevel=1)

    async def handler(call: Call) -> None:
        await call.answer(bomb, "Content-Encoding: gzip")

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        with pytest.raises(UpstreamError, match=f"longer than {MIB} bytes"):
            await response.read(MIB)
        response.close()


async def test_an_unknown_encoding_is_an_error(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"??", "Content-Encoding: br")

    async with serve(handler) as server:
        assert "content-encoding" in str(await fails(upstream, post(server.url)))


async def test_an_encoding_of_identity_is_none(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}", "Content-Encoding: identity")

    async with serve(handler) as server:
        assert await (await upstream.send(post(server.url))).read(MIB) == b"{}"


async def test_a_refused_connection_is_transient(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.answer(b"{}")

    async with serve(handler) as server:
        pass
    assert str(await fails(upstream, post(server.url))).startswith("127.0.0.1: ")


async def test_a_reset_before_the_answer_is_transient(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        call.reset()

    async with serve(handler) as server:
        await fails(upstream, post(server.url))


async def test_garbage_instead_of_http_is_transient(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async with serve(handler) as server:
        assert "not HTTP" in str(await fails(upstream, post(server.url)))


async def test_a_stream_that_is_cut_off_is_transient(upstream: Client) -> None:
    async def handler(call: Call) -> None:
        await call.say(CHUNKED)
        await call.chunk(b"data: 1\n\n")
        call.writer.close()

    async with serve(handler) as server:
        response = await upstream.send(post(server.url))
        chunks = response.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        with pytest.raises(UpstreamError, match="closed before the end") as raised:
            await anext(chunks)
        response.close()
        assert raised.value.error_class is ErrorClass.TRANSIENT


async def test_a_connection_that_does_not_open_in_time_is_transient(
    upstream: Client, tmp_path: Path
) -> None:
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    # It accepts and never answers the TLS greeting.
    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    request = UpstreamRequest("POST", f"https://127.0.0.1:{port}", [], b"{}", connect_s=0.05)
    assert "no connection in time" in str(await fails(upstream, request))
    hold.set()
    listening.close()


async def answer(call: Call) -> None:
    await call.answer(b"{}")


async def test_a_private_ca_is_trusted_where_the_provider_names_it(
    upstream: Client, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)
    async with serve(answer, tls) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        for _ in range(2):
            response = await upstream.send(post(url, ca_file=str(ca_file)))
            assert await response.read(MIB) == b"{}"
        assert "not trusted" in str(await fails(upstream, post(url)))


async def test_ssl_cert_file_names_the_trusted_roots(
    make: Callable[[dict[str, str]], Client], tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)
    async with serve(answer, tls) as server:
        client = make({"SSL_CERT_FILE": str(ca_file)})
        response = await client.send(post(f"https://127.0.0.1:{server.port}/v1"))
        assert await response.read(MIB) == b"{}"


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_ca_file_that_cannot_be_read_is_named(
    upstream: Client, tmp_path: Path, content: str | None
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    request = post("https://127.0.0.1:1/v1", ca_file=str(ca_file))
    assert f"certificates in {str(ca_file)!r}" in str(await fails(upstream, request))


async def test_many_ca_files_are_not_all_kept(upstream: Client, tmp_path: Path) -> None:
    tls, ca_file = certificate(tmp_path)
    async with serve(answer, tls) as server:
        for number in range(66):
            copy = tmp_path / f"{number}.pem"
            copy.write_bytes(ca_file.read_bytes())
            request = post(f"https://127.0.0.1:{server.port}/v1", ca_file=str(copy))
            await (await upstream.send(request)).read(MIB)


async def test_a_providers_own_proxy_carries_its_calls(upstream: Client) -> None:
    heads: list[bytes] = []

    async def proxying(call: Call) -> None:
        heads.append(call.head)
        await call.answer(b"{}")

    async with serve(proxying) as proxy:
        response = await upstream.send(post("http://provider.test:8000/v1", proxy=proxy.url))
        assert await response.read(MIB) == b"{}"
    assert heads[0].startswith(b"POST http://provider.test:8000/v1 HTTP/1.1\r\n")


async def test_https_proxy_tunnels_with_its_password_and_without_ours(
    make: Callable[[dict[str, str]], Client], tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)
    asked: list[bytes] = []
    async with serve(answer, tls) as server, connect_proxy(asked) as proxy:
        client = make({"HTTPS_PROXY": f"http://me:hush@127.0.0.1:{proxy.port}"})
        url = f"https://box.test:{server.port}/v1"
        error = await fails(client, post(url, ca_file=str(ca_file)))
        # The tunnel leads here, whose certificate is for another name: TLS is end to end.
        assert "not trusted" in str(error)
    assert asked[0].startswith(f"CONNECT box.test:{server.port} ".encode())
    assert b"Proxy-Authorization: Basic bWU6aHVzaA==" in asked[0]
    assert "hush" not in str(error)


async def test_a_proxy_that_is_away_is_named_as_such(upstream: Client) -> None:
    async with serve(answer) as proxy:
        pass
    error = await fails(upstream, post("http://provider.test/v1", proxy=proxy.url))
    assert "the proxy cannot be reached" in str(error)


async def test_a_proxy_that_refuses_says_its_status(upstream: Client) -> None:
    async def refusing(call: Call) -> None:
        await call.answer(b"", status="407 Proxy Authentication Required")

    async with serve(refusing) as proxy:
        error = await fails(upstream, post("https://provider.test/v1", proxy=proxy.url))
    assert "the proxy answered 407" in str(error)


async def test_a_request_shows_neither_headers_nor_body() -> None:
    request = UpstreamRequest("POST", "http://a", [("Authorization", "Bearer sk-1")], b"prompt")
    assert "sk-1" not in repr(request)
    assert "prompt" not in repr(request)


async def test_an_unused_client_closes_quietly(upstream: Client) -> None:
    await upstream.close()
