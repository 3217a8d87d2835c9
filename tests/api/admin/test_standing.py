from tests.administration.office import OPENAI
from tests.api.admin.service import Caller


async def test_the_health_of_every_provider_is_listed(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    await admin("POST", "providers", OPENAI | {"id": "other"})
    listed = (await admin("GET", "health?limit=1")).json
    assert (listed["total"], listed["limit"]) == (2, 1)
    assert [one["provider_id"] for one in listed["items"]] == ["openai"]
    assert listed["items"][0]["endpoints"] == [
        {"url": "https://api.openai.com/v1", "state": "healthy"}
    ]


async def test_models_are_paged_and_filtered(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI)
    for id in ("a", "b", "c"):
        await admin("POST", "models", {"id": id, "provider_id": "openai"})
    listed = (await admin("GET", "engine/models?limit=1&offset=1")).json
    assert ([one["model_id"] for one in listed["items"]], listed["total"]) == (["b"], 3)
    picked = (await admin("GET", "engine/models?model_id=c&provider_id=openai")).json
    assert [one["model_id"] for one in picked["items"]] == ["c"]
    assert (await admin("GET", "engine/models?weight=1")).status == 400
