from typing import Any

import orjson
import pytest
from openai.types.responses import Response

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Usage
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.translation.responses_answer import read, write
from tokenhub.wire.translation.responses_shape import usage_of
from tokenhub.wire.translation.seals import own_seal

PATCH = {"type": "custom", "name": "patch"}
SPAWN = {"type": "function", "name": "spawn", "strict": False}
AGENTS = {"type": "namespace", "name": "agents", "description": "d", "tools": [SPAWN]}


def setting(**asked: Any) -> Setting:
    return Setting("r1", 1_700_000_000, "asked-for", 10, asked)


def wrote(reply: Reply, **asked: Any) -> dict[str, Any]:
    """The response, which OpenAI's SDK takes."""
    value: dict[str, Any] = orjson.loads(write(reply, setting(**asked)))
    Response.model_validate(value, strict=True)
    return value


def message(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def response(*output: Any, **more: Any) -> dict[str, Any]:
    return {"object": "response", "status": "completed", "output": list(output), **more}


def test_a_response_is_read() -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    reply = read(
        response(
            {
                "type": "reasoning",
                "summary": [{"text": "a"}, {"text": "b"}],
                "encrypted_content": "s",
            },
            message({"type": "output_text", "text": "hi"}),
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            model="gpt-5",
            usage=usage,
        )
    )
    assert reply == Reply(
        "gpt-5",
        [Thinking("a\n\nb", "s"), Text("hi"), ToolUse("c1", "f", '{"a":1}')],
        Stop.TOOLS,
        usage=Usage(100, 60, 0, 0, 20, 5),
    )


@pytest.mark.parametrize(
    ("item", "pieces"),
    [
        (message({"type": "refusal", "refusal": "no"}), [Refusal("no")]),
        (message({"type": "output_text", "text": ""}, 7), []),
        ({"type": "message", "content": None}, []),
        ({"type": "reasoning", "summary": []}, []),
        ({"type": "reasoning", "content": [{"text": "raw"}]}, [Thinking("raw")]),
        ({"type": "function_call", "id": "fc_1", "name": "f"}, [ToolUse("fc_1", "f", "{}")]),
        ({"type": "function_call", "name": "f"}, [ToolUse("call_0", "f", "{}")]),
        ({"type": "web_search_call"}, []),
        ({}, []),
    ],
)
def test_what_an_item_says(item: Any, pieces: list[Any]) -> None:
    assert read(response(item)).pieces == pieces


@pytest.mark.parametrize(
    ("value", "stop"),
    [
        (response(), Stop.END),
        (response(message({"refusal": "no"})), Stop.REFUSED),
        (response({"type": "function_call", "name": "f"}), Stop.TOOLS),
        (response(status="incomplete"), Stop.LENGTH),
        (
            response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            Stop.LENGTH,
        ),
        (
            response(status="incomplete", incomplete_details={"reason": "content_filter"}),
            Stop.REFUSED,
        ),
    ],
)
def test_why_it_stopped(value: dict[str, Any], stop: Stop) -> None:
    assert read(value).stop is stop


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"output": {}},
        {"output": [1]},
        {"output": [], "status": "failed"},
        response({"type": "function_call"}),
    ],
)
def test_what_is_no_response(value: dict[str, Any]) -> None:
    with pytest.raises(NotOfProtocol):
        read(value)


def test_a_response_is_written_as_the_sdk_knows_it() -> None:
    reply = Reply(
        "m",
        [Thinking("hm", "s"), Text("a"), Text("b"), ToolUse("c1", "f", '{"a":1}')],
        Stop.TOOLS,
        usage=Usage(10, 4, 2, 1, 5, 3),
    )
    value = wrote(reply)
    assert value["id"] == "resp_r1"
    assert (value["model"], value["status"], value["created_at"]) == ("m", "completed", 1.7e9)
    assert value["error"] is value["incomplete_details"] is None
    assert value["output"] == [
        {
            "id": "rs_r1_0",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "s",
        },
        {
            "id": "msg_r1_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": "ab"}],
        },
        {
            "id": "fc_r1_2",
            "type": "function_call",
            "status": "completed",
            "call_id": "c1",
            "name": "f",
            "arguments": '{"a":1}',
        },
    ]
    assert value["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }


def test_what_is_written_is_read_as_the_same() -> None:
    reply = Reply(
        "m",
        [Thinking("hm", "s"), Text("a"), Refusal("b"), ToolUse("c1", "f", "{}"), Text("c")],
        Stop.TOOLS,
        usage=Usage(10, 4, 2, 0, 5, 3),
    )
    assert read(wrote(reply)) == reply


def test_thinking_without_a_seal_gets_one_of_ours_and_redacted_thinking_says_so() -> None:
    pieces = [Thinking("hm"), Thinking("", "s", redacted=True), Thinking("", "t")]
    sealed = [item["encrypted_content"] for item in wrote(Reply("m", [*pieces]))["output"]]
    assert sealed == [own_seal("hm"), "redacted:s", "t"]


def test_what_says_nothing_makes_no_item() -> None:
    assert wrote(Reply("", [Text(""), Thinking("")]))["output"] == []


def test_the_model_that_was_asked_for_stands_where_the_provider_names_none() -> None:
    assert wrote(Reply())["model"] == "asked-for"
    assert wrote(Reply())["usage"] is None


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        (Stop.END, "completed", None),
        (Stop.SEQUENCE, "completed", None),
        (Stop.PAUSED, "completed", None),
        (Stop.LENGTH, "incomplete", "max_output_tokens"),
        (Stop.CONTEXT, "incomplete", "max_output_tokens"),
        (Stop.REFUSED, "incomplete", "content_filter"),
    ],
)
def test_how_it_is_said_why_it_stopped(stop: Stop, status: str, reason: str | None) -> None:
    value = wrote(Reply("m", [Text("a")], stop))
    assert value["status"] == status
    assert value["incomplete_details"] == (reason and {"reason": reason})


def test_only_the_item_that_was_cut_is_incomplete() -> None:
    output = wrote(Reply("m", [Text("a"), ToolUse("c", "f", "{")], Stop.LENGTH))["output"]
    assert [item["status"] for item in output] == ["completed", "incomplete"]


def test_a_refusal_in_words_is_a_complete_answer() -> None:
    value = wrote(Reply("m", [Refusal("no")], Stop.REFUSED))
    assert value["status"] == "completed"
    assert value["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_the_response_repeats_what_was_asked_and_says_that_nothing_is_stored() -> None:
    asked = {
        "model": "auto",
        "instructions": "Be brief.",
        "temperature": 0.5,
        "top_p": None,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}, "verbosity": None},
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
        "store": True,
    }
    value = wrote(Reply("m"), **asked)
    assert value["instructions"] == "Be brief."
    assert (value["temperature"], value["top_p"]) == (0.5, 1.0)
    assert value["reasoning"] == {"effort": "low", "summary": None}
    assert value["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert value["tools"] == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": True},
        {"type": "web_search"},
    ]
    assert value["store"] is False
    assert value["model"] == "m"


def test_a_request_that_is_nested_too_deeply_is_not_repeated() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    assert wrote(Reply("m"), metadata=deep)["metadata"] == {}


def test_calls_of_custom_tools_and_of_namespaces_are_told_back_as_the_client_knows_them() -> None:
    pieces = [
        ToolUse("c1", "patch", '{"input":"*** Begin"}'),
        ToolUse("c2", "agents__spawn", ""),
        ToolUse("", "other", "{}"),
    ]
    output = wrote(Reply("m", [*pieces], Stop.TOOLS), tools=[PATCH, AGENTS])["output"]
    assert output[0] == {
        "id": "ctc_r1_0",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c1",
        "name": "patch",
        "input": "*** Begin",
    }
    assert (output[1]["name"], output[1]["namespace"]) == ("spawn", "agents")
    assert output[1]["arguments"] == "{}"
    assert (output[2]["name"], output[2]["call_id"]) == ("other", "call_r1_2")


def test_both_lifetimes_of_the_cache_count_as_written() -> None:
    details = usage_of(Usage(10, 0, 3, 4))["input_tokens_details"]
    assert details == {"cached_tokens": 0, "cache_write_tokens": 7}
