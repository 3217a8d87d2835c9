"""What `/v1/responses` shows of reasoning, and which of it comes back."""

from typing import Any

import pytest

from tests.simulator.raw import Answered, Raw
from tokenhub.simulator import Profile, Simulator

Json = dict[str, Any]
SHOWN: Json = {"reasoning": {"effort": "high", "summary": "auto"}}
SEALED: Json = {"include": ["reasoning.encrypted_content"], "store": False}
HI: Json = {"role": "user", "content": "Hi"}
AND: Json = {"role": "user", "content": "And?"}


async def ask(raw: Raw, simulator: Simulator, model: str = "o3", **fields: Any) -> Answered:
    return await raw.post(
        f"{simulator.base_url}/v1/responses", {"model": model, "input": [HI], **fields}
    )


async def output(raw: Raw, simulator: Simulator, **fields: Any) -> tuple[Json, Json]:
    """The reasoning and the message of an answer."""
    reasoning, message = (await ask(raw, simulator, **fields)).json["output"]
    return reasoning, message


async def refusal(raw: Raw, simulator: Simulator, *items: Json, **fields: Any) -> Json:
    """The error for a request that goes on from `items`."""
    answer = await ask(raw, simulator, input=[HI, *items, AND], store=False, **fields)
    error: Json = answer.json["error"]
    return error | {"status": answer.status}


async def test_the_parts_of_a_summary_are_told_one_after_the_other(
    openai_sim: Simulator, raw: Raw
) -> None:
    whole, _ = await output(raw, openai_sim, **SHOWN)
    answer = await ask(raw, openai_sim, **SHOWN, stream=True)
    events = [
        data
        for name, data in answer.events
        if name.startswith("response.reasoning_summary") and data["output_index"] == 0
    ]
    parts: list[Json] = []
    while events:
        added = events.pop(0)
        index = {"item_id": added["item_id"], "output_index": 0, "summary_index": len(parts)}
        empty = {"type": "summary_text", "text": ""}
        assert added["type"] == "response.reasoning_summary_part.added"
        assert added["part"] == empty
        text = ""
        while (event := events.pop(0))["type"] == "response.reasoning_summary_text.delta":
            text += event["delta"]
            assert event.items() >= index.items()
        assert event["type"] == "response.reasoning_summary_text.done"
        assert event["text"] == text
        done = events.pop(0)
        assert done["type"] == "response.reasoning_summary_part.done"
        assert done["part"] == {"type": "summary_text", "text": text}
        assert all(one.items() >= index.items() for one in (added, event, done))
        parts.append(done["part"])
    assert parts == whole["summary"]
    assert len(parts) > 1
    assert all(part["text"] and not part["text"].startswith(" ") for part in parts)


async def test_without_a_wish_for_it_there_is_no_summary(openai_sim: Simulator, raw: Raw) -> None:
    reasoning, _ = await output(raw, openai_sim, reasoning={"effort": "high"})
    assert reasoning["summary"] == []
    answer = await ask(raw, openai_sim, reasoning={"effort": "high"}, stream=True)
    assert not [name for name, _ in answer.events if "summary" in name]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_organisation_that_is_not_verified_gets_no_summary(
    openai_sim: Simulator, raw: Raw, stream: bool
) -> None:
    openai_sim.set(Profile(verified=False))
    refused = await ask(raw, openai_sim, **SHOWN, stream=stream)
    assert refused.status == 400
    error = refused.json["error"]
    assert (error["type"], error["param"], error["code"]) == (
        "invalid_request_error",
        "reasoning.summary",
        "unsupported_value",
    )
    assert error["message"].startswith("Your organization must be verified to generate reasoning")
    taken = await ask(raw, openai_sim, reasoning={"effort": "high"}, stream=stream, **SEALED)
    assert taken.status == 200


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"reasoning": {"effort": "low"}}, "reasoning.effort", "unsupported_parameter"),
        ({"reasoning": {"summary": "auto"}}, "reasoning.summary", "unsupported_parameter"),
        (SEALED, "include", None),
    ],
)
async def test_a_model_that_does_not_reason_is_not_to_be_asked_for_any(
    openai_sim: Simulator, raw: Raw, fields: Json, param: str, code: str | None
) -> None:
    refused = await ask(raw, openai_sim, "gpt-4o", **fields)
    assert refused.status == 400
    error = refused.json["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert "not supported with this model" in error["message"]


async def test_reasoning_comes_back_under_its_own_id_or_under_none(
    openai_sim: Simulator, raw: Raw
) -> None:
    reasoning, message = await output(raw, openai_sim, **SEALED)
    nameless = {name: value for name, value in reasoning.items() if name != "id"}
    for item in (reasoning, nameless):
        taken = await ask(raw, openai_sim, input=[HI, item, message, AND], store=False)
        assert taken.status == 200, taken.body
    error = await refusal(raw, openai_sim, reasoning | {"id": "rs_another"}, message)
    assert (error["status"], error["code"]) == (400, "invalid_encrypted_content")
    assert error["message"] == (
        "The encrypted content for item rs_another could not be verified. Reason: "
        "Encrypted content item_id did not match the target item id."
    )


async def test_reasoning_of_another_model_is_named_by_its_id_or_by_its_ends(
    openai_sim: Simulator, raw: Raw
) -> None:
    reasoning, message = await output(raw, openai_sim, **SEALED)
    error = await refusal(raw, openai_sim, reasoning, message, model="o4-mini")
    assert f"for item {reasoning['id']} could not be verified" in error["message"]
    del reasoning["id"]
    error = await refusal(raw, openai_sim, reasoning, message, model="o4-mini")
    ends = f"gAAA...{reasoning['encrypted_content'][-4:]}"
    assert f"The encrypted content {ends} could not be verified" in error["message"]


async def test_where_nothing_is_stored_an_id_alone_is_not_found(
    openai_sim: Simulator, raw: Raw
) -> None:
    reasoning, message = await output(raw, openai_sim, **SHOWN)
    error = await refusal(raw, openai_sim, reasoning, message)
    assert (error["status"], error["param"]) == (404, "input")
    assert f"Item with id '{reasoning['id']}' not found." in error["message"]
    del reasoning["id"]
    taken = await ask(raw, openai_sim, input=[HI, reasoning, message, AND], store=False)
    assert taken.status == 200
