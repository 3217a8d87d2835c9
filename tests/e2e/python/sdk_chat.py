"""The `openai` SDK and its typed helpers, over chat completions."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

import json

import openai
from session import (
    BASE_URL,
    CITY,
    DESCRIPTION,
    FINDING,
    KEY,
    PIXEL,
    QUESTION,
    SYSTEM,
    TOOL_QUESTION,
    TWO_QUESTIONS,
    Tower,
    play,
)

client = openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=20)
asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]


def tool(name):
    function = {"name": name, "description": DESCRIPTION, "parameters": CITY, "strict": True}
    return {"type": "function", "function": function}


def used(usage):
    return {"input": usage.prompt_tokens, "output": usage.completion_tokens}


def question(model):
    answer = client.chat.completions.create(model=model, messages=asked)
    [choice] = answer.choices
    return {
        "text": choice.message.content,
        "finish": choice.finish_reason,
        **used(answer.usage),
    }


async def asynchronous(model):
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0) as other:
        stream = await other.chat.completions.create(model=model, messages=asked, stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
    return {"text": "".join(filter(None, pieces))}


def stream(model):
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=model, messages=asked, stream=True, stream_options=options
        )
    )
    pieces = [one.choices[0].delta.content for one in chunks if one.choices]
    pieces = [piece for piece in pieces if piece]
    return {"text": "".join(pieces), "pieces": len(pieces), **used(chunks[-1].usage)}


def helper_stream(model):
    options = {"include_usage": True}
    with client.chat.completions.stream(
        model=model, messages=asked, stream_options=options
    ) as stream:
        pieces = sum(event.type == "content.delta" for event in stream)
        answer = stream.get_final_completion()
    [choice] = answer.choices
    return {
        "text": choice.message.content,
        "pieces": pieces,
        "finish": choice.finish_reason,
        **used(answer.usage),
    }


def answered(model, messages, message, tools):
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": FINDING})
    second = client.chat.completions.create(model=model, messages=messages, tools=tools)
    calls = [
        {"name": call.function.name, "given": json.loads(call.function.arguments)}
        for call in message.tool_calls
    ]
    return {"calls": calls, "text": second.choices[0].message.content}


def tool_call(model):
    messages = [{"role": "user", "content": TOOL_QUESTION}]
    tools = [tool("get_weather")]
    first = client.chat.completions.create(model=model, messages=messages, tools=tools)
    finish = first.choices[0].finish_reason
    return {"finish": finish, **answered(model, messages, first.choices[0].message, tools)}


def tool_stream(model):
    messages = [{"role": "user", "content": TWO_QUESTIONS}]
    tools = [tool("get_weather"), tool("get_time")]
    with client.chat.completions.stream(model=model, messages=messages, tools=tools) as stream:
        done = [
            event.name for event in stream if event.type == "tool_calls.function.arguments.done"
        ]
        message = stream.get_final_completion().choices[0].message
    return {"done": done, **answered(model, messages, message, tools)}


def typed(model):
    answer = client.chat.completions.parse(model=model, messages=asked, response_format=Tower)
    return {"parsed": answer.choices[0].message.parsed.model_dump()}


def typed_stream(model):
    with client.chat.completions.stream(
        model=model, messages=asked, response_format=Tower
    ) as stream:
        answer = stream.get_final_completion()
    return {"parsed": answer.choices[0].message.parsed.model_dump()}


def image(model):
    url = f"data:image/png;base64,{PIXEL}"
    parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}]
    )
    return {"text": answer.choices[0].message.content}


def names(model):
    return {"names": [one.id for one in client.models.list()]}


def unknown(model):
    client.chat.completions.create(model="no-such-model", messages=asked)


def wrong(model):
    client.chat.completions.create(model=model, messages=asked, temperature="warm")


def stranger(model):
    client.with_options(api_key="tokenhub_" + "0" * 64).chat.completions.create(
        model=model, messages=asked
    )


def failing(model):
    client.chat.completions.create(model=model, messages=asked)


def broken(model):
    for _ in client.chat.completions.create(model=model, messages=asked, stream=True):
        pass


play(
    question,
    asynchronous,
    stream,
    helper_stream,
    tool_call,
    tool_stream,
    typed,
    typed_stream,
    image,
    names,
    unknown,
    wrong,
    stranger,
    failing,
    broken,
)
