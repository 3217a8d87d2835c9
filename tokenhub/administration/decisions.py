"""Why requests went where they went, as it was stored when that was decided."""

from functools import partial
from typing import Any

from tokenhub.errors import RequestError
from tokenhub.routing.explanation import answered_by, shown
from tokenhub.storage import decisions
from tokenhub.storage.database import Database


class Decisions:
    """Reads what the hub decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return one page of decisions without their candidates, newest first, and their number."""
        return await self._database.read(partial(decisions.page, limit=limit, offset=offset))

    async def get(self, request_id: str) -> dict[str, Any]:
        """Return a decision with its candidates; 404 for none.

        Of earlier versions' decisions some things are not known: what the `request` asked for and
        its `usage` in tokens are None then. `redecided` is the choice that was made again after
        so many attempts, None where there was none; `answered_by` is None where nobody answered.
        """
        find = partial(decisions.get, request_id=request_id)
        found = await self._database.read(find)
        if found is None:
            await self._database.flush()  # it may have been made a moment ago
            found = await self._database.read(find)
        if found is None:
            raise RequestError(
                404,
                "decision_not_found",
                f"there is no decision about a request {request_id!r}: they are kept for 7 days, "
                f"and of the newest {decisions.KEPT_ROWS:,} requests",
            )
        columns = found["columns"]
        explained, again = shown(columns), columns.get("redecided")
        if again is not None:
            again = {"after_attempts": again["after_attempts"], **shown(again)}
        return {
            "request_id": found["request_id"],
            "timestamp": found["timestamp"],
            "mode": found["mode"],
            "reason": found["reason"],
            "chosen": found["chosen"],
            "eligible": explained["eligible"],
            "rejected": explained["rejected"],
            "attempts": found["attempts"],
            "estimated_cost_usd": found["estimated_cost_usd"],
            "cost_usd": found["cost_usd"],
            "not_considered": explained["not_considered"],
            "request": columns.get("request"),
            "redecided": again,
            "answered_by": answered_by(found["attempts"], explained, again),
            "usage": columns.get("usage"),
        }
