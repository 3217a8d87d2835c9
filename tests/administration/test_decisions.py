import pytest

from tests.administration.decided import BEST, DECISION, NEXT, row
from tests.administration.office import Office
from tokenhub.administration.decisions import Decisions
from tokenhub.errors import RequestError
from tokenhub.routing.explanation import to_columns


async def test_a_decision_of_a_moment_ago_is_explained(desk: Office) -> None:
    desk.database.decide(row())
    told = await Decisions(desk.database).get("req-1")
    assert list(told) == [
        "request_id",
        "timestamp",
        "mode",
        "reason",
        "chosen",
        "eligible",
        "rejected",
        "attempts",
        "estimated_cost_usd",
        "cost_usd",
        "not_considered",
        "request",
        "redecided",
        "answered_by",
        "usage",
    ]
    best = BEST.deployment
    assert told["chosen"] == {"model_id": best.id, "provider_id": best.provider_id}
    assert (told["mode"], told["reason"]) == ("normal", "auto:normal: best score")
    assert [one["model_id"] for one in told["eligible"]][:2] == [best.id, NEXT.deployment.id]
    assert {"score", "estimated_cost_usd", "propensity", "terms"} <= told["eligible"][0].keys()
    assert [one["reason"] for one in told["rejected"]] == ["disabled"]
    assert [one["error_class"] for one in told["attempts"]] == ["transient", None]
    assert told["cost_usd"] == 0.0008
    assert (told["request"]["kind"], told["redecided"]) == ("choice", None)
    assert told["answered_by"]["model_id"] == NEXT.deployment.id


async def test_a_choice_that_was_made_again_is_shown_beside_the_first(desk: Office) -> None:
    again = {"after_attempts": 1, **to_columns(DECISION, {BEST.deployment.key})}
    columns = {**to_columns(DECISION), "redecided": again}
    desk.database.decide(row(columns=lambda: columns))
    told = await Decisions(desk.database).get("req-1")
    assert told["chosen"]["model_id"] == BEST.deployment.id
    assert told["redecided"]["after_attempts"] == 1
    assert told["redecided"]["chosen"]["model_id"] == NEXT.deployment.id


async def test_a_decision_of_an_earlier_version_is_shown_without_what_was_not_kept(
    desk: Office,
) -> None:
    desk.database.decide(row(columns=lambda: to_columns(DECISION)))
    told = await Decisions(desk.database).get("req-1")
    assert (told["request"], told["usage"], told["redecided"]) == (None, None, None)


async def test_what_is_not_there_is_said_in_words(desk: Office) -> None:
    with pytest.raises(RequestError, match=r"no decision about a request 'req-2'.*7 days") as none:
        await Decisions(desk.database).get("req-2")
    assert (none.value.status, none.value.code) == (404, "decision_not_found")


async def test_the_list_is_newest_first(desk: Office) -> None:
    for n in range(3):
        desk.database.decide(row(request_id=f"req-{n}"))
    await desk.database.flush()
    items, total = await Decisions(desk.database).page(2, 0)
    assert ([item["request_id"] for item in items], total) == (["req-2", "req-1"], 3)
