"""The `anthropic` SDK and its typed helpers."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

import anthropic
from session import (
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

client = anthropic.Anthropic(base_url=ROOT_URL, api_key=KEY, max_retries=0, timeout=20)
asked = {
    "max_tokens": 1024,
    "system": SYSTEM,
    "messages": [{"role": "user", "content": QUESTION}],
}
thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}


def tool(name):
    return {"name": name, "description": DESCRIPTION, "input_schema": CITY}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def told(message):
    usage = message.usage
    return {
        "text": text_of(message),
        "finish": message.stop_reason,
        "input": usage.input_tokens,
        "output": usage.output_tokens,
    }


def question(model):
    return told(client.messages.create(model=model, **asked))


async def asynchronous(model):
    async with (
        anthropic.AsyncAnthropic(base_url=ROOT_URL, api_key=KEY, max_retries=0) as other,
        other.messages.stream(model=model, **asked) as stream,
    ):
        return told(await stream.get_final_message())


def stream(model):
    events = list(client.messages.create(model=model, **asked, stream=True))
    deltas = [one.delta for one in events if one.type == "content_block_delta"]
    pieces = [delta.text for delta in deltas if delta.type == "text_delta"]
    [end] = [one for one in events if one.type == "message_delta"]
    return {
        "text": "".join(pieces),
        "pieces": len(pieces),
        "finish": end.delta.stop_reason,
        "input": end.usage.input_tokens or events[0].message.usage.input_tokens,
        "output": end.usage.output_tokens,
    }


def helper_stream(model):
    with client.messages.stream(model=model, **asked) as stream:
        pieces = sum(1 for _ in stream.text_stream)
        return told(stream.get_final_message()) | {"pieces": pieces}


def answered(model, messages, first, **more):
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": FINDING} for call in calls
    ]
    messages += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    second = client.messages.create(model=model, **{**asked, **more, "messages": messages})
    given = [{"name": call.name, "given": call.input} for call in calls]
    return {"calls": given, "text": text_of(second)}


def tool_call(model):
    messages = [{"role": "user", "content": TOOL_QUESTION}]
    tools = [tool("get_weather")]
    first = client.messages.create(model=model, **{**asked, "messages": messages, "tools": tools})
    return {"finish": first.stop_reason, **answered(model, messages, first, tools=tools)}


def streamed_calls(model, **more):
    messages = [{"role": "user", "content": TWO_QUESTIONS}]
    tools = [tool("get_weather"), tool("get_time")]
    more = {"tools": tools, **more}
    with client.messages.stream(model=model, **{**asked, **more, "messages": messages}) as stream:
        ended = [event.content_block for event in stream if event.type == "content_block_stop"]
        done = [block.name for block in ended if block.type == "tool_use"]
        first = stream.get_final_message()
    kinds = [block.type for block in first.content]
    return {"done": done, "kinds": kinds, **answered(model, messages, first, **more)}


def tool_stream(model):
    return streamed_calls(model)


def thinking_loop(model):
    return streamed_calls(model, **thinking)


def runner(model, stream=False):
    given = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        given.append({"name": "get_weather", "given": {"city": city}})
        return FINDING

    messages = [{"role": "user", "content": TOOL_QUESTION}]
    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=1024, messages=messages, tools=[get_weather], stream=stream
    )
    return {"text": text_of(runner.until_done()), "calls": given}


def runner_stream(model):
    return runner(model, stream=True)


def typed(model):
    message = client.messages.parse(model=model, **asked, output_format=Tower)
    return {"parsed": message.parsed_output.model_dump()}


def typed_stream(model):
    with client.messages.stream(model=model, **asked, output_format=Tower) as stream:
        return {"parsed": stream.get_final_message().parsed_output.model_dump()}


def image(model):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": QUESTION}]
    message = client.messages.create(
        model=model, max_tokens=1024, messages=[{"role": "user", "content": parts}]
    )
    return {"text": text_of(message)}


def cached(model):
    system = [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]
    answer = client.messages.with_raw_response.create(model=model, **{**asked, "system": system})
    return {**told(answer.parse()), "warning": answer.headers.get("x-tokenhub-warning")}


def count(model):
    counted = client.messages.count_tokens(model=model, messages=asked["messages"])
    return {"input": counted.input_tokens, "names": [one.id for one in client.models.list(limit=2)]}


def unknown(model):
    client.messages.create(model="no-such-model", **asked)


def wrong(model):
    client.messages.create(model=model, **{**asked, "max_tokens": "many"})


def stranger(model):
    client.with_options(api_key="tokenhub_" + "0" * 64).messages.create(model=model, **asked)


def failing(model):
    client.messages.create(model=model, **asked)


def broken(model):
    list(client.messages.create(model=model, **asked, stream=True))


play(
    question,
    asynchronous,
    stream,
    helper_stream,
    tool_call,
    tool_stream,
    thinking_loop,
    runner,
    runner_stream,
    typed,
    typed_stream,
    image,
    cached,
    count,
    unknown,
    wrong,
    stranger,
    failing,
    broken,
)
