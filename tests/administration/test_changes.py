import asyncio
import contextlib
import threading

import pytest

from tests.administration.office import AUTHOR, Office
from tokenhub.errors import BadRequest


async def test_a_caller_that_goes_away_leaves_memory_and_database_alike(desk: Office) -> None:
    blocked, release = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        blocked.set()
        release.wait(10)

    holding = asyncio.ensure_future(desk.database.write(hold))
    await asyncio.to_thread(blocked.wait, 10)
    creating = asyncio.ensure_future(desk.apikeys.create({"name": "a"}, AUTHOR))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    creating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await creating
    release.set()
    await holding
    await desk.changes.alone(asyncio.sleep(0))
    assert len(desk.apikeys.list()) == 1
    assert len(await desk.audit()) == 1


async def test_concurrent_changes_all_hold(desk: Office) -> None:
    await asyncio.gather(*(desk.apikeys.create({"name": f"k{n}"}, AUTHOR) for n in range(50)))
    assert len(desk.apikeys.list()) == 50
    assert len(await desk.audit()) == 50


async def test_concurrent_patches_of_one_key_lose_nothing(desk: Office) -> None:
    made = await desk.apikeys.create({"name": "a"}, AUTHOR)
    await asyncio.gather(
        desk.apikeys.patch(made["id"], {"name": "b"}, AUTHOR),
        desk.apikeys.patch(made["id"], {"rate_limit_rps": 3}, AUTHOR),
        desk.apikeys.patch(made["id"], {"monthly_budget_usd": 4}, AUTHOR),
    )
    shown = desk.apikeys.get(made["id"])
    assert (shown["name"], shown["rate_limit_rps"], shown["monthly_budget_usd"]) == ("b", 3, 4)


async def test_a_refusal_is_the_callers_and_no_failed_task(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse() -> None:
        raise BadRequest("no")

    with pytest.raises(BadRequest):
        await desk.changes.alone(refuse())
    assert caplog.records == []
