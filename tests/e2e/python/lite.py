"""LiteLLM as a client; its first argument is its protocol, `openai` or `anthropic`."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

import json
import sys

import litellm
from session import (
    BASE_URL,
    CITY,
    DESCRIPTION,
    FINDING,
    KEY,
    PIXEL,
    QUESTION,
    ROOT_URL,
    SYSTEM,
    TOOL_QUESTION,
    TWO_QUESTIONS,
    Tower,
    play,
)

PROTOCOL = sys.argv[1]
place = {
    "api_base": BASE_URL if PROTOCOL == "openai" else ROOT_URL,
    "api_key": KEY,
    "max_retries": 0,
    "timeout": 20,
}
asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]


def tool(name):
    function = {"name": name, "description": DESCRIPTION, "parameters": CITY}
    return {"type": "function", "function": function}


def complete(model, messages, **more):
    return litellm.completion(model=f"{PROTOCOL}/{model}", messages=messages, **place, **more)


def told(answer):
    [choice] = answer.choices
    return {
        "text": choice.message.content,
        "finish": choice.finish_reason,
        "input": answer.usage.prompt_tokens,
        "output": answer.usage.completion_tokens,
    }


def question(model):
    return told(complete(model, asked))


async def asynchronous(model):
    model = f"{PROTOCOL}/{model}"
    stream = await litellm.acompletion(model=model, messages=asked, stream=True, **place)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    return {"text": "".join(pieces)}


def stream(model):
    chunks = list(complete(model, asked, stream=True, stream_options={"include_usage": True}))
    pieces = sum(bool(one.choices and one.choices[0].delta.content) for one in chunks)
    return {**told(litellm.stream_chunk_builder(chunks)), "pieces": pieces}


def answered(model, messages, first, tools):
    message = first.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": FINDING})
    calls = [
        {"name": call.function.name, "given": json.loads(call.function.arguments)}
        for call in message.tool_calls
    ]
    second = complete(model, messages, tools=tools)
    finish = first.choices[0].finish_reason
    return {"calls": calls, "finish": finish, "text": second.choices[0].message.content}


def tool_call(model):
    messages, tools = [{"role": "user", "content": TOOL_QUESTION}], [tool("get_weather")]
    return answered(model, messages, complete(model, messages, tools=tools), tools)


def tool_stream(model):
    messages = [{"role": "user", "content": TWO_QUESTIONS}]
    tools = [tool("get_weather"), tool("get_time")]
    chunks = list(complete(model, messages, tools=tools, stream=True))
    return answered(model, messages, litellm.stream_chunk_builder(chunks), tools)


def typed(model):
    content = told(complete(model, asked, response_format=Tower))["text"]
    return {"parsed": Tower.model_validate_json(content).model_dump()}


def image(model):
    url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": url}}]
    return told(complete(model, [{"role": "user", "content": parts}]))


def responses(model):
    answer = litellm.responses(
        model=f"openai/{model}",
        input=QUESTION,
        instructions=SYSTEM,
        **(place | {"api_base": BASE_URL}),
    )
    return {"text": answer.output_text, "finish": answer.status}


async def messages(model):
    answer = await litellm.anthropic.messages.acreate(
        model=f"anthropic/{model}",
        max_tokens=1024,
        messages=[{"role": "user", "content": QUESTION}],
        api_base=ROOT_URL,
        api_key=KEY,
    )
    return {"text": answer["content"][0]["text"], "finish": answer["stop_reason"]}


def unknown(model):
    complete("no-such-model", asked)


def failing(model):
    complete(model, asked)


def broken(model):
    list(complete(model, asked, stream=True))


play(
    question,
    asynchronous,
    stream,
    tool_call,
    tool_stream,
    typed,
    image,
    responses,
    messages,
    unknown,
    failing,
    broken,
)
