"""The C programs of the benchmark and the processes under test."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUILD = HERE / ".build"


class BenchError(Exception):
    """The benchmark cannot run; the message says what is missing."""


def build() -> None:
    """Compile the load generator and the mock upstream, unless they are newer than their source."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise BenchError("no C compiler found: install gcc or clang to run the benchmark")
    BUILD.mkdir(exist_ok=True)
    for name in ("load", "mock"):
        source, program = HERE / f"{name}.c", BUILD / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run([compiler, "-O2", "-w", "-o", program, source], check=True)


def cores() -> tuple[int, int]:
    """The core of the proxy, and of everything else (the same where there is but one)."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], core: int, port: int, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run `command` on `core` and give its pid once it listens on `port`."""
    process = subprocess.Popen(
        command, env=env, preexec_fn=lambda: os.sched_setaffinity(0, {core}), stderr=subprocess.PIPE
    )
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"{process.args!r} ended: {process.communicate()[1].decode()[-500:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.005)
    raise BenchError(f"{process.args!r} does not listen on port {port}")


def load(
    port: int,
    case: tuple[int, str, Path],
    seconds: float,
    headers: Sequence[str],
    requests: int = 0,
    path: str = "/v1/chat/completions",
) -> dict[str, Any]:
    """Run the load generator for (concurrency, `json` or `sse`, body file); return its figures."""
    concurrency, mode, body = case
    _, core = cores()
    command = [
        str(BUILD / "load"), f"127.0.0.1:{port}", path,
        str(concurrency), str(seconds), mode, str(body), *headers,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        env={**os.environ, "MAXREQ": str(requests)} if requests else None,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        timeout=seconds + 90,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["err"] or not figures["n"]:
        raise BenchError(f"{figures['err']} of the requests failed: {figures['lasterr']}")
    return figures


def cpu_s(pid: int) -> float:
    """Processor seconds that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of the process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise BenchError(f"process {pid} has no VmRSS")


def post(url: str, body: Mapping[str, Any], token: str) -> dict[str, Any]:
    """POST JSON and return the JSON that comes back."""
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            result: dict[str, Any] = json.load(answer)
            return result
    except urllib.error.HTTPError as error:
        raise BenchError(f"POST {url}: {error.code} {error.read()[:300]!r}") from None


def python(*arguments: str) -> list[str]:
    """The command line of this interpreter with `arguments`."""
    return [sys.executable, *arguments]
