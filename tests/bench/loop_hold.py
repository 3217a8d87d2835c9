"""How long one request's body may hold the event loop: `python -m tests.bench.loop_hold`.

A hub in a child process has a watchdog coroutine beside it, which notes the longest time between
two of its turns, by the clock and in CPU time of the loop's thread (what other programs on the
machine took away is not in that). Each body is sent a few times; the least of the maxima counts.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import tools
from tests.life import bodies
from tests.life.bodies import MIB, Body
from tests.support.cast import ADMIN_TOKEN, environment, furnish
from tokenhub import config
from tokenhub.client import Client
from tokenhub.hub import Hub

LIMIT_MS = 50.0
TICK_S = 0.001
TYPED = {"Content-Type": "application/json"}


class Watchdog:
    """Notes the longest hold of the loop it runs on since it was last asked."""

    def __init__(self) -> None:
        self._wall_s = self._cpu_s = 0.0

    async def watch(self) -> None:
        """Run until cancelled."""
        while True:
            wall, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK_S)
            self._wall_s = max(self._wall_s, time.monotonic() - wall - TICK_S)
            self._cpu_s = max(self._cpu_s, time.thread_time() - cpu)

    async def tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection with both maxima in ms, and begin anew."""
        await asyncio.sleep(2 * TICK_S)  # a hold that just ended is noted first
        writer.write(json.dumps([self._wall_s * 1000, self._cpu_s * 1000]).encode())
        self._wall_s = self._cpu_s = 0.0
        writer.close()
        await writer.wait_closed()


async def serve(home: Path, upstream: str) -> None:
    """Run a watched hub until killed; print its URL, a client key and the watchdog's port."""
    hub, watchdog = Hub(config.load(environment(), home=home)), Watchdog()
    url = await hub.start()
    async with Client(url, ADMIN_TOKEN) as admin:
        key = await furnish(admin, {"openai": upstream, "anthropic": upstream})
    listener = await asyncio.start_server(watchdog.tell, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    print(json.dumps([url, key, port]), flush=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watchdog.watch(), name="watchdog")


@dataclass(frozen=True)
class Subject:
    """The child's hub: where it is, a key for it, and where its watchdog answers."""

    url: str
    key: str
    watchdog_port: int

    def hold_ms(self, endpoint: tuple[str, str], body: Body) -> tuple[int, float, float]:
        """Send `body`; return the status and the longest hold by the clock and in CPU time."""
        method, path = endpoint
        self._asked()
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        token = ADMIN_TOKEN if path.startswith("/admin") else self.key
        headers = {**body.headers, "Authorization": f"Bearer {token}"}
        content = _pieces(body.content) if body.chunked else body.content
        with contextlib.suppress(ConnectionError):  # refused before it was all sent
            connection.request(method, path, content, headers, encode_chunked=body.chunked)
        try:
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0
        connection.close()
        return status, *self._asked()

    def _asked(self) -> tuple[float, float]:
        with socket.create_connection(("127.0.0.1", self.watchdog_port), 60) as asked:
            wall, cpu = json.loads(asked.makefile("rb").read())
        return wall, cpu


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


def heavy() -> list[Body]:
    """Bodies that are good JSON, and as much work as they can be."""
    text = "The quick brown fox jumps over the lazy dog.\n" * 20
    turn = json.dumps({"role": "user", "content": text})
    image = (
        '{"type":"image_url","image_url":{"url":"data:image/png;base64,'
        + "iVBO" * (5 * MIB)
        + '"}}'
    )
    chats = {
        "1.6 MB chat": ",".join([turn] * 1700),
        "10 MB of code": json.dumps(
            {"role": "user", "content": 'if (a["b"]) { c(); }\n' * 450_000}
        ),
        "20 MB image": '{"role":"user","content":[' + image + "]}",
        "31 MiB of CJK": json.dumps(
            {"role": "user", "content": "鸡" * (10 * MIB)}, ensure_ascii=False
        ),
        "31 MiB of escapes": json.dumps({"role": "user", "content": "鸡" * (5 * MIB)}),
        "200,000 objects": ",".join(["{}"] * 200_000),
        "150,000 parts": '{"role":"user","content":[' + ",".join(['{"a":1}'] * 150_000) + "]}",
        "150,000 messages": ",".join(['{"a":1}'] * 150_000),
        "300,000 lists": '{"role":"user","content":[' + ",".join(["[]"] * 300_000) + "]}",
        "nested 900 deep": '{"role":"user","content":' + "[" * 900 + "]" * 900 + "}",
    }
    members = {
        "700,000 tokens": ("input", ",".join(["1"] * 700_000)),
        "700,000 prompts": ("prompt", ",".join(["1"] * 700_000)),
        "400,000 texts": ("input", ",".join(['"a"'] * 400_000)),
    }
    made = [
        (name, f'{{"model":"gpt-4o","max_tokens":9,"messages":[{c}]}}') for name, c in chats.items()
    ]
    made += [(name, f'{{"model":"gpt-4o","{k}":[{c}]}}') for name, (k, c) in members.items()]
    made += [
        (
            "envelope of a 20 MB image",
            f'{{"request":{{"model":"gpt-4o","messages":[{chats["20 MB image"]}]}}}}',
        ),
        (
            "envelope of 200,000 objects",
            f'{{"request":{{"model":"gpt-4o","messages":[{chats["200,000 objects"]}]}}}}',
        ),
        (
            "envelope of 10 MB of code",
            f'{{"request":{{"model":"gpt-4o","messages":[{chats["10 MB of code"]}]}}}}',
        ),
        ("600,000 scopes", '{"name":"a","scopes":[' + ",".join(["0"] * 600_000) + "]}"),
        ("50,000 scopes", '{"name":"a","scopes":[' + ",".join(["0"] * 50_000) + "]}"),
        (
            "scopes as text",
            json.dumps({"name": "a", "scopes": "[" + ",".join(["0"] * 600_000) + "]"}),
        ),
        (
            "150,000 headers",
            '{"id":"a","headers":{' + ",".join(f'"{n}":1' for n in range(150_000)) + "}}",
        ),
        ("31 MiB name", '{"name":"' + "a" * (31 * MIB) + '"}'),
        ("31 MiB password", '{"admin_password":"' + "a" * (31 * MIB) + '"}'),
        ("1 MB name", '{"name":"' + "a" * 1_000_000 + '"}'),
        ("9,000 scopes", '{"name":"a","scopes":[' + ",".join(["0"] * 9_000) + "]}"),
        (
            "9,000 headers",
            '{"id":"a","headers":{' + ",".join(f'"{n}":1' for n in range(9_000)) + "}}",
        ),
        ("9,000 tiers", '{"id":"a","tiers":[' + ",".join(["{}"] * 9_000) + "]}"),
        ("31 MiB of digits", '{"max_tokens":' + "1" * (31 * MIB) + "}"),
        ("900 fields", "{" + ",".join(f'"{n}":1' for n in range(900)) + "}"),
    ]
    return [Body(name, content.encode(), (), headers=TYPED) for name, content in made]


ENDPOINTS = (
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/chat"),
    ("POST", "/admin/v1/providers"),
    ("POST", "/admin/v1/models"),
    ("POST", "/admin/v1/apikeys"),
    ("POST", "/admin/v1/vault/init"),
    ("POST", "/admin/v1/vault/lock"),
    ("PUT", "/admin/v1/routing-config"),
)


@contextlib.contextmanager
def subject() -> Iterator[Subject]:
    """A watched hub, and a simulator for it, in processes of their own."""
    port = tools.free_port()
    simulator = tools.python("-m", "tokenhub.simulator", "--kind", "openai", "--port", str(port))
    with tempfile.TemporaryDirectory() as home, tools.running(simulator, tools.cores()[1], port):
        upstream = f"http://127.0.0.1:{port}"
        arguments = ("-m", "tests.bench.loop_hold", "--serve", home, "--upstream", upstream)
        with subprocess.Popen(tools.python(*arguments), stdout=subprocess.PIPE) as child:
            try:
                yield Subject(*json.loads(child.stdout.readline() if child.stdout else b""))
            finally:
                child.kill()


def main() -> int:
    """Measure every body on every endpoint, and print those that hold the loop longest."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loop_hold", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times each body is sent (3)")
    parser.add_argument("--above", type=float, default=20, help="show holds above so many ms (20)")
    parser.add_argument("--only", default="", help="only paths that contain this")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--upstream", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(options.serve, options.upstream))
        return 0
    sent = [*bodies.small(), *bodies.large(), *heavy()]
    print("| endpoint | body | status | hold ms | CPU ms |\n|---|---|---|---|---|")
    worst = 0.0
    with subject() as hub:
        for endpoint in ENDPOINTS:
            if options.only not in endpoint[1]:
                continue
            for body in sent:
                rounds = [hub.hold_ms(endpoint, body) for _ in range(options.rounds)]
                wall, cpu = min(r[1] for r in rounds), min(r[2] for r in rounds)
                worst = max(worst, cpu)
                if wall >= options.above:
                    mark = " **over**" if cpu > LIMIT_MS else ""
                    figures = f"{rounds[0][0]} | {wall:.0f} | {cpu:.0f}{mark}"
                    print(f"| {endpoint[1]} | {body.name} | {figures} |", flush=True)
    print(f"\nlongest: {worst:.0f} ms of CPU time, at most {LIMIT_MS:.0f} are allowed")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
