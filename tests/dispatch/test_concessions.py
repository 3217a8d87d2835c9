"""What a call is repeated without, how often, and what is remembered of it."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.dispatch.fakes import (
    DEPLOYMENT,
    DONE,
    FINISH,
    HI,
    PROVIDER,
    Response,
    Road,
    Upstream,
    chunk,
    clock,
    named,
    order,
    order_of,
)
from tokenhub.dispatch import concessions
from tokenhub.dispatch.failover import MAX_CALLS, Failover, Rest
from tokenhub.dispatch.order import Order, Progress, ProviderAnswer
from tokenhub.dispatch.retry_budget import RetryBudget
from tokenhub.dispatch.target import Target
from tokenhub.errors import AllFailed, UpstreamError
from tokenhub.types import Api, Deployment
from tokenhub.wire.thinking import seals_in
from tokenhub.wire.translation.interpreter import LONG_BYTES

THINKING = {"type": "enabled", "budget_tokens": 8192}
SEALED = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
SAID = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
CHAT_ANSWER = json.dumps({"choices": [{"message": {"content": "Hi"}}]}).encode()
ANSWER = json.dumps({"status": "completed", "model": "m", "output": [SEALED, SAID]}).encode()
SUMMARY = "the summary of the thinking"


def refusing(message: str, **error: Any) -> Response:
    body = {"error": {"message": message, "type": "invalid_request_error", **error}}
    return Response(json.dumps(body).encode(), status=400)


def no_summary() -> Response:
    message = "Your organization must be verified to generate reasoning summaries."
    return refusing(message, param="reasoning.summary", code="unsupported_value")


def no_effort() -> Response:
    message = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
    return refusing(message, param="reasoning.effort")


def no_such_effort(param: str = "reasoning.effort") -> Response:
    message = "Unsupported value: 'max' is not supported with the 'm' model. Supported values are:"
    return refusing(f"{message} 'low', and 'high'.", param=param, code="unsupported_value")


def no_usage() -> Response:
    return refusing("Unrecognized request argument supplied: stream_options")


def no_effort_in_chat() -> Response:
    return refusing("Unrecognized request argument supplied: reasoning_effort")


def events() -> Response:
    done = {"status": "completed", "output": [SEALED, SAID]}
    return Response(
        named("response.created", response={"status": "in_progress"}),
        named("response.output_text.delta", output_index=1, delta="Hi"),
        named("response.completed", response=done),
    )


def whole() -> Response:
    return Response(chunk("a"), FINISH, DONE)


def by_responses(*answers: Any) -> Road:
    return Road(Upstream(*answers), PROVIDER, Api.RESPONSES)


def asks(**fields: Any) -> Order:
    base = {"max_tokens": 16384, "stream": False, "thinking": THINKING}
    return order(Api.MESSAGES, **{**base, **fields})


async def answered(where: Road, wanted: Order) -> ProviderAnswer:
    return await where.attempts.answer(wanted, where.target, Progress())


def bodies(where: Road) -> list[bytes]:
    return [request.body or b"" for request in where.upstream.requests]


def reasoning(where: Road) -> list[Any]:
    """What each call asked of the reasoning."""
    return [json.loads(body).get("reasoning") for body in bodies(where)]


def included(where: Road) -> list[bool]:
    """Whether each call asked for what was thought."""
    return [b"encrypted_content" in body for body in bodies(where)]


def warnings(answer: ProviderAnswer) -> str:
    return dict(answer.headers).get("X-TokenHub-Warning", "")


ALL = {"effort": "medium", "summary": "auto"}
UNSHOWN = {"effort": "medium"}


async def test_who_gives_no_summary_is_asked_to_think_without_and_that_is_remembered() -> None:
    where = by_responses(no_summary(), *[Response(ANSWER) for _ in range(2)])
    first, second = [await answered(where, asks()) for _ in range(2)]
    assert reasoning(where) == [ALL, UNSHOWN, UNSHOWN]
    assert included(where) == [True, True, True]
    assert SUMMARY in warnings(first)
    assert SUMMARY in warnings(second)
    block = json.loads(first.body)["content"][0]
    assert block == {"type": "thinking", "thinking": "", "signature": "sealed"}


async def test_in_a_stream_too() -> None:
    where = by_responses(no_summary(), events(), events())
    for _ in range(2):
        await where.stream(asks(stream=True), progress=Progress())
    assert reasoning(where) == [ALL, UNSHOWN, UNSHOWN]
    assert SUMMARY in dict(where.client.headers or ())["X-TokenHub-Warning"]


async def test_after_an_hour_it_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenhub.dispatch.thinking_option.REMEMBERED_S", 0.0)
    where = by_responses(no_summary(), *[Response(ANSWER) for _ in range(2)])
    for _ in range(2):
        await answered(where, asks())
    assert reasoning(where) == [ALL, UNSHOWN, ALL]


async def test_a_model_that_gives_no_summary_and_does_not_reason_is_called_three_times() -> None:
    where = by_responses(no_summary(), no_effort(), *[Response(ANSWER) for _ in range(2)])
    first, second = [await answered(where, asks()) for _ in range(2)]
    assert reasoning(where) == [ALL, UNSHOWN, None, None]
    assert included(where) == [True, True, False, False]
    assert "how much to think" in warnings(first)
    assert warnings(first) == warnings(second)


async def test_a_model_that_has_nothing_encrypted_is_asked_for_no_thinking() -> None:
    message = "Encrypted content is not supported with this model."
    where = by_responses(refusing(message, param="include"), Response(ANSWER))
    await answered(where, asks())
    assert reasoning(where) == [ALL, None]
    assert included(where) == [True, False]


async def test_a_word_of_effort_that_it_lacks_costs_neither_the_thinking_nor_others_theirs() -> (
    None
):
    where = by_responses(no_such_effort(), *[Response(ANSWER) for _ in range(2)])
    answer = await answered(where, asks(output_config={"effort": "max"}))
    await answered(where, asks())
    assert reasoning(where) == [ALL | {"effort": "max"}, {"summary": "auto"}, ALL]
    assert included(where) == [True, True, True]
    assert warnings(answer) == "left out: the effort, of which this model has other degrees"


async def test_the_summary_and_the_effort_are_left_out_one_after_the_other() -> None:
    where = by_responses(no_summary(), no_such_effort(), *[Response(ANSWER) for _ in range(2)])
    answer = await answered(where, asks())
    await answered(where, asks())
    assert reasoning(where) == [ALL, UNSHOWN, None, ALL]
    assert included(where) == [True, True, True, True]
    assert "the effort" in warnings(answer)
    assert SUMMARY in warnings(answer)


async def test_where_all_words_of_effort_are_refused_no_thinking_is_asked_for() -> None:
    where = by_responses(no_such_effort(), no_such_effort(), Response(ANSWER), Response(ANSWER))
    for _ in range(2):
        await answered(where, asks())
    assert reasoning(where) == [ALL, {"summary": "auto"}, None, None]
    assert included(where) == [True, True, False, False]


async def test_in_chat_the_effort_is_left_out_of_what_is_else_said_to_a_model_that_reasons() -> (
    None
):
    refused = no_such_effort("reasoning_effort")
    answers = [Response(CHAT_ANSWER), Response(CHAT_ANSWER)]
    where = Road(Upstream(refused, *answers), PROVIDER, Api.CHAT)
    for _ in range(2):
        await answered(where, asks())
    said = [json.loads(body) for body in bodies(where)]
    assert [body.get("reasoning_effort") for body in said] == ["medium", None, "medium"]
    assert [body["max_completion_tokens"] for body in said] == [16384] * 3


@pytest.mark.parametrize("status", [401, 413, 500])
async def test_only_a_refusal_of_what_was_asked_is_repeated(status: int) -> None:
    for refused in (no_summary(), no_such_effort(), no_usage()):
        refused.status = status
        where = by_responses(refused)
        with pytest.raises(UpstreamError):
            await answered(where, asks())
        assert len(where.upstream.requests) == 1


async def test_nothing_is_left_out_twice() -> None:
    where = by_responses(*[no_summary() for _ in range(3)])
    with pytest.raises(UpstreamError):
        await answered(where, asks())
    # Who speaks of a summary that was not asked for any more may mean thinking at all.
    assert reasoning(where) == [ALL, UNSHOWN, None]


async def test_a_refusal_that_was_for_something_else_is_not_remembered() -> None:
    where = by_responses(no_summary(), refusing("no such tool"), Response(ANSWER))
    with pytest.raises(UpstreamError):
        await answered(where, asks())
    await answered(where, asks())
    assert reasoning(where) == [ALL, UNSHOWN, ALL]


async def test_what_a_client_did_not_ask_to_see_is_not_left_out_in_vain() -> None:
    where = by_responses(no_summary(), Response(ANSWER))
    thinking = {"type": "enabled", "budget_tokens": 8192, "display": "omitted"}
    await answered(where, asks(thinking=thinking))
    assert reasoning(where) == [UNSHOWN, None]


async def test_a_client_of_responses_says_itself_what_it_wants() -> None:
    where = by_responses(no_summary())
    body: Any = {"input": "hi", "reasoning": {"effort": "low", "summary": "auto"}}
    with pytest.raises(UpstreamError):
        await answered(where, order_of({"model": "m", **body}, Api.RESPONSES))
    assert len(where.upstream.requests) == 1


async def test_blocks_that_are_refused_one_by_one_are_looked_for_once() -> None:
    message = "The encrypted content gAAA...{} could not be verified."
    seals = ["gAAA-one", "gAAA-two"]
    refused = [
        refusing(message.format(end), code="invalid_encrypted_content") for end in ("wo", "ne")
    ]
    where = by_responses(*refused)
    blocks = [{"type": "thinking", "thinking": "hm", "signature": seal} for seal in seals]
    said = [HI, {"role": "assistant", "content": [*blocks, {"type": "text", "text": "Hi"}]}, HI]
    where.provenance.learn(seals, where.target)
    wanted = asks(messages=said)
    known = await where.provenance.know(seals_in(wanted.api, wanted.document))
    with pytest.raises(UpstreamError):
        await answered(where, replace(wanted, knowledge=known))
    assert [body.count(b"gAAA-") for body in bodies(where)] == [2, 1]


async def test_usage_and_thinking_are_refused_one_after_the_other() -> None:
    where = Road(
        Upstream(no_usage(), no_effort_in_chat(), whole(), whole()),
        PROVIDER,
        Api.CHAT,
    )
    for _ in range(2):
        await where.stream(asks(stream=True), progress=Progress())
    # Only the last step is sure to have been a reason.
    assert asked_in_chat(where) == [(True, True), (False, True), (False, False), (True, False)]


def asked_in_chat(where: Road) -> list[tuple[bool, bool]]:
    """Whether each call asked for the usage, and for thinking."""
    return [(b"stream_options" in body, b"reasoning_effort" in body) for body in bodies(where)]


async def test_who_refuses_both_is_known_for_it_after_two_requests() -> None:
    answers = [no_usage(), no_effort_in_chat(), whole(), no_usage(), whole(), whole()]
    where = Road(Upstream(*answers), PROVIDER, Api.CHAT)
    for _ in range(3):
        await where.stream(asks(stream=True), progress=Progress())
    assert asked_in_chat(where)[3:] == [(True, False), (False, False), (False, False)]


async def test_who_echoes_the_body_is_not_taken_to_refuse_all_that_is_in_it() -> None:
    echo = "cannot read reasoning_effort in {'stream_options': {'include_usage': True}}"
    where = Road(Upstream(refusing(echo), refusing(echo), whole(), whole()), PROVIDER, Api.CHAT)
    for _ in range(2):
        await where.stream(asks(stream=True), progress=Progress())
    assert asked_in_chat(where) == [(True, True), (False, True), (False, False), (True, False)]


async def walked(where: Road) -> Progress:
    """Ask `where` as the failover does, which repeats what fails for a while."""
    random.seed(1)
    failover, progress, wanted = Failover(RetryBudget(lambda: 1), clock()), Progress(), asks()
    rest = Rest([where.target], None)

    async def call(target: Target) -> ProviderAnswer:
        return await where.attempts.answer(wanted, target, progress)

    try:
        await failover.run(wanted, rest, call, progress)
    except (AllFailed, UpstreamError):
        assert not progress.answered
    return progress


def down() -> Response:
    return Response(b"", status=503)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ((no_summary, down, Response), [ALL, UNSHOWN, UNSHOWN]),
        ((down, no_summary, Response), [ALL, ALL, UNSHOWN]),
        ((no_summary, down, down, Response), [ALL, UNSHOWN, UNSHOWN]),
        ((down, down, no_summary, Response), [ALL, ALL, ALL]),
        ((no_summary, no_effort, down, Response), [ALL, UNSHOWN, None]),
    ],
)
async def test_refusals_and_faults_together_come_to_three_calls(
    answers: tuple[Any, ...], asked: list[Any]
) -> None:
    made = [Response(ANSWER) if make is Response else make() for make in answers]
    where = by_responses(*made)
    progress = await walked(where)
    assert reasoning(where) == asked
    assert len(asked) == progress.calls == MAX_CALLS
    assert progress.answered is (len(answers) == MAX_CALLS)


@pytest.mark.parametrize(
    ("other", "answer", "asked"),
    [
        (replace(DEPLOYMENT, id="n", upstream_name="n"), ANSWER, ("reasoning", ALL)),
        (DEPLOYMENT, CHAT_ANSWER, ("reasoning_effort", "medium")),
    ],
    ids=["another model", "another API"],
)
async def test_another_target_is_told_all_again(
    other: Deployment, answer: bytes, asked: tuple[str, Any]
) -> None:
    where = by_responses(no_effort(), down(), Response(answer))
    progress = Progress()
    with pytest.raises(UpstreamError):
        await where.attempts.answer(asks(), where.target, progress)
    assert reasoning(where) == [ALL, None]
    api = Api.RESPONSES if answer is ANSWER else Api.CHAT
    await where.attempts.answer(asks(), Target(other, PROVIDER, api), progress)
    name, value = asked
    said = json.loads(bodies(where)[-1])
    assert (said["model"], said[name]) == (other.upstream_name, value)
    assert progress.calls_here == 1


@pytest.mark.parametrize("length", [1, LONG_BYTES], ids=["short", "long"])
async def test_a_long_letter_is_written_in_a_thread_when_it_is_repeated_too(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    threaded: list[bool] = []
    in_thread = False

    async def to_thread(work: Callable[[], Any]) -> Any:
        nonlocal in_thread
        in_thread = True
        try:
            return work()
        finally:
            in_thread = False

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **fields: Any) -> Any:
            threaded.append(in_thread)
            return work(*args, **fields)

        return noted

    monkeypatch.setattr("asyncio.to_thread", to_thread)
    for name in ("letter", "repair_of"):
        monkeypatch.setattr(concessions, name, watched(getattr(concessions, name)))
    where = by_responses(no_summary(), Response(ANSWER))
    await answered(where, asks(messages=[{"role": "user", "content": "a" * length}]))
    assert reasoning(where) == [ALL, UNSHOWN]
    assert threaded == [length > 1] * 3  # a letter, a look into the refusal, a letter
