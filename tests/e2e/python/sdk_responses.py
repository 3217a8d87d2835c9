"""The `openai` SDK and its typed helpers, over responses."""
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
asked = {"instructions": SYSTEM, "input": QUESTION}


def tool(name):
    return {
        "type": "function",
        "name": name,
        "description": DESCRIPTION,
        "parameters": CITY,
        "strict": True,
    }


def told(response):
    usage = response.usage
    return {
        "text": response.output_text,
        "finish": response.status,
        "input": usage.input_tokens,
        "output": usage.output_tokens,
    }


def question(model):
    return told(client.responses.create(model=model, **asked))


async def asynchronous(model):
    async with (
        openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0) as other,
        other.responses.stream(model=model, **asked) as stream,
    ):
        return told(await stream.get_final_response())


def stream(model):
    events = list(client.responses.create(model=model, **asked, stream=True))
    pieces = [one.delta for one in events if one.type == "response.output_text.delta"]
    return {
        **told(events[-1].response),
        "finish": events[-1].type,
        "text": "".join(pieces),
        "pieces": len(pieces),
        "numbered": [one.sequence_number for one in events] == list(range(len(events))),
    }


def helper_stream(model):
    with client.responses.stream(model=model, **asked) as stream:
        pieces = sum(event.type == "response.output_text.delta" for event in stream)
        return told(stream.get_final_response()) | {"pieces": pieces}


def answered(model, items, first, tools):
    calls = [item for item in first.output if item.type == "function_call"]
    items += [item.model_dump(exclude_none=True) for item in first.output]
    items += [
        {"type": "function_call_output", "call_id": call.call_id, "output": FINDING}
        for call in calls
    ]
    for item in items:
        item.pop("parsed_arguments", None)
    second = client.responses.create(model=model, input=items, tools=tools, store=False)
    given = [{"name": call.name, "given": json.loads(call.arguments)} for call in calls]
    return {"calls": given, "text": second.output_text}


def tool_call(model):
    items = [{"role": "user", "content": TOOL_QUESTION}]
    tools = [tool("get_weather")]
    first = client.responses.create(model=model, input=items, tools=tools, store=False)
    return {"finish": first.status, **answered(model, items, first, tools)}


def tool_stream(model):
    items = [{"role": "user", "content": TWO_QUESTIONS}]
    tools = [tool("get_weather"), tool("get_time")]
    with client.responses.stream(model=model, input=items, tools=tools, store=False) as stream:
        items_done = [event.item for event in stream if event.type == "response.output_item.done"]
        done = [item.name for item in items_done if item.type == "function_call"]
        first = stream.get_final_response()
    return {"done": done, **answered(model, items, first, tools)}


def typed(model):
    response = client.responses.parse(model=model, **asked, text_format=Tower)
    return {"parsed": response.output_parsed.model_dump()}


def typed_stream(model):
    with client.responses.stream(model=model, **asked, text_format=Tower) as stream:
        return {"parsed": stream.get_final_response().output_parsed.model_dump()}


def image(model):
    parts = [
        {"type": "input_text", "text": QUESTION},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
    ]
    response = client.responses.create(model=model, input=[{"role": "user", "content": parts}])
    return {"text": response.output_text}


def remembered(model):
    client.responses.create(model=model, **asked, previous_response_id="resp_1")


def unknown(model):
    client.responses.create(model="no-such-model", **asked)


def wrong(model):
    client.responses.create(model=model, **asked, temperature="warm")


def failing(model):
    client.responses.create(model=model, **asked)


def broken(model):
    events = list(client.responses.create(model=model, **asked, stream=True))
    return {"finish": events[-1].type, "error": None}


def broken_helper(model):
    with client.responses.stream(model=model, **asked) as stream:
        stream.until_done()
        return {"finish": stream.get_final_response().status, "error": None}


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
    remembered,
    unknown,
    wrong,
    failing,
    broken,
    broken_helper,
)
