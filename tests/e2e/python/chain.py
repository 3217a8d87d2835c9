"""A session of any chat model of LangChain, and of an agent that uses it."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from session import FINDING, PIXEL, QUESTION, SYSTEM, TOOL_QUESTION, TWO_QUESTIONS, play

ASKED = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]


class Tower(BaseModel):
    """A tower."""

    name: str = Field(description="What it is called")
    floors: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return FINDING


@tool
def get_time(city: str) -> str:
    """The time in a city."""
    return "noon"


def told(message):
    used = message.usage_metadata
    return {"text": message.text, "input": used["input_tokens"], "output": used["output_tokens"]}


def called(message):
    return [{"name": call["name"], "given": call["args"]} for call in message.tool_calls]


def whole(chunks):
    answer = chunks[0]
    for chunk in chunks[1:]:
        answer += chunk
    return answer


class Session:
    """The steps of a session with what `make(name)` makes."""

    def __init__(self, make):
        self.make = make

    def question(self, name):
        return told(self.make(name).invoke(ASKED))

    async def asynchronous(self, name):
        return told(whole([chunk async for chunk in self.make(name).astream(ASKED)]))

    def stream(self, name):
        chunks = list(self.make(name).stream(ASKED))
        return {**told(whole(chunks)), "pieces": sum(bool(one.text) for one in chunks)}

    def tool_call(self, name):
        able = self.make(name).bind_tools([get_weather])
        messages = [HumanMessage(TOOL_QUESTION)]
        messages.append(able.invoke(messages))
        calls = messages[-1].tool_calls
        messages += [ToolMessage(FINDING, tool_call_id=call["id"]) for call in calls]
        return {"calls": called(messages[1]), "text": able.invoke(messages).text}

    def tool_stream(self, name):
        able = self.make(name).bind_tools([get_weather, get_time])
        messages = [HumanMessage(TWO_QUESTIONS)]
        messages.append(whole(list(able.stream(messages))))
        calls = messages[-1].tool_calls
        messages += [ToolMessage(FINDING, tool_call_id=call["id"]) for call in calls]
        answer = whole(list(able.stream(messages)))
        return {"calls": called(messages[1]), "text": answer.text}

    def agent(self, name):
        agent = create_agent(self.make(name), [get_weather, get_time], system_prompt=SYSTEM)
        asked = {"messages": [{"role": "user", "content": TWO_QUESTIONS}]}
        messages = agent.invoke(asked)["messages"]
        kinds = [message.type for message in messages]
        return {"kinds": kinds, "calls": called(messages[1]), "text": messages[-1].text}

    def typed(self, name):
        return {"parsed": self.make(name).with_structured_output(Tower).invoke(ASKED).model_dump()}

    def typed_by_tool(self, name):
        able = self.make(name).with_structured_output(Tower, method="function_calling")
        return {"parsed": able.invoke(ASKED).model_dump()}

    def typed_by_schema(self, name):
        able = self.make(name).with_structured_output(Tower, method="json_schema")
        return {"parsed": able.invoke(ASKED).model_dump()}

    def image(self, name):
        picture = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
        return told(
            self.make(name).invoke([HumanMessage([{"type": "text", "text": QUESTION}, picture])])
        )

    def unknown(self, name):
        self.make("no-such-model").invoke(ASKED)

    def failing(self, name):
        self.make(name).invoke(ASKED)

    def broken(self, name):
        list(self.make(name).stream(ASKED))


def session(make):
    """Play the steps that the input names."""
    steps = Session(make)
    play(
        steps.question,
        steps.asynchronous,
        steps.stream,
        steps.tool_call,
        steps.tool_stream,
        steps.agent,
        steps.typed,
        steps.typed_by_tool,
        steps.typed_by_schema,
        steps.image,
        steps.unknown,
        steps.failing,
        steps.broken,
    )
