from tests.administration.decided import row
from tests.administration.office import AUTHOR
from tests.ctl.conftest import Shell


async def peopled(shell: Shell) -> None:
    local = {"id": "local", "type": "openai", "base_url": "http://127.0.0.1:9"}
    await shell.office.providers.upsert(local, AUTHOR)
    for id, weight in (("strong", 9), ("weak", 2)):
        row = {"id": id, "provider_id": "local", "weight": weight}
        await shell.office.models.upsert(row, AUTHOR)


async def test_the_configuration_is_shown_and_changed_by_flags_and_by_json(shell: Shell) -> None:
    await peopled(shell)
    before = (await shell("routing", "get")).out
    assert "default_mode            normal" in before
    changed = await shell(
        "routing", "set", "--default-mode", "minimize_cost", "--backup-providers", "local"
    )
    assert changed.code == 0
    assert "default_mode            cheap" in changed.out
    limited = await shell("routing", "set", '{"max_budget_usd_ceiling": 1}', "--json")
    assert limited.json["max_budget_usd_ceiling"] == 1
    lifted = await shell("routing", "set", '{"max_budget_usd_ceiling": null}', "--json")
    assert lifted.json["max_budget_usd_ceiling"] is None
    assert (await shell("routing", "get", "--json")).json["backup_providers"] == ["local"]


async def test_a_wrong_value_is_refused_in_the_hubs_words(shell: Shell) -> None:
    ran = await shell("routing", "set", "--default-mode", "cheep")
    assert ran.code == 1
    assert "unknown mode 'cheep': one of cheap" in ran.err
    assert (await shell("routing", "set")).code == 2


async def test_a_simulation_names_the_winner_the_others_and_who_is_left_out(shell: Shell) -> None:
    await peopled(shell)
    ran = await shell("simulate", "--mode", "high_confidence", "--tokens", "500")
    assert "local/strong goes first of 2 (auto:high_confidence" in ran.out
    assert "It would cost about $0.00." in ran.out
    named = await shell("simulate", "--model", "weak", "--min-weight", "3", "--json")
    assert [one["reason"] for one in named.json["rejected"]].count("min_weight") == 1


async def test_a_simulation_needs_no_field(shell: Shell) -> None:
    ran = await shell("simulate")
    assert ran.code == 0
    assert "No model could take it (no_eligible_model)" in ran.out
    assert "A client would get 503 no_eligible_model" in ran.out


async def test_a_price_that_is_not_known_is_not_guessed(shell: Shell) -> None:
    far = {"id": "far", "type": "openai", "base_url": "https://far.example", "cred_store": "none"}
    await shell.office.providers.upsert(far, AUTHOR)
    await shell.office.models.upsert({"id": "m", "provider_id": "far"}, AUTHOR)
    ran = await shell("simulate", "--model", "m")
    assert "far/m goes first" in ran.out
    assert "It would cost" not in ran.out


async def test_a_request_is_explained_to_people_and_to_programs(shell: Shell) -> None:
    shell.office.database.decide(row())
    people = await shell("explain", "req-1")
    assert "openai/gpt-4o-mini goes first of 3" in people.out
    assert "local/llama answered, at attempt 2. Before that, openai/gpt-4o-mini" in people.out
    program = (await shell("explain", "req-1", "--json")).json
    assert program["chosen"] == {"model_id": "gpt-4o-mini", "provider_id": "openai"}


async def test_a_request_that_nobody_knows_is_said_in_words(shell: Shell) -> None:
    ran = await shell("explain", "req-9")
    assert ran.code == 1
    assert "no decision about a request 'req-9'" in ran.err
