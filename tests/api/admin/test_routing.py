from tests.administration.decided import BEST, row
from tests.administration.office import OPENAI
from tests.api.admin.service import Caller


async def test_the_routing_config_is_changed_field_by_field(admin: Caller) -> None:
    changed = await admin("PUT", "routing-config", {"hub_daily_usd": 2.5, "default_mode": "fast"})
    assert changed.status == 200
    assert (changed.json["hub_daily_usd"], changed.json["hub_monthly_usd"]) == (2.5, None)
    assert (await admin("GET", "routing-config")).json == changed.json
    refused = await admin("PUT", "routing-config", {"hub_daily": 1})
    assert (refused.status, "'hub_daily_usd'" in refused.json["error"]["message"]) == (400, True)
    assert (await admin("GET", "info")).json["default_mode"] == "fast"


async def test_a_simulation_decides_and_sends_nothing(admin: Caller) -> None:
    await admin("POST", "providers", OPENAI | {"cred_store": "none"})
    price = {"input_per_1k": 0.001, "output_per_1k": 0.002}
    await admin("POST", "models", {"id": "m", "provider_id": "openai", "weight": 4, **price})
    answer = await admin(
        "POST",
        "routing/simulate",
        {
            "mode": "cheap",
            "token_count": 500,
            "max_budget_usd": 0.05,
            "min_weight": 3,
            "model_hint": "",
            "capabilities": [],
        },
    )
    assert answer.status == 200
    assert answer.json["decision"]["model_id"] == "m"
    assert answer.json["decision"]["provider_id"] == "openai"
    assert answer.json["eligible"][0]["terms"][0]["name"] == "cost"
    assert answer.json["rejected"] == []


async def test_a_simulation_of_an_unknown_model_is_not_found(admin: Caller) -> None:
    assert (await admin("POST", "routing/simulate", {"model_hint": "x"})).status == 404
    assert (await admin("POST", "routing/simulate", {"mode": "x"})).status == 400


async def test_decisions_are_listed_and_explained(admin: Caller) -> None:
    for n in range(3):
        admin.office.database.decide(row(request_id=f"req:{n}"))
    told = (await admin("GET", "decisions/req:1")).json
    assert told["request_id"] == "req:1"
    assert told["chosen"]["model_id"] == BEST.deployment.id
    assert (await admin("GET", "decisions/req:1")).json == told
    listed = (await admin("GET", "decisions?limit=2")).json
    assert [one["request_id"] for one in listed["items"]] == ["req:2", "req:1"]
    assert (listed["total"], listed["limit"], listed["offset"]) == (3, 2, 0)
    assert "eligible" not in listed["items"][0]


async def test_a_request_without_a_decision_is_not_found_in_words(admin: Caller) -> None:
    missing = await admin("GET", "decisions/req-9")
    assert (missing.status, missing.json["error"]["code"]) == (404, "decision_not_found")
    assert "'req-9'" in missing.json["error"]["message"]
    assert (await admin("GET", "decisions?status=200")).status == 400
