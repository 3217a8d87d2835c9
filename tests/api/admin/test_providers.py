import pytest

from tests.administration.office import OPENAI, PASSWORD
from tests.api.admin.service import Caller
from tokenhub.simulator import Simulator

KEY = "sk-secret-in-a-request"


async def test_a_new_provider_is_a_201_and_an_old_one_a_200(admin: Caller) -> None:
    created = await admin("POST", "providers", OPENAI)
    assert created.status == 201
    assert created.json["ok"] is True
    assert created.json["id"] == "openai"
    assert (await admin("POST", "providers", OPENAI)).status == 200


async def test_a_list_has_its_total_and_its_bounds(admin: Caller) -> None:
    for name in ("a", "b", "c"):
        await admin("POST", "providers", OPENAI | {"id": name})
    reply = await admin("GET", "providers?limit=2&offset=1")
    assert [item["id"] for item in reply.json["items"]] == ["b", "c"]
    assert {name: reply.json[name] for name in ("total", "limit", "offset")} == {
        "total": 3,
        "limit": 2,
        "offset": 1,
    }


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "offset=-1", "sort=id"]
)
async def test_a_wrong_query_is_a_400_that_names_it(admin: Caller, query: str) -> None:
    reply = await admin("GET", f"providers?{query}")
    assert reply.status == 400
    assert query.partition("=")[0] in reply.json["error"]["message"]


async def test_an_unknown_field_is_a_400_that_names_it(admin: Caller) -> None:
    for method, path in [("POST", "providers"), ("PATCH", "providers/openai")]:
        await admin("POST", "providers", OPENAI)
        reply = await admin(method, path, {**OPENAI, "base_ulr": "x"})
        assert reply.status == 400
        assert "'base_ulr'" in reply.json["error"]["message"]


async def test_a_key_for_a_closed_vault_is_a_503_that_names_the_state(admin: Caller) -> None:
    reply = await admin("POST", "providers", OPENAI | {"api_key": KEY})
    assert reply.status == 503
    assert reply.json["error"]["code"] == "vault_uninitialised"
    await admin("POST", "vault/init", {"admin_password": PASSWORD})
    await admin("POST", "vault/lock")
    await admin("POST", "providers", OPENAI)
    reply = await admin("PATCH", "providers/openai", {"api_key": KEY, "enabled": False})
    assert (reply.status, reply.json["error"]["code"]) == (503, "vault_locked")
    shown = (await admin("GET", "providers/openai")).json
    assert (shown["enabled"], shown["has_key"]) == (True, False)


async def test_no_answer_has_the_key(admin: Caller) -> None:
    await admin("POST", "vault/init", {"admin_password": PASSWORD})
    answers = [
        await admin("POST", "providers", OPENAI | {"api_key": KEY}),
        await admin("PATCH", "providers/openai", {"api_key": KEY}),
        await admin("GET", "providers"),
        await admin("GET", "providers/openai"),
        await admin("POST", "providers", OPENAI | {"api_key": [KEY]}),
        await admin("POST", "providers", OPENAI | {"api_key": KEY + "\n"}),
    ]
    assert all(KEY not in answer.text for answer in answers)


async def test_a_patch_that_detaches_the_key_says_so(admin: Caller) -> None:
    await admin("POST", "vault/init", {"admin_password": PASSWORD})
    await admin("POST", "providers", OPENAI | {"api_key": KEY})
    reply = await admin("PATCH", "providers/openai", {"base_url": "https://other.example"})
    assert reply.json == {"ok": True, "key_detached": True}


async def test_presets_name_their_key_variables(admin: Caller) -> None:
    items = {item["id"]: item for item in (await admin("GET", "providers/presets")).json["items"]}
    assert len(items) == 17
    assert items["anthropic"]["key_env"] == "ANTHROPIC_API_KEY"


async def test_discovery_tells_what_is_registered_and_uses_the_stored_key(admin: Caller) -> None:
    simulator = Simulator("openai", models=["gpt-known", "gpt-4o"], api_key="sk-sim")
    base = await simulator.start()
    try:
        await admin("POST", "vault/init", {"admin_password": PASSWORD})
        provider = {"id": "sim", "type": "openai", "base_url": base, "prefix": "openai"}
        await admin("POST", "providers", provider | {"api_key": "sk-sim"})
        await admin("POST", "models", {"id": "gpt-4o", "provider_id": "sim"})
        found = (await admin("GET", "providers/sim/discover")).json["models"]
        by_id = {model["id"]: model for model in found}
        assert by_id["gpt-4o"]["registered"] is True
        assert by_id["gpt-known"]["registered"] is False
        assert by_id["gpt-known"]["input_per_1k"] == 0.0025
        await admin("POST", "vault/lock")
        refused = await admin("GET", "providers/sim/discover")
        assert refused.status == 502
        assert "(auth)" in refused.json["error"]["message"]
    finally:
        await simulator.close()


async def test_autoload_registers_what_discovery_finds_disabled(admin: Caller) -> None:
    simulator = Simulator("openai", models=["gpt-known", "gpt-4o"])
    base = await simulator.start()
    try:
        provider = {"id": "sim", "type": "openai", "base_url": base, "autoload_models": True}
        await admin("POST", "providers", provider)
        found = (await admin("GET", "providers/sim/discover")).json["models"]
        assert all(model["registered"] for model in found)
        models = (await admin("GET", "models")).json["items"]
        assert {model["id"]: model["enabled"] for model in models} == {
            "gpt-known": False,
            "gpt-4o": False,
        }
        with admin.office.events.subscribe() as later:
            await admin("GET", "providers/sim/discover")  # finds nothing new, and says nothing
            enabled = await admin("PATCH", "models/gpt-4o", {"enabled": True})
            assert enabled.status == 200
            assert (await anext(later)).fields["action"] == "model.patch"
    finally:
        await simulator.close()


async def test_enabling_a_model_that_only_the_provider_knows_registers_it(admin: Caller) -> None:
    simulator = Simulator("vllm", models=["own/finetune"])
    base = await simulator.start()
    try:
        await admin("POST", "providers", {"id": "gpu", "type": "vllm", "base_url": base})
        assert (await admin("PATCH", "models/gpu/own/finetune", {"enabled": True})).status == 200
        assert (await admin("GET", "models/own/finetune")).json["provider_id"] == "gpu"
    finally:
        await simulator.close()
