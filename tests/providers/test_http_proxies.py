"""Calls through a proxy, with either client."""

from collections.abc import Callable
from pathlib import Path

from tests.providers.asking import MIB, Client, answer, fails, post
from tests.providers.servers import Call, certificate, connect_proxy, serve


async def test_a_providers_own_proxy_carries_its_calls(client: Client) -> None:
    heads: list[bytes] = []

    async def proxying(call: Call) -> None:
        heads.append(call.head)
        await call.answer(b"{}")

    async with serve(proxying) as proxy:
        response = await client.send(post("http://provider.test:8000/v1", proxy=proxy.url))
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
        error = await fails(client, post(url, ca_file=ca_file))
        # The tunnel leads here, whose certificate is for another name: TLS is end to end.
        assert "not trusted" in str(error)
    assert asked[0].startswith(f"CONNECT box.test:{server.port} ".encode())
    assert b"Proxy-Authorization: Basic bWU6aHVzaA==" in asked[0]
    assert "hush" not in str(error)


async def test_a_proxy_that_is_away_is_named_as_such(client: Client) -> None:
    async with serve(answer) as proxy:
        pass
    error = await fails(client, post("http://provider.test/v1", proxy=proxy.url))
    assert "the proxy cannot be reached" in str(error)


async def test_a_proxy_that_refuses_says_its_status(client: Client) -> None:
    async def refusing(call: Call) -> None:
        await call.answer(b"", status="407 Proxy Authentication Required")

    async with serve(refusing) as proxy:
        error = await fails(client, post("https://provider.test/v1", proxy=proxy.url))
    assert "the proxy answered 407" in str(error)
