from dataclasses import replace
from typing import Any

import pytest

from tests.admission.test_desk import KEY, desk_for
from tests.api.edge import Reply, serving
from tokenhub.api.model_list import model_routes
from tokenhub.providers.registry import Registry
from tokenhub.types import ApiKey, Deployment, Provider, ProviderType, Scope

AUTH = "Authorization: Bearer tokenhub_one"
VERSION = "anthropic-version: 2023-06-01"
PROVIDERS = [
    Provider("a", ProviderType.OPENAI, ("http://a/v1",)),
    Provider("off", ProviderType.OPENAI, ("http://b/v1",), enabled=False),
]
MODELS = [
    *(Deployment(f"m{number}", "a", f"m{number}", max_context_tokens=1000) for number in range(5)),
    Deployment("disabled", "a", "disabled", enabled=False),
    Deployment("elsewhere", "off", "elsewhere"),
]


async def asked(path: str, *headers: str, key: ApiKey = KEY) -> Reply:
    registry = Registry.build(PROVIDERS, MODELS)
    async with serving(model_routes(desk_for(key), lambda: registry)) as hub:
        return await hub.get(path, AUTH, *headers)


def ids(reply: Reply) -> list[Any]:
    assert reply.status == 200
    return [item["id"] for item in reply.json["data"]]


@pytest.mark.parametrize("query", ["", "?limit=1000", "?limit=2&after_id=m1"])
async def test_openais_list_is_always_whole(query: str) -> None:
    reply = await asked(f"/v1/models{query}")
    assert ids(reply) == ["auto", "m0", "m1", "m2", "m3", "m4"]
    assert reply.json["object"] == "list"


@pytest.mark.parametrize(
    ("query", "names", "more"),
    [
        ("?limit=1000", ["auto", "m0", "m1", "m2", "m3", "m4"], False),
        ("", ["auto", "m0", "m1", "m2", "m3", "m4"], False),
        ("?limit=2", ["auto", "m0"], True),
        ("?limit=2&after_id=m3", ["m4"], False),
        ("?limit=2&before_id=m4", ["m2", "m3"], True),
    ],
)
async def test_anthropics_list_comes_in_pages(query: str, names: list[str], more: bool) -> None:
    reply = await asked(f"/v1/models{query}", VERSION)
    assert ids(reply) == names
    assert {name: reply.json[name] for name in ("first_id", "has_more", "last_id")} == {
        "first_id": names[0],
        "has_more": more,
        "last_id": names[-1],
    }


@pytest.mark.parametrize("limit", ["0", "1001", "ten", ""])
async def test_a_wrong_limit_is_refused_in_the_shape_of_either_protocol(limit: str) -> None:
    openai = await asked(f"/v1/models?limit={limit}")
    anthropic = await asked(f"/v1/models?limit={limit}", VERSION)
    assert (openai.status, openai.json["error"]["param"]) == (400, "limit")
    assert (anthropic.status, anthropic.json["type"]) == (400, "error")


async def test_one_model_is_told_in_the_shape_of_either_protocol() -> None:
    assert (await asked("/v1/models/m1")).json["object"] == "model"
    assert (await asked("/v1/models/m1", VERSION)).json["max_input_tokens"] == 1000
    assert (await asked("/v1/models/auto")).json["owned_by"] == "tokenhub"
    assert (await asked("/v1/models/disabled")).status == 404


async def test_a_key_sees_what_it_may_use() -> None:
    narrow = replace(KEY, allowed_models=("m[12]",))
    assert ids(await asked("/v1/models", key=narrow)) == ["auto", "m1", "m2"]
    assert ids(await asked("/v1/models", key=replace(KEY, allowed_models=("none",)))) == []
    scopes = frozenset({Scope.EMBEDDINGS})
    assert (await asked("/v1/models", key=replace(KEY, scopes=scopes))).status == 403
