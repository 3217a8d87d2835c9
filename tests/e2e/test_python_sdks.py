"""The SDKs and libraries for Python, each with every kind of provider behind the hub."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from tests.e2e.python_program import SESSIONS, Program
from tests.e2e.scene import ANSWER, ENDS, FINDING, assert_put_together, assert_streamed, sent
from tests.support.stage import Stage
from tokenhub.simulator import Failure, Profile

OPENAI = ("openai chat", "openai responses")
ANTHROPIC = "anthropic messages"
SDKS = (*OPENAI, ANTHROPIC)
LANGCHAIN = ("langchain chat", "langchain responses", "langchain anthropic")
LITELLM = ("litellm openai", "litellm anthropic")
CITY = {"city": "Paris"}
WEATHER = {"name": "get_weather", "given": CITY}
BOTH = [WEATHER, {"name": "get_time", "given": CITY}]
TOWER = {"name": "Mill", "floors": 7}

Play = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def programs(stage: Stage) -> Iterator[Callable[[str], Program]]:
    """The programs, each started when it is first wanted."""
    with ExitStack() as running:
        yield cache(lambda name: running.enter_context(Program(name, stage)))


@pytest.fixture
def session(programs: Callable[[str], Program], hub: Stage, model: str) -> Play:
    """Plays one step of a program's session and returns what the program printed."""
    return lambda program, step: programs(program).play(step, model)


@pytest.mark.parametrize("program", SESSIONS)
def test_a_question_is_answered(program: str, session: Play) -> None:
    said = session(program, "question")
    assert said["text"] == ANSWER
    assert said.get("finish", "stop") in ENDS
    assert said["input"] > 5
    assert said["output"] > 5


@pytest.mark.parametrize("program", SESSIONS)
def test_an_asynchronous_client_reads_a_stream(program: str, session: Play) -> None:
    assert session(program, "asynchronous")["text"] == ANSWER


@pytest.mark.parametrize("program", SESSIONS)
def test_a_stream_brings_the_answer_in_pieces(program: str, session: Play) -> None:
    assert_streamed(session(program, "stream"))


@pytest.mark.parametrize("program", SDKS)
def test_the_helper_for_streams_puts_the_answer_together(program: str, session: Play) -> None:
    assert_put_together(session(program, "helper_stream"))


@pytest.mark.parametrize("program", SESSIONS)
def test_a_tool_call_is_answered(
    program: str, session: Play, hub: Stage, kind: str, arguments: Any
) -> None:
    arguments(CITY)
    said = session(program, "tool_call")
    assert said["calls"] == [WEATHER]
    assert said["text"] == ANSWER
    first, second = sent(hub, kind)
    assert FINDING not in str(first)
    assert FINDING in str(second)


@pytest.mark.parametrize("program", SESSIONS)
def test_two_tool_calls_at_once_come_in_a_stream(
    program: str, session: Play, hub: Stage, kind: str, arguments: Any
) -> None:
    arguments(CITY)
    said = session(program, "tool_stream")
    assert said["calls"] == BOTH
    assert said.get("done", ["get_weather", "get_time"]) == ["get_weather", "get_time"]
    assert said["text"] == ANSWER
    assert str(sent(hub, kind)[1]).count(FINDING) == 2


@pytest.mark.parametrize("step", ["runner", "runner_stream"])
def test_anthropics_tool_runner_runs_to_the_end(session: Play, step: str, arguments: Any) -> None:
    arguments(CITY)
    assert session(ANTHROPIC, step) == {"calls": [WEATHER], "text": ANSWER}


@pytest.mark.parametrize("program", LANGCHAIN)
def test_langchains_agent_runs_its_tools(program: str, session: Play, arguments: Any) -> None:
    arguments(CITY)
    kinds = ["human", "ai", "tool", "tool", "ai"]
    assert session(program, "agent") == {"kinds": kinds, "calls": BOTH, "text": ANSWER}


def test_a_tool_is_called_after_thinking(
    session: Play, hub: Stage, kind: str, arguments: Any
) -> None:
    arguments(CITY)
    said = session(ANTHROPIC, "thinking_loop")
    assert said["calls"] == BOTH
    assert said["text"] == ANSWER
    assert ("thinking" in said["kinds"]) == (kind == "anthropic")


@pytest.mark.parametrize("program", SESSIONS)
def test_structured_output_is_parsed(program: str, session: Play, arguments: Any) -> None:
    arguments(TOWER)
    assert session(program, "typed") == {"parsed": TOWER}


@pytest.mark.parametrize("program", SDKS)
def test_structured_output_is_parsed_from_a_stream(
    program: str, session: Play, arguments: Any
) -> None:
    arguments(TOWER)
    assert session(program, "typed_stream") == {"parsed": TOWER}


@pytest.mark.parametrize("step", ["typed_by_tool", "typed_by_schema"])
@pytest.mark.parametrize("program", LANGCHAIN)
def test_langchain_gets_structured_output_by_each_of_its_ways(
    program: str, step: str, session: Play, arguments: Any
) -> None:
    arguments(TOWER)
    assert session(program, step) == {"parsed": TOWER}


@pytest.mark.parametrize("program", SESSIONS)
def test_a_picture_reaches_the_model(program: str, session: Play, hub: Stage, kind: str) -> None:
    assert session(program, "image")["text"] == ANSWER
    assert "iVBORw0KGgo" in str(sent(hub, kind))


@pytest.mark.parametrize("step", ["responses", "messages"])
def test_litellms_other_doors_open(step: str, session: Play) -> None:
    said = session("litellm openai", step)
    assert said["text"] == ANSWER
    assert said["finish"] in ENDS


@pytest.mark.parametrize("program", SESSIONS)
def test_an_unknown_model_is_not_found(program: str, session: Play) -> None:
    error = session(program, "unknown")["error"]
    assert "NotFoundError" in error["kind"]
    assert error["status"] == 404
    assert "'no-such-model'" in error["message"]


@pytest.mark.parametrize("program", SDKS)
def test_a_wrong_field_is_named(program: str, session: Play) -> None:
    error = session(program, "wrong")["error"]
    assert (error["kind"], error["status"]) == ("BadRequestError", 400)
    assert ("max_tokens" if program == ANTHROPIC else "temperature") in error["message"]
    assert error["id"]


def test_a_response_that_builds_on_another_is_refused_by_name(session: Play) -> None:
    error = session("openai responses", "remembered")["error"]
    assert (error["kind"], error["status"]) == ("BadRequestError", 400)
    assert "previous_response_id" in error["message"]


@pytest.mark.parametrize("program", ["openai chat", ANTHROPIC])
def test_a_strangers_key_is_refused(program: str, session: Play) -> None:
    error = session(program, "stranger")["error"]
    assert (error["kind"], error["status"]) == ("AuthenticationError", 401)


@pytest.mark.parametrize("program", SESSIONS)
def test_a_providers_outage_is_an_error_of_the_server(
    program: str, session: Play, hub: Stage, kind: str
) -> None:
    hub.fail(kind, Failure.answer(500))
    error = session(program, "failing")["error"]
    assert error["status"] in {502, 500}
    assert "no provider could answer" in error["message"]


@pytest.mark.parametrize("program", SESSIONS)
def test_a_providers_rate_limit_is_a_rate_limit(
    program: str, session: Play, hub: Stage, kind: str
) -> None:
    hub.fail(kind, Failure.answer(429, retry_after="7"))
    error = session(program, "failing")["error"]
    assert "RateLimitError" in error["kind"]
    assert error["status"] == 429


@pytest.mark.parametrize("failure", [Failure.error_event(6), Failure.cut(6)], ids=["error", "cut"])
@pytest.mark.parametrize("program", SESSIONS)
def test_a_stream_that_breaks_off_is_no_answer(
    program: str, failure: Failure, session: Play, hub: Stage, kind: str
) -> None:
    hub.play(kind, Profile(answer=ANSWER, failure=failure))
    said = session(program, "broken")
    assert said.get("error") or said["finish"] == "response.failed", said


def test_the_helper_for_responses_does_not_take_a_broken_stream(
    session: Play, hub: Stage, kind: str
) -> None:
    hub.play(kind, Profile(answer=ANSWER, failure=Failure.cut(6)))
    assert "error" in session("openai responses", "broken_helper")


def test_what_is_marked_for_the_cache_is_so_for_anthropic_only(session: Play, kind: str) -> None:
    said = session(ANTHROPIC, "cached")
    assert said["text"] == ANSWER
    assert ("cache_control" in (said["warning"] or "")) == (kind != "anthropic")


def test_the_models_are_listed_in_both_shapes(session: Play, model: str) -> None:
    assert model in session("openai chat", "names")["names"]
    counted = session(ANTHROPIC, "count")
    assert model in counted["names"]
    assert counted["input"] > 3
