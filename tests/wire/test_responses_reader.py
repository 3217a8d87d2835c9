import json
from typing import Any

import pytest

from tests.wire.responses import (
    CALL,
    MESSAGE,
    REASONING,
    RESPONSE,
    USAGE,
    delta,
    event,
    heard_by_the_sdk,
    lifecycle,
)
from tests.wire.test_stream import data, named
from tokenhub.errors import NotOfProtocol
from tokenhub.types import Api, Usage
from tokenhub.wire.errors import keep_alive
from tokenhub.wire.reader import Part, StreamReader
from tokenhub.wire.sse import EventSplitter, data_of
from tokenhub.wire.stream import reader_for

BEGIN = (
    lifecycle("created", 0),
    lifecycle("in_progress", 1),
    event("output_item.added", 2, output_index=0, item=MESSAGE),
    event("content_part.added", 3, part={"type": "output_text", "text": ""}, output_index=0),
    delta("Hel", number=4),
)


def cut(made: StreamReader) -> bytes:
    return made.error_event("upstream_error", "cut", "r1")


def reader(*events: bytes) -> StreamReader:
    made = reader_for(Api.RESPONSES)
    for one in events:
        made.read(one)
    return made


def last(events: bytes) -> dict[str, Any]:
    """What the last of `events` says; they are complete."""
    splitter = EventSplitter()
    name, said = data_of(splitter.feed(events)[-1])
    assert splitter.rest == b""
    value: dict[str, Any] = json.loads(said)
    assert name == value["type"].encode()
    return value


@pytest.mark.parametrize(
    ("one", "part"),
    [
        (lifecycle("created"), Part.OPENING),
        (lifecycle("queued"), Part.OPENING),
        (lifecycle("in_progress"), Part.OPENING),
        (event("output_item.added", item=MESSAGE), Part.OPENING),
        (event("output_item.added", item={**MESSAGE, "content": [{"text": "a"}]}), Part.CONTENT),
        (event("output_item.added", item=REASONING), Part.CONTENT),
        (event("output_item.added", item=CALL), Part.CONTENT),
        (event("output_item.added", item=None), Part.OTHER),
        (event("content_part.added", part={"type": "output_text", "text": ""}), Part.OPENING),
        (event("content_part.added", part={"type": "output_text", "text": "a"}), Part.CONTENT),
        (event("reasoning_summary_part.added", part={"text": ""}), Part.OPENING),
        (delta("a"), Part.CONTENT),
        (delta(""), Part.OTHER),
        (delta("a", "reasoning_summary_text"), Part.CONTENT),
        (delta("a", "reasoning_text"), Part.CONTENT),
        (delta("{", "function_call_arguments"), Part.CONTENT),
        (delta("no", "refusal"), Part.CONTENT),
        (event("output_text.done", text="a"), Part.OTHER),
        (event("output_item.done", item=MESSAGE), Part.OTHER),
        (event("of_a_later_version"), Part.OTHER),
        (lifecycle("failed", error={"code": "server_error"}), Part.ERROR),
        (named({"type": "error", "message": "boom"}), Part.ERROR),
        (data({"type": "error", "message": "boom"}), Part.ERROR),
        (keep_alive(Api.RESPONSES), Part.OPENING),
    ],
)
def test_each_event_of_a_response_is_told_apart(one: bytes, part: Part) -> None:
    assert reader().read(one) is part


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
def test_a_response_ends_with_its_usage(kind: str) -> None:
    made = reader(*BEGIN)
    finished = [made.finished]
    assert made.read(lifecycle(kind, status=kind, usage=USAGE)) is Part.END
    assert [*finished, made.finished] == [False, True]
    assert made.usage == Usage(50, 10, 5, 0, 30, 20)


def test_a_response_that_ends_before_it_has_begun_is_refused() -> None:
    with pytest.raises(NotOfProtocol, match="ends before"):
        reader().read(lifecycle("completed"))


@pytest.mark.parametrize(
    "one",
    [
        b"data: [1]\n\n",
        data({"choices": []}),
        data({"type": 5}),
        event("created"),
        event("completed", response=[]),
    ],
)
def test_data_that_is_not_of_the_responses_protocol_is_refused(one: bytes) -> None:
    with pytest.raises(NotOfProtocol):
        reader().read(one)


def test_the_error_of_a_failed_response_is_kept_for_its_class() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down", "misalignment": {"a": 1}}
    made = reader(*BEGIN, lifecycle("failed", error=error, usage=USAGE))
    told = {"code": "rate_limit_exceeded", "message": "slow down"}
    assert json.loads(made.error) == {"error": told}
    assert made.usage == Usage(50, 10, 5, 0, 30, 20)
    assert made.after_error("r1") == b""


def test_output_is_estimated_by_what_the_model_wrote_alone() -> None:
    made = reader(*BEGIN)
    one = event("output_text.delta", delta=" word", obfuscation="x" * 400, item_id="y" * 400)
    for _ in range(100):
        made.read(one)
    assert 90 <= made.output_tokens_seen <= 150


def test_encrypted_reasoning_is_a_seal_once_its_item_is_done() -> None:
    sealed = {**REASONING, "encrypted_content": "gAAAA"}
    made = reader(event("output_item.added", item={**sealed, "encrypted_content": "gA"}))
    assert made.seals == []
    for item in (sealed, REASONING, {**REASONING, "encrypted_content": None}, MESSAGE, None):
        made.read(event("output_item.done", item=item))
    assert made.seals == ["gAAAA"]


def test_a_response_that_breaks_off_fails_as_the_one_that_began() -> None:
    value = last(cut(reader(*BEGIN)))
    assert value["type"] == "response.failed"
    assert value["sequence_number"] == 5
    error = {"code": "server_error", "message": "cut", "type": "upstream_error"}
    assert value["response"] == {**RESPONSE, "status": "failed", "error": error} | {
        name: value["response"][name] for name in ("incomplete_details", "instructions", "metadata")
    }


def test_a_response_whose_provider_does_not_count_is_counted_by_us() -> None:
    made = reader(lifecycle("created"), event("output_item.added", item=MESSAGE), delta("a"))
    assert last(cut(made))["sequence_number"] == 3


@pytest.mark.parametrize("number", [2**64 - 1, -1, True, "7", None, 1.5])
def test_a_number_that_is_none_is_not_gone_on_with(number: Any) -> None:
    made = reader(lifecycle("created", 0), data({"type": "x", "sequence_number": number}))
    assert last(cut(made))["sequence_number"] == 2


@pytest.mark.parametrize(
    "response", [{"instructions": "x" * 300_000}, {"metadata": json.loads("[" * 300 + "]" * 300)}]
)
def test_of_a_response_too_long_to_keep_the_name_is_kept(response: Any) -> None:
    made = reader(lifecycle("created", 0, **response, tool_choice={"a": 1}))
    failed = cut(made)
    assert len(failed) < 1000
    kept = last(failed)["response"]
    assert (kept["id"], kept["model"], kept["created_at"]) == ("resp_1", "gpt-5", 1700000000)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (
            {"type": "error", "sequence_number": 5, "code": "rate_limit_exceeded", "message": "m"},
            {"code": "rate_limit_exceeded", "message": "m"},
        ),
        (
            {"type": "error", "sequence_number": 5, "error": {"code": None, "message": "m"}},
            {"code": "server_error", "message": "m"},
        ),
    ],
)
@pytest.mark.parametrize("frame", [named, data])
def test_an_error_event_is_followed_by_the_end_that_clients_wait_for(
    told: Any, error: Any, frame: Any
) -> None:
    made = reader(*BEGIN, frame(told))
    value = last(made.after_error("r1"))
    assert (value["type"], value["sequence_number"]) == ("response.failed", 6)
    assert value["response"]["error"] == error


def test_an_error_event_that_says_nothing_ends_in_a_failure_too() -> None:
    value = last(reader(*BEGIN, b"event: error\ndata: boom\n\n").after_error("r1"))
    assert value["response"]["error"]["code"] == "server_error"


@pytest.mark.parametrize("begun", [BEGIN, BEGIN[:1], ()])
def test_openais_sdk_takes_the_failure_for_the_end_of_the_stream(begun: tuple[bytes, ...]) -> None:
    heard = heard_by_the_sdk(b"".join(begun) + cut(reader(*begun)))
    numbers = [one.sequence_number for one in heard]
    assert numbers == list(range(len(numbers)))
    assert heard[-1].type == "response.failed"
    assert heard[-1].response.error.code == "server_error"
