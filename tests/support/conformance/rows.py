"""The rows about what is said: prompts, tools, images, thinking, ends, usage."""

from typing import Final

from tests.support.conformance.asks import (
    Ask,
    Call,
    Paper,
    Picture,
    Result,
    Text,
    Tool,
    assistant,
    system,
    user,
)
from tests.support.conformance.features import Feature, cells
from tests.support.conformance.sayings import Saying
from tokenhub.simulator import Finish, Profile

PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
    "gg=="
)
PDF: Final = "JVBERi0xLjQKJSVFT0YK"
LOCAL: Final = f"data:image/png;base64,{PNG}"
REMOTE: Final = "https://example.com/cat.png"
THINKERS: Final = {"openai": "o3", "anthropic": "claude-opus-4-5", "vllm": "Qwen/Qwen3-8B"}
NEW_CLAUDE: Final = THINKERS | {"anthropic": "claude-sonnet-5-5"}
SHOWN: Final = {cells("messages", "openai"): "responses"}
"""OpenAI's chat does not show what a model thinks."""
NOT_CLAUDE: Final = "openai vllm openai-chat openai-responses"
LONG: Final = "The same long story about a cache. " * 250
CITY: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
PLACE: Final = CITY | {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WEATHER: Final = Tool("get_weather", "Tell the weather.", CITY)
TIME: Final = Tool("get_time", "Tell the time.", CITY)
CALL: Final = Call("call_1", "get_weather", {"city": "Zürich", "days": 1})
OTHER_CALL: Final = Call("call_2", "get_time", {"city": "東京", "days": 2})


def asked(*pieces: Text | Picture | Paper | str, **more: object) -> Ask:
    """A request of one turn."""
    return Ask((user(*pieces),), **more)  # type: ignore[arg-type]


def answered(*results: Result, calls: tuple[Call, ...] = (CALL,)) -> Ask:
    """A request that brings the results of calls."""
    turns = (user("How is it?"), assistant("I'll look.", *calls), user(*results))
    return Ask(turns, tools=(WEATHER, TIME))


def _thought(said: Saying) -> bool:
    """Whether there was thinking; OpenAI's chat only counts it."""
    return bool(said.thinking) or (said.tokens is not None and said.tokens.reasoning > 10)


def _wrote_5m(said: Saying) -> bool:
    """Whether the cache was written, by those who tell."""
    return said.stop != "end_turn" or (said.tokens is not None and said.tokens.written_5m > 1000)


def _wrote_1h(said: Saying) -> bool:
    """The same, for an hour."""
    return said.stop != "end_turn" or (said.tokens is not None and said.tokens.written_1h > 1000)


PROMPTS: Final = (
    Feature("text", asked("Tell me a story."), shows=lambda said: len(said.text) > 20),
    Feature("system prompt", asked("Who are you?", system="You are brief.")),
    Feature(
        "several turns",
        Ask((user("Hi."), assistant("Hello!"), user("How are you? 🙂")), system="Be kind."),
    ),
    Feature("no output limit", asked("Tell me.", limit=None), absent=cells("messages")),
    Feature("temperature", asked("Tell me.", temperature=0.5)),
    Feature("top_p", asked("Tell me.", top_p=0.9)),
    Feature("end user's id", asked("Tell me.", user="u-1")),
    Feature("image by URL", asked("What is this?", Picture(REMOTE))),
    Feature("image as base64", asked(Picture(LOCAL), "What is this?")),
    Feature("PDF as base64", asked("Summarise.", Paper(PDF)), absent=cells(providers="vllm")),
    Feature(
        "PDF by URL",
        asked("Summarise.", Paper(url="https://example.com/a.pdf")),
        absent=cells("chat own") | cells(providers="vllm"),
        spoken={cells("messages", "openai"): "responses"},
        refused={
            cells("responses", "openai-chat"): "input.1.content.0.file_url",
            cells("messages", "openai-chat"): "messages.0.content.1.source.url",
        },
    ),
    Feature(
        "system prompt between turns",
        Ask((user("Hi."), assistant("Hello!"), user("Who?"), system("Be brief."))),
        models={"anthropic": "claude-sonnet-5-5"},
        absent=cells("messages"),
    ),
)

TOOLS: Final = (
    Feature(
        "one tool call",
        asked("Ask get_weather about Paris.", tools=(WEATHER, TIME)),
        shows=lambda said: [call[1] for call in said.calls] == ["get_weather"],
    ),
    Feature(
        "parallel tool calls",
        asked("Ask get_weather and get_time about Paris.", tools=(WEATHER, TIME)),
        shows=lambda said: [call[1] for call in said.calls] == ["get_weather", "get_time"],
    ),
    Feature(
        "one tool call at a time",
        asked("Ask get_weather and get_time.", tools=(WEATHER, TIME), parallel=False),
        shows=lambda said: len(said.calls) == 1,
    ),
    Feature(
        "a tool must be called",
        asked("Hello.", tools=(WEATHER, TIME), choice="required"),
        shows=lambda said: len(said.calls) == 1,
    ),
    Feature(
        "this tool must be called",
        asked("Hello.", tools=(WEATHER, TIME), choice="get_time"),
        shows=lambda said: [call[1] for call in said.calls] == ["get_time"],
    ),
    Feature(
        "no tool may be called",
        asked("Ask get_weather.", tools=(WEATHER,), choice="none"),
        shows=lambda said: not said.calls,
    ),
    Feature("tool result", answered(Result("call_1", (Text("Rain."),)))),
    Feature(
        "results of parallel calls",
        answered(
            Result("call_1", (Text("Rain."),)),
            Result("call_2", (Text("Noon."),)),
            calls=(CALL, OTHER_CALL),
        ),
    ),
    Feature(
        "failed tool result",
        {
            **dict.fromkeys(
                ("chat", "responses", "own"),
                answered(Result("call_1", (Text("Error: no such city"),))),
            ),
            "messages": answered(Result("call_1", (Text("no such city"),), failed=True)),
        },
    ),
    Feature(
        "image in a tool result",
        answered(
            Result("call_1", (Text("A map:"), Picture(LOCAL))),
            Result("call_2", (Text("Noon."),)),
            calls=(CALL, OTHER_CALL),
        ),
        absent=cells("chat own"),
    ),
)

ANSWERS: Final = (
    Feature(
        "thinking",
        asked("Think about it.", effort="medium", limit=9000),
        models=THINKERS,
        spoken=SHOWN,
        shows=_thought,
    ),
    Feature(
        "thinking, adaptive in Claude",
        asked("Think about it.", effort="low", limit=9000, adaptive=True),
        models=NEW_CLAUDE,
        spoken=SHOWN,
        shows=_thought,
    ),
    Feature(
        "structured output",
        asked("Where?", schema=PLACE),
        shows=lambda said: said.text.startswith('{"'),
    ),
    Feature(
        "any JSON object",
        asked("Where? In JSON.", json=True),
        absent=cells("messages"),
        refused={
            cells("chat own", "anthropic"): "response_format",
            cells("responses", "anthropic"): "text.format",
        },
    ),
    Feature(
        "stop: length",
        asked("Tell me.", limit=20),
        profile=Profile(output_tokens=100),
        shows=lambda said: said.stop in ("length", "max_tokens", "max_output_tokens"),
    ),
    Feature(
        "stop: sequence",
        asked("Count.", stop=("STOP",)),
        profile=Profile(answer="one two STOP three"),
        absent=cells("responses"),
        refused={
            cells("chat own", "openai-responses"): "stop",
            cells("messages", "openai-responses"): "stop_sequences",
        },
        shows=lambda said: said.text == "one two ",
    ),
    Feature(
        "stop: content filter",
        asked("Tell me."),
        profile=Profile(stop=Finish.FILTERED),
        shows=lambda said: said.stop in ("content_filter", "refusal"),
    ),
    Feature(
        "stop: pause",
        asked("Tell me."),
        profile=Profile(stop=Finish.PAUSED),
        absent=cells(providers=NOT_CLAUDE),
        shows=lambda said: said.stop == "pause_turn",
    ),
    Feature(
        "stop: full context window",
        asked("Tell me."),
        profile=Profile(stop=Finish.WINDOW),
        shows=lambda said: said.stop != "end_turn",
    ),
    Feature(
        "empty answer", asked("Say nothing."), Profile(answer=""), shows=lambda said: not said.text
    ),
    Feature(
        "refusal",
        asked("Tell me."),
        Profile(refusal="I can't help with that."),
        shows=lambda said: bool(said.refusal or said.text) or said.stop == "refusal",
    ),
    Feature(
        "usage: cache read",
        {
            **dict.fromkeys(("chat", "responses", "own"), asked(f"{LONG}What of it?")),
            "messages": asked(Text(LONG, ttl="5m"), "What of it?"),
        },
        absent=cells("chat responses own", "anthropic"),
        shows=lambda said: said.tokens is not None and said.tokens.cached > 1000,
        asked_before=1,
        warnings={cells("messages", NOT_CLAUDE): "cache_control"},
    ),
    Feature(
        "usage: cache write, 5 minutes",
        asked(Text(f"Five. {LONG}", ttl="5m"), "What?"),
        fresh=True,
        shows=_wrote_5m,
        absent=cells("chat responses own"),
        warnings={cells("messages", NOT_CLAUDE): "cache_control"},
    ),
    Feature(
        "usage: cache write, 1 hour",
        asked(Text(f"One. {LONG}", ttl="1h"), "What?"),
        fresh=True,
        shows=_wrote_1h,
        absent=cells("chat responses own"),
        warnings={cells("messages", NOT_CLAUDE): "cache_control"},
    ),
)
