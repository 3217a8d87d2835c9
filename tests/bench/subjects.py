"""What is measured: the upstream itself, the pass-through in front of it, and TokenHub."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import tools

MODELS = ("mock", "mock-5ms", *(f"model-{n}" for n in range(8)))


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that answers chat completions on a port of loopback."""

    name: str
    port: int
    pid: int
    headers: tuple[str, ...] = ()


@contextlib.contextmanager
def direct() -> Iterator[Subject]:
    """The mock upstream itself, on the load generator's core."""
    port = tools.free_port()
    with tools.running([tools.BUILD / "mock", str(port)], tools.cores()[1], port) as pid:
        yield Subject("direct", port, pid)


@contextlib.contextmanager
def passthrough(upstream: Subject) -> Iterator[Subject]:
    """The plain aiohttp proxy."""
    port = tools.free_port()
    command = tools.python(
        "-m", "tests.bench.passthrough", str(port), f"http://127.0.0.1:{upstream.port}"
    )
    with tools.running(command, tools.cores()[0], port) as pid:
        yield Subject("pass-through", port, pid)


class Hub:
    """A TokenHub on a home of its own, set up with ten models and a key without a tight limit."""

    def __init__(self, home: Path, upstream: Subject) -> None:
        self.port = tools.free_port()
        self._url = f"http://127.0.0.1:{self.port}"
        self._admin_token = secrets.token_hex(32)
        self._upstream = upstream
        self._env = {
            **os.environ,
            "TOKENHUB_HOME": str(home),
            "TOKENHUB_LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "TOKENHUB_ADMIN_TOKEN": self._admin_token,
            "TOKENHUB_LOG_LEVEL": "warn",
        }
        self._key = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Subject]:
        """Run the hub; the first run sets it up."""
        command = tools.python("-m", "tokenhub", "--headless")
        with tools.running(command, tools.cores()[0], self.port, self._env) as pid:
            if not self._key:
                self._set_up()
            yield Subject("TokenHub", self.port, pid, self.headers)

    @property
    def headers(self) -> tuple[str, ...]:
        """The request headers that its clients send."""
        return (f"Authorization: Bearer {self._key}",)

    def start_s(self, body: Path) -> float:
        """Seconds from the start of the process to its first served request."""
        began = time.perf_counter()
        with self.running() as subject:
            tools.load(subject.port, (1, "json", body), 5, subject.headers, requests=1)
            return time.perf_counter() - began

    def _set_up(self) -> None:
        admin = f"{self._url}/admin/v1"
        upstream = f"http://127.0.0.1:{self._upstream.port}"
        provider = {"id": "mock", "type": "openai", "base_url": upstream}
        tools.post(f"{admin}/providers", provider, self._admin_token)
        for name in MODELS:
            prices = {"input_per_1k": 0.0025, "output_per_1k": 0.01}
            model = {"id": name, "provider_id": "mock", "max_context_tokens": 128_000, **prices}
            tools.post(f"{admin}/models", model, self._admin_token)
        key = {"name": "bench", "rate_limit_rps": 1_000_000}
        self._key = str(tools.post(f"{admin}/apikeys", key, self._admin_token)["key"])
