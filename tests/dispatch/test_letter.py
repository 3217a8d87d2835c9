import json
from dataclasses import replace
from typing import Any

import pytest

from tests.dispatch.fakes import ANTHROPIC, DEPLOYMENT, HI, PROVIDER, memory, order, order_of
from tokenhub.dispatch.letter import MOST_KEPT, Letter, letter
from tokenhub.dispatch.order import Order
from tokenhub.dispatch.repair import AS_IT_IS, Repair
from tokenhub.dispatch.target import Target
from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.thinking import hash_of, seals_in

CHAT = Target(DEPLOYMENT, PROVIDER, Api.CHAT)
MESSAGES = Target(DEPLOYMENT, ANTHROPIC, Api.MESSAGES)
RESPONSES = Target(DEPLOYMENT, PROVIDER, Api.RESPONSES)
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
TOOLS = [{"name": "f", "input_schema": {"type": "object"}}]


def thought(seal: str, text: str = "hm") -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": seal}


def said(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation of messages in which the assistant has said `blocks`."""
    return [HI, {"role": "assistant", "content": list(blocks)}, HI]


TALK = said(thought("of-p"), thought("of-q"), {"type": "text", "text": "yes"})


def sent(
    wanted: Order, target: Target, repair: Repair = AS_IT_IS, *, ask_usage: bool = False
) -> Letter:
    return letter(wanted, target, repair, ask_usage=ask_usage)


def body(written: Letter) -> Any:
    return json.loads(written.body)


async def knowing(wanted: Order, **makers: Target) -> Order:
    """`wanted`, of which it is known who made the seals: `of_p` is `of-p` in the request."""
    known = memory()
    for seal, maker in makers.items():
        known.learn([seal.replace("_", "-")], maker)
    return replace(wanted, knowledge=await known.know(seals_in(wanted.api, wanted.document)))


async def test_in_its_own_api_a_request_keeps_its_bytes_but_for_the_models_name() -> None:
    written = sent(order(temperature=1.0), CHAT)
    assert written.body == (
        b'{"model": "upstream-m", "messages": [{"role": "user", "content": "hi"}], '
        b'"stream": true, "temperature": 1.0}'
    )
    assert (written.warnings, written.headers) == ((), [])


async def test_a_name_that_is_the_providers_own_leaves_all_bytes() -> None:
    same = replace(CHAT, deployment=replace(DEPLOYMENT, upstream_name="m"))
    assert sent(order(), same).body == (
        b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true}'
    )


async def test_in_its_own_api_the_usage_is_asked_for_by_an_addition() -> None:
    written = sent(order(), CHAT, ask_usage=True)
    assert body(written)["stream_options"] == {"include_usage": True}


async def test_in_its_own_api_foreign_thinking_is_taken_out() -> None:
    wanted = await knowing(order(Api.MESSAGES, messages=TALK, max_tokens=9), of_q=elsewhere())
    blocks = body(sent(wanted, MESSAGES))["messages"][1]["content"]
    assert blocks == [thought("of-p"), {"type": "text", "text": "yes"}]


def elsewhere() -> Target:
    """Another model of another provider."""
    provider = replace(ANTHROPIC, id="q")
    return Target(replace(DEPLOYMENT, provider_id="q", upstream_name="other"), provider, Api.CHAT)


async def test_for_another_api_a_request_is_translated() -> None:
    wanted = order(
        messages=[{"role": "system", "content": "Be brief."}, HI], max_tokens=9, stop="\n"
    )
    written = sent(wanted, MESSAGES)
    assert body(written) == {
        "model": "upstream-m",
        "system": "Be brief.",
        "messages": [HI],
        "max_tokens": 9,
        "stop_sequences": ["\n"],
        "stream": True,
    }
    assert written.body.startswith(b'{"model":"upstream-m"')
    assert written.headers == []


async def test_the_models_own_limit_is_asked_for_where_one_is_needed() -> None:
    small = replace(MESSAGES, deployment=replace(DEPLOYMENT, max_output_tokens=1234))
    assert body(sent(order(), small))["max_tokens"] == 1234


@pytest.mark.parametrize("ask", [False, True])
async def test_a_translated_chat_stream_is_asked_for_its_usage_where_that_is_wanted(
    ask: bool,
) -> None:
    written = body(sent(order(Api.MESSAGES, max_tokens=9), CHAT, ask_usage=ask))
    assert written.get("stream_options") == ({"include_usage": True} if ask else None)


async def test_what_is_left_out_and_may_be_missed_is_told_in_a_header() -> None:
    cached = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    wanted = order(Api.MESSAGES, messages=[{"role": "user", "content": [cached]}], max_tokens=9)
    written = sent(wanted, CHAT)
    assert b"cache_control" not in written.body
    ((name, value),) = written.headers
    assert name == "X-TokenHub-Warning"
    assert value.startswith("left out: ")
    assert "cache_control" in value


async def test_several_warnings_are_told_in_one_header() -> None:
    assert Letter(b"", ("a", "b")).headers == [("X-TokenHub-Warning", "left out: a; b")]


async def test_a_warning_is_one_line_whatever_the_client_called_its_fields() -> None:
    assert Letter(b"", ("a\r\nX-Evil: 1",)).headers[0][1].isprintable()


async def test_what_is_left_out_is_kept_as_the_client_was_told() -> None:
    cached = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    tool = {**TOOLS[0], "defer_loading": True}
    said = [{"role": "user", "content": [cached]}]
    wanted = order(Api.MESSAGES, messages=said, tools=[tool], max_tokens=9)
    written = sent(wanted, CHAT)
    assert written.left_out == written.warnings == ("tools.0.defer_loading", "cache_control")
    assert sent(wanted, MESSAGES).left_out == ()


async def test_of_many_only_some_are_kept_and_each_once() -> None:
    tools = [{**TOOLS[0], "name": f"f{n}", "defer_loading": True} for n in range(MOST_KEPT + 3)]
    left_out = sent(order(Api.MESSAGES, tools=tools, max_tokens=9), CHAT).left_out
    assert left_out[-2:] == (f"tools.{MOST_KEPT - 1}.defer_loading", "and 3 more")
    assert len(left_out) == MOST_KEPT + 1


async def test_a_request_that_makes_no_sense_in_its_own_protocol_is_refused_by_name() -> None:
    with pytest.raises(BadRequest) as caught:
        sent(order(messages=[{"role": "user", "content": 1}]), MESSAGES)
    assert caught.value.param == "messages.0.content"


@pytest.mark.parametrize("maker", ["itself", "another", "nobody"])
async def test_thinking_is_translated_only_for_its_own_maker(maker: str) -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "of-p",
    }
    told = {"type": "message", "role": "assistant", "content": "yes"}
    wanted = order_of({"model": "m", "input": [HI, item, told, HI], "store": False}, Api.RESPONSES)
    makers = {"itself": MESSAGES, "another": elsewhere()}
    known = {"of_p": makers[maker]} if maker in makers else {}
    written = sent(await knowing(wanted, **known), MESSAGES)
    assert (b'"thinking":"hm"' in written.body) is (maker == "itself")
    assert (b"of-p" in written.body) is (maker == "itself")


async def test_a_seal_that_was_just_refused_is_left_out_of_a_translation_too() -> None:
    wanted = await knowing(
        order(Api.MESSAGES, messages=TALK, max_tokens=9), of_p=RESPONSES, of_q=RESPONSES
    )
    items = body(sent(wanted, RESPONSES))["input"]
    assert [one["encrypted_content"] for one in items if one.get("type") == "reasoning"] == [
        "of-p",
        "of-q",
    ]
    refused = Repair(frozenset({hash_of("of-q")}))
    assert b"of-q" not in sent(wanted, RESPONSES, refused).body
    assert b"of-p" in sent(wanted, RESPONSES, refused).body


async def test_a_model_that_does_not_think_is_not_told_how_much_to() -> None:
    thinking = {"type": "enabled", "budget_tokens": 8192}
    wanted = order(Api.MESSAGES, max_tokens=16384, thinking=thinking)
    assert body(sent(wanted, CHAT))["reasoning_effort"] == "medium"
    written = sent(wanted, CHAT, Repair(unthinking=True))
    assert "reasoning_effort" not in body(written)
    assert "how much to think" in written.headers[-1][1]


async def test_the_same_conversation_begins_with_the_same_bytes_on_each_turn() -> None:
    """Providers cache prompts by their beginning."""
    talk = [HI, {"role": "assistant", "content": [thought("of-q"), CALL]}]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}
    talk.append({"role": "user", "content": [result]})
    first = await knowing(order(Api.MESSAGES, messages=talk, tools=TOOLS, max_tokens=9))
    later = [*talk, {"role": "assistant", "content": "It rains."}, HI]
    second = await knowing(order(Api.MESSAGES, messages=later, tools=TOOLS, max_tokens=9))
    one = body(sent(first, CHAT))["messages"]
    other = body(sent(second, CHAT))["messages"]
    assert other[: len(one)] == one
