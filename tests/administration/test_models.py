import pytest

from tests.administration.office import AUTHOR, OPENAI, Office
from tokenhub.errors import BadRequest, RequestError
from tokenhub.providers.spec import ModelSpec

MODEL = {"id": "gpt-4o", "provider_id": "openai", "input_per_1k": 0.0025, "output_per_1k": 0.01}


@pytest.fixture
async def stocked(desk: Office) -> Office:
    await desk.providers.upsert(OPENAI, AUTHOR)
    return desk


async def add_second_provider(desk: Office) -> None:
    await desk.providers.upsert(
        OPENAI | {"id": "azure-eu", "base_url": "https://eu.example"}, AUTHOR
    )


async def test_a_new_model_can_be_routed_to_at_once(stocked: Office) -> None:
    row, new = await stocked.models.upsert(MODEL, AUTHOR)
    assert new
    assert (row["input_per_1k"], row["output_per_1k"]) == (0.0025, 0.01)
    assert row["upstream_name"] == "gpt-4o"
    assert stocked.holder.current.names() == ("gpt-4o",)


async def test_a_model_of_an_unknown_provider_names_the_known_ones(stocked: Office) -> None:
    with pytest.raises(BadRequest, match="one of openai") as refused:
        await stocked.models.upsert(MODEL | {"provider_id": "opnai"}, AUTHOR)
    assert refused.value.param == "provider_id"


async def test_prices_that_are_not_given_come_from_the_catalogue(stocked: Office) -> None:
    row, _ = await stocked.models.upsert({"id": "gpt-known", "provider_id": "openai"}, AUTHOR)
    assert (row["input_per_1k"], row["output_per_1k"]) == (0.0025, 0.01)
    assert row["max_context_tokens"] == 128_000
    assert row["pricing_source"] == "catalogue"


async def test_adding_a_discovered_model_keeps_what_is_known_of_it_and_enables_it(
    stocked: Office,
) -> None:
    found = ModelSpec.parse(
        MODEL | {"max_context_tokens": 9000, "enabled": False, "pricing_source": "provider"}
    )
    await stocked.models.register([found], AUTHOR)
    row, new = await stocked.models.upsert(
        {"id": "gpt-4o", "provider_id": "openai", "weight": 8}, AUTHOR
    )
    assert (new, row["enabled"], row["weight"]) == (False, True, 8)
    assert (row["input_per_1k"], row["max_context_tokens"]) == (0.0025, 9000)
    assert row["pricing_source"] == "provider"
    row, _ = await stocked.models.upsert(MODEL | {"input_per_1k": 1, "enabled": False}, AUTHOR)
    assert (row["input_per_1k"], row["weight"], row["enabled"]) == (1, 8, False)
    assert row["pricing_source"] == "manual"
    assert [action for action, _, _ in (await stocked.audit())[-2:]] == ["model.upsert"] * 2


async def test_prices_that_are_given_stay_and_only_the_size_is_filled_in(stocked: Office) -> None:
    own = {"id": "gpt-known", "provider_id": "openai", "input_per_1k": 1.0, "output_per_1k": 2.0}
    row, _ = await stocked.models.upsert(own, AUTHOR)
    assert (row["input_per_1k"], row["output_per_1k"]) == (1.0, 2.0)
    assert row["max_context_tokens"] == 128_000
    assert row["pricing_source"] == "manual"


async def test_new_prices_make_the_row_a_manual_one(stocked: Office) -> None:
    await stocked.models.upsert({"id": "gpt-known", "provider_id": "openai"}, AUTHOR)
    await stocked.models.patch("gpt-known", {"input_per_1k": 0.5}, AUTHOR)
    row = stocked.models.get("gpt-known")
    assert (row["input_per_1k"], row["output_per_1k"]) == (0.5, 0.01)
    assert row["pricing_source"] == "manual"


async def test_ids_may_contain_slashes(stocked: Office) -> None:
    await stocked.models.upsert(MODEL | {"id": "meta/llama-3/70b"}, AUTHOR)
    await stocked.models.patch("meta/llama-3/70b", {"weight": 9}, AUTHOR)
    assert stocked.models.get("openai/meta/llama-3/70b")["weight"] == 9


async def test_a_bare_name_of_several_deployments_is_a_409_that_lists_them(stocked: Office) -> None:
    await add_second_provider(stocked)
    await stocked.models.upsert(MODEL, AUTHOR)
    await stocked.models.upsert(MODEL | {"provider_id": "azure-eu"}, AUTHOR)
    with pytest.raises(RequestError, match="azure-eu/gpt-4o, openai/gpt-4o") as refused:
        stocked.models.get("gpt-4o")
    assert refused.value.status == 409
    await stocked.models.delete("azure-eu/gpt-4o", AUTHOR)
    assert stocked.models.get("gpt-4o")["provider_id"] == "openai"


async def test_disabling_takes_a_model_out_and_enabling_puts_it_back(stocked: Office) -> None:
    await stocked.models.upsert(MODEL, AUTHOR)
    await stocked.models.patch("gpt-4o", {"enabled": False}, AUTHOR)
    assert stocked.holder.current.names() == ()
    await stocked.models.patch("gpt-4o", {"enabled": True}, AUTHOR)
    assert stocked.holder.current.names() == ("gpt-4o",)


async def test_enabling_a_model_that_the_catalogue_knows_registers_it(stocked: Office) -> None:
    await stocked.models.patch("openai/gpt-known", {"enabled": True}, AUTHOR)
    row = stocked.models.get("openai/gpt-known")
    assert (row["id"], row["enabled"]) == ("gpt-known", True)
    assert row["pricing_source"] == "catalogue"
    assert (await stocked.audit())[-1] == ("model.upsert", "openai/gpt-known", "admin")


async def test_enabling_by_a_bare_name_that_one_provider_has_registers_it(desk: Office) -> None:
    await desk.providers.upsert(OPENAI, AUTHOR)
    await desk.providers.upsert(
        {"id": "azure-eu", "preset": "openai", "base_url": "http://127.0.0.1:9"}, AUTHOR
    )
    with pytest.raises(RequestError) as refused:
        await desk.models.patch("gpt-known", {"enabled": True}, AUTHOR)
    assert refused.value.status == 409
    await desk.providers.delete("azure-eu", AUTHOR)
    await desk.models.patch("gpt-known", {"enabled": True}, AUTHOR)
    assert desk.models.get("gpt-known")["provider_id"] == "openai"


@pytest.mark.parametrize("name", ["nothing-knows-this", "local/nothing", "local/not an id"])
async def test_enabling_what_nobody_knows_is_a_404(desk: Office, name: str) -> None:
    unreachable = {"id": "local", "type": "openai", "base_url": "http://127.0.0.1:9"}
    await desk.providers.upsert(unreachable, AUTHOR)
    with pytest.raises(RequestError) as refused:
        await desk.models.patch(name, {"enabled": True}, AUTHOR)
    assert refused.value.status == 404


async def test_a_patch_that_is_more_than_enabling_registers_nothing(stocked: Office) -> None:
    with pytest.raises(RequestError) as refused:
        await stocked.models.patch("openai/gpt-known", {"enabled": True, "weight": 3}, AUTHOR)
    assert refused.value.status == 404


async def test_every_change_has_its_audit_row(stocked: Office) -> None:
    await stocked.models.upsert(MODEL, AUTHOR)
    await stocked.models.patch("gpt-4o", {"weight": 1}, AUTHOR)
    await stocked.models.delete("gpt-4o", AUTHOR)
    assert [action for action, _, _ in (await stocked.audit())[1:]] == [
        "model.upsert",
        "model.patch",
        "model.delete",
    ]
    assert stocked.models.list() == []


async def test_prices_that_are_given_with_the_size_are_manual_too(stocked: Office) -> None:
    row, _ = await stocked.models.upsert(MODEL | {"max_context_tokens": 128_000}, AUTHOR)
    assert row["pricing_source"] == "manual"


async def test_a_new_cache_write_price_takes_the_place_of_the_old_ones(stocked: Office) -> None:
    await stocked.models.upsert(MODEL | {"cache_write_per_1k": 0.003}, AUTHOR)
    await stocked.models.patch("gpt-4o", {"cache_write_per_1k": 0.009}, AUTHOR)
    row = stocked.models.get("gpt-4o")
    assert (row["cache_write_5m_per_1k"], row["cache_write_1h_per_1k"]) == (0.009, 0.009)
    changes = {"cache_write_per_1k": 0.001, "cache_write_1h_per_1k": 0.002}
    await stocked.models.patch("gpt-4o", changes, AUTHOR)
    row = stocked.models.get("gpt-4o")
    assert (row["cache_write_5m_per_1k"], row["cache_write_1h_per_1k"]) == (0.001, 0.002)


async def test_prices_of_null_are_taken_away(stocked: Office) -> None:
    await stocked.models.upsert(MODEL | {"cache_write_per_1k": 0.003}, AUTHOR)
    nulls = dict.fromkeys(("input_per_1k", "output_per_1k", "cache_write_per_1k"))
    await stocked.models.patch("gpt-4o", nulls, AUTHOR)
    assert stocked.models.get("gpt-4o")["input_per_1k"] is None


async def test_a_price_of_null_leaves_the_catalogue_its_word(stocked: Office) -> None:
    payload = {"id": "gpt-known", "provider_id": "openai", "input_per_1k": None}
    row, _ = await stocked.models.upsert(payload, AUTHOR)
    assert (row["input_per_1k"], row["pricing_source"]) == (0.0025, "catalogue")
