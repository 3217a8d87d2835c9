"""`POST /v1/responses` as OpenAI answers it."""

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, Json, compact, indented
from tokenhub.simulator.model.brain import think
from tokenhub.simulator.model.reply import Reply
from tokenhub.simulator.openai import responses_input, responses_stream
from tokenhub.simulator.openai.parts import responses_usage
from tokenhub.simulator.openai.responses_input import ResponsesRequest
from tokenhub.simulator.openai.responses_items import CUT, output_items


def answer(exchange: Exchange) -> Answer:
    """The response, streamed when asked for."""
    request = responses_input.read(exchange)
    reply = think(request.prompt, exchange.profile, request.model.id, exchange.seed)
    items = output_items(exchange, request, reply)
    started = _response(exchange, request)
    done = started | _ending(exchange, request, reply, [item.done for item in items])
    if request.stream:
        obfuscated_by = exchange.ids if request.obfuscate else None
        frames = responses_stream.frames(started, items, done, obfuscated_by)
        return Answer(frames=frames, content_type="text/event-stream", failing=started)
    write = compact if exchange.vllm else indented
    return Answer(body=write(done), tokens=reply.output_tokens, failing=started)


def _response(exchange: Exchange, request: ResponsesRequest) -> Json:
    """The response as it is when it begins."""
    body = exchange.body
    reasoning = body.get("reasoning") or {}
    effort = reasoning.get("effort") or ("medium" if request.model.reasons else None)
    text = body.get("text") or {}
    return {
        "id": exchange.ids.hex("resp_", 50),
        "object": "response",
        "created_at": exchange.now_s,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": request.model.snapshot,
        "output": [],
        "parallel_tool_calls": request.prompt.parallel,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_retention": body.get("prompt_cache_retention"),
        "reasoning": {"effort": effort, "summary": reasoning.get("summary")},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "auto",
        "store": body.get("store", True),
        "temperature": _number(body, "temperature"),
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": request.tools,
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": _number(body, "top_p"),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _ending(
    exchange: Exchange, request: ResponsesRequest, reply: Reply, output: list[Json]
) -> Json:
    """What is different when it has ended."""
    usage = responses_usage(request.prompt.input_tokens, request.cached_tokens, reply)
    ending: Json = {
        "status": "completed",
        "completed_at": exchange.now_s,
        "output": output,
        "service_tier": "default",
        "usage": usage if exchange.profile.usage else None,
    }
    if reply.finish in CUT:
        details = {"reason": CUT[reply.finish]}
        ending |= {"status": "incomplete", "completed_at": None, "incomplete_details": details}
    return ending


def _number(body: Json, name: str) -> float:
    value = body.get(name)
    return 1.0 if value is None else float(value)
