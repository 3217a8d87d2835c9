import json
from typing import Any

import orjson
import pytest

from tests.dispatch.fakes import DEPLOYMENT, PROVIDER
from tokenhub.dispatch.provenance import NOTHING_KNOWN, Knowledge
from tokenhub.dispatch.repair import AS_IT_IS, Repair, edits, repair_of
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.storage.seals import SealRow
from tokenhub.types import Api, ErrorClass
from tokenhub.wire.body import parse, splice
from tokenhub.wire.thinking import hash_of, seals_in

Json = dict[str, Any]

TARGET = Target(DEPLOYMENT, PROVIDER, Api.MESSAGES)
SIGNATURE = "messages.{}: Invalid `signature` in `thinking` block"
DATA = "messages.{}: Invalid `data` in `redacted_thinking` block"
BOUND = SIGNATURE + ". The block is bound to a different conversation. Remove the block, or set …"
MODIFIED = (
    "messages.{}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot "
    "be modified. These blocks must remain as they were in the original response."
)
LOST = (
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block"
)
CALL: Json = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
RESULT: Json = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}


def thought(text: str) -> Json:
    return {"type": "thinking", "thinking": "", "signature": text}


# Whose they are, their names say.
MESSAGES: Json = {
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [thought("own1"), CALL]},
        RESULT,
        {"role": "assistant", "content": [thought("new2"), thought("own3"), CALL]},
        RESULT,
        {"role": "assistant", "content": [thought("new4"), thought("own5"), CALL]},
        RESULT,
    ]
}
INPUT: Json = {
    "input": [
        {"type": "reasoning", "id": f"rs_{n}", "encrypted_content": text}
        for n, text in enumerate(["own1", "new2", "own3", "new4", "own5"])
    ]
}


def known(api: Api, value: Json) -> Knowledge:
    seals = seals_in(api, parse(json.dumps(value).encode()))
    own = [hash_of(name) for name in ("own1", "own3", "own5")]
    row = SealRow(b"", PROVIDER.id, PROVIDER.type, DEPLOYMENT.upstream_name, False, 0)
    return Knowledge(seals, {hash_: (row._replace(hash=hash_),) for hash_ in own})


def refusal(message: str, *, status: int = 400, code: str | None = None) -> UpstreamError:
    body = json.dumps({"error": {"message": message, "code": code}}).encode()
    return UpstreamError(ErrorClass.INVALID, "no", status=status, body=body)


def repaired(
    error: UpstreamError, api: Api = Api.MESSAGES, value: Json = MESSAGES
) -> Repair | None:
    return repair_of(error, api, json.dumps(value).encode(), known(api, value), TARGET)


def left_out(error: UpstreamError, api: Api = Api.MESSAGES, value: Json = MESSAGES) -> set[str]:
    repair = repaired(error, api, value)
    assert repair is not None
    names = ("own1", "new2", "own3", "new4", "own5", "")
    assert not repair.unthinking
    return {name for name in names if hash_of(name) in repair.refused}


@pytest.mark.parametrize("message", [SIGNATURE, DATA, SIGNATURE.replace("`", "")])
def test_an_unknown_block_that_is_named_goes_with_the_unknown_ones_behind_it(message: str) -> None:
    assert left_out(refusal(message.format("3.content.0"))) == {"new2", "new4"}
    assert left_out(refusal(message.format("5.content.0"))) == {"new4"}


def test_the_words_are_known_inside_of_another_error() -> None:
    wrapped = json.dumps({"type": "error", "error": {"message": SIGNATURE.format("5.content.0")}})
    assert left_out(refusal(f"upstream said {wrapped}", status=422)) == {"new4"}


@pytest.mark.parametrize("message", [SIGNATURE, BOUND])
def test_where_its_own_block_is_refused_all_behind_it_go(message: str) -> None:
    assert left_out(refusal(message.format("3.content.1"))) == {"own3", "new4", "own5"}


def test_the_blocks_of_a_message_that_was_modified_go_together() -> None:
    assert left_out(refusal(MODIFIED.format("5.content.1"))) == {"new4", "own5"}


@pytest.mark.parametrize("place", ["", "messages.9.content.9: "])
def test_where_no_block_is_named_all_unknown_ones_go(place: str) -> None:
    message = f"{place}Invalid `signature` in `thinking` block"
    assert left_out(refusal(message)) == {"new2", "new4"}


def test_where_none_is_named_and_none_unknown_all_go() -> None:
    value = {"messages": MESSAGES["messages"][:3]}
    assert left_out(refusal("Invalid signature in thinking block"), value=value) == {"own1"}


def test_an_empty_signature_is_refused_like_any_other() -> None:
    value = {"messages": [{"role": "assistant", "content": [thought(""), CALL]}, RESULT]}
    assert left_out(refusal(SIGNATURE.format("0.content.0")), value=value) == {""}


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        ("The encrypted content for item rs_3 could not be verified. Reason: …", {"new4"}),
        ("The encrypted content for item rs_9 could not be verified.", {"new2", "new4"}),
        ("The encrypted content ne...2 could not be verified.", {"new2", "new4"}),
        ("The encrypted content ow...3 could not be verified.", {"own3", "new4", "own5"}),
        ("Something is wrong.", {"new2", "new4"}),
    ],
)
def test_reasoning_is_named_by_its_item_or_its_ends(message: str, gone: set[str]) -> None:
    error = refusal(message, code="invalid_encrypted_content")
    assert left_out(error, Api.RESPONSES, INPUT) == gone


@pytest.mark.parametrize(
    "error",
    [
        refusal("messages.1.content.0.thinking.signature: Field required"),
        refusal("max_tokens: Field required"),
        UpstreamError(ErrorClass.TRANSIENT, "reset"),
    ],
)
def test_other_errors_are_not_about_thinking(error: UpstreamError) -> None:
    assert repaired(error) is None


def test_without_a_seal_there_is_nothing_to_leave_out() -> None:
    error = refusal(SIGNATURE.format("0.content.0"))
    assert repaired(error, value={"messages": [RESULT]}) is None
    assert repaired(error, Api.CHAT) is None


def test_thinking_that_cannot_go_on_is_switched_off() -> None:
    assert repaired(refusal(LOST)) == Repair(unthinking=True)


def edited(value: Json, repair: Repair, knowledge: Knowledge | None = None) -> Any:
    document = parse(json.dumps(value).encode())
    knowledge = knowledge or known(Api.MESSAGES, value)
    return orjson.loads(splice(document, edits(Api.MESSAGES, document, knowledge, TARGET, repair)))


def test_a_request_without_foreign_thinking_goes_as_it_is() -> None:
    assert edited(MESSAGES, AS_IT_IS) == MESSAGES
    assert edited(MESSAGES, AS_IT_IS, NOTHING_KNOWN) == MESSAGES


def test_what_was_refused_is_left_out() -> None:
    value = edited(MESSAGES, Repair(frozenset({hash_of("new2"), hash_of("new4")})))
    assert [message["content"] for message in value["messages"][1::2]] == [
        [thought("own1"), CALL],
        [thought("own3"), CALL],
        [thought("own5"), CALL],
    ]


def test_a_loop_that_loses_its_thinking_goes_on_without() -> None:
    value = {**MESSAGES, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    all_of_it = Repair(frozenset(map(hash_of, ["own1", "new2", "own3", "new4", "own5"])))
    assert edited(value, all_of_it)["thinking"] == {"type": "disabled"}
    assert edited(value, Repair(unthinking=True)) == {**value, "thinking": {"type": "disabled"}}
    assert edited(value, AS_IT_IS) == value
