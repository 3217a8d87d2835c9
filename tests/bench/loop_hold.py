"""How long one request's body may hold the event loop: `python -m tests.bench.loop_hold`.

A hub in a child process has a watchdog coroutine beside it, which notes the longest time between
two of its turns, by the clock and in CPU time of the loop's thread (what other programs on the
machine took away is not in that). Each body is sent a few times; the least of the maxima counts.
With `--translated` only long conversations are sent, to providers of each protocol.
"""

import argparse
import asyncio
import contextlib
import http.client
import itertools
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
WIDE = {"wide-gpt": ("openai", "gpt-4.1"), "wide-claude": ("anthropic", "claude-opus-5-5")}
"""Models that hold the longest conversations: who has them, and as what."""
WIDE_SIZES = {
    "max_context_tokens": 1_000_000,
    "max_output_tokens": 8192,
    "input_per_1k": 0.001,
    "output_per_1k": 0.002,
}
TICK_S = 0.001


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


async def serve(home: Path, openai: str, anthropic: str) -> None:
    """Run a watched hub until killed; print its URL, a client key and the watchdog's port."""
    hub, watchdog = Hub(config.load(environment(), home=home)), Watchdog()
    url = await hub.start()
    async with Client(url, ADMIN_TOKEN) as admin:
        key = await furnish(admin, {"openai": openai, "anthropic": anthropic})
        for name, (provider_id, upstream) in WIDE.items():
            row = {"id": name, "provider_id": provider_id, "upstream_name": upstream, **WIDE_SIZES}
            await admin.add_model(row)
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


def _of(count: int, item: str) -> str:
    return ",".join([item] * count)


def _members(count: int) -> str:
    return ",".join(f'"{number}":1' for number in range(count))


def _messages() -> dict[str, str]:
    """Messages of chat requests that are good JSON and as much work as they can be, by name."""

    def said(text: str, *, ascii_only: bool = True) -> str:
        return json.dumps({"role": "user", "content": text}, ensure_ascii=ascii_only)

    image = '{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}'
    parts = '{"role":"user","content":[%s]}'
    return {
        "1.6 MB chat": _of(1700, said("The quick brown fox jumps over the lazy dog.\n" * 20)),
        "10 MB of code": said('if (a["b"]) { c(); }\n' * 450_000),
        "20 MB image": parts % (image % ("iVBO" * (5 * MIB))),
        "31 MiB of CJK": said("鸡" * (10 * MIB), ascii_only=False),
        "31 MiB of escapes": said("鸡" * (5 * MIB)),
        "200,000 objects": _of(200_000, "{}"),
        "150,000 parts": parts % _of(150_000, '{"a":1}'),
        "150,000 messages": _of(150_000, '{"a":1}'),
        "300,000 lists": parts % _of(300_000, "[]"),
        "nested 900 deep": parts % ("[" * 900 + "]" * 900),
    }


def _fields() -> dict[str, str]:
    """Single fields of the same kind, by name."""
    return {
        "700,000 tokens": '"model":"gpt-4o","input":[{}]'.format(_of(700_000, "1")),
        "400,000 texts": '"model":"gpt-4o","input":[{}]'.format(_of(400_000, '"a"')),
        "700,000 prompts": '"model":"gpt-4o","prompt":[{}]'.format(_of(700_000, "1")),
        "600,000 scopes": '"name":"a","scopes":[{}]'.format(_of(600_000, "0")),
        "9,000 scopes": '"name":"a","scopes":[{}]'.format(_of(9_000, "0")),
        "9,000 scopes as text": '"name":"a","scopes":"[{}]"'.format(_of(9_000, "0")),
        "150,000 headers": f'"id":"a","headers":{{{_members(150_000)}}}',
        "9,000 headers": f'"id":"a","headers":{{{_members(9_000)}}}',
        "9,000 tiers": '"id":"a","tiers":[{}]'.format(_of(9_000, "{}")),
        "900 fields": _members(900),
        "1 MB name": '"name":"%s"' % ("a" * 1_000_000),
        "31 MiB name": '"name":"%s"' % ("a" * (31 * MIB)),
        "31 MiB of digits": '"max_tokens":%s' % ("1" * (31 * MIB)),
    }


def conversations() -> list[tuple[str, Body]]:
    """Long conversations with tools and thinking, each with the path that it goes to."""
    said = "The quick brown fox jumps over the lazy dog.\n" * 20
    use = {"id": "call_%d", "name": "read", "input": {"path": "a/b.py", "line": 7}}
    thought = {"type": "thinking", "thinking": said[:300], "signature": "E" * 400}
    function = {"name": "read", "arguments": json.dumps(use["input"])}
    call = {"id": "call_%d", "type": "function", "function": function}
    turns = {
        "/v1/chat/completions": [
            {"role": "user", "content": said[:200]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_%d", "content": said},
            {"role": "assistant", "content": said[:300]},
        ],
        "/v1/messages": [
            {"role": "user", "content": [{"type": "text", "text": said[:200]}]},
            {"role": "assistant", "content": [thought, {"type": "tool_use", **use}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "call_%d", "content": said}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": said[:300]}]},
        ],
    }
    tools = {
        "/v1/chat/completions": {"type": "function", "function": {"name": "read"}},
        "/v1/messages": {"name": "read", "input_schema": {"type": "object"}},
    }
    found = []
    for path, turn in turns.items():
        once = json.dumps(turn)[1:-1]
        talk = ",".join([once.replace("%d", str(n)) for n in range(1_600_000 // len(once))])
        ask = json.dumps({"role": "user", "content": "Go on."})
        for model, stream in itertools.product(WIDE, (False, True)):
            rest = {"model": model, "max_tokens": 100, "stream": stream, "tools": [tools[path]]}
            content = f'{{"messages":[{talk},{ask}],{json.dumps(rest)[1:]}'
            name = f"1.6 MB to {model}{', streamed' if stream else ''}"
            found.append((path, Body(name, content.encode(), ())))
    return found


def heavy() -> list[Body]:
    """Bodies that are good JSON, and as much work as they can be."""
    made = {name: f"{{{fields}}}" for name, fields in _fields().items()}
    for name, messages in _messages().items():
        chat = f'{{"model":"gpt-4o","messages":[{messages}]}}'
        made |= {name: chat, f"envelope of {name}": f'{{"request":{chat}}}'}
    return [Body(name, content.encode(), ()) for name, content in made.items()]


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
    """A watched hub, and a simulator of each kind for it, in processes of their own."""
    with contextlib.ExitStack() as parts:
        home = parts.enter_context(tempfile.TemporaryDirectory())
        arguments = ["-m", "tests.bench.loop_hold", "--serve", home]
        for kind in ("openai", "anthropic"):
            port = tools.free_port()
            command = ("-m", "tokenhub.simulator", "--kind", kind, "--port", str(port))
            parts.enter_context(tools.running(tools.python(*command), tools.cores()[1], port))
            arguments += [f"--{kind}", f"http://127.0.0.1:{port}"]
        with subprocess.Popen(tools.python(*arguments), stdout=subprocess.PIPE) as child:
            try:
                yield Subject(*json.loads(child.stdout.readline() if child.stdout else b""))
            finally:
                child.kill()


def show_translated(rounds: int) -> None:
    """Measure and print how long a long conversation holds the loop, translated and not."""
    print("| endpoint | body | status | hold ms | CPU ms |\n|---|---|---|---|---|")
    with subject() as hub:
        for path, body in conversations():
            holds = [hub.hold_ms(("POST", path), body) for _ in range(rounds)]
            wall, cpu = min(r[1] for r in holds), min(r[2] for r in holds)
            print(f"| {path} | {body.name} | {holds[0][0]} | {wall:.1f} | {cpu:.1f} |", flush=True)


def main() -> int:
    """Measure every body on every endpoint, and print those that hold the loop longest."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loop_hold", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times each body is sent (3)")
    parser.add_argument("--above", type=float, default=20, help="show holds above so many ms (20)")
    parser.add_argument("--only", default="", help="only paths that contain this")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--translated", action="store_true", help="only long conversations")
    parser.add_argument("--openai", help=argparse.SUPPRESS)
    parser.add_argument("--anthropic", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(options.serve, options.openai, options.anthropic))
        return 0
    if options.translated:
        show_translated(options.rounds)
        return 0
    bad, good = [*bodies.small(), *bodies.large()], heavy()
    print("| endpoint | body | status | hold ms | CPU ms |\n|---|---|---|---|---|")
    worst = 0.0
    with subject() as hub:
        for endpoint, body in itertools.product(ENDPOINTS, [*bad, *good]):
            if options.only not in endpoint[1]:
                continue
            rounds = [hub.hold_ms(endpoint, body) for _ in range(options.rounds)]
            wall, cpu = min(r[1] for r in rounds), min(r[2] for r in rounds)
            if body in bad:
                worst = max(worst, cpu)
            if wall >= options.above:
                figures = f"{rounds[0][0]} | {wall:.0f} | {cpu:.0f}"
                print(f"| {endpoint[1]} | {body.name} | {figures} |", flush=True)
    print(f"\nbad bodies: at most {worst:.0f} ms of CPU time, allowed are {LIMIT_MS:.0f}")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
