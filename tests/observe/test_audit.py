import hashlib
import hmac
import json
import sqlite3
import stat
from functools import partial
from pathlib import Path

import pytest

from tokenhub.errors import StartError
from tokenhub.observe.audit import REMOVED, AuditEntry, AuditTrail, redacted
from tokenhub.storage import settings
from tokenhub.storage.database import Database


def entry(action: str = "provider.patch", after: object = None) -> AuditEntry:
    return AuditEntry(action, "openai", "admin", "req-1", {"enabled": True}, after)


def trail(home: Path) -> AuditTrail:
    return AuditTrail(home / ".audit-key", home / "audit.head")


def database(home: Path, audit: AuditTrail) -> Database:
    return Database.open(home / "tokenhub.sqlite", now_ms=lambda: 1, on_commit=audit.publish_head)


def all_rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM audit ORDER BY id").fetchall()


async def test_rows_are_chained_under_the_key_of_the_home(tmp_path: Path) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)
    for change in (entry(), entry(after={"weight": 7})):
        await opened.write(partial(audit.append, entry=change, now_ms=5))
    found = await opened.read(all_rows)
    await opened.close()
    key, previous = (tmp_path / ".audit-key").read_bytes(), bytes(32)
    for number, row in enumerate(found, start=1):
        *values, mac = row
        assert values[0] == number
        text = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        previous = hmac.digest(key, previous + text, hashlib.sha256)
        assert mac == previous
    assert found[1][7] == '{"weight":7}'


async def test_the_head_is_written_after_the_commit(tmp_path: Path) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)
    await opened.write(lambda connection: audit.append(connection, entry(), 1))
    [row] = await opened.read(all_rows)
    head = tmp_path / "audit.head"
    assert isinstance(row[-1], bytes)
    assert json.loads(head.read_bytes()) == {"count": 1, "mac": row[-1].hex()}
    assert stat.S_IMODE(head.stat().st_mode) == 0o600
    await opened.close()


async def test_a_change_that_is_undone_leaves_neither_row_nor_head(tmp_path: Path) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)

    def change(connection: sqlite3.Connection) -> None:
        audit.append(connection, entry(), 1)
        raise KeyError

    with pytest.raises(KeyError):
        await opened.write(change)
    assert await opened.read(all_rows) == []
    assert not (tmp_path / "audit.head").exists()
    await opened.write(lambda connection: settings.put(connection, "a", 1))
    assert json.loads((tmp_path / "audit.head").read_bytes())["count"] == 0
    await opened.close()


async def test_the_head_is_left_alone_by_writes_without_audit_rows(tmp_path: Path) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)
    await opened.write(lambda connection: audit.append(connection, entry(), 1))
    (tmp_path / "audit.head").unlink()
    await opened.write(lambda connection: settings.put(connection, "a", 1))
    assert not (tmp_path / "audit.head").exists()
    await opened.close()


async def test_the_chain_and_the_head_go_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        audit = trail(tmp_path)
        opened = database(tmp_path, audit)
        await opened.write(partial(audit.append, entry=entry(), now_ms=1))
        await opened.close()
    assert json.loads((tmp_path / "audit.head").read_bytes())["count"] == 2


async def test_a_head_that_cannot_be_written_is_written_after_the_next_commit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)
    head = tmp_path / "audit.head"
    head.mkdir()
    await opened.write(lambda connection: audit.append(connection, entry(), 1))
    assert "cannot be written" in caplog.text
    assert not (tmp_path / "audit.head.new").exists()
    head.rmdir()
    await opened.write(lambda connection: settings.put(connection, "a", 1))
    assert json.loads(head.read_bytes())["count"] == 1
    await opened.close()


def test_the_key_is_private_and_stays(tmp_path: Path) -> None:
    trail(tmp_path)
    path = tmp_path / ".audit-key"
    key = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    trail(tmp_path)
    assert path.read_bytes() == key


def test_a_damaged_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".audit-key").write_bytes(b"short")
    with pytest.raises(StartError, match="damaged"):
        trail(tmp_path)


def test_a_key_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file"):
        trail(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    ["api_key", "API-Key", "key", "password", "admin_password", "token", "Authorization",
     "proxy-authorization", "x-api-key", "client_secret", "cookie"],
)  # fmt: skip
def test_what_stands_under_a_secrets_name_is_removed(name: str) -> None:
    assert redacted({"deep": [{name: "s3cret"}]}) == {"deep": [{name: REMOVED}]}


def test_what_only_sounds_like_a_secret_stays() -> None:
    harmless = {
        "key_env": "OPENAI_API_KEY",
        "auth_header": "x-api-key",
        "has_key": True,
        "tokens_per_minute": 10,
        "max_output_tokens": 4096,
        "api_key": None,
        "prefix": "tokenhub_ab12cd34",
        "base_url": "https://api.openai.com/v1",
    }
    assert redacted(harmless) == harmless


def test_header_values_are_removed_and_their_names_stay() -> None:
    assert redacted({"headers": {"X-Team": "a"}}) == {"headers": {"X-Team": REMOVED}}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("http://user:pass@proxy:3128", f"http://{REMOVED}@proxy:3128"),
        ("Bearer abc.def", f"Bearer {REMOVED}"),
        ("it was sk-ant-abcdefgh1234", f"it was {REMOVED}"),
        ("tokenhub_" + "0af9" * 16, REMOVED),
    ],
)
def test_what_looks_like_a_secret_is_removed_anywhere(text: str, kept: str) -> None:
    assert redacted({"note": [text]}) == {"note": [kept]}


async def test_a_row_holds_no_secret(tmp_path: Path) -> None:
    audit = trail(tmp_path)
    opened = database(tmp_path, audit)
    change = entry(after={"api_key": "hunter2", "scopes": frozenset({"chat"})})
    await opened.write(lambda connection: audit.append(connection, change, 1))
    [row] = await opened.read(all_rows)
    await opened.close()
    assert row[7] == '{"api_key":"[removed]","scopes":["chat"]}'
