import getpass
from collections.abc import Iterator

import pytest

from tests.administration.office import PASSWORD
from tests.ctl.conftest import Shell
from tokenhub.vault.vault import VaultState


def typing(shell: Shell, *answers: str) -> None:
    """Let a person sit at the terminal and type `answers`."""
    left: Iterator[str] = iter(answers)
    shell.patch.setattr(getpass, "getpass", lambda prompt: next(left))
    shell.person = True


async def test_passwords_come_from_standard_input(shell: Shell) -> None:
    ran = await shell("vault", "init", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (ran.code, ran.err) == (0, "")
    assert "unlocked" in ran.out
    assert (await shell("vault", "lock")).code == 0
    assert shell.office.vault.state is VaultState.LOCKED
    ran = await shell("vault", "unlock", "--password-stdin", "--json", stdin=PASSWORD)
    assert ran.json["state"] == "unlocked"
    passwords = f"{PASSWORD}\nbattery staple\n"
    assert (await shell("vault", "rotate", "--password-stdin", stdin=passwords)).code == 0
    assert (await shell("vault", "unlock", "--password-stdin", stdin="battery staple")).code == 0


async def test_passwords_are_asked_for_at_a_terminal(shell: Shell) -> None:
    typing(shell, PASSWORD, PASSWORD, PASSWORD, PASSWORD, "battery staple", "battery staple")
    assert (await shell("vault", "init")).code == 0
    assert (await shell("vault", "unlock")).code == 0
    assert (await shell("vault", "rotate")).code == 0


async def test_the_data_key_alone_can_be_replaced(shell: Shell) -> None:
    await shell.office.open_vault()
    argv = ("vault", "rotate", "--keep-password", "--password-stdin")
    assert (await shell(*argv, stdin=PASSWORD)).code == 0
    assert (await shell("vault", "unlock", "--password-stdin", stdin=PASSWORD)).code == 0


async def test_two_different_new_passwords_change_nothing(shell: Shell) -> None:
    typing(shell, PASSWORD, "something else")
    ran = await shell("vault", "init")
    assert (ran.code, "differ" in ran.err) == (2, True)
    assert shell.office.vault.state is VaultState.UNINITIALISED


@pytest.mark.parametrize("argv", [("init",), ("unlock",), ("rotate",)])
async def test_without_a_terminal_the_way_out_is_named(shell: Shell, argv: tuple[str]) -> None:
    ran = await shell("vault", *argv)
    assert ran.code == 2
    assert "--password-stdin" in ran.err
    assert (await shell("vault", *argv, "--password-stdin")).code == 2


async def test_a_wrong_password_is_one_line(shell: Shell) -> None:
    await shell.office.open_vault()
    ran = await shell("vault", "unlock", "--password-stdin", stdin="wrong password")
    assert (ran.code, ran.err) == (1, "tokenhubctl: the password does not open the vault\n")


async def test_the_status_says_the_state_in_words(shell: Shell) -> None:
    assert "uninitialised" in (await shell("vault", "status")).out


async def test_no_command_takes_a_password_as_its_argument(shell: Shell) -> None:
    assert (await shell("vault", "unlock", PASSWORD)).code == 2
