"""The program that runs one simulator."""

import asyncio
import os
import signal
import socket

import pytest

from tokenhub.simulator.__main__ import main, parse, serve


def test_a_taken_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"cannot listen on port {port}: ")


async def test_it_prints_where_it_listens_and_stops_at_sigterm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serve(parse(["--kind", "vllm", "--ttft-ms", "5"]))
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--kind", "smoke-signals"])
    assert "smoke-signals" in capsys.readouterr().err
