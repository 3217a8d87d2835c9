import pytest

from tests.administration.office import AUTHOR, OPENAI
from tests.ctl.conftest import Shell


@pytest.fixture
async def stocked(shell: Shell) -> Shell:
    await shell.office.providers.upsert(OPENAI, AUTHOR)
    return shell


async def test_a_model_is_added_by_json_or_by_flags(stocked: Shell) -> None:
    spec = '{"id":"gpt-4o","provider_id":"openai","input_per_1k":0.0025,"output_per_1k":0.01}'
    assert (await stocked("model", "add", spec)).code == 0
    flags = ("--id", "team/tuned", "--provider", "openai", "--weight", "9")
    prices = ("--input-per-1k", "0.5", "--output-per-1k", "1", "--capabilities", "tools,vision")
    assert (await stocked("model", "add", *flags, *prices)).code == 0
    row = stocked.office.models.get("team/tuned")
    assert (row["weight"], row["capabilities"]) == (9, ["tools", "vision"])
    out = (await stocked("model", "list")).out
    assert "0.0025" in out
    assert "team/tuned" in out


async def test_tiers_are_given_as_json(stocked: Shell) -> None:
    tier = '[{"above_input_tokens": 1000, "input_per_1k": 2, "output_per_1k": 3}]'
    flags = ("--id", "m", "--provider", "openai", "--input-per-1k", "1", "--output-per-1k", "1")
    assert (await stocked("model", "add", *flags, "--tiers", tier)).code == 0
    assert stocked.office.models.get("m")["tiers"][0]["above_input_tokens"] == 1000
    for wrong in ("[", "{}"):
        ran = await stocked("model", "add", *flags, "--tiers", wrong)
        assert (ran.code, "expected a JSON list" in ran.err) == (2, True)


async def test_the_seeds_enable_line_registers_a_known_model(stocked: Shell) -> None:
    await stocked.office.providers.upsert({"id": "anthropic", "type": "anthropic"}, AUTHOR)
    ran = await stocked("model", "enable", "anthropic/claude-known")
    assert (ran.code, ran.err) == (0, "")
    assert stocked.office.models.get("claude-known")["enabled"] is True


async def test_a_model_is_switched_off_changed_and_deleted(stocked: Shell) -> None:
    await stocked("model", "add", "--id", "gpt-4o", "--provider", "openai")
    assert (await stocked("model", "disable", "gpt-4o")).code == 0
    assert stocked.office.models.get("gpt-4o")["enabled"] is False
    assert (await stocked("model", "edit", "openai/gpt-4o", "--weight", "3")).code == 0
    assert stocked.office.models.get("gpt-4o")["weight"] == 3
    assert (await stocked("model", "delete", "gpt-4o")).code == 0
    assert stocked.office.models.list() == []


async def test_a_name_with_several_deployments_lists_them(stocked: Shell) -> None:
    await stocked.office.providers.upsert(OPENAI | {"id": "second"}, AUTHOR)
    for provider in ("openai", "second"):
        await stocked("model", "add", "--id", "gpt-4o", "--provider", provider)
    ran = await stocked("model", "delete", "gpt-4o")
    assert ran.code == 1
    assert "openai/gpt-4o, second/gpt-4o" in ran.err
