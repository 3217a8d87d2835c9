"""Every client with every provider: what it asks arrives, and what is answered comes back.

A cell is `same` where the provider speaks the client's own protocol: then the bytes of the answer
are the provider's. Where it is `translated` the answer means the same, as told by the official SDK
of either protocol, and so does the request. What cannot be said is `refused` before anything is
sent.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest
import pytest_asyncio

from tests.support.cast import LLAMA
from tests.support.conformance.asks import Ask
from tests.support.conformance.features import (
    CLIENTS,
    ONE_API,
    PROVIDERS,
    Fault,
    Feature,
    kind_of,
)
from tests.support.conformance.hearing import heard, meant
from tests.support.conformance.losses import arrives
from tests.support.conformance.sayings import Saying, saying
from tests.support.conformance.stage import Charge, Passed, Reply, Stage
from tests.support.conformance.table import FEATURES, in_readme, markdown
from tests.support.conformance.tokens import cost_nano
from tests.support.conformance.writing import body_of

MODELS: Final = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "vllm": LLAMA}


def is_told(feature: Feature, client: str, provider: str, *, stream: bool) -> bool:
    """Whether there is such a cell.

    The hub's own errors are the same whichever API a provider lacks; each costs two repetitions.
    """
    outcome = feature.outcome(client, provider)
    repeated = provider in ONE_API and outcome.startswith("own ")
    return outcome != "—" and not repeated and (stream or feature.wholes)


CELLS: Final = [
    pytest.param(feature, client, provider, stream, id=f"{feature.name}-{client}-{provider}-{form}")
    for feature in FEATURES
    for client in CLIENTS
    for provider in (*PROVIDERS, *ONE_API)
    for stream, form in ((False, "plain"), (True, "stream"))
    if is_told(feature, client, provider, stream=stream)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with Stage() as made:
        yield made
        await made.settle()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("feature", "client", "provider", "stream"), CELLS)
async def test_every_client_works_with_every_provider(
    stage: Stage, feature: Feature, client: str, provider: str, stream: bool
) -> None:
    kind = kind_of(provider)
    model = feature.models.get(kind, MODELS[kind])
    ask = feature.ask(client)
    if feature.fresh:
        ask = replace(ask, system=f"You are asked by {client} at {provider}, stream: {stream}.")
    body = body_of(client, ask, f"{provider}/{model}", stream=stream)
    tap = await stage.play(provider, feature.profile_of(kind))
    for _ in range(feature.asked_before):
        await stage.ask(client, body)
    reply = await stage.ask(client, body)
    if field := feature.refused_field(client, provider):
        assert tap.calls == []
        judge_refusal(reply, client, field)
        return
    call = tap.calls[-1]
    assert call.api == feature.api(client, provider)
    judge_request(call, ask, model, client, stream=stream)
    if (fault := feature.fault_at(provider)) is not None:
        judge_fault(reply, call, fault, client, stream=stream)
        return
    told = judge_answer(reply, call, feature, client)
    assert told.tokens is not None
    nano = cost_nano(model, told.tokens)
    stage.owes(reply, Charge(provider, model, told.tokens.merged, nano))
    warning = feature.warning(client, provider)
    assert reply.header("x-tokenhub-warning") == (warning and f"left out: {warning}")


def test_the_readme_has_the_table_as_it_is_tested() -> None:
    assert in_readme() == markdown()


def api_of(client: str) -> str:
    return "chat" if client == "own" else client


def judge_refusal(reply: Reply, client: str, field: str) -> None:
    """A 400 of the client's protocol that names the field."""
    assert reply.wire.status == 400, reply.wire.body
    error = reply.json["error"]
    assert error["message"].startswith(f"{field}: "), error
    if client in ("chat", "responses"):
        assert error["param"] == field
    if client == "messages":
        assert (reply.json["type"], error["type"]) == ("error", "invalid_request_error")


def judge_request(call: Passed, ask: Ask, model: str, client: str, *, stream: bool) -> None:
    """The provider was asked for what the client asked."""
    sent = json.loads(call.asked)
    assert sent["model"] == model
    assert sent.get("stream", False) is stream
    if stream and call.api == "chat":
        assert sent["stream_options"] == {"include_usage": True}
    if call.api == api_of(client):
        own = body_of(api_of(client), ask, model, stream=stream)
        assert sent == own
    elif not (ask.more or {}).keys() & {"messages", "input", "tools"}:
        assert heard(call.api, sent) == meant(ask, call.api)


def judge_fault(reply: Reply, call: Passed, fault: Fault, client: str, *, stream: bool) -> None:
    """The client's SDK raises what it raises for such an error of its own service."""
    wire = reply.wire
    assert wire.status == fault.status, wire.body
    said = saying("chat" if client == "own" else client, wire, strict=False)
    error = said.error
    if client == "own" and fault.ours:
        assert reply.json["error"]["code"] == fault.openai
        return
    assert error is not None
    assert error.status in (wire.status, None)
    assert (reply.header("retry-after") is not None) is (fault.status == 429)
    if not fault.ours and api_of(client) == call.api:
        ended_by_error = call.answer.body.removesuffix(b"data: [DONE]\n\n")
        assert wire.body.startswith(ended_by_error)
        return
    if client == "messages":
        assert error.kind == fault.anthropic
    elif fault.openai:
        assert error.kind == fault.openai
    if fault.openai == "context_length_exceeded":
        words = "prompt is too long" if client == "messages" else "maximum context length"
        assert words in error.message
    elif not fault.ours:
        cause = saying(call.api, call.answer, strict=False).error
        assert cause is not None
        assert cause.message in error.message
    if stream and wire.status == 200:
        assert said.text or said.calls or said.thinking


def judge_answer(reply: Reply, call: Passed, feature: Feature, client: str) -> Saying:
    """The client gets what the provider said; returned as the provider's SDK reads it."""
    wire, api = reply.wire, api_of(client)
    assert wire.status == 200, wire.body
    told = saying(call.api, call.answer, strict=False)
    assert told.error is None
    assert feature.shows is None or feature.shows(told), told
    if client == "own" and not wire.stream:
        envelope = json.loads(wire.body)
        assert (envelope["negotiated_model"], envelope["negotiated_provider"]) == (
            reply.header("x-tokenhub-model"),
            reply.header("x-tokenhub-provider"),
        )
        inner = json.dumps(envelope["response"]).encode()
        wire = type(wire)(wire.status, wire.headers, inner, stream=False)
    if api == call.api:
        assert reply.wire.body == call.answer.body or (
            client == "own" and reply.wire.body.endswith(b'"response":' + call.answer.body + b"}")
        )
        return told
    if client == "messages":
        assert reply.header("request-id") == reply.request_id
    got = saying(api, wire, strict=True)
    assert got.error is None, got.error
    due = arrives(told, api)
    if api == "chat":
        assert got.seals == []
    elif told.seals:
        assert got.seals == told.seals
    else:
        assert len(got.seals) == bool(told.thinking)
        assert all(seal.startswith("tokenhub-") for seal in got.seals)
    due.seals = got.seals
    assert got == due
    return told
