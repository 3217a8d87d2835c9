import getpass

import pytest

from tests.administration.office import AUTHOR, OPENAI
from tests.ctl.conftest import Shell
from tokenhub.simulator import Simulator

KEY = "sk-ant-secret-of-the-shell"


async def test_the_json_form_of_the_seed_adds_a_provider(shell: Shell) -> None:
    await shell.office.open_vault()
    spec = '{"id":"openai-prod","type":"openai","base_url":"https://api.openai.com","api_key":"sk-..."}'
    ran = await shell("provider", "add", spec)
    assert (ran.code, ran.err) == (0, "")
    assert "openai-prod" in ran.out
    assert "sk-..." not in ran.out
    assert shell.office.vault.reveal("provider:openai-prod") == "sk-..."


async def test_the_flag_form_of_the_seed_adds_a_provider(shell: Shell) -> None:
    await shell.office.open_vault()
    ran = await shell(
        "provider", "add", "--name", "anthropic", "--type", "anthropic", "--api-key", KEY
    )
    assert (ran.code, ran.err) == (0, "")
    row = shell.office.providers.get("anthropic")
    assert (row["base_url"], row["has_key"]) == ("https://api.anthropic.com/v1", True)


async def test_the_key_can_come_from_standard_input(shell: Shell) -> None:
    await shell.office.open_vault()
    ran = await shell("provider", "add", "--name", "anthropic", "--api-key-stdin", stdin=f"{KEY}\n")
    assert ran.code == 0
    assert shell.office.vault.reveal("provider:anthropic") == KEY


async def test_at_a_terminal_the_key_is_asked_for_and_not_shown(shell: Shell) -> None:
    await shell.office.open_vault()
    shell.patch.setattr(getpass, "getpass", {"API key: ": KEY}.__getitem__)
    shell.person = True
    assert (await shell("provider", "add", "--name", "anthropic", "--api-key-stdin")).code == 0
    assert shell.office.vault.reveal("provider:anthropic") == KEY


async def test_a_preset_needs_no_name(shell: Shell) -> None:
    assert (await shell("provider", "add", "--preset", "ollama")).code == 0
    assert shell.office.providers.get("ollama")["base_url"] == "http://localhost:11434/v1"
    ran = await shell("provider", "add", "--preset", "olama")
    assert ran.err.startswith("tokenhubctl: unknown preset 'olama': one of ")


async def test_a_message_names_the_flag_of_the_field(shell: Shell) -> None:
    ran = await shell("provider", "add", "--type", "openai")
    assert ran.err == "tokenhubctl: id (--name): this field is required\n"


@pytest.mark.parametrize(
    ("argv", "shown", "next_step"),
    [
        (["--name", "openai"], "no key yet", "provider edit openai --api-key-stdin"),
        (["--preset", "groq", "--cred-store", "env"], "not in GROQ_API_KEY", "GROQ_API_KEY"),
        (["--preset", "xai", "--api-key", KEY], "vault", "provider discover xai"),
        (["--preset", "ollama"], "none", "provider discover ollama"),
        (["--preset", "vllm", "--base-url", "http://gpu:8000"], "none", "discover vllm"),
        (["--name", "anthropic", "--cred-store", "client"], "the client's own", "discover"),
    ],
)
async def test_it_is_told_where_the_key_comes_from_and_what_comes_next(
    shell: Shell, argv: list[str], shown: str, next_step: str
) -> None:
    await shell.office.open_vault()
    ran = await shell("provider", "add", *argv)
    assert next_step in ran.out.splitlines()[1]
    head, line = (await shell("provider", "list")).out.splitlines()
    assert line[head.index("KEY") :].startswith(f"{shown}  ")


async def test_programs_are_told_nothing_but_the_row(shell: Shell) -> None:
    assert (await shell("provider", "add", "--name", "openai", "--json")).json["id"] == "openai"


async def test_lists_are_tables_for_people_and_json_for_programs(shell: Shell) -> None:
    assert "(none)" in (await shell("provider", "list")).out
    await shell("provider", "add", "--name", "openai", "--base-urls", "http://a:1, http://b:2")
    head, line = (await shell("provider", "list")).out.splitlines()
    assert head.split()[:3] == ["ID", "TYPE", "URL"]
    assert line.split()[:3] == ["openai", "openai", "http://a:1/v1"]
    for argv in (("provider", "list", "--json"), ("--json", "provider", "list")):
        (row,) = (await shell(*argv)).json
        assert row["base_urls"] == ["http://a:1/v1", "http://b:2/v1"]


async def test_the_seeds_edit_and_delete_lines(shell: Shell) -> None:
    await shell("provider", "add", "--name", "openai", "--enabled", "false")
    changes = '{"base_url":"https://api.openai.com","enabled":true}'
    assert (await shell("provider", "edit", "openai", changes)).code == 0
    assert shell.office.providers.get("openai")["enabled"] is True
    assert (await shell("provider", "edit", "openai", "--prefix", "oai")).code == 0
    assert shell.office.providers.get("openai")["prefix"] == "oai"
    assert (await shell("provider", "delete", "openai", "--json")).json == {"ok": True}
    assert shell.office.providers.list() == []


async def test_an_edit_that_detaches_the_key_says_so(shell: Shell) -> None:
    await shell.office.open_vault()
    await shell("provider", "add", "--name", "openai", "--api-key", KEY)
    ran = await shell("provider", "edit", "openai", "--base-url", "https://other.example")
    assert "key" in ran.out
    assert "detached" in ran.out


async def test_discovery_shows_what_is_registered(shell: Shell) -> None:
    simulator = Simulator("openai", models=["gpt-4o"])
    base = await simulator.start()
    try:
        await shell("provider", "add", "--name", "sim", "--type", "openai", "--base-url", base)
        ran = await shell("provider", "discover", "sim")
    finally:
        await simulator.close()
    assert ran.out.splitlines()[1].split()[:2] == ["gpt-4o", "no"]
    assert "tokenhubctl model enable sim/ID" in ran.out


async def test_presets_are_listed(shell: Shell) -> None:
    out = (await shell("provider", "presets")).out
    assert "ANTHROPIC_API_KEY" in out
    assert "http://localhost:11434/v1" in out


async def test_a_refusal_of_the_hub_is_one_line_and_exit_code_1(shell: Shell) -> None:
    ran = await shell("provider", "add", "--name", "openai", "--api-key", KEY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("tokenhubctl: the vault is uninitialised")
    assert len(ran.err.splitlines()) == 1
    assert KEY not in ran.err
    ran = await shell("provider", "delete", "nothing")
    assert (ran.code, ran.err) == (1, "tokenhubctl: there is no provider 'nothing'\n")


async def test_a_wrong_command_line_is_exit_code_2(shell: Shell) -> None:
    for argv in (
        ("provider", "add"),
        ("provider", "add", "{"),
        ("provider", "add", "[]"),
        ("provider", "edit"),
        ("provider", "add", "--enabled", "perhaps"),
        ("provider", "frobnicate"),
        ("provider",),
        (),
    ):
        ran = await shell(*argv)
        assert (ran.code, ran.out) == (2, ""), argv
        assert ran.err


async def test_hostile_text_does_not_reach_the_terminal(shell: Shell) -> None:
    row, _ = await shell.office.providers.upsert(OPENAI, AUTHOR)
    row["id"] = "x\x1b]0;owned\x07\u202ey\nz"
    shell.patch.setattr(type(shell.office.providers), "list", lambda self: [row])
    assert (await shell("provider", "list")).out.splitlines()[1].startswith("x]0;ownedy z ")
    assert "\x1b" not in (await shell("provider", "list", "--json")).out
