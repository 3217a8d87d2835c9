"""What translation adds in CPU time: `python -m tests.bench.translated`.

For each client's protocol and each provider's other one: a request of 1 KB (read, judged, written),
a whole answer of 1 KB, and one text event of a stream, beside what the same event costs where it is
passed on. Then the same through a whole hub, where a C compiler is: chat passed on, and messages
that become chat. The least of some rounds counts, in microseconds of one core.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench import tools
from tests.bench.subjects import Hub, Subject, direct
from tokenhub.types import Api
from tokenhub.wire.body import parse
from tokenhub.wire.stream import reader_for
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.interpreter import Interpreter
from tokenhub.wire.translation.reply import Setting

TEXT: Final = ("The quick brown fox jumps over the lazy dog. " * 20)[:850]
ROUNDS: Final = 7
REQUESTS: Final = 300
EVENTS: Final = 3000
APIS: Final = (Api.CHAT, Api.MESSAGES, Api.RESPONSES)
BODIES: Final[Mapping[Api, dict[str, Any]]] = {
    Api.CHAT: {"messages": [{"role": "user", "content": TEXT}]},
    Api.MESSAGES: {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 500},
    Api.RESPONSES: {"input": TEXT, "store": False},
}
USAGE: Final = {"input_tokens": 20, "output_tokens": 220, "total_tokens": 240}
ANSWERS: Final[Mapping[Api, dict[str, Any]]] = {
    Api.CHAT: {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 220},
    },
    Api.MESSAGES: {
        "id": "msg_1",
        "type": "message",
        "model": "m",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": USAGE,
    },
    Api.RESPONSES: {
        "id": "resp_1",
        "object": "response",
        "model": "m",
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
            }
        ],
        "usage": USAGE,
    },
}
_RESPONSE: Final = {"id": "resp_1", "object": "response", "model": "m", "output": []}
_PLACE: Final = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
OPENINGS: Final[Mapping[Api, list[dict[str, Any]]]] = {
    Api.CHAT: [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}],
    Api.MESSAGES: [
        {"type": "message_start", "message": {"model": "m", "usage": USAGE}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
    ],
    Api.RESPONSES: [
        {"type": "response.created", "response": _RESPONSE},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []},
        },
        {
            "type": "response.content_part.added",
            **_PLACE,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
    ],
}


def _chunk(api: Api, text: str) -> dict[str, Any]:
    if api is Api.CHAT:
        choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
        head = {"id": "chatcmpl-123456789", "object": "chat.completion.chunk", "created": 1}
        return {**head, "model": "m", "system_fingerprint": "fp_1", "choices": [choice]}
    if api is Api.MESSAGES:
        delta = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": delta}
    kind = "response.output_text.delta"
    return {"type": kind, "sequence_number": 7, **_PLACE, "delta": text, "logprobs": []}


def event(value: dict[str, Any]) -> bytes:
    """`value` as an event, named by its type where it has one."""
    name = f"event: {value['type']}\n" if "type" in value else ""
    return f"{name}data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def least_us(work: Callable[[], object], times: int) -> float:
    """The least CPU time of one call of `work`, which does `times` things, for one of them."""
    found = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found) / times * 1e6


def setting() -> Setting:
    return Setting("req_1", 1_700_000_000, "m", 20)


def request_us(client: Api, spoken: Api) -> float:
    """A request of `client` for a provider of `spoken`, without its parsing."""
    document = parse(json.dumps({"model": "m", **BODIES[client]}).encode())
    aim = Aim("theirs", 4096, lambda _: Origin.UNKNOWN)

    def work() -> None:
        for _ in range(REQUESTS):
            interpreter = Interpreter(client, document)
            if interpreter.obstacle(spoken) is None:
                interpreter.write(spoken, aim)

    return least_us(work, REQUESTS)


def answer_us(client: Api, spoken: Api) -> float:
    """A whole answer of `spoken` for `client`; it was parsed to read its usage."""
    value = ANSWERS[spoken]
    body = json.dumps(value).encode()

    def work() -> None:
        for _ in range(REQUESTS):
            translator.answer(spoken, client, body, value, setting())

    return least_us(work, REQUESTS)


def event_us(client: Api, spoken: Api) -> float:
    """One event of text of `spoken` for `client`; read only, where they are the same."""
    opening = [event(value) for value in OPENINGS[spoken]]
    texts = [event(_chunk(spoken, f" word{n % 97}")) for n in range(EVENTS)]

    def passed() -> None:
        reader = reader_for(spoken)
        for one in itertools.chain(opening, texts):
            reader.read(one)

    def told() -> None:
        reader, teller = reader_for(spoken), translator.stream(spoken, client, setting())
        reader.skims = False
        for one in itertools.chain(opening, texts):
            reader.read(one)
            if reader.value is not None:
                teller.event(reader.value)
            teller.writer.take()

    return least_us(passed if client is spoken else told, EVENTS)


def show_functions() -> None:
    """Print what the functions of translation cost, for each pair."""
    print("| client | provider | request µs | answer µs | event µs | passed on µs |")
    print("|---|---|---|---|---|---|")
    for client, spoken in itertools.permutations(APIS, 2):
        costs = (
            request_us(client, spoken),
            answer_us(client, spoken),
            event_us(client, spoken),
            event_us(spoken, spoken),
        )
        print(f"| {client} | {spoken} | {' | '.join(f'{cost:.1f}' for cost in costs)} |")


def road_us(subject: Subject, api: Api, *, stream: bool, folder: Path, seconds: float) -> float:
    """CPU time of the hub for one request of `api`; the mock behind it has chat only."""
    body: dict[str, Any] = {"model": "mock", **BODIES[api]}
    if stream:
        body["stream"] = True
        if api is Api.CHAT:
            body["stream_options"] = {"include_usage": True}
    file = folder / f"{api}-{stream}.json"
    file.write_text(json.dumps(body, separators=(",", ":")))
    path = "/v1/messages" if api is Api.MESSAGES else "/v1/chat/completions"
    before = tools.cpu_s(subject.pid)
    case = (4, "sse" if stream else "json", file)
    figures = tools.load(subject.port, case, seconds, subject.headers, path=path)
    return (tools.cpu_s(subject.pid) - before) / float(figures["n"]) * 1e6


def show_road(rounds: int, seconds: float) -> None:
    """Print what a translated request and chunk cost through a whole hub, and passed on."""
    tools.build()
    costs: dict[tuple[Api, bool], list[float]] = {}
    with tempfile.TemporaryDirectory() as name, direct() as upstream:
        folder = Path(name)
        with Hub(folder / "home", upstream).running() as subject:
            ways = list(itertools.product((Api.CHAT, Api.MESSAGES), (False, True)))
            for n, (api, stream) in itertools.product(range(rounds + 1), ways):
                cost = road_us(subject, api, stream=stream, folder=folder, seconds=seconds)
                if n:  # the first round only warms up
                    costs.setdefault((api, stream), []).append(cost)
    least = {way: min(found) for way, found in costs.items()}
    print("\n| through the hub | passed on µs | translated µs | added µs |\n|---|---|---|---|")
    for stream, what in ((False, "1 KB request and answer"), (True, "stream of 100 chunks")):
        passed, told = least[Api.CHAT, stream], least[Api.MESSAGES, stream]
        print(f"| {what} | {passed:.0f} | {told:.0f} | {told - passed:.0f} |")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.translated", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds through the hub (3)")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of each round (3)")
    options = parser.parse_args()
    show_functions()
    try:
        show_road(options.rounds, options.seconds)
    except tools.BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
