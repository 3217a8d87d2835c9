import stat
from pathlib import Path

import pytest

from tests.administration.office import AUTHOR, Office
from tokenhub.administration.admin_token import AdminToken
from tokenhub.errors import RequestError, StartError, StorageError


def test_the_first_start_makes_a_token_that_only_its_owner_can_read(tmp_path: Path) -> None:
    token = AdminToken.load(tmp_path, None)
    file = tmp_path / ".admin-token"
    text = file.read_text().strip()
    assert len(text) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token.matches(text)
    assert AdminToken.load(tmp_path, None).matches(text)


def test_a_token_file_that_others_can_read_is_made_private(tmp_path: Path) -> None:
    file = tmp_path / ".admin-token"
    file.write_text("a-token-of-mine\n")
    file.chmod(0o644)
    assert AdminToken.load(tmp_path, None).matches("a-token-of-mine")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_variable_wins_and_no_file_is_made(tmp_path: Path) -> None:
    token = AdminToken.load(tmp_path, "from-the-variable")
    assert token.matches("from-the-variable")
    assert not (tmp_path / ".admin-token").exists()


@pytest.mark.parametrize("wrong", [None, "", "x", "from-the-variabl", "\udcff"])
def test_anything_else_does_not_match(tmp_path: Path, wrong: str | None) -> None:
    assert not AdminToken.load(tmp_path, "from-the-variable").matches(wrong)


def test_an_empty_token_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".admin-token").touch()
    with pytest.raises(StartError, match="holds no token"):
        AdminToken.load(tmp_path, None)


def test_a_token_file_that_is_a_symlink_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".admin-token").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="cannot be used"):
        AdminToken.load(tmp_path, None)


async def test_rotation_holds_at_once_and_over_a_restart(desk: Office, tmp_path: Path) -> None:
    token = AdminToken.load(tmp_path, None)
    old = (tmp_path / ".admin-token").read_text().strip()
    new = await token.rotate(desk.changes, AUTHOR)
    assert new != old
    assert token.matches(new)
    assert not token.matches(old)
    assert AdminToken.load(tmp_path, None).matches(new)
    assert await desk.audit() == [("admin-token.rotate", "admin-token", "admin")]


async def test_rotation_is_refused_while_the_variable_holds_the_token(
    desk: Office, tmp_path: Path
) -> None:
    token = AdminToken.load(tmp_path, "from-the-variable")
    with pytest.raises(RequestError, match="TOKENHUB_ADMIN_TOKEN") as refused:
        await token.rotate(desk.changes, AUTHOR)
    assert refused.value.status == 409


async def test_a_token_that_cannot_be_written_stays_the_old_one(
    desk: Office, tmp_path: Path
) -> None:
    token = AdminToken(tmp_path / "missing" / ".admin-token", "the-old-one", from_variable=False)
    with pytest.raises(StorageError, match="cannot be written"):
        await token.rotate(desk.changes, AUTHOR)
    assert token.matches("the-old-one")
    assert await desk.audit() == []
