"""The simulator itself: its record of calls, keys, switches, start and end."""

import asyncio
import json
import sys
from typing import Any

import aiohttp
import pytest

from tests.simulator.raw import Raw
from tokenhub.simulator import Call, Failure, Profile, Simulator
from tokenhub.simulator.calls import CallLog

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


def call(number: int, body: bytes = b"") -> Call:
    return Call(number, "POST", "/", "", (("A", "1"), ("a", "2")), body, 0.0)


async def test_a_call_is_kept_to_the_byte(openai_sim: Simulator, raw: Raw) -> None:
    body = b'{ "model":"gpt-4o" , "messages":[ {"role":"user","content":"\xc3\xa9"} ], "n":1.0e0 }'
    url = f"{openai_sim.base_url}/v1/chat/completions?beta=true"
    await raw.send("POST", url, body, {"X-Case": "Kept"})
    (kept,) = openai_sim.calls
    assert kept.body == body
    assert (kept.method, kept.path, kept.query) == ("POST", "/v1/chat/completions", "beta=true")
    assert ("X-Case", "Kept") in kept.headers
    assert kept.header("x-case") == "Kept"
    assert kept.header("absent") is None
    assert kept.json["n"] == 1
    assert kept.ended
    assert not kept.aborted
    openai_sim.clear_calls()
    assert openai_sim.calls == []


async def test_waiting_for_a_call_ends_when_it_comes(openai_sim: Simulator, raw: Raw) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(openai_sim.wait_for_call(lambda c: c.path.endswith("/gpt-4o")))
        await raw.get(f"{openai_sim.base_url}/v1/models")
        await raw.get(f"{openai_sim.base_url}/v1/models/gpt-4o")
    assert waiting.result().number == 2
    with pytest.raises(TimeoutError):
        await openai_sim.wait_for_call(lambda c: c.number == 9, timeout_s=0.01)


async def test_the_record_is_bounded_in_calls_and_bytes() -> None:
    log = CallLog(max_calls=2, max_bytes=10)
    for number in range(1, 4):
        await log.add(call(number))
    assert [kept.number for kept in log.all] == [2, 3]
    await log.add(call(4, b"x" * 11))
    assert [kept.number for kept in log.all] == [4]


def test_a_call_shows_neither_headers_nor_body() -> None:
    shown = repr(call(1, b"secret"))
    assert "secret" not in shown
    assert "headers" not in shown


@pytest.mark.parametrize(
    ("kind", "headers", "words"),
    [
        ("openai", {}, "You didn't provide an API key."),
        ("openai", {"authorization": "Bearer sk-wrong-key-123456"}, "sk-wrong*******3456"),
        ("anthropic", {}, "x-api-key header is required"),
        ("anthropic", {"x-api-key": "wrong"}, "invalid x-api-key"),
        ("anthropic", {"authorization": "Bearer wrong"}, "Invalid bearer token"),
    ],
)
async def test_a_wrong_key_is_refused(
    raw: Raw, kind: str, headers: dict[str, str], words: str
) -> None:
    async with Simulator(kind, api_key="right") as simulator:
        answer = await raw.get(f"{simulator.base_url}/v1/models", **headers)
    assert answer.status == 401
    assert words in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("openai", {"authorization": "Bearer right"}),
        ("vllm", {"authorization": "Bearer right"}),
        ("anthropic", {"x-api-key": "right"}),
        ("anthropic", {"authorization": "Bearer right"}),
    ],
)
async def test_the_right_key_is_taken(raw: Raw, kind: str, headers: dict[str, str]) -> None:
    async with Simulator(kind, api_key="right") as simulator:
        answer = await raw.get(f"{simulator.base_url}/v1/models", **headers)
    assert answer.status == 200


async def test_the_services_headers_are_there(
    openai_sim: Simulator, anthropic_sim: Simulator, raw: Raw
) -> None:
    answer = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", BODY)
    assert answer.headers["x-request-id"].startswith("req_")
    assert int(answer.headers["openai-processing-ms"]) > 0
    assert answer.headers["x-ratelimit-remaining-requests"] == "9999"
    answer = await raw.post(f"{anthropic_sim.base_url}/v1/messages", {})
    assert answer.headers["anthropic-ratelimit-tokens-limit"] == "2400000"
    assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


async def test_another_process_can_switch_the_profile_and_read_the_calls(
    openai_sim: Simulator, raw: Raw
) -> None:
    base = f"{openai_sim.base_url}/_simulator"
    wanted = Profile(ttft_ms=1, failure=Failure.answer(503, headers={"a": "b"}), fail_next=1)
    switched = await raw.send("PUT", f"{base}/profile", json.dumps(wanted.to_json()).encode())
    assert switched.status == 200
    assert openai_sim.profile == wanted
    assert (await raw.get(f"{base}/profile")).json == json.loads(json.dumps(wanted.to_json()))
    failed = await raw.post(f"{openai_sim.base_url}/v1/chat/completions", BODY)
    assert failed.status == 503
    (seen,) = (await raw.get(f"{base}/calls")).json["calls"]
    assert seen["status"] == 503
    assert seen["failed"]
    assert '"Hello"' in seen["body"]
    assert (await raw.send("DELETE", f"{base}/calls")).status == 204
    assert openai_sim.calls == []
    assert (await raw.get(f"{base}/else")).status == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Expecting property name"),
        (b"[]", "expected an object, got []"),
        (b'{"speed": 1}', "'speed'"),
        (b'{"jitter": 2}', "jitter: expected a number from 0 to 1, got 2"),
        (b'{"ttft_ms": "fast"}', "ttft_ms: expected a number from 0 to inf, got 'fast'"),
        (b'{"failure": {"kind": "explode"}}', "explode"),
    ],
)
async def test_a_wrong_profile_is_refused_and_changes_nothing(
    openai_sim: Simulator, raw: Raw, body: bytes, words: str
) -> None:
    before = openai_sim.profile
    answer = await raw.send("PUT", f"{openai_sim.base_url}/_simulator/profile", body)
    assert answer.status == 400
    assert words in answer.json["error"]
    assert openai_sim.profile is before


async def test_a_closed_simulator_refuses_connections_and_can_start_again(raw: Raw) -> None:
    simulator = Simulator("openai")
    base_url = await simulator.start()
    await simulator.close()
    await simulator.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await raw.get(f"{base_url}/v1/models")
    assert await simulator.start(int(base_url.rsplit(":", 1)[1])) == base_url
    assert (await raw.get(f"{base_url}/v1/models")).status == 200
    await simulator.close()


async def test_two_simulators_of_one_seed_answer_alike(raw: Raw) -> None:
    async def answers() -> list[Any]:
        async with Simulator("openai", seed=5, now=lambda: 1.7e9) as simulator:
            url = f"{simulator.base_url}/v1/chat/completions"
            return [(await raw.post(url, BODY)).body for _ in range(2)]

    assert await answers() == await answers()


@pytest.mark.parametrize("kind", ["openai", "anthropic", "vllm"])
async def test_one_runs_by_itself_until_it_is_told_to_stop(raw: Raw, kind: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tokenhub.simulator",
        "--kind",
        kind,
        "--models",
        "mine",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        base_url = (await process.stdout.readline()).decode().strip()
        listed = await raw.get(f"{base_url}/v1/models")
        process.terminate()
        assert await process.wait() == 0
    assert [item["id"] for item in listed.json["data"]] == ["mine"]
