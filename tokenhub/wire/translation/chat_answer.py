"""Whole answers of chat completions, read and written.

Source: OpenAI API reference, "The chat completion object". Beside it `reasoning_content` (DeepSeek,
vLLM) or `reasoning` (OpenRouter) in the message, content as a list of `text` and `thinking` parts
(Mistral), and vLLM's `stop_reason`, which is the stop sequence that was met.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson

from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.translation.conversation import Refusal, Text, Thinking, ToolUse
from tokenhub.wire.translation.reply import Reply, Setting, Stop
from tokenhub.wire.translation.tool_ids import fit
from tokenhub.wire.usage import openai_usage

_STOPS: Final = {
    "stop": Stop.END,
    "length": Stop.LENGTH,
    "tool_calls": Stop.TOOLS,
    "function_call": Stop.TOOLS,
    "content_filter": Stop.REFUSED,
}
_REASONS: Final = {
    Stop.END: "stop",
    Stop.LENGTH: "length",
    Stop.TOOLS: "tool_calls",
    Stop.SEQUENCE: "stop",
    Stop.REFUSED: "content_filter",
    Stop.PAUSED: "stop",
    Stop.CONTEXT: "length",
}


def read(value: Mapping[str, Any]) -> Reply:
    """What the first choice of an answer says; raises NotOfProtocol."""
    choices = value.get("choices")
    choice = choices[0] if type(choices) is list and choices else None
    message = choice.get("message") if type(choice) is dict else None
    if type(choice) is not dict or type(message) is not dict:
        raise NotOfProtocol("the answer has no choice with a message")
    reply = Reply(model=text_of(value, "model"))
    pieces = reply.pieces
    if thinking := text_of(message, "reasoning_content") or text_of(message, "reasoning"):
        pieces.append(Thinking(thinking))
    for thought, text in content_of(message):
        pieces.append(Thinking(text) if thought else Text(text))
    if refusal := text_of(message, "refusal"):
        pieces.append(Refusal(refusal))
    uses = [_use_of(call, value, number) for number, call in enumerate(calls_of(message))]
    pieces += uses
    reply.stop, reply.sequence = stop_of(choice, calls=bool(uses), refused=bool(refusal))
    report = value.get("usage")
    reply.usage = openai_usage(report) if type(report) is dict else None
    return reply


def _use_of(call: Mapping[str, Any], value: Mapping[str, Any], number: int) -> ToolUse:
    function = call.get("function")
    if type(function) is not dict or not text_of(function, "name"):
        raise NotOfProtocol("a tool call without a function's name")
    id = text_of(call, "id") or made_up_id(value, number)
    return ToolUse(id, function["name"], arguments_of(function))


def calls_of(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The `tool_calls` of a message or delta; raises NotOfProtocol."""
    calls = message.get("tool_calls")
    if calls is None:
        return ()
    if type(calls) is not list or not all(type(call) is dict for call in calls):
        raise NotOfProtocol("tool_calls that are not a list of objects")
    return calls


def text_of(holder: Mapping[str, Any], name: str) -> str:
    """The text that `holder` has under `name`, "" without one; raises NotOfProtocol."""
    value = holder.get(name)
    if value is None:
        return ""
    if type(value) is not str:
        raise NotOfProtocol(f"a {name} that is not text")
    return value


def content_of(message: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """The texts in the `content` of a message or delta, each with whether it is thinking.

    Raises NotOfProtocol.
    """
    content = message.get("content")
    if type(content) is not list:
        if text := text_of(message, "content"):
            yield False, text
        return
    for part in content:
        if type(part) is not dict:
            raise NotOfProtocol("a part of content that is not an object")
        if type(part.get("thinking")) is list:
            for _, text in content_of({"content": part["thinking"]}):
                yield True, text
        elif text := text_of(part, "text"):
            yield False, text


def arguments_of(function: Mapping[str, Any]) -> str:
    """The arguments of a call as JSON text; some providers give them as an object.

    Raises NotOfProtocol.
    """
    arguments = function.get("arguments")
    if type(arguments) is not dict:
        return text_of(function, "arguments")
    try:
        return orjson.dumps(arguments).decode()
    except orjson.JSONEncodeError:
        raise NotOfProtocol("arguments that are nested too deeply") from None


def made_up_id(value: Mapping[str, Any], number: int) -> str:
    """The id of the call `number` of an answer or stream whose provider gave it none."""
    seed = f"{value.get('id')} {value.get('created')} {number}"
    return "call_" + sha256(seed.encode()).hexdigest()[:24]


def stop_of(choice: Mapping[str, Any], *, calls: bool, refused: bool) -> tuple[Stop, str | None]:
    """Why a choice stopped, and the sequence that it stopped at.

    A call of a tool that the client insisted on ends in `stop` too, as does a refusal; so it is
    told by what was said whether tools were called.
    """
    reason, met = choice.get("finish_reason"), choice.get("stop_reason")
    stop = _STOPS.get(reason, Stop.END) if type(reason) is str else Stop.END
    if stop not in (Stop.END, Stop.TOOLS):
        return stop, None
    if calls:
        return Stop.TOOLS, None
    if refused:
        return Stop.REFUSED, None
    return (Stop.SEQUENCE, met) if type(met) is str and met else (Stop.END, None)


def write(reply: Reply, setting: Setting) -> bytes:
    """The answer as a client of chat completions knows it.

    Thinking is in `reasoning_content`, as far as it can be read.
    """
    texts, thinking, refusal, calls = "", "", "", []
    for piece in reply.pieces:
        if isinstance(piece, Text):
            texts += piece.text
        elif isinstance(piece, Thinking):
            thinking += piece.text
        elif isinstance(piece, Refusal):
            refusal += piece.text
        else:
            calls.append(_call_of(piece))
    content = None if not texts and (calls or refusal) else texts
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal or None}
    if thinking:
        message["reasoning_content"] = thinking
    if calls and wants_functions(setting):
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    body = {
        "id": answer_id(setting),
        "object": "chat.completion",
        "created": setting.created_s,
        "model": reply.model or setting.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": finish_reason(reply.stop, setting, refused=bool(refusal)),
            }
        ],
    }
    if reply.usage is not None:
        body["usage"] = usage_of(reply.usage)
    return orjson.dumps(body)


def _call_of(use: ToolUse) -> dict[str, Any]:
    function = {"name": use.name, "arguments": use.arguments or "{}"}
    return {"id": fit(use.id, Api.CHAT), "type": "function", "function": function}


def answer_id(setting: Setting) -> str:
    """The id of the answer to a request."""
    return f"chatcmpl-{setting.request_id}"


def wants_functions(setting: Setting) -> bool:
    """Whether the client knows only the deprecated form of tools, which allows one call."""
    return bool(setting.asked.get("functions")) and not setting.asked.get("tools")


def finish_reason(stop: Stop, setting: Setting, *, refused: bool) -> str:
    """The `finish_reason`; where the model `refused` in words of its own it is `stop`."""
    if stop is Stop.TOOLS and wants_functions(setting):
        return "function_call"
    return "stop" if stop is Stop.REFUSED and refused else _REASONS[stop]


def usage_of(usage: Usage) -> dict[str, Any]:
    """The `usage` object."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
