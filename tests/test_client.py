import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.administration.decided import row
from tests.administration.office import ADMIN_TOKEN, OPENAI, PASSWORD, Office, office
from tests.api.admin.service import serving
from tokenhub.client import Client
from tokenhub.errors import BadRequest, HubUnreachable, RequestError


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as assembled:
        yield assembled


@pytest.fixture
async def client(desk: Office) -> AsyncIterator[Client]:
    async with serving(desk) as base, Client(base, ADMIN_TOKEN) as calling:
        yield calling


async def test_a_whole_life_of_a_hub_through_typed_calls(client: Client) -> None:
    assert (await client.info())["vault_state"] == "uninitialised"
    assert (await client.vault_init(PASSWORD))["state"] == "unlocked"
    row = await client.add_provider(OPENAI | {"api_key": "sk-key"})
    assert row["has_key"] is True
    await client.add_model({"id": "team/m", "provider_id": "openai"})
    await client.edit_model("openai/team/m", {"weight": 2})
    assert [(m["id"], m["weight"]) for m in await client.models()] == [("team/m", 2)]
    made = await client.create_api_key({"name": "a"})
    assert (await client.rotate_api_key(made["id"]))["key"] != made["key"]
    await client.edit_api_key(made["id"], {"enabled": False})
    assert [key["enabled"] for key in await client.api_keys()] == [False]
    await client.delete_api_key(made["id"])
    await client.delete_model("team/m")
    await client.edit_provider("openai", {"enabled": False})
    await client.delete_provider("openai")
    assert await client.providers() == []
    assert (await client.put_routing_config({"hub_daily_usd": 1}))["hub_daily_usd"] == 1
    assert (await client.routing_config())["hub_monthly_usd"] is None
    assert (await client.simulate({"model_hint": "auto"}))["decision"] is None
    assert (await client.decisions(limit=5))["total"] == 0
    assert (await client.health(), await client.engine_models()) == ([], [])
    assert (await client.stats())["global"]["requests"] == 0
    assert (await client.logs(limit=5, model="m"))["total"] == 0
    assert (await client.vault_rotate(PASSWORD))["state"] == "unlocked"
    assert (await client.vault_lock())["state"] == "locked"
    assert (await client.vault_unlock(PASSWORD))["state"] == "unlocked"
    assert (await client.vault())["secrets"] == 0


async def test_a_rotated_token_is_used_from_then_on(client: Client) -> None:
    assert await client.rotate_admin_token() != ADMIN_TOKEN
    assert (await client.info())["providers"] == 0


async def test_long_lists_come_whole(
    desk: Office, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenhub.client.PAGE_ITEMS", 2)
    for number in range(5):
        await client.create_api_key({"name": f"k{number}"})
    assert len(await client.api_keys()) == 5


async def test_a_refusal_has_the_hubs_words(client: Client) -> None:
    with pytest.raises(RequestError, match="there is no provider 'x'") as refused:
        await client.discover("x")
    assert (refused.value.status, refused.value.code) == (404, "provider_not_found")


async def test_a_decision_is_asked_for_by_its_request(desk: Office, client: Client) -> None:
    desk.database.decide(row())
    assert (await client.decision("req-1"))["chosen"]["model_id"] == "gpt-4o-mini"
    with pytest.raises(RequestError, match="no decision"):
        await client.decision("req-2")


async def test_a_throttled_call_says_when_to_come_back(client: Client) -> None:
    await client.vault_init(PASSWORD)
    for _ in range(5):
        with pytest.raises(RequestError, match="password"):
            await client.vault_unlock("wrong password")
    with pytest.raises(RequestError) as refused:
        await client.vault_unlock("wrong password")
    assert int(refused.value.headers["Retry-After"]) > 0


async def test_events_come_and_can_be_taken_up_again(desk: Office, client: Client) -> None:
    async with asyncio.timeout(10):
        desk.events.publish("before", n=1)
        stream = client.events(last_id="0")
        async for event in stream:
            if event.type == "before":
                break
        await stream.aclose()
        desk.events.publish("after", n=2)
        again = client.events(last_id=event.id)
        after = await anext(again)
        await again.aclose()
    assert (event.fields["n"], after.type, after.fields["n"]) == (1, "after", 2)


async def test_events_are_refused_with_the_hubs_words_too(desk: Office) -> None:
    async with serving(desk) as base, Client(base, "wrong") as stranger:
        with pytest.raises(RequestError, match="admin token"):
            await anext(stranger.events())


async def test_where_nobody_listens_the_address_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with Client(url, "token") as client:
            with pytest.raises(HubUnreachable, match=rf"{url} \(connection refused\)"):
                await client.info()
            with pytest.raises(HubUnreachable, match=url):
                await anext(client.events())


async def test_a_server_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with Client(url, "token", timeout_s=0.2) as client:
            with pytest.raises(HubUnreachable, match="no answer in time"):
                await client.info()


@pytest.mark.parametrize("url", ["http://", "ftp://localhost", "http://local host", "not a url"])
async def test_a_nonsense_address_is_named(url: str) -> None:
    async with Client(url, "token") as client:
        with pytest.raises(HubUnreachable):
            await client.info()


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (200, "[]"), (302, ""), (502, "x")])
async def test_another_program_at_the_address_is_no_hub(status: int, body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "http://127.0.0.1:9"})

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        async with Client(f"http://127.0.0.1:{port}", "token") as client:
            with pytest.raises(HubUnreachable, match=f"status {status}, but not as a hub does"):
                await client.info()
    finally:
        await runner.cleanup()


async def test_a_client_is_used_in_its_block_only() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client("http://localhost", "token").info()


@pytest.mark.parametrize("name", ["", "..", "../apikeys/{key}", "openai/../../apikeys/{key}"])
async def test_an_id_never_leads_to_another_route(client: Client, name: str) -> None:
    key = (await client.create_api_key({"name": "a"}))["id"]
    with pytest.raises(BadRequest, match="is no id"):
        await client.delete_model(name.format(key=key))
    assert len(await client.api_keys()) == 1
