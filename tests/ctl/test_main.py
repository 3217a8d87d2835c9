import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.administration.office import ADMIN_TOKEN, office
from tests.api.admin.service import serving
from tests.ctl.conftest import Shell
from tokenhub.administration.info import HubInfo
from tokenhub.types import Listen


async def test_status_shows_the_running_hub(shell: Shell) -> None:
    out = (await shell("status")).out
    assert str(shell.office.home) in out
    assert "uninitialised" in out
    assert "0, of them enabled: 0" in out
    assert (await shell("status", "--json")).json["providers"] == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7200, "2 h 0 min"), (190_000, "2 d 4 h")],
)
async def test_the_status_says_for_how_long_it_is_up(
    shell: Shell, seconds: int, shown: str
) -> None:
    now = HubInfo.now
    shell.patch.setattr(HubInfo, "now", lambda self: now(self) | {"uptime_s": seconds + 0.5})
    assert f" {shown}\n" in (await shell("status")).out


async def test_the_admin_token_is_printed_without_a_hub(shell: Shell) -> None:
    shell.patch.setenv("TOKENHUB_URL", "http://127.0.0.1:9")
    assert (await shell("admin-token")).out == ADMIN_TOKEN + "\n"


async def test_the_token_comes_from_the_file_where_no_variable_is_set(
    shell: Shell, tmp_path: Path
) -> None:
    shell.patch.delenv("TOKENHUB_ADMIN_TOKEN")
    (tmp_path / ".admin-token").write_text(ADMIN_TOKEN + "\n")
    assert (await shell("status")).code == 0


async def test_rotating_the_admin_token_prints_the_new_one(shell: Shell, tmp_path: Path) -> None:
    ran = await shell("rotate-admin-token")
    assert len(ran.out.strip()) == 64
    refused = await shell("status")
    assert refused.code == 1
    assert "TOKENHUB_ADMIN_TOKEN" in refused.err
    shell.patch.delenv("TOKENHUB_ADMIN_TOKEN")
    assert (tmp_path / ".admin-token").read_text() == ran.out
    assert (await shell("status")).code == 0


@pytest.mark.parametrize("content", [None, "", b"\xff\xfe"])
async def test_without_a_token_the_way_out_is_named(
    shell: Shell, tmp_path: Path, content: str | bytes | None
) -> None:
    shell.patch.delenv("TOKENHUB_ADMIN_TOKEN")
    if content is not None:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / ".admin-token").write_bytes(raw)
    ran = await shell("status")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert "TOKENHUB_ADMIN_TOKEN" in ran.err


async def test_without_a_hub_the_way_out_is_named_in_one_line(shell: Shell) -> None:
    shell.patch.setenv("TOKENHUB_URL", "http://127.0.0.1:9")
    ran = await shell("status")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert "http://127.0.0.1:9" in ran.err
    assert "TOKENHUB_URL" in ran.err


async def test_the_hub_of_this_home_is_found_by_its_lock_file(shell: Shell, tmp_path: Path) -> None:
    shell.patch.delenv("TOKENHUB_URL")
    async with serving(shell.office) as base:
        (tmp_path / "lock").write_text(json.dumps({"pid": 1, "address": base}))
        assert (await shell("status", "--json")).json["listen_addr"] in base


@pytest.mark.parametrize("text", ["", "{}", '{"pid": 1, "address": null}', "[]", "x"])
async def test_without_a_running_hub_the_usual_address_is_tried(
    shell: Shell, tmp_path: Path, text: str
) -> None:
    shell.patch.delenv("TOKENHUB_URL")
    shell.patch.setattr("tokenhub.ctl.target.DEFAULT_URL", "http://127.0.0.1:9")
    (tmp_path / "lock").write_text(text)
    ran = await shell("status")
    assert ran.code == 1
    assert "http://127.0.0.1:9" in ran.err
    assert "start it with 'tokenhub'" in ran.err


async def test_a_hub_on_a_unix_socket_is_reached(tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "other").mkdir()
    socket = tmp_path / "hub.sock"
    listen = Listen("", 0, socket)
    async with office(tmp_path / "other") as assembled, serving(assembled, listen=listen):
        shell.patch.setenv("TOKENHUB_URL", f"unix:{socket}")
        assert (await shell("status")).code == 0


async def test_an_address_without_a_scheme_is_http(shell: Shell) -> None:
    async with serving(shell.office) as base:
        shell.patch.setenv("TOKENHUB_URL", base.removeprefix("http://"))
        assert (await shell("status")).code == 0


async def test_a_wrong_setting_is_one_line(shell: Shell) -> None:
    shell.patch.setenv("TOKENHUB_LOG_LEVEL", "loud")
    ran = await shell("status")
    assert ran.code == 1
    assert ran.err.startswith("tokenhubctl: TOKENHUB_LOG_LEVEL")


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".admin-token").write_text(ADMIN_TOKEN)
    ran = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m tokenhub.ctl admin-token | :"],
        capture_output=True,
        env={"TOKENHUB_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=30,
        check=False,
    )
    assert ran.stderr == b""


def test_help_is_there_without_the_http_client() -> None:
    code = (
        "import sys; from tokenhub.ctl.__main__ import _parser; _parser().format_help();"
        "sys.exit(bool({'aiohttp', 'pydantic', 'cryptography'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


async def test_an_address_of_another_kind_is_refused_with_the_kinds_there_are(shell: Shell) -> None:
    shell.patch.setenv("TOKENHUB_URL", "ftp://hub")
    ran = await shell("status")
    assert ran.code == 1
    assert ran.err.startswith("tokenhubctl: TOKENHUB_URL='ftp://hub': expected http://")
