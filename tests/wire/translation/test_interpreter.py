import json
from collections.abc import Sequence
from typing import Any

import pytest

from tokenhub.errors import BadRequest, Untranslatable
from tokenhub.types import Api
from tokenhub.wire.body import parse
from tokenhub.wire.translation import exact, translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.interpreter import LONG_BYTES, Interpreter
from tokenhub.wire.translation.seals import own_seal

Json = dict[str, Any]
HI = {"role": "user", "content": "hi"}
WRONG: dict[str, Any] = {"messages": [{"role": "user", "content": 1}]}


def aim(**fields: Any) -> Aim:
    return Aim("their-name", None, lambda _: Origin.UNKNOWN, **fields)


def saying(source: Api = Api.CHAT, **fields: Any) -> Interpreter:
    return Interpreter(
        source, parse(json.dumps({"model": "m", "messages": [HI], **fields}).encode())
    )


def written(interpreter: Interpreter, target: Api, **fields: Any) -> Any:
    return json.loads(interpreter.write(target, aim(**fields)).body)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Api]:
    """The readings that are made."""
    made: list[Api] = []
    read = translator.read

    def counted(source: Api, body: Any) -> Any:
        made.append(source)
        return read(source, body)

    monkeypatch.setattr(translator, "read", counted)
    return made


def test_a_request_is_read_once_and_only_when_it_is_asked_for(readings: list[Api]) -> None:
    interpreter = saying()
    assert readings == []
    for target in (Api.MESSAGES, Api.RESPONSES, Api.MESSAGES):
        assert interpreter.obstacle(target) is None
        interpreter.write(target, aim())
    assert readings == [Api.CHAT]


def test_one_that_cannot_be_read_is_read_once_too(readings: list[Api]) -> None:
    interpreter = saying(**WRONG)
    for target in (Api.MESSAGES, Api.RESPONSES):
        found = interpreter.obstacle(target)
        assert isinstance(found, BadRequest)
        assert found.param == "messages.0.content"
        with pytest.raises(BadRequest):
            interpreter.write(target, aim())
    assert readings == [Api.CHAT]


def test_what_cannot_be_said_is_an_obstacle_that_names_the_field_and_the_protocol() -> None:
    interpreter = saying(audio={"voice": "alloy", "format": "wav"})
    for target in (Api.MESSAGES, Api.RESPONSES):
        found = interpreter.obstacle(target)
        assert isinstance(found, Untranslatable)
        assert (found.param, found.target) == ("audio", target)
        assert found is interpreter.obstacle(target)


def test_an_obstacle_for_one_protocol_is_none_for_another() -> None:
    interpreter = saying(response_format={"type": "json_object"})
    assert isinstance(interpreter.obstacle(Api.MESSAGES), Untranslatable)
    assert interpreter.obstacle(Api.RESPONSES) is None


def test_the_request_is_written_for_the_one_it_goes_to() -> None:
    interpreter = saying(max_tokens=50)
    assert written(interpreter, Api.MESSAGES) == {
        "model": "their-name",
        "max_tokens": 50,
        "messages": [HI],
    }
    assert written(interpreter, Api.RESPONSES)["max_output_tokens"] == 50


@pytest.mark.parametrize("target", [Api.MESSAGES, Api.RESPONSES])
def test_where_nobody_thinks_nothing_is_said_of_how_much(target: Api) -> None:
    interpreter = saying(reasoning_effort="low", max_tokens=4000)
    field = "thinking" if target is Api.MESSAGES else "reasoning"
    assert field in written(interpreter, target)
    unthinking = interpreter.write(target, aim(thinks=False))
    assert not {"thinking", "reasoning", "output_config"} & json.loads(unthinking.body).keys()
    assert unthinking.warnings == ["how much to think, which this model does not take"]
    assert field in written(interpreter, target)  # the next one may think


def test_a_request_that_says_nothing_of_thinking_is_not_warned_of_it() -> None:
    assert saying().write(Api.MESSAGES, aim(thinks=False)).warnings == []
    assert saying().write(Api.RESPONSES, aim(shows=False)).warnings == []
    assert saying().write(Api.RESPONSES, aim(measures=False)).warnings == []


def claude(said: Sequence[Json] = (), **fields: Any) -> Interpreter:
    """A messages request, that of a user who answers an assistant who has `said` something."""
    turns = [HI, {"role": "assistant", "content": said}, HI] if said else [HI]
    return saying(Api.MESSAGES, messages=turns, max_tokens=4000, **fields)


def test_where_no_summary_is_given_none_is_asked_for_and_the_client_is_told() -> None:
    interpreter = claude(thinking={"type": "enabled", "budget_tokens": 2048})
    asked = {"effort": "low", "summary": "auto"}
    assert written(interpreter, Api.RESPONSES)["reasoning"] == asked
    unshown = interpreter.write(Api.RESPONSES, aim(shows=False))
    assert json.loads(unshown.body)["reasoning"] == {"effort": "low"}
    assert unshown.warnings == ["the summary of the thinking, which is not given for this model"]
    assert written(interpreter, Api.RESPONSES)["reasoning"] == asked


def test_where_the_effort_is_not_known_it_alone_is_left_out_and_the_client_is_told() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    interpreter = claude(thinking=thinking, output_config={"effort": "max"})
    unmeasured = interpreter.write(Api.RESPONSES, aim(measures=False))
    body = json.loads(unmeasured.body)
    assert body["reasoning"] == {"summary": "auto"}
    assert body["include"] == ["reasoning.encrypted_content"]
    effort = "the effort, of which this model has other degrees"
    assert unmeasured.warnings == unmeasured.kept == [effort]
    neither = interpreter.write(Api.RESPONSES, aim(measures=False, shows=False))
    assert "reasoning" not in json.loads(neither.body)
    assert [len(neither.warnings), neither.warnings[0]] == [2, effort]


def test_what_a_client_does_not_ask_to_see_it_is_not_told_to_miss() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048, "display": "omitted"}
    unshown = claude(thinking=thinking).write(Api.RESPONSES, aim(shows=False))
    assert json.loads(unshown.body)["reasoning"] == {"effort": "low"}
    assert unshown.warnings == []


TEXT = {"type": "text", "text": "hello"}


@pytest.mark.parametrize(
    ("block", "sealed"),
    [
        (TEXT, False),
        ({"type": "thinking", "thinking": "hm", "signature": "by its maker"}, True),
        ({"type": "thinking", "thinking": "", "signature": "by its maker"}, True),
        ({"type": "redacted_thinking", "data": "by its maker"}, True),
        ({"type": "thinking", "thinking": "hm", "signature": own_seal("hm")}, False),
        ({"type": "thinking", "thinking": "hm", "signature": ""}, False),
    ],
)
def test_a_request_may_hold_thinking_that_its_maker_has_sealed(block: Json, sealed: bool) -> None:
    assert claude([block, TEXT]).sealed() is sealed


def test_what_cannot_be_read_holds_nothing_sealed(readings: list[Api]) -> None:
    interpreter = saying(Api.MESSAGES, **WRONG)
    assert [interpreter.sealed() for _ in range(2)] == [False, False]
    assert readings == [Api.MESSAGES]


def test_of_a_long_request_that_is_not_read_yet_nothing_is_known(readings: list[Api]) -> None:
    long = {"type": "text", "text": "a" * LONG_BYTES}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "by its maker"}
    interpreter = claude([thinking, long])
    assert not interpreter.sealed()
    assert interpreter.put_off
    assert readings == []
    interpreter.read()
    assert interpreter.sealed()
    assert not interpreter.put_off


WIDE = ["18446744073709551616", "-9223372036854775809", "1" + "0" * 40]


def using(*numbers: str) -> Interpreter:
    """A messages request in whose history a tool was called with `numbers`."""
    said = """{"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [%s], "b": {"c": "ä"}}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]}"""
    return Interpreter(Api.MESSAGES, parse((said % ", ".join(numbers)).encode()))


@pytest.mark.parametrize("target", [Api.CHAT, Api.RESPONSES])
def test_integers_of_any_width_keep_their_digits(target: Api, readings: list[Api]) -> None:
    sent = using(*WIDE, "7", "0.5").write(target, aim()).body.decode()
    assert f"[{','.join(WIDE)},7,0.5]" in sent
    assert "ä" in sent
    assert len(readings) == 2


def test_other_numbers_are_read_once(readings: list[Api]) -> None:
    using("18446744073709551615", "-9223372036854775808", "1e18", "0.5").obstacle(Api.CHAT)
    assert len(readings) == 1


def test_what_is_too_long_to_be_read_again_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, readings: list[Api]
) -> None:
    monkeypatch.setattr(exact, "_MOST_CHARS", 100)
    assert WIDE[0].encode() not in using(WIDE[0]).write(Api.CHAT, aim()).body
    assert len(readings) == 1


LONG = "x" * LONG_BYTES


def test_a_long_request_is_not_read_by_the_way(readings: list[Api]) -> None:
    interpreter = saying(user=LONG, audio={"voice": "alloy"})
    assert (interpreter.put_off, readings) == (False, [])
    assert interpreter.obstacle(Api.MESSAGES) is None
    assert (interpreter.put_off, readings) == (True, [])
    interpreter.read()
    assert (interpreter.put_off, readings) == (False, [Api.CHAT])
    assert isinstance(interpreter.obstacle(Api.MESSAGES), Untranslatable)
    assert readings == [Api.CHAT]


def test_what_cannot_be_said_is_not_written() -> None:
    bodies: list[dict[str, Any]] = [{"audio": {}}, WRONG]
    for body in bodies:
        interpreter = saying(user=LONG, **body)
        assert interpreter.obstacle(Api.MESSAGES) is None
        with pytest.raises(BadRequest):
            interpreter.write(Api.MESSAGES, aim())
