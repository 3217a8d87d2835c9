"""`POST /v1/chat/completions` as OpenAI and vLLM answer it."""

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, Json, compact, indented
from tokenhub.simulator.model.brain import think
from tokenhub.simulator.model.logprobs import token_logprobs
from tokenhub.simulator.model.reply import Reply, ToolCall
from tokenhub.simulator.openai import chat_input, chat_stream
from tokenhub.simulator.openai.chat_input import ChatRequest
from tokenhub.simulator.openai.parts import FINISH, call_id, chat_usage


def answer(exchange: Exchange) -> Answer:
    """The answer to a chat request, streamed when it asks for that."""
    request = chat_input.read(exchange)
    replies = [
        think(request.prompt, exchange.profile, request.model.id, exchange.seed, choice)
        for choice in range(request.n)
    ]
    usage = chat_usage(exchange, request.prompt.input_tokens, request.cached_tokens, replies)
    head = _head(exchange, request)
    if request.stream:
        frames = chat_stream.frames(exchange, request, replies, head, usage)
        return Answer(frames=frames, content_type="text/event-stream")
    body: Json = {
        "id": head.pop("id"),
        "object": "chat.completion",
        **head,
        "choices": [_choice(exchange, request, i, reply) for i, reply in enumerate(replies)],
    }
    if exchange.profile.usage:
        body["usage"] = usage
    body |= _VLLM_BODY if exchange.vllm else {}
    write = compact if exchange.vllm else indented
    return Answer(body=write(body), tokens=max(reply.output_tokens for reply in replies))


_VLLM_BODY: Json = {"prompt_logprobs": None, "prompt_token_ids": None, "kv_transfer_params": None}
_VLLM_MESSAGE: Json = {"annotations": None, "audio": None, "function_call": None}


def _head(exchange: Exchange, request: ChatRequest) -> Json:
    if exchange.vllm:
        return {
            "id": exchange.ids.hex("chatcmpl-", 32),
            "created": exchange.now_s,
            "model": request.model.id,
        }
    return {
        "id": exchange.ids.alnum("chatcmpl-", 29),
        "created": exchange.now_s,
        "model": request.model.snapshot,
        "service_tier": "default",
        "system_fingerprint": "fp_51e1070cf2",
    }


def _choice(exchange: Exchange, request: ChatRequest, index: int, reply: Reply) -> Json:
    logprobs = None
    if request.logprobs is not None:
        tokens = token_logprobs(reply.words, request.logprobs)
        refused = reply.refused and not exchange.vllm
        logprobs = (
            {"content": None, "refusal": tokens}
            if refused
            else {
                "content": tokens,
                "refusal": None,
            }
        )
    choice: Json = {
        "index": index,
        "message": _message(exchange, reply),
        "logprobs": logprobs,
        "finish_reason": FINISH[reply.finish],
    }
    if exchange.vllm:
        choice |= {"stop_reason": reply.stop_sequence, "token_ids": None}
    return choice


def _message(exchange: Exchange, reply: Reply) -> Json:
    refused = reply.refused and not exchange.vllm
    content = reply.text if (reply.words or not reply.calls) and not refused else None
    message: Json = {"role": "assistant", "content": content}
    if reply.calls:
        message["tool_calls"] = [_call(exchange, call) for call in reply.calls]
    message |= {"refusal": reply.text if refused else None}
    if not exchange.vllm:
        return message | {"annotations": []}
    message.setdefault("tool_calls", [])
    thought = dict.fromkeys(exchange.profile.reasoning_fields, reply.reasoning or None)
    return message | _VLLM_MESSAGE | thought


def _call(exchange: Exchange, call: ToolCall) -> Json:
    if call.free_text:
        custom = {"name": call.name, "input": call.json}
        return {"id": call_id(exchange), "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.json}
    return {"id": call_id(exchange), "type": "function", "function": function}
