import asyncio
import gc
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokenhub import __main__ as program
from tokenhub.__main__ import main, run
from tokenhub.errors import StartError

PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def process_state() -> Iterator[None]:
    """Put back what the program changes about its process."""
    thresholds, umask = gc.get_threshold(), os.umask(0o022)
    yield
    os.umask(umask)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("TOKENHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOKENHUB_HOME", str(tmp_path))
    return tmp_path


class FakeHub:
    """A hub that tells what was asked of it, and whose parts a test may hold up or break."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.started, self.stopping, self.reloading = (asyncio.Event() for _ in range(3))
        self.drained, self.reloaded = asyncio.Event(), asyncio.Event()
        self.start_error: Exception | None = None
        self.stop_error: Exception | None = None
        self.reload_error: Exception | None = None

    async def start(self) -> str:
        if self.start_error is not None:
            raise self.start_error
        self.started.set()
        return "http://127.0.0.1:1"

    async def stop(self) -> None:
        self.stopping.set()
        try:
            await self.drained.wait()
            self.calls.append("drained")
        finally:
            self.calls.append("settled")
        if self.stop_error is not None:
            raise self.stop_error

    async def reload(self) -> None:
        self.calls.append("reload")
        self.reloading.set()
        await self.reloaded.wait()
        if self.reload_error is not None:
            raise self.reload_error


def _signal(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def _ended(running: asyncio.Future[None]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await running


async def _started(hub: FakeHub) -> asyncio.Future[None]:
    running = asyncio.ensure_future(run(hub))
    async with asyncio.timeout(PATIENCE_S):
        await hub.started.wait()
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_drains_the_hub(number: signal.Signals) -> None:
    hub = FakeHub()
    hub.drained.set()
    running = await _started(hub)
    _signal(number)
    await _ended(running)
    assert hub.calls == ["drained", "settled"]


async def test_a_second_signal_ends_the_drain_and_still_settles() -> None:
    hub = FakeHub()
    running = await _started(hub)
    _signal(signal.SIGTERM)
    await hub.stopping.wait()
    _signal(signal.SIGINT)
    await _ended(running)
    assert hub.calls == ["settled"]


async def test_a_signal_during_the_start_stops_after_it() -> None:
    hub = FakeHub()
    hub.drained.set()
    running = asyncio.ensure_future(run(hub))
    await asyncio.sleep(0)
    _signal(signal.SIGTERM)
    await _ended(running)
    assert hub.calls == ["drained", "settled"]


async def test_sighup_reloads_once_more_when_it_comes_during_a_reload() -> None:
    hub = FakeHub()
    hub.drained.set()
    running = await _started(hub)
    _signal(signal.SIGHUP)
    await hub.reloading.wait()
    hub.reloading.clear()
    _signal(signal.SIGHUP)
    _signal(signal.SIGHUP)
    await asyncio.sleep(0)
    hub.reloaded.set()
    await hub.reloading.wait()
    _signal(signal.SIGTERM)
    await _ended(running)
    assert hub.calls == ["reload", "reload", "drained", "settled"]


async def test_a_failed_reload_is_told_and_the_hub_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = FakeHub()
    hub.drained.set()
    hub.reloaded.set()
    hub.reload_error = StartError("TOKENHUB_LOG_LEVEL='loud' is wrong")
    running = await _started(hub)
    for _ in range(2):
        hub.reloading.clear()
        _signal(signal.SIGHUP)
        await hub.reloading.wait()
    _signal(signal.SIGTERM)
    await _ended(running)
    assert caplog.text.count("not reloaded: TOKENHUB_LOG_LEVEL") == 2
    assert hub.calls[-1] == "settled"


async def test_the_log_says_what_happens(caplog: pytest.LogCaptureFixture) -> None:
    hub = FakeHub()
    hub.drained.set()
    hub.reloaded.set()
    with caplog.at_level(logging.INFO):
        running = await _started(hub)
        _signal(signal.SIGHUP)
        await hub.reloading.wait()
        await asyncio.sleep(0)
        _signal(signal.SIGTERM)
        await _ended(running)
    messages = [record.message for record in caplog.records if record.name == "tokenhub"]
    assert messages == [
        "listening on http://127.0.0.1:1",
        "reloaded",
        "stopping: running requests may finish",
    ]


async def test_what_lives_long_is_kept_from_the_garbage_collector() -> None:
    hub = FakeHub()
    hub.drained.set()
    running = await _started(hub)
    _signal(signal.SIGTERM)
    await _ended(running)
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == program.GC_THRESHOLDS


async def test_a_hub_that_cannot_start_ends_the_run() -> None:
    hub = FakeHub()
    hub.start_error = StartError("no")
    with pytest.raises(StartError, match="no"):
        await run(hub)


async def test_a_hub_that_cannot_stop_ends_the_run_with_its_error() -> None:
    hub = FakeHub()
    hub.drained.set()
    hub.stop_error = ValueError("broken")
    running = await _started(hub)
    _signal(signal.SIGTERM)
    with pytest.raises(ValueError, match="broken"):
        await _ended(running)


def test_the_settings_in_force_are_printed_as_a_table(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENHUB_ADMIN_TOKEN", "f" * 64)
    assert main(["config"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{home / 'config.toml'} (not there)"
    rows = [line.split() for line in lines]
    assert ["TOKENHUB_HOME", "-", str(home), "environment"] in rows
    assert ["TOKENHUB_LOG_LEVEL", "log_level", "info", "default"] in rows
    assert ["TOKENHUB_ADMIN_TOKEN", "admin_token", "********", "environment"] in rows


def test_what_was_set_in_vain_is_told_with_the_settings(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENHUB_LOG_LEVLE", "debug")
    (home / "config.toml").touch()
    assert main(["config"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == str(home / "config.toml")
    assert printed.err == (
        "tokenhub: ignored, since they are no settings:"
        " 'TOKENHUB_LOG_LEVLE' (did you mean TOKENHUB_LOG_LEVEL?)\n"
    )


def test_the_settings_in_force_are_printed_as_json(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    row = {"name": "TOKENHUB_HOME", "in_file": None, "value": str(home), "source": "environment"}
    assert rows[0] == row


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tokenhub 0.")


def test_a_wrong_setting_is_one_line_and_exit_code_1(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENHUB_LISTEN_ADDR", "nowhere")
    assert main(["--headless"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tokenhub: TOKENHUB_LISTEN_ADDR='nowhere' is wrong: expected host:port")
    assert error.count("\n") == 1
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--loud"], ["dance"], ["config", "--yaml"]])
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: tokenhub" in capsys.readouterr().err


def test_files_of_the_process_are_for_its_user_only(home: Path) -> None:
    main(["config"])
    (home / "file").touch()
    assert (home / "file").stat().st_mode & 0o777 == 0o600


def _start(home: Path, **variables: str) -> subprocess.Popen[str]:
    environ = {"PATH": os.environ["PATH"], "TOKENHUB_HOME": str(home)}
    environ |= {f"TOKENHUB_{name}": value for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "tokenhub", "--headless"],
        env=environ,
        cwd=Path(__file__).parents[1],
        stderr=subprocess.PIPE,
        text=True,
    )


def _address(process: subprocess.Popen[str]) -> str:
    """Read the log until it tells the address."""
    assert process.stderr is not None
    for line in process.stderr:
        message: str = json.loads(line)["message"]
        if message.startswith("listening on "):
            return message.removeprefix("listening on ")
    raise AssertionError("it never listened")


def test_a_whole_process_starts_drains_and_exits_0(tmp_path: Path) -> None:
    with _start(tmp_path / "home", LISTEN_ADDR="127.0.0.1:0", RETENTION_DAYS="9") as process:
        try:
            assert process.stderr is not None
            assert "'TOKENHUB_RETENTION_DAYS'" in process.stderr.readline()
            assert _address(process).startswith("http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_a_second_instance_names_the_first_one(tmp_path: Path) -> None:
    with _start(tmp_path / "home", LISTEN_ADDR="127.0.0.1:0") as first:
        try:
            address = _address(first)
            with _start(tmp_path / "home", LISTEN_ADDR="127.0.0.1:0") as second:
                _, error = second.communicate(timeout=PATIENCE_S)
        finally:
            first.terminate()
            first.communicate(timeout=PATIENCE_S)
    assert second.returncode == 1
    assert error.startswith("tokenhub: ")
    assert str(first.pid) in error
    assert address in error
    assert error.count("\n") == 1
