"""TLS to providers, with either client."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.asking import MIB, Client, answer, fails, post
from tests.providers.raw import Listening
from tests.providers.servers import certificate, serve
from tokenhub.providers.upstream import UpstreamRequest


async def test_a_connection_that_does_not_open_in_time_is_transient(
    client: Client, tmp_path: Path
) -> None:
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    # It accepts and never answers the TLS greeting.
    server = Listening()
    async with server.on_loopback(silent):
        url = f"https://127.0.0.1:{server.port}"
        request = UpstreamRequest("POST", url, [], b"{}", connect_s=0.05)
        assert "no connection in time" in str(await fails(client, request))
        hold.set()


async def test_a_private_ca_is_trusted_where_the_provider_names_it(
    client: Client, tmp_path: Path
) -> None:
    tls, ca_file = certificate(tmp_path)
    async with serve(answer, tls) as server:
        url = f"https://127.0.0.1:{server.port}/v1"
        for _ in range(2):
            response = await client.send(post(url, ca_file=ca_file))
            assert await response.read(MIB) == b"{}"
        assert "not trusted" in str(await fails(client, post(url)))


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
    client: Client, tmp_path: Path, content: str | None
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    request = post("https://127.0.0.1:1/v1", ca_file=ca_file)
    assert f"certificates in {str(ca_file)!r}" in str(await fails(client, request))


async def test_many_ca_files_are_not_all_kept(client: Client, tmp_path: Path) -> None:
    tls, ca_file = certificate(tmp_path)
    async with serve(answer, tls) as server:
        for number in range(66):
            copy = tmp_path / f"{number}.pem"
            copy.write_bytes(ca_file.read_bytes())
            request = post(f"https://127.0.0.1:{server.port}/v1", ca_file=copy)
            await (await client.send(request)).read(MIB)
