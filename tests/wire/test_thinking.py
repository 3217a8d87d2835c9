import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.errors import BadRequest
from tokenhub.types import Api
from tokenhub.wire import thinking
from tokenhub.wire.body import Document, parse, splice
from tokenhub.wire.thinking import Seal, seals_in, thinking_is_lost, thinking_off, without
from tokenhub.wire.translation.seals import own_seal

Json = dict[str, Any]

HI: Json = {"role": "user", "content": "Hi"}
TEXT: Json = {"type": "text", "text": "Hello"}
CALL: Json = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT: Json = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}
ENABLED: Json = {"type": "enabled", "budget_tokens": 2048}


def thought(seal: str) -> Json:
    return {"type": "thinking", "thinking": "Hm, äh", "signature": seal}


def redacted(seal: str) -> Json:
    return {"type": "redacted_thinking", "data": seal}


def said(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def document(value: Json) -> Document:
    return parse(json.dumps(value).encode())


def chat(*messages: Json, **fields: Any) -> Document:
    return document({"model": "m", **fields, "messages": list(messages)})


def hashes(*seals: str) -> list[bytes]:
    return [sha256(seal.encode()).digest() for seal in seals]


def those(body: Document, *seals: str, api: Api = Api.MESSAGES) -> list[Seal]:
    wanted = hashes(*seals)
    return [seal for seal in seals_in(api, body) if seal.hash in wanted]


def left(body: Document, *seals: str, api: Api = Api.MESSAGES) -> Any:
    """The body without the blocks of `seals`."""
    return orjson.loads(splice(body, without(api, body, those(body, *seals, api=api))))


@pytest.mark.parametrize("api", [Api.MESSAGES, Api.COUNT_TOKENS])
def test_seals_of_the_assistants_thinking_are_found_with_their_places(api: Api) -> None:
    body = chat(HI, said(thought("s1"), TEXT, redacted("s2")), HI, said(thought(own_seal("x"))))
    found = seals_in(api, body)
    assert [seal.hash for seal in found] == hashes("s1", "s2", own_seal("x"))
    assert [(seal.turn, seal.block) for seal in found] == [(1, 0), (1, 2), (3, 0)]
    assert [seal.ours for seal in found] == [False, False, True]


def test_seals_of_reasoning_items_are_found() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "s1"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": None},
        {"type": "compaction", "encrypted_content": "no thinking"},
    ]
    body = document({"input": items})
    assert seals_in(Api.RESPONSES, body) == (Seal(hashes("s1")[0], 1, 0, False),)


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (Api.CHAT, {"messages": [said(thought("s"))]}),
        (Api.MESSAGES, {"messages": [HI]}),
        (Api.MESSAGES, {"messages": "signature", "signature": 1}),
        (Api.MESSAGES, {"messages": [1, {"role": "assistant"}, said(), {"signature": 1}]}),
        (Api.MESSAGES, {"messages": [{"role": "user", "content": [thought("s")]}]}),
        (Api.MESSAGES, {"messages": [{"role": "assistant", "content": '"signature"'}]}),
        (Api.MESSAGES, {"messages": [said({"type": [], "signature": "s"}, {"type": "thinking"})]}),
        (Api.MESSAGES, {"messages": [{"role": "assistant", "content": ["s", None, redacted(1)]}]}),  # type: ignore[arg-type]
        (Api.RESPONSES, {"input": '"encrypted_content"', "encrypted_content": 1}),
        (Api.RESPONSES, {"input": [1, {"encrypted_content": "s"}]}),
    ],
)
def test_what_is_no_thinking_has_no_seal(api: Api, body: Json) -> None:
    assert seals_in(api, document(body)) == ()


def test_of_an_absurd_number_of_seals_the_first_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thinking, "MOST_SEALS", 2)
    body = chat(HI, said(thought("a"), thought("b"), thought("c")))
    assert [seal.block for seal in seals_in(Api.MESSAGES, body)] == [0, 1]


def test_a_block_is_taken_out_and_the_others_stay() -> None:
    body = chat(HI, said(thought("a"), TEXT, thought("b"), CALL), RESULT, said(thought("c"), TEXT))
    value = left(body, "a", "b")
    assert value["messages"] == [HI, said(TEXT, CALL), RESULT, said(thought("c"), TEXT)]


def test_a_message_of_which_nothing_is_left_goes_as_a_whole() -> None:
    body = chat(said(thought("a")), HI, said(thought("a"), redacted("a")), HI, said(thought("a")))
    assert left(body, "a")["messages"] == [HI, HI]


def test_a_conversation_of_nothing_else_ends_up_empty() -> None:
    assert left(chat(said(thought("a")), said(thought("a"))), "a")["messages"] == []


def test_a_reasoning_item_goes_as_a_whole() -> None:
    items = [{"type": "reasoning", "encrypted_content": seal} for seal in ("a", "b", "a")]
    value = left(document({"input": [items[0], HI, *items[1:]]}), "a", api=Api.RESPONSES)
    assert value["input"] == [HI, items[1]]


def test_nothing_is_edited_where_nothing_goes() -> None:
    assert without(Api.MESSAGES, chat(HI), []) == []


def test_of_a_content_that_is_given_twice_the_last_is_cut() -> None:
    twice = b'{"role":"assistant","content":[1,2],"content":[%b,{}]}' % orjson.dumps(thought("a"))
    body = parse(b'{"messages":[%b]}' % twice)
    cut = splice(body, without(Api.MESSAGES, body, those(body, "a")))
    assert cut == b'{"messages":[{"role":"assistant","content":[1,2],"content":[{}]}]}'


def test_nesting_that_the_scanner_cannot_follow_is_refused() -> None:
    deep = b'{"messages":[{"role":"assistant","content":[%b,%b]}]}' % (
        orjson.dumps(thought("a")),
        b"[" * 900 + b"]" * 900,
    )
    body = parse(deep)
    removed = those(body, "a")

    def deeper(levels: int) -> None:
        if levels:
            deeper(levels - 1)
        else:
            without(Api.MESSAGES, body, removed)

    with pytest.raises(BadRequest) as caught:
        deeper(200)
    assert caught.value.param == "messages"


# Conversations in any spacing, whose blocks of thinking are marked with the seals "own…" or "bad…".
_blocks = st.one_of(
    st.sampled_from([TEXT, CALL, {"type": "text", "text": 'ü, [{"\\ \u2028'}]),
    st.tuples(st.sampled_from([thought, redacted]), st.sampled_from(["own", "bad"])).map(
        lambda made: made[0](made[1])
    ),
)
_messages = st.one_of(
    st.sampled_from([HI, RESULT, {"role": "assistant", "content": "plain"}]),
    st.lists(_blocks, min_size=1, max_size=4).map(lambda blocks: said(*blocks)),
)
_items = st.sampled_from(
    [HI, {"type": "function_call"}]
    + [{"type": "reasoning", "encrypted_content": seal} for seal in ("own", "bad")]
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Api, str, list[Json], dict[str, Any]]:
    """An API, where its conversation stands, its turns, and how JSON is written."""
    api = draw(st.sampled_from([Api.MESSAGES, Api.RESPONSES]))
    turns = draw(st.lists(_messages if api is Api.MESSAGES else _items, max_size=7))
    gap = draw(st.sampled_from(["", " ", "\n\t"]))
    writing = {
        "ensure_ascii": draw(st.booleans()),
        "separators": (f"{gap},{gap}", f"{gap}:{gap}"),
        "indent": draw(st.sampled_from([None, 2])),
    }
    return api, "messages" if api is Api.MESSAGES else "input", turns, writing


Conversation = tuple[Api, str, list[Json], dict[str, Any]]


def bytes_of(conversation: Conversation, turns: Sequence[Json]) -> bytes:
    _, name, _, writing = conversation
    return json.dumps({"a": 1, name: turns, "z": "ö"}, **writing).encode()


def cut(conversation: Conversation, body: bytes, *seals: str) -> bytes:
    api = conversation[0]
    read = parse(body)
    return splice(read, without(api, read, those(read, *seals, api=api)))


def filtered(turns: Sequence[Json]) -> list[Json]:
    kept = []
    for turn in turns:
        if turn.get("encrypted_content") == "bad":
            continue
        if isinstance(turn.get("content"), list):
            blocks = [
                b for b in turn["content"] if "bad" not in (b.get("signature"), b.get("data"))
            ]
            if not blocks:
                continue
            turn = {**turn, "content": blocks}
        kept.append(turn)
    return kept


@given(conversations())
def test_exactly_the_blocks_of_the_given_seals_go(conversation: Conversation) -> None:
    api, name, turns, _ = conversation
    body = bytes_of(conversation, turns)
    value = orjson.loads(cut(conversation, body, "bad"))
    assert value == {"a": 1, name: filtered(turns), "z": "ö"}
    rest = seals_in(api, parse(orjson.dumps(value)))
    assert {seal.hash for seal in rest} <= set(hashes("own"))


@given(conversations())
def test_all_other_bytes_stay_as_they_are(conversation: Conversation) -> None:
    body = bytes_of(conversation, conversation[2])
    read = parse(body)
    edits = without(conversation[0], read, those(read, "bad", api=conversation[0]))
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        assert position <= edit.start < edit.end
        assert edit.replacement == b""
        position = edit.end
    start, end = read.spans[conversation[1]]
    assert all(start < edit.start and edit.end < end for edit in edits)


@given(conversations())
def test_taking_them_out_twice_is_taking_them_out_once(conversation: Conversation) -> None:
    once = cut(conversation, bytes_of(conversation, conversation[2]), "bad")
    assert cut(conversation, once, "bad") == once


@given(conversations(), st.integers(0, 7))
def test_a_longer_conversation_begins_with_the_bytes_of_the_shorter(
    conversation: Conversation, count: int
) -> None:
    shorter = conversation[2][:count]
    if not filtered(shorter):
        return
    first = cut(conversation, bytes_of(conversation, shorter), "bad")
    second = cut(conversation, bytes_of(conversation, conversation[2]), "bad")
    common = first[: first.rindex(b"]")].rstrip()
    assert second.startswith(common)


@pytest.mark.parametrize(
    ("messages", "lost"),
    [
        ([HI, said(thought("bad"), CALL), RESULT], True),
        ([HI, said(redacted("bad"), TEXT, CALL), RESULT], True),
        ([HI, said(thought("bad"), thought("own"), CALL), RESULT], False),
        # The loop's last turn never thought: what counts is that its first one did.
        ([HI, said(thought("bad"), CALL), RESULT, said(CALL), RESULT], True),
        ([HI, said(thought("bad"), CALL), RESULT, said(thought("own"), CALL), RESULT], False),
        ([HI, said(thought("own"), CALL), RESULT, said(thought("bad")), RESULT], True),
        # No loop is running.
        ([HI, said(thought("bad"), CALL), RESULT, said(TEXT), HI], False),
        ([HI, said(thought("bad"), TEXT), HI], False),
        ([HI, said(thought("bad"))], False),
        ([HI, said(thought("bad"), TEXT), HI, said(CALL), RESULT], False),
        ([HI, said(thought("own"), CALL), RESULT], False),
        ([said(thought("bad")), {"role": "assistant", "content": "x"}, RESULT], True),
        ([said(thought("bad")), RESULT, 7], True),
    ],
)
def test_thinking_is_lost_where_the_running_loop_loses_it(messages: list[Any], lost: bool) -> None:
    body = chat(*messages, thinking=ENABLED)
    assert thinking_is_lost(body, those(body, "bad")) is lost


@pytest.mark.parametrize("mode", [None, "enabled", {"type": "adaptive"}, {"type": "disabled"}])
def test_only_thinking_that_must_go_on_is_lost(mode: Any) -> None:
    body = chat(HI, said(thought("bad"), CALL), RESULT, thinking=mode)
    assert not thinking_is_lost(body, those(body, "bad"))


def test_switched_off_thinking_takes_its_context_edits_with_it() -> None:
    uses = {"type": "clear_tool_uses_20250919"}
    clearing = [{"type": "clear_thinking_20251015", "keep": "all"}, uses]
    fields = {"thinking": ENABLED, "context_management": {"x": 1, "edits": clearing}, "top_k": 1}
    body = chat(HI, **fields)
    value = orjson.loads(splice(body, thinking_off(body)))
    assert value == body.value | {
        "thinking": {"type": "disabled"},
        "context_management": {"x": 1, "edits": [uses]},
    }


@pytest.mark.parametrize("management", [None, 1, {}, {"edits": None}, {"edits": [1, {}]}])
def test_other_context_edits_stay(management: Any) -> None:
    body = chat(HI, thinking=ENABLED, context_management=management)
    value = orjson.loads(splice(body, thinking_off(body)))
    assert value == body.value | {"thinking": {"type": "disabled"}}


def test_there_is_nothing_to_switch_off_where_no_thinking_was_asked_for() -> None:
    assert thinking_off(chat(HI)) == []
