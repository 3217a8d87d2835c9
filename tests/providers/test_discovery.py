import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.providers.servers import Call, serve
from tokenhub.errors import UpstreamError
from tokenhub.providers.discovery import MAX_MODELS, Discovered, discover
from tokenhub.providers.http import AiohttpUpstream
from tokenhub.types import ErrorClass, Prices, Provider, ProviderType, Rates

NOW_MS = 1_700_000_000_000


@pytest.fixture
async def upstream() -> AsyncIterator[AiohttpUpstream]:
    client = AiohttpUpstream({})
    yield client
    await client.close()


async def models(
    upstream: AiohttpUpstream,
    *pages: Any,
    provider_type: ProviderType = ProviderType.OPENAI,
    key: str | None = "sk-1",
    status: str = "200 OK",
    calls: list[Call] | None = None,
) -> list[Discovered]:
    left = [page if isinstance(page, bytes) else json.dumps(page).encode() for page in pages]

    async def handler(call: Call) -> None:
        if calls is not None:
            calls.append(call)
        await call.answer(left.pop(0), status=status)

    async with serve(handler) as server:
        provider = Provider("p", provider_type, (f"{server.url}/v1",))
        return await discover(upstream, provider, key, NOW_MS)


def listed(*entries: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(entries)}


async def test_an_openai_list_is_read_in_order(upstream: AiohttpUpstream) -> None:
    calls: list[Call] = []
    found = await models(upstream, listed({"id": "gpt-4o"}, {"id": "ada"}), calls=calls)
    assert found == [Discovered("ada"), Discovered("gpt-4o")]
    assert calls[0].head.startswith(b"GET /v1/models HTTP/1.1")
    assert "Authorization: Bearer sk-1" in calls[0].header_lines


async def test_without_a_key_it_asks_without_one(upstream: AiohttpUpstream) -> None:
    calls: list[Call] = []
    await models(upstream, listed(), key=None, calls=calls)
    assert b"authorization" not in calls[0].head.lower()


async def test_anthropics_pages_are_all_read(upstream: AiohttpUpstream) -> None:
    calls: list[Call] = []
    one = {"data": [{"id": "a", "max_input_tokens": 200000, "max_tokens": 64000}]}
    two = {"data": [{"id": "b"}], "has_more": False, "last_id": "b"}
    found = await models(
        upstream,
        {**one, "has_more": True, "last_id": "a/&"},
        two,
        provider_type=ProviderType.ANTHROPIC,
        calls=calls,
    )
    assert found == [Discovered("a", 200000, 64000), Discovered("b")]
    assert calls[0].head.startswith(b"GET /v1/models?limit=1000 ")
    assert calls[1].head.startswith(b"GET /v1/models?limit=1000&after_id=a%2F%26 ")
    assert "x-api-key: sk-1" in calls[0].header_lines
    assert "anthropic-version: 2023-06-01" in calls[0].header_lines


async def test_pages_without_end_do_end(upstream: AiohttpUpstream) -> None:
    page = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
    assert await models(upstream, *[page] * 20) == [Discovered("a")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": "m", "max_model_len": 4096}, Discovered("m", 4096)),
        ({"id": "m", "context_window": 8192, "max_completion_tokens": 1024},
         Discovered("m", 8192, 1024)),
        ({"id": "m", "context_length": 9000, "top_provider": {"max_completion_tokens": 500}},
         Discovered("m", 9000, 500)),
        ({"id": "m", "context_length": -1, "max_tokens": "many"}, Discovered("m")),
        ({"id": "m", "context_length": True}, Discovered("m")),
        ({"id": "models/gemini-2.5-pro"}, Discovered("gemini-2.5-pro")),
        ({"id": "m", "pricing": {"prompt": "0.000003", "completion": "0.000015",
                                 "input_cache_read": "0.0000003",
                                 "input_cache_write": "0.00000375"}},
         Discovered("m", prices=Prices(Rates(3_000_000, 15_000_000, 300_000, 3_750_000)))),
        ({"id": "m", "pricing": {"prompt": "0", "completion": "0"}},
         Discovered("m", prices=Prices(Rates(0, 0)))),
        ({"id": "m", "pricing": {"prompt": "-1", "completion": "-1"}}, Discovered("m")),
        ({"id": "m", "pricing": {"prompt": "NaN", "completion": "1"}}, Discovered("m")),
        ({"id": "m", "pricing": {"prompt": "cheap", "completion": "1e-6"}}, Discovered("m")),
        ({"id": "m", "pricing": {"prompt": 3, "completion": 4}}, Discovered("m")),
    ],
)  # fmt: skip
async def test_what_a_provider_says_of_a_model_is_kept(
    upstream: AiohttpUpstream, entry: dict[str, Any], expected: Discovered
) -> None:
    assert await models(upstream, listed(entry)) == [expected]


async def test_entries_that_are_no_models_are_left_out(upstream: AiohttpUpstream) -> None:
    odd = [7, None, {}, {"id": 7}, {"id": "bad\x1b[31m"}, {"id": ""}, {"id": "x" * 500}]
    assert await models(upstream, [*odd, {"id": "good"}]) == [Discovered("good")]


async def test_a_list_without_end_is_cut(upstream: AiohttpUpstream) -> None:
    page = listed(*({"id": f"m{number}"} for number in range(MAX_MODELS + 10)))
    assert len(await models(upstream, page)) == MAX_MODELS


@pytest.mark.parametrize("page", [b"<html>", {"models": []}, "text", 7, {"data": {}}])
async def test_what_is_no_list_is_transient(upstream: AiohttpUpstream, page: Any) -> None:
    with pytest.raises(UpstreamError, match="expected a list of models") as raised:
        await models(upstream, page)
    assert raised.value.error_class is ErrorClass.TRANSIENT


async def test_a_refusal_is_classified(upstream: AiohttpUpstream) -> None:
    with pytest.raises(UpstreamError) as raised:
        await models(upstream, {"error": {"message": "no"}}, status="401 Unauthorized")
    assert raised.value.error_class is ErrorClass.AUTH


async def test_it_does_not_wait_for_ever(
    upstream: AiohttpUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(call: Call) -> None:
        pass

    monkeypatch.setattr("tokenhub.providers.discovery._DEADLINE_S", 0.05)
    async with serve(handler) as server:
        provider = Provider("p", ProviderType.OPENAI, (server.url,))
        with pytest.raises(UpstreamError, match=r"within 0\.05 s") as raised:
            await discover(upstream, provider, None, NOW_MS)
    assert raised.value.error_class is ErrorClass.TRANSIENT
