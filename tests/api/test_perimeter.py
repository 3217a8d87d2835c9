import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.api.edge import LOOPBACK, Running, hello, serving

ROUTES = [web.get("/", hello), web.post("/", hello)]


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1234", "127.0.0.1", "[::1]:8080"])
async def test_a_request_to_an_allowed_name_comes_in_whatever_the_port(host: str) -> None:
    async with serving(ROUTES) as hub:
        assert (await hub.ask(f"GET / HTTP/1.1\nHost: {host}")).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil",
        "evil:8080",
        "evil/?",
        "localhost/?",
        "localhost.evil",
        "evil@localhost",
        "localhost@evil",
        "localhost:80:80",
        "localhost:",
        "localhost:999999",
        "localhost#",
        "127.0.0.1.nip.io",
        "[::1",
        "[::2]",
        "",
    ],
)
async def test_a_request_to_another_name_is_refused(host: str) -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.ask(f"GET / HTTP/1.1\nHost: {host}")
        assert reply.status == 403
        assert reply.json["error"]["code"] == "host_not_allowed"
        assert "evil" not in reply.body.decode()


async def test_a_request_with_two_hosts_is_refused() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.ask("GET / HTTP/1.1\nHost: localhost\nHost: evil")
        assert reply.status in (400, 403)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_request_without_a_host_is_refused(version: str) -> None:
    async with serving(ROUTES) as hub:
        assert (await hub.ask(f"GET / HTTP/{version}")).status in (400, 403)


@pytest.mark.parametrize(
    "target", ["http://localhost/", "http://evil/", "https://localhost:1/", "localhost", "*"]
)
async def test_a_target_that_is_not_a_path_is_refused(target: str) -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.ask(f"GET {target} HTTP/1.1\nHost: {{host}}")
        assert reply.status in (400, 403)


async def test_a_proxy_request_is_refused() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.ask("CONNECT evil:443 HTTP/1.1\nHost: {host}")
        assert reply.status == 403


@pytest.mark.parametrize(
    ("host", "status"), [("hub.example", 200), ("hub:9000", 200), ("hub", 403), ("hub:1", 403)]
)
async def test_a_name_may_be_allowed_for_one_port_only(host: str, status: int) -> None:
    async with serving(ROUTES, hosts=["Hub.example", "hub:9000"]) as hub:
        assert (await hub.ask(f"GET / HTTP/1.1\nHost: {host}")).status == status


async def test_a_unix_socket_takes_any_host(tmp_path: Path) -> None:
    async with serving(ROUTES, path=tmp_path / "hub.sock") as hub:
        assert (await hub.ask("GET / HTTP/1.1\nHost: whatever")).status == 200


async def test_a_unix_socket_takes_no_origin_that_names_an_unlisted_host(tmp_path: Path) -> None:
    async with serving(ROUTES, path=tmp_path / "hub.sock") as hub:
        reply = await hub.ask("GET / HTTP/1.1\nHost: evil\nOrigin: http://evil")
        assert reply.status == 403


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_hubs_own_origin_comes_in(scheme: str) -> None:
    async with serving(ROUTES) as hub:
        assert (await hub.get("/", f"Origin: {scheme}://{hub.host}")).status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil", "null", "", "file://", "http://localhost", "chrome-extension://abc"]
)
async def test_any_other_origin_is_refused(origin: str) -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", f"Origin: {origin}")
        assert reply.status == 403
        assert reply.json["error"]["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in reply.headers


async def test_one_good_origin_of_two_is_not_enough() -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.get("/", f"Origin: http://{hub.host}", "Origin: http://evil")
        assert reply.status == 403


async def test_a_listed_origin_comes_in_and_may_read_the_answer() -> None:
    async with serving(ROUTES, origins=["https://app.example"]) as hub:
        reply = await hub.get("/", "Origin: https://app.example")
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == "https://app.example"
        assert reply.headers["access-control-expose-headers"] == "*"
        assert reply.headers["vary"] == "Origin"


async def test_a_listed_origin_may_read_an_error() -> None:
    async with serving(ROUTES, origins=["https://app.example"]) as hub:
        reply = await hub.get("/nowhere", "Origin: https://app.example")
        assert reply.status == 404
        assert reply.headers["access-control-allow-origin"] == "https://app.example"


async def _preflight(hub: Running, origin: str, asked: str) -> tuple[int, dict[str, str]]:
    reply = await hub.ask(
        f"OPTIONS / HTTP/1.1\nHost: {{host}}\nOrigin: {origin}\n"
        f"Access-Control-Request-Method: POST\nAccess-Control-Request-Headers: {asked}"
    )
    return reply.status, reply.headers


async def test_a_listed_origin_may_ask_before_it_posts() -> None:
    async with serving(ROUTES, origins=["https://app.example"]) as hub:
        asked = "authorization, content-type"
        status, headers = await _preflight(hub, "https://app.example", asked)
        assert status == 204
        assert "POST" in headers["access-control-allow-methods"]
        assert headers["access-control-allow-headers"] == asked
        assert headers["access-control-allow-origin"] == "https://app.example"


async def test_strange_names_in_a_preflight_are_not_repeated() -> None:
    async with serving(ROUTES, origins=["https://app.example"]) as hub:
        _, headers = await _preflight(hub, "https://app.example", "<b>")
        assert headers["access-control-allow-headers"] == ""


async def test_other_origins_get_no_preflight() -> None:
    async with serving(ROUTES, origins=["https://app.example"]) as hub:
        status, headers = await _preflight(hub, "https://evil.example", "authorization")
        assert status == 403
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("origins", [(), ("https://app.example",)])
async def test_options_that_are_no_preflight_are_a_405(origins: tuple[str, ...]) -> None:
    async with serving(ROUTES, origins=origins) as hub:
        origin = f"\nOrigin: {origins[0]}" if origins else ""
        assert (await hub.ask("OPTIONS / HTTP/1.1\nHost: {host}" + origin)).status == 405


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
async def test_a_json_body_comes_in(content_type: str) -> None:
    async with serving(ROUTES) as hub:
        head = f"POST / HTTP/1.1\nHost: {{host}}\nContent-Type: {content_type}\nContent-Length: 2"
        assert (await hub.ask(head, b"{}")).status == 200


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=application/json",
        "Content-Type: application/jsonp",
        "X-Nothing: at all",
    ],
)
async def test_a_body_of_another_type_is_a_415(line: str) -> None:
    async with serving(ROUTES) as hub:
        head = f"POST / HTTP/1.1\nHost: {{host}}\n{line}\nContent-Length: 2"
        reply = await hub.ask(head, b"{}")
        assert reply.status == 415
        assert "application/json" in reply.json["error"]["message"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_an_encoded_body_is_a_415(coding: str) -> None:
    async with serving(ROUTES) as hub:
        reply = await hub.post(b"{}", f"Content-Encoding: {coding}")
        assert reply.status == 415
        assert "Content-Encoding" in reply.json["error"]["message"]


async def test_the_identity_coding_is_none() -> None:
    async with serving(ROUTES) as hub:
        assert (await hub.post(b"{}", "Content-Encoding: Identity")).status == 200


async def test_a_post_without_a_body_needs_no_content_type() -> None:
    async with serving(ROUTES) as hub:
        head = "POST / HTTP/1.1\nHost: {host}\nContent-Length: 0"
        assert (await hub.ask(head)).status == 200


async def test_refusals_do_not_wait_for_the_body() -> None:
    async with serving(ROUTES, hosts=LOOPBACK) as hub, asyncio.timeout(5), hub.wire() as wire:
        await wire.send(
            b"POST / HTTP/1.1\r\nHost: evil\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        assert (await wire.reply()).status == 403
