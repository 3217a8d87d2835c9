from tests.administration.office import OPENAI
from tests.api.admin.service import Caller

MODEL = {"id": "team/gpt 4".replace(" ", "-"), "provider_id": "openai"}


async def test_a_model_with_slashes_lives_its_whole_life(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    created = await admin("POST", "models", MODEL)
    assert (created.status, created.json["id"]) == (201, "team/gpt-4")
    assert (await admin("PATCH", "models/team/gpt-4", {"weight": 7})).json == {"ok": True}
    assert (await admin("GET", "models/openai/team%2Fgpt-4")).json["weight"] == 7
    assert (await admin("DELETE", "models/openai/team/gpt-4")).json == {"ok": True}
    assert (await admin("GET", "models")).json["total"] == 0


async def test_a_name_with_several_deployments_is_a_409_that_lists_them(admin: Caller) -> None:
    for provider in ("one", "two"):
        await admin("POST", "providers", OPENAI | {"id": provider})
        await admin("POST", "models", MODEL | {"provider_id": provider})
    reply = await admin("DELETE", "models/team/gpt-4")
    assert reply.status == 409
    assert "one/team/gpt-4, two/team/gpt-4" in reply.json["error"]["message"]


async def test_an_unknown_model_is_a_404_with_the_nearest_name(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    await admin("POST", "models", MODEL)
    reply = await admin("GET", "models/team/gpt-5")
    assert reply.status == 404
    assert "team/gpt-4" in reply.json["error"]["message"]
