"""Words and choices that no protocol knows, or that say nothing where they stand."""

from typing import Any, Final

import pytest

from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.fields import obstacle

HI: Final = [{"role": "user", "content": "hi"}]
WHOLE: Final[dict[Api, dict[str, Any]]] = {
    Api.CHAT: {"messages": HI},
    Api.RESPONSES: {"input": "hi"},
    Api.MESSAGES: {"messages": HI, "max_tokens": 9},
}
AIM: Final = Aim("m", None, lambda seal: Origin.FOREIGN)
OTHERS: Final = [
    (Api.CHAT, Api.MESSAGES),
    (Api.CHAT, Api.RESPONSES),
    (Api.RESPONSES, Api.CHAT),
    (Api.RESPONSES, Api.MESSAGES),
    (Api.MESSAGES, Api.CHAT),
]


def warnings(api: Api, target: Api, **fields: Any) -> list[str]:
    """What is left out with a warning, of a request that can be said."""
    body = {**WHOLE[api], **fields}
    said = translator.read(api, body)
    assert obstacle(api, target, body, said) is None
    return translator.write(api, target, said, body, AIM).warnings


def refusal(api: Api, **fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        translator.read(api, {**WHOLE[api], **fields})
    return caught.value


@pytest.mark.parametrize("word", ["ultra", "", "High"])
def test_a_word_of_effort_that_nobody_knows_is_refused_with_those_there_are(word: str) -> None:
    found = [
        (refusal(Api.CHAT, reasoning_effort=word), "reasoning_effort"),
        (refusal(Api.RESPONSES, reasoning={"effort": word}), "reasoning.effort"),
        (refusal(Api.MESSAGES, output_config={"effort": word}), "output_config.effort"),
    ]
    for error, field in found:
        assert error.param == field
        assert "low, medium, high, xhigh, max" in error.message


@pytest.mark.parametrize("word", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_the_words_of_effort_are_those_of_openai(word: str) -> None:
    body = {**WHOLE[Api.CHAT], "reasoning_effort": word}
    asked = translator.read(Api.CHAT, body).reasoning
    assert asked is not None
    assert asked.effort == word
    body = {**WHOLE[Api.RESPONSES], "reasoning": {"effort": word}}
    assert translator.read(Api.RESPONSES, body).reasoning == asked


def test_the_default_effort_is_that_of_the_model() -> None:
    given: list[tuple[Api, dict[str, Any]]] = [
        (Api.CHAT, {"reasoning_effort": "default"}),
        (Api.RESPONSES, {"reasoning": {"effort": "default"}}),
    ]
    for api, fields in given:
        assert translator.read(api, {**WHOLE[api], **fields}).reasoning is None
    shown = {"reasoning": {"effort": "default", "summary": "auto"}}
    asked = translator.read(Api.RESPONSES, {**WHOLE[Api.RESPONSES], **shown}).reasoning
    assert asked is not None
    assert (asked.effort, asked.off, asked.shown) == (None, False, True)


def test_when_a_summary_is_streamed_has_no_effect() -> None:
    options = {"reasoning_summary_delivery": "sequential_cutoff"}
    for target in (Api.CHAT, Api.MESSAGES):
        assert warnings(Api.RESPONSES, target, stream=True, stream_options=options) == []


@pytest.mark.parametrize("api", [Api.CHAT, Api.RESPONSES])
@pytest.mark.parametrize("field", ["metadata", "stream_options", "prompt_cache_options"])
@pytest.mark.parametrize("value", [7, "x", [], True])
def test_an_object_that_is_none_is_refused(api: Api, field: str, value: Any) -> None:
    error = refusal(api, **{field: value})
    assert (error.param, error.message) == (field, f"{field}: expected an object")


@pytest.mark.parametrize(
    ("api", "fields"),
    [
        (Api.CHAT, {"tool_choice": "auto"}),
        (Api.CHAT, {"tool_choice": "none", "tools": []}),
        (Api.CHAT, {"function_call": "none", "functions": []}),
        (Api.CHAT, {"tool_choice": None}),
        (Api.RESPONSES, {"tool_choice": "auto"}),
        (Api.RESPONSES, {"tool_choice": "none", "tools": []}),
        (Api.MESSAGES, {"tool_choice": {"type": "auto"}}),
        (Api.MESSAGES, {"tool_choice": {"type": "none"}, "tools": []}),
    ],
)
def test_a_choice_of_no_tools_says_nothing_where_there_are_none(
    api: Api, fields: dict[str, Any]
) -> None:
    for source, target in OTHERS:
        if source is api:
            assert warnings(api, target, **fields) == []


@pytest.mark.parametrize(
    ("api", "choice"),
    [
        (Api.CHAT, "required"),
        (Api.CHAT, {"type": "function", "function": {"name": "f"}}),
        (Api.RESPONSES, "required"),
        (Api.RESPONSES, {"type": "function", "name": "f"}),
        (Api.MESSAGES, {"type": "any"}),
        (Api.MESSAGES, {"type": "tool", "name": "f"}),
    ],
)
@pytest.mark.parametrize("tools", [{}, {"tools": []}, {"tools": None}])
def test_a_call_that_is_required_of_no_tool_is_refused(
    api: Api, choice: Any, tools: dict[str, Any]
) -> None:
    error = refusal(api, tool_choice=choice, **tools)
    assert error.param == "tool_choice"
    assert error.message.endswith("since no tools are given")


def test_a_call_that_is_required_of_no_function_is_refused_by_its_own_name() -> None:
    assert refusal(Api.CHAT, function_call={"name": "f"}).param == "function_call"


@pytest.mark.parametrize("tools", [{"tools": [{"type": "web_search"}]}, {}])
def test_a_call_that_is_required_of_a_tool_that_was_left_out_is_not_to_be_had(
    tools: dict[str, Any],
) -> None:
    offered = {"type": "additional_tools", "tools": [{"type": "web_search"}]}
    items: list[Any] = [] if tools else [offered]
    body = {"input": [*HI, *items], "tool_choice": "required", **tools}
    assert translator.read(Api.RESPONSES, body).uses == {"server_tool": "tool_choice"}


@pytest.mark.parametrize("target", [Api.CHAT, Api.MESSAGES])
def test_how_many_tools_of_the_providers_own_may_be_called_is_told(target: Api) -> None:
    assert warnings(Api.RESPONSES, target, max_tool_calls=3) == ["max_tool_calls"]
    assert warnings(Api.RESPONSES, target, max_tool_calls=None) == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["reasoning.encrypted_content"],
        ["web_search_call.action.sources", "web_search_call.results", "file_search_call.results"],
        ["code_interpreter_call.outputs", "computer_call_output.output.image_url"],
        ["message.input_image.image_url"],
    ],
)
@pytest.mark.parametrize("target", [Api.CHAT, Api.MESSAGES])
def test_what_is_there_anyway_or_cannot_be_may_be_included(target: Api, words: list[str]) -> None:
    assert warnings(Api.RESPONSES, target, include=words) == []


@pytest.mark.parametrize(
    ("words", "uses"),
    [
        (["reasoning.raw"], {"included": "include.0"}),
        (["reasoning.encrypted_content", "x", "y"], {"included": "include.1"}),
        ([7], {"included": "include.0"}),
        ([{}], {"included": "include.0"}),
        (
            ["message.output_text.logprobs", "x"],
            {"logprobs": "include.0", "included": "include.1"},
        ),
    ],
)
def test_what_cannot_be_included_is_refused(words: list[Any], uses: dict[str, str]) -> None:
    said = translator.read(Api.RESPONSES, {**WHOLE[Api.RESPONSES], "include": words})
    assert said.uses == uses


def test_a_word_of_include_that_is_not_known_is_told_without_it() -> None:
    body = {**WHOLE[Api.RESPONSES], "include": ["foo"]}
    refused = obstacle(Api.RESPONSES, Api.CHAT, body, translator.read(Api.RESPONSES, body))
    assert refused is not None
    assert refused.message == (
        "include.0: a word of include that is not known or not translated here has no equivalent"
        " in OpenAI's chat completions; leave it out, or ask a model that speaks the responses API"
    )


@pytest.mark.parametrize(
    ("api", "target", "tier"),
    [(Api.CHAT, Api.RESPONSES, "on_demand"), (Api.RESPONSES, Api.CHAT, "ultrafast")],
)
def test_a_service_tier_that_the_other_does_not_have_is_told(
    api: Api, target: Api, tier: str
) -> None:
    assert warnings(api, target, service_tier=tier) == ["service_tier"]
    for usual in (None, "auto", "default", "flex"):
        assert warnings(api, target, service_tier=usual) == []


@pytest.mark.parametrize("prewarm", [True, 1, "x"])
@pytest.mark.parametrize("api", [Api.CHAT, Api.RESPONSES])
def test_a_request_for_no_answer_is_refused(api: Api, prewarm: Any) -> None:
    body = {**WHOLE[api], "prompt_cache_options": {"mode": "explicit", "prewarm": prewarm}}
    said = translator.read(api, body)
    assert said.uses == {"unknown_field": "prompt_cache_options.prewarm"}


def test_a_format_comes_in_one_field() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    error = refusal(Api.MESSAGES, output_format=form, output_config={"format": form})
    assert error.message == "output_format: expected none beside output_config.format"


def test_a_file_comes_in_one_form() -> None:
    part = {"type": "input_file", "file_url": "https://x", "file_data": "data:text/plain;base64,"}
    error = refusal(Api.RESPONSES, input=[{"role": "user", "content": [part]}])
    assert error.message == "input.0.content.0: expected file_url or file_data, not both"


@pytest.mark.parametrize("tool", [1, {"type": "function"}, {"function": {"name": 7}}])
def test_an_allowed_tool_that_has_no_name_is_refused(tool: Any) -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool]}}
    assert refusal(Api.CHAT, tool_choice=choice).param == "tool_choice.allowed_tools.tools.0"


@pytest.mark.parametrize(
    ("form", "field"),
    [({"type": "xml"}, "tools.0.format.type"), ({}, "tools.0.format.type"), (7, "tools.0.format")],
)
def test_an_input_of_a_form_that_nobody_knows_is_refused(form: Any, field: str) -> None:
    tool = {"type": "custom", "name": "c", "format": form}
    assert refusal(Api.RESPONSES, tools=[tool]).param == field
