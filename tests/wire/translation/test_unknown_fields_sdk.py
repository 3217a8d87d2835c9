"""The keys that the SDKs know: a new version that brings another one fails here, and is decided.

The types by which the SDKs send requests are walked from the top, as far as a request is read. What
has a `type` that is not read is refused as a whole, whatever is in it.
"""

import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import typing_extensions
from anthropic.types import beta
from anthropic.types import message_create_params as messages_params
from anthropic.types.beta import message_create_params as beta_params
from anthropic.types.beta.parsed_beta_message import ParsedBetaTextBlock
from openai.types import chat, responses
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import response_create_params as responses_params
from pydantic import BaseModel

from tokenhub.types import Api
from tokenhub.wire.translation import chat_keys, messages_keys, responses_keys
from tokenhub.wire.translation.fields import FIELDS
from tokenhub.wire.translation.keys import Keys, keys
from tokenhub.wire.translation.rules import Fate

Kinds = Mapping[str, Keys]

CHAT: Final[Kinds] = {
    "ChatCompletionDeveloperMessageParam": chat_keys.SPOKEN,
    "ChatCompletionSystemMessageParam": chat_keys.SPOKEN,
    "ChatCompletionUserMessageParam": chat_keys.SPOKEN,
    "ChatCompletionAssistantMessageParam": chat_keys.ANSWER,
    "ChatCompletionToolMessageParam": chat_keys.TOOL_RESULT,
    "ChatCompletionFunctionMessageParam": chat_keys.FUNCTION_RESULT,
    "ChatCompletionContentPartTextParam": chat_keys.TEXT,
    "ChatCompletionContentPartRefusalParam": chat_keys.REFUSAL,
    "ChatCompletionContentPartImageParam": chat_keys.IMAGE,
    "chat_completion_content_part_image_param.ImageURL": chat_keys.IMAGE_URL,
    "chat_completion_content_part_param.File": chat_keys.FILE,
    "FileFile": chat_keys.FILE_DATA,
    "ChatCompletionMessageFunctionToolCallParam": chat_keys.TOOL_CALL,
    "chat_completion_message_function_tool_call_param.Function": chat_keys.CALLED,
    "chat_completion_assistant_message_param.FunctionCall": chat_keys.CALLED,
    "ChatCompletionFunctionToolParam": chat_keys.TOOL,
    "FunctionDefinition": chat_keys.FUNCTION,
    "completion_create_params.Function": chat_keys.FUNCTION,
    "ChatCompletionNamedToolChoiceParam": chat_keys.CHOSEN,
    "chat_completion_named_tool_choice_param.Function": chat_keys.CHOSEN_FUNCTION,
    "ChatCompletionFunctionCallOptionParam": chat_keys.CHOSEN_FUNCTION,
    "ChatCompletionAllowedToolChoiceParam": chat_keys.ALLOWED_TOOLS,
    "ChatCompletionAllowedToolsParam": chat_keys.ALLOWED,
    "ResponseFormatText": chat_keys.FORMAT,
    "ResponseFormatJSONObject": chat_keys.FORMAT,
    "ResponseFormatJSONSchema": chat_keys.SCHEMA_FORMAT,
    "JSONSchema": chat_keys.SCHEMA,
    "ChatCompletionStreamOptionsParam": chat_keys.STREAM_OPTIONS,
    "PromptCacheOptions": chat_keys.PROMPT_CACHE_OPTIONS,
    # Refused by name: the audio of an answer, by its id.
    "chat_completion_assistant_message_param.Audio": keys("id"),
}
RESPONSES: Final[Kinds] = {
    "EasyInputMessageParam": responses_keys.MESSAGE,
    "response_input_param.Message": responses_keys.MESSAGE,
    "ResponseOutputMessageParam": responses_keys.MESSAGE,
    "ResponseReasoningItemParam": responses_keys.REASONING,
    "response_reasoning_item_param.Summary": responses_keys.REASONING_TEXT,
    "response_reasoning_item_param.Content": responses_keys.REASONING_TEXT,
    "ResponseFunctionToolCallParam": responses_keys.CALL,
    "ResponseCustomToolCallParam": responses_keys.CUSTOM_CALL,
    "FunctionCallOutput": responses_keys.OUTPUT,
    "ResponseCustomToolCallOutputParam": responses_keys.OUTPUT,
    "AdditionalTools": responses_keys.ADDITIONAL_TOOLS,
    "ResponseInputTextParam": responses_keys.TEXT,
    "ResponseInputTextContentParam": responses_keys.TEXT,
    "ResponseOutputTextParam": responses_keys.TEXT,
    "ResponseOutputRefusalParam": responses_keys.REFUSAL,
    "ResponseInputImageParam": responses_keys.IMAGE,
    "ResponseInputImageContentParam": responses_keys.IMAGE,
    "ResponseInputFileParam": responses_keys.FILE,
    "ResponseInputFileContentParam": responses_keys.FILE,
    "FunctionToolParam": responses_keys.FUNCTION,
    "namespace_tool_param.ToolFunction": responses_keys.FUNCTION,
    "CustomToolParam": responses_keys.CUSTOM,
    "custom_tool_input_format.Text": responses_keys.TEXT_INPUT,
    "custom_tool_input_format.Grammar": responses_keys.GRAMMAR,
    "NamespaceToolParam": responses_keys.NAMESPACE,
    "ToolChoiceFunctionParam": responses_keys.CHOSEN,
    "ToolChoiceCustomParam": responses_keys.CHOSEN,
    "ToolChoiceAllowedParam": responses_keys.ALLOWED,
    "ResponseTextConfigParam": responses_keys.TEXT_CONFIG,
    "ResponseFormatText": responses_keys.FORMAT,
    "ResponseFormatJSONObject": responses_keys.FORMAT,
    "ResponseFormatTextJSONSchemaConfigParam": responses_keys.SCHEMA_FORMAT,
    "Reasoning": responses_keys.REASONING_CONFIG,
    "StreamOptions": responses_keys.STREAM_OPTIONS,
    "PromptCacheOptions": responses_keys.PROMPT_CACHE_OPTIONS,
}
MESSAGES: Final[Kinds] = {
    "UserMessageParam": messages_keys.USER,
    "AssistantMessageParam": messages_keys.ANSWER,
    "SystemMessageParam": messages_keys.SYSTEM,
    "TextBlockParam": messages_keys.TEXT,
    "ImageBlockParam": messages_keys.IMAGE,
    "DocumentBlockParam": messages_keys.DOCUMENT,
    "RequestDocumentBlockParam": messages_keys.DOCUMENT,
    "CitationsConfigParam": messages_keys.CITATIONS,
    "CitationsConfigParamParam": messages_keys.CITATIONS,
    "Base64ImageSourceParam": messages_keys.INLINE,
    "Base64PDFSourceParam": messages_keys.INLINE,
    "PlainTextSourceParam": messages_keys.INLINE,
    "URLImageSourceParam": messages_keys.URL,
    "URLPDFSourceParam": messages_keys.URL,
    "ContentBlockSourceParam": messages_keys.BLOCKS,
    "ToolUseBlockParam": messages_keys.TOOL_USE,
    "ToolResultBlockParam": messages_keys.TOOL_RESULT,
    "ThinkingBlockParam": messages_keys.THINKING,
    "RedactedThinkingBlockParam": messages_keys.REDACTED,
    "ToolParam": messages_keys.TOOL,
    "ToolChoiceAutoParam": messages_keys.CHOICE,
    "ToolChoiceAnyParam": messages_keys.CHOICE,
    "ToolChoiceNoneParam": messages_keys.CHOICE,
    "ToolChoiceToolParam": messages_keys.CHOSEN,
    "MetadataParam": messages_keys.METADATA,
    "OutputConfigParam": messages_keys.OUTPUT_CONFIG,
    "JSONOutputFormatParam": messages_keys.FORMAT,
    "ThinkingConfigEnabledParam": messages_keys.ENABLED,
    "ThinkingConfigAdaptiveParam": messages_keys.ADAPTIVE,
    "ThinkingConfigDisabledParam": messages_keys.DISABLED,
    "ThinkingConfigBetweenToolsParam": messages_keys.DISABLED,
}

SENT: Final = {
    "chat": (Api.CHAT, chat_params.CompletionCreateParamsNonStreaming, CHAT),
    "responses": (Api.RESPONSES, responses_params.ResponseCreateParamsNonStreaming, RESPONSES),
    "messages": (Api.MESSAGES, messages_params.MessageCreateParamsNonStreaming, MESSAGES),
    "beta": (Api.MESSAGES, beta_params.MessageCreateParamsNonStreaming, MESSAGES),
}
CHECKED: Final = ("stream_options", "prompt_cache_options")
"""Fields that are left out, but only if nothing in them matters."""
OPAQUE: Final = ("cache_control", "caller")
"""Keys of objects that are passed on or left out as a whole, or refused by what reads them."""


class Walk:
    """Goes through the types of a request's fields; `wrong` is what it found undecided."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self.met: dict[str, set[str]] = {}
        self.types: set[str] = set()
        self.other: list[tuple[str, set[str]]] = []

    def go(self, hint: Any) -> None:
        if typing_extensions.is_typeddict(hint):
            self._meet(hint)
        for part in typing.get_args(hint):
            self.go(part)

    def _meet(self, kind: Any) -> None:
        name, hints = kind.__name__.removeprefix("Beta"), typing.get_type_hints(kind)
        if name not in self._kinds:
            name = f"{kind.__module__.rpartition('.')[2]}.{name}"
        if name not in self._kinds:
            self.other.append((name, types_of(hints)))
            return
        known = self.met.get(name, set())
        self.met[name] = known | set(hints)
        self.types |= types_of(hints)
        keys = self._kinds[name]
        for key, hint in hints.items():
            if key not in known and key in keys.known - keys.silent and key not in OPAQUE:
                self.go(hint)


def types_of(hints: Mapping[str, Any]) -> set[str]:
    """The words that may stand in `type`."""
    return set(_words(hints.get("type")))


def _words(hint: Any) -> Iterator[str]:
    if typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    else:
        for part in typing.get_args(hint):
            yield from _words(part)


def walk(name: str) -> Walk:
    api, params, kinds = SENT[name]
    walk = Walk(kinds)
    for field, hint in typing.get_type_hints(params).items():
        fates = {rule.fate for rule in FIELDS[api].get(field, {}).values()}
        if Fate.KEPT in fates or field in CHECKED:
            walk.go(hint)
    return walk


@pytest.mark.parametrize("name", SENT)
def test_each_key_that_the_sdk_sends_has_its_fate(name: str) -> None:
    kinds = SENT[name][2]
    undecided = {
        kind: given - kinds[kind].known - kinds[kind].ruled.keys()
        for kind, given in walk(name).met.items()
    }
    assert {kind: names for kind, names in undecided.items() if names} == {}


@pytest.mark.parametrize("name", SENT)
def test_each_kind_of_object_that_the_sdk_sends_is_read_or_refused(name: str) -> None:
    found, kinds = walk(name), SENT[name][2]
    assert found.met.keys() <= kinds.keys()
    undecided = [kind for kind, types in found.other if not types or types & found.types]
    assert undecided == []


def test_each_kind_that_is_listed_is_met() -> None:
    met = [walk(name).met.keys() for name in SENT]
    assert set(CHAT) - met[0] == set()
    assert set(RESPONSES) - met[1] == set()
    assert set(MESSAGES) - met[2] - met[3] == set()


ANSWERED: Final[list[tuple[type[BaseModel], Keys]]] = [
    (chat.ChatCompletionMessage, chat_keys.ANSWER),
    (chat.ParsedChatCompletionMessage, chat_keys.ANSWER),
    (chat.ChatCompletionMessageFunctionToolCall, chat_keys.TOOL_CALL),
    (chat.ParsedFunctionToolCall, chat_keys.TOOL_CALL),
    (chat.chat_completion_message_function_tool_call.Function, chat_keys.CALLED),
    (chat.ParsedFunction, chat_keys.CALLED),
    (responses.ResponseOutputMessage, responses_keys.MESSAGE),
    (responses.ResponseOutputText, responses_keys.TEXT),
    (responses.ParsedResponseOutputText, responses_keys.TEXT),
    (responses.ResponseOutputRefusal, responses_keys.REFUSAL),
    (responses.ResponseReasoningItem, responses_keys.REASONING),
    (responses.ResponseFunctionToolCall, responses_keys.CALL),
    (responses.ResponseFunctionToolCallItem, responses_keys.CALL),
    (responses.ParsedResponseFunctionToolCall, responses_keys.CALL),
    (responses.ResponseCustomToolCall, responses_keys.CUSTOM_CALL),
    (responses.ResponseCustomToolCallItem, responses_keys.CUSTOM_CALL),
    (responses.ResponseFunctionToolCallOutputItem, responses_keys.OUTPUT),
    (responses.ResponseCustomToolCallOutputItem, responses_keys.OUTPUT),
    (beta.BetaMessage, messages_keys.ANSWER),
    (ParsedBetaTextBlock, messages_keys.TEXT),
    (beta.BetaTextBlock, messages_keys.TEXT),
    (beta.BetaThinkingBlock, messages_keys.THINKING),
    (beta.BetaRedactedThinkingBlock, messages_keys.REDACTED),
    (beta.BetaToolUseBlock, messages_keys.TOOL_USE),
]
"""What an answer is made of, which is sent back with the next request."""


@pytest.mark.parametrize(("model", "keys"), ANSWERED, ids=lambda one: getattr(one, "__name__", ""))
def test_each_key_of_an_answer_may_be_sent_back(model: type[BaseModel], keys: Keys) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()}
    assert names - keys.known - keys.ruled.keys() == set()
