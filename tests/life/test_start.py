"""What keeps a hub from starting, or how it starts: settings, files, vault, addresses."""

import json
import os
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from tests.life.programs import refused
from tests.support.cast import ADMIN_TOKEN
from tests.support.certificate import self_signed
from tests.support.process import HubProcess
from tokenhub.client import Client

PASSWORD = "correct horse battery"
OTHER = "another battery staple"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with a generated admin token, that has been used."""
    umask = os.umask(0o022)
    try:
        with HubProcess(
            tmp_path_factory.mktemp("hub") / "home", {"TOKENHUB_ADMIN_TOKEN": ""}
        ) as hub:
            yield hub
    finally:
        os.umask(umask)


def test_a_second_instance_is_refused_naming_pid_and_address(hub: HubProcess) -> None:
    line = refused(hub.home)
    assert f"PID {hub.pid}, {hub.url}" in line
    assert str(hub.home) in line
    assert json.loads((hub.home / "lock").read_bytes()) == {"pid": hub.pid, "address": hub.url}


async def test_everything_in_the_home_is_for_its_owner_only(hub: HubProcess) -> None:
    token = (hub.home / ".admin-token").read_text().strip()
    async with Client(hub.url, token) as admin:
        await admin.create_api_key({"name": "one write, so that all files are there"})
    assert stat.S_IMODE(hub.home.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in hub.home.rglob("*")}
    expected = {".admin-token", ".audit-key", "audit.head", "lock", "tokenhub.sqlite"}
    assert modes.keys() >= expected | {"tokenhub.sqlite-wal", "tokenhub.sqlite-shm"}
    assert modes == dict.fromkeys(modes, 0o600)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LISTEN_ADDR", "127.0.0.1:99999", "host:port"),
        ("LISTEN_ADDR", ":8080", "TOKENHUB_ALLOWED_HOSTS"),
        ("LOG_LEVEL", "loud", "debug, info, warn or error"),
        ("PROVIDER_TIMEOUT_SECS", "NaN", "seconds"),
        ("TLS_CERT", "/dev/null", "TOKENHUB_TLS_KEY"),
        ("VAULT_PASSWORD_FILE", "/nowhere/at/all", "password"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    line = refused(tmp_path / "home", {f"TOKENHUB_{variable}": value})
    assert f"TOKENHUB_{variable}=" in line
    assert repr(value) in line
    assert words in line
    assert not (tmp_path / "home").exists()


def test_an_address_in_use_is_told_in_one_line(tmp_path: Path, hub: HubProcess) -> None:
    address = hub.url.removeprefix("http://")
    line = refused(tmp_path, {"TOKENHUB_LISTEN_ADDR": address})
    assert address in line
    assert "in use" in line


def test_a_damaged_database_is_told_in_one_line_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    content = b"SQLite format 3\0" + b"garbage" * 2000
    path.write_bytes(content)
    line = refused(tmp_path)
    assert str(path) in line
    assert "damaged" in line
    assert path.read_bytes() == content


def test_a_database_of_a_newer_version_is_told_in_one_line_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.sqlite"
    with HubProcess(tmp_path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    content = path.read_bytes()
    line = refused(tmp_path)
    assert "schema 999" in line
    assert path.read_bytes() == content


@pytest.mark.parametrize("used_before", [False, True])
def test_a_read_only_home_is_told_in_one_line(tmp_path: Path, used_before: bool) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if used_before:
        with HubProcess(home):
            pass
    home.chmod(0o500)
    try:
        line = refused(home, unprivileged=True)
    finally:
        home.chmod(0o700)
    assert str(home) in line


async def _vault_state(home: Path, environ: dict[str, str]) -> str:
    async with HubProcess(home, environ) as hub, Client(hub.url, ADMIN_TOKEN) as admin:
        assert PASSWORD not in hub.stderr
        return (await admin.vault())["state"]


async def test_the_vault_opens_with_the_password_that_is_given(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "tokenhub-vault-password"
    file.write_text(PASSWORD + "\n")
    assert await _vault_state(home, {}) == "uninitialised"
    assert await _vault_state(home, {"TOKENHUB_VAULT_PASSWORD": PASSWORD}) == "unlocked"
    assert await _vault_state(home, {}) == "locked"
    assert await _vault_state(home, {"TOKENHUB_VAULT_PASSWORD_FILE": str(file)}) == "unlocked"
    assert await _vault_state(home, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "unlocked"

    line = refused(home, {"TOKENHUB_VAULT_PASSWORD": OTHER})
    assert "TOKENHUB_VAULT_PASSWORD" in line
    assert OTHER not in line


async def test_with_a_certificate_only_tls_is_spoken(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    environ = {"TOKENHUB_TLS_CERT": str(certificate), "TOKENHUB_TLS_KEY": str(key)}
    context = ssl.create_default_context(cafile=str(certificate))
    async with HubProcess(tmp_path / "home", environ) as hub, aiohttp.ClientSession() as session:
        assert hub.url.startswith("https://127.0.0.1:")
        url = hub.url.replace("127.0.0.1", "localhost") + "/healthz"
        async with session.get(url, ssl=context) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await session.get(url.replace("https:", "http:"))


def test_a_certificate_without_its_key_is_told_in_one_line(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    both = {"TOKENHUB_TLS_CERT": str(certificate), "TOKENHUB_TLS_KEY": str(certificate)}
    assert "TOKENHUB_TLS_KEY" in refused(tmp_path / "home", both)


async def test_a_unix_socket_is_for_its_owner_only_and_goes_with_the_hub(tmp_path: Path) -> None:
    path = tmp_path / "hub.sock"
    async with HubProcess(tmp_path / "home", {"TOKENHUB_LISTEN_ADDR": f"unix:{path}"}) as hub:
        assert hub.url == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        connector = aiohttp.UnixConnector(str(path))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get("http://hub/healthz") as answer,
        ):
            assert answer.status == 200
    assert hub.exit_code == 0
    assert not path.exists()
