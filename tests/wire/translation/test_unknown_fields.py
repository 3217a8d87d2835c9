"""What stands inside a field and is not known is refused by its place; nothing is lost silently."""

from types import ModuleType
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translation.whole_requests import (
    CHAT,
    MESSAGES,
    RESPONSES,
    WHOLE,
    Body,
    at,
    objects,
    with_key,
)
from tokenhub.errors import Untranslatable
from tokenhub.types import Api
from tokenhub.wire.translation import chat_keys, messages_keys, responses_keys, translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Conversation, Origin
from tokenhub.wire.translation.fields import TRANSLATED, obstacle
from tokenhub.wire.translation.keys import Keys
from tokenhub.wire.translation.rules import Fate


class Kind(NamedTuple):
    """A kind of object: its keys, and a place where one stands in a request."""

    api: Api
    keys: Keys
    where: str
    body: Body


def chat(keys: Keys, where: str, **fields: Any) -> Kind:
    return Kind(Api.CHAT, keys, where, {**CHAT, **fields})


def responses(keys: Keys, where: str, **fields: Any) -> Kind:
    return Kind(Api.RESPONSES, keys, where, {**RESPONSES, **fields})


def messages(keys: Keys, where: str, **fields: Any) -> Kind:
    return Kind(Api.MESSAGES, keys, where, {**MESSAGES, **fields})


_F: Final = {"type": "function", "function": {"name": "f"}}
_ALLOWED: Final = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [_F]}}
_FLAT_ALLOWED: Final = {
    "type": "allowed_tools",
    "mode": "auto",
    "tools": [{"type": "function", "name": "f"}],
}
_PDF_BY_URL: Final = [
    {"type": "document", "source": {"type": "url", "url": "https://x"}},
    {"type": "text", "text": "Read."},
]

KINDS: Final = [
    chat(chat_keys.SPOKEN, "messages.0"),
    chat(chat_keys.SPOKEN, "messages.1"),
    chat(chat_keys.SPOKEN, "messages.2"),
    chat(chat_keys.ANSWER, "messages.3"),
    chat(chat_keys.TOOL_RESULT, "messages.4"),
    chat(chat_keys.FUNCTION_RESULT, "messages.6"),
    chat(chat_keys.TEXT, "messages.1.content.0"),
    chat(chat_keys.TEXT, "messages.2.content.0"),
    chat(chat_keys.TEXT, "messages.3.content.0"),
    chat(chat_keys.REFUSAL, "messages.3.content.1"),
    chat(chat_keys.IMAGE, "messages.2.content.1"),
    chat(chat_keys.IMAGE_URL, "messages.2.content.1.image_url"),
    chat(chat_keys.FILE, "messages.2.content.2"),
    chat(chat_keys.FILE_DATA, "messages.2.content.2.file"),
    chat(chat_keys.TOOL_CALL, "messages.3.tool_calls.0"),
    chat(chat_keys.CALLED, "messages.3.tool_calls.0.function"),
    chat(chat_keys.CALLED, "messages.5.function_call"),
    chat(chat_keys.TOOL, "tools.0"),
    chat(chat_keys.FUNCTION, "tools.0.function"),
    chat(chat_keys.FUNCTION, "functions.0"),
    chat(chat_keys.CHOSEN, "tool_choice"),
    chat(chat_keys.CHOSEN_FUNCTION, "tool_choice.function"),
    chat(chat_keys.CHOSEN_FUNCTION, "function_call", function_call={"name": "g"}),
    chat(chat_keys.ALLOWED_TOOLS, "tool_choice", tool_choice=_ALLOWED),
    chat(chat_keys.ALLOWED, "tool_choice.allowed_tools", tool_choice=_ALLOWED),
    chat(chat_keys.CHOSEN, "tool_choice.allowed_tools.tools.0", tool_choice=_ALLOWED),
    chat(
        chat_keys.CHOSEN_FUNCTION,
        "tool_choice.allowed_tools.tools.0.function",
        tool_choice=_ALLOWED,
    ),
    chat(chat_keys.FORMAT, "response_format", response_format={"type": "text"}),
    chat(chat_keys.FORMAT, "response_format", response_format={"type": "json_object"}),
    chat(chat_keys.SCHEMA_FORMAT, "response_format"),
    chat(chat_keys.SCHEMA, "response_format.json_schema"),
    chat(chat_keys.STREAM_OPTIONS, "stream_options"),
    chat(chat_keys.PROMPT_CACHE_OPTIONS, "prompt_cache_options"),
    responses(responses_keys.MESSAGE, "input.0"),
    responses(responses_keys.MESSAGE, "input.1"),
    responses(responses_keys.ANSWER, "input.3"),
    responses(responses_keys.REASONING, "input.2"),
    responses(responses_keys.REASONING_TEXT, "input.2.summary.0"),
    responses(responses_keys.REASONING_TEXT, "input.2.content.0"),
    responses(responses_keys.CALL, "input.4"),
    responses(responses_keys.CUSTOM_CALL, "input.5"),
    responses(responses_keys.OUTPUT, "input.6"),
    responses(responses_keys.OUTPUT, "input.7"),
    responses(responses_keys.ADDITIONAL_TOOLS, "input.8"),
    responses(responses_keys.TEXT, "input.1.content.0"),
    responses(responses_keys.ANSWER_TEXT, "input.3.content.0"),
    responses(responses_keys.TEXT, "input.7.output.0"),
    responses(responses_keys.REFUSAL, "input.3.content.1"),
    responses(responses_keys.IMAGE, "input.1.content.1"),
    responses(responses_keys.FILE, "input.1.content.2"),
    responses(responses_keys.FUNCTION, "tools.0"),
    responses(responses_keys.FUNCTION, "tools.3.tools.0"),
    responses(responses_keys.FUNCTION, "input.8.tools.0"),
    responses(responses_keys.CUSTOM, "tools.1"),
    responses(responses_keys.TEXT_INPUT, "tools.1.format"),
    responses(responses_keys.GRAMMAR, "tools.2.format"),
    responses(responses_keys.NAMESPACE, "tools.3"),
    responses(responses_keys.CHOSEN, "tool_choice"),
    responses(responses_keys.ALLOWED, "tool_choice", tool_choice=_FLAT_ALLOWED),
    responses(responses_keys.TEXT_CONFIG, "text"),
    responses(responses_keys.FORMAT, "text.format", text={"format": {"type": "text"}}),
    responses(responses_keys.FORMAT, "text.format", text={"format": {"type": "json_object"}}),
    responses(responses_keys.SCHEMA_FORMAT, "text.format"),
    responses(responses_keys.REASONING_CONFIG, "reasoning"),
    responses(responses_keys.STREAM_OPTIONS, "stream_options"),
    responses(responses_keys.PROMPT_CACHE_OPTIONS, "prompt_cache_options"),
    messages(messages_keys.USER, "messages.0"),
    messages(messages_keys.ANSWER, "messages.1"),
    messages(messages_keys.SYSTEM, "messages.3"),
    messages(messages_keys.TEXT, "system.0"),
    messages(messages_keys.TEXT, "messages.0.content.0"),
    messages(messages_keys.ANSWER_TEXT, "messages.1.content.2"),
    messages(messages_keys.TEXT, "messages.2.content.0.content.0"),
    messages(messages_keys.IMAGE, "messages.0.content.1"),
    messages(messages_keys.INLINE, "messages.0.content.1.source"),
    messages(messages_keys.URL, "messages.0.content.2.source"),
    messages(messages_keys.DOCUMENT, "messages.0.content.3"),
    messages(messages_keys.CITATIONS, "messages.0.content.3.citations"),
    messages(messages_keys.INLINE, "messages.0.content.3.source"),
    messages(messages_keys.INLINE, "messages.0.content.4.source"),
    messages(messages_keys.BLOCKS, "messages.0.content.5.source"),
    messages(messages_keys.TEXT, "messages.0.content.5.source.content.0"),
    messages(
        messages_keys.URL,
        "messages.0.content.0.source",
        messages=[{"role": "user", "content": _PDF_BY_URL}],
    ),
    messages(messages_keys.THINKING, "messages.1.content.0"),
    messages(messages_keys.REDACTED, "messages.1.content.1"),
    messages(messages_keys.TOOL_USE, "messages.1.content.3"),
    messages(messages_keys.TOOL_RESULT, "messages.2.content.0"),
    messages(messages_keys.TOOL, "tools.0"),
    messages(messages_keys.CHOSEN, "tool_choice"),
    messages(messages_keys.CHOICE, "tool_choice", tool_choice={"type": "any"}),
    messages(messages_keys.METADATA, "metadata"),
    messages(messages_keys.OUTPUT_CONFIG, "output_config"),
    messages(messages_keys.FORMAT, "output_config.format"),
    messages(
        messages_keys.FORMAT,
        "output_format",
        output_config={},
        output_format=MESSAGES["output_config"]["format"],
    ),
    messages(messages_keys.ENABLED, "thinking"),
    messages(messages_keys.ADAPTIVE, "thinking", thinking={"type": "adaptive"}),
    messages(messages_keys.DISABLED, "thinking", thinking={"type": "disabled"}),
    messages(messages_keys.DISABLED, "thinking", thinking={"type": "between_tools"}),
]
SILENT: Final = [(kind, name) for kind in KINDS for name in sorted(kind.keys.silent)]
RULED: Final = [(kind, name) for kind in KINDS for name in kind.keys.ruled]
AIM: Final = Aim("m", None, lambda seal: Origin.FOREIGN)


def named(value: Any) -> str:
    return f"{value.api}-{value.where}" if isinstance(value, Kind) else str(value)


def refusals(api: Api, body: Body) -> list[str | None]:
    """The place that each of the other protocols cannot say, None where all can be said."""
    said = translator.read(api, body)
    found = [obstacle(api, target, body, said) for target in TRANSLATED if target is not api]
    assert all(one is None or isinstance(one, Untranslatable) for one in found)
    return [None if one is None else one.param for one in found]


def unspoken(api: Api, body: Body) -> Conversation:
    """What is read, without what some protocols cannot say on purpose, and what is as it came."""
    said = translator.read(api, body)
    said.shared.pop("prompt_cache_options", None)
    for feature in ("allowed_tools", "json_object", "file_url"):
        said.uses.pop(feature, None)
    return said


@pytest.mark.parametrize("api", TRANSLATED)
def test_a_whole_request_can_be_said_without_a_loss(api: Api) -> None:
    assert refusals(api, WHOLE[api]) == [None, None]
    said = translator.read(api, WHOLE[api])
    for target in set(TRANSLATED) - {api}:
        assert translator.write(api, target, said, WHOLE[api], AIM).body
    assert (said.uses, said.missed, said.hints) == ({}, [], {})


@pytest.mark.parametrize("module", [chat_keys, responses_keys, messages_keys])
def test_each_kind_is_tried(module: ModuleType) -> None:
    tried = [id(kind.keys) for kind in KINDS]
    known = {name: one for name, one in vars(module).items() if isinstance(one, Keys)}
    assert [name for name, one in known.items() if id(one) not in tried] == []


@pytest.mark.parametrize("module", [chat_keys, responses_keys, messages_keys])
def test_each_kind_is_among_the_tables(module: ModuleType) -> None:
    tables = [id(one) for one in module.TABLES]
    assert sorted(tables) == sorted(id(one) for one in vars(module).values() if type(one) is Keys)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_an_unknown_key_is_refused_by_its_place(kind: Kind) -> None:
    body = with_key(kind.body, kind.where, "foo", "bar")
    assert refusals(kind.api, body) == [f"{kind.where}.foo"] * 2


@pytest.mark.parametrize("value", ["", [], {}, False], ids=repr)
@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_an_unknown_key_that_is_empty_says_nothing_only_in_an_answer(
    kind: Kind, value: Any
) -> None:
    place = None if kind.keys.answered else f"{kind.where}.foo"
    plain = refusals(kind.api, kind.body)
    found = refusals(kind.api, with_key(kind.body, kind.where, "foo", value))
    assert found == (plain if place is None else [place] * 2)


def test_what_the_assistant_said_is_an_answer_in_each_protocol() -> None:
    assert {(kind.api, kind.where) for kind in KINDS if kind.keys.answered} == {
        (Api.CHAT, "messages.3"),
        (Api.CHAT, "messages.3.tool_calls.0"),
        (Api.CHAT, "messages.3.tool_calls.0.function"),
        (Api.CHAT, "messages.5.function_call"),
        (Api.RESPONSES, "input.2"),
        (Api.RESPONSES, "input.2.summary.0"),
        (Api.RESPONSES, "input.2.content.0"),
        (Api.RESPONSES, "input.3"),
        (Api.RESPONSES, "input.3.content.0"),
        (Api.RESPONSES, "input.3.content.1"),
        (Api.RESPONSES, "input.4"),
        (Api.RESPONSES, "input.5"),
        (Api.MESSAGES, "messages.1"),
        (Api.MESSAGES, "messages.1.content.0"),
        (Api.MESSAGES, "messages.1.content.1"),
        (Api.MESSAGES, "messages.1.content.2"),
        (Api.MESSAGES, "messages.1.content.3"),
    }


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_key_that_says_nothing_is_left_out(kind: Kind) -> None:
    body = with_key(kind.body, kind.where, "foo", None)
    given = at(kind.body, kind.where)
    for name in (kind.keys.known | kind.keys.ruled.keys()) - set(given):
        body = with_key(body, kind.where, name, None)
    said, plain = unspoken(kind.api, body), unspoken(kind.api, kind.body)
    assert said == plain
    assert said.uses == {}


@pytest.mark.parametrize(("kind", "name"), SILENT, ids=named)
def test_a_key_without_an_effect_is_left_out_whatever_its_value(kind: Kind, name: str) -> None:
    said = unspoken(kind.api, with_key(kind.body, kind.where, name, {"what": "ever"}))
    assert said == unspoken(kind.api, kind.body)


@pytest.mark.parametrize(("kind", "name"), RULED, ids=named)
def test_a_known_key_that_cannot_be_said_is_refused_or_told(kind: Kind, name: str) -> None:
    said = unspoken(kind.api, with_key(kind.body, kind.where, name, {"what": "ever"}))
    place = f"{kind.where}.{name}"
    if kind.keys.ruled[name].fate is Fate.WARNED:
        assert (said.uses, said.missed) == ({}, [place])
    else:
        assert (said.uses, said.missed) == ({"unknown_field": place}, [])


@pytest.mark.parametrize(("kind", "name"), RULED, ids=named)
def test_a_value_that_asks_for_nothing_is_harmless(kind: Kind, name: str) -> None:
    for value in kind.keys.ruled[name].harmless:
        said = unspoken(kind.api, with_key(kind.body, kind.where, name, value))
        assert (said.uses, said.missed) == ({}, [])


KNOWN: Final = frozenset().union(*(kind.keys.known | kind.keys.ruled.keys() for kind in KINDS))
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,30}", fullmatch=True).filter(
    lambda name: name not in KNOWN
)
values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
).filter(lambda value: value is not False and value not in ("", [], {}))


@given(
    st.sampled_from([(api, where) for api in TRANSLATED for where in objects(api)]), names, values
)
def test_an_unknown_key_anywhere_is_found(place: tuple[Api, str], name: str, value: Any) -> None:
    api, where = place
    assert refusals(api, with_key(WHOLE[api], where, name, value)) == [f"{where}.{name}"] * 2


def test_the_first_of_several_is_named() -> None:
    body = with_key(with_key(CHAT, "messages.2.content.0", "b", 1), "messages.0", "a", 1)
    assert refusals(Api.CHAT, body) == ["messages.0.a"] * 2


def test_a_name_is_told_on_one_line_and_not_longer_than_it_helps() -> None:
    body = with_key(CHAT, "messages.0", "a\nb" + "c" * 1_000, 1)
    assert refusals(Api.CHAT, body) == ["messages.0.a b" + "c" * 56 + "…"] * 2
