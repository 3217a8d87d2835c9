"""`/admin/v1/logs` and `stats`: what was recorded of the requests."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from tokenhub.api.admin.messages import bounds, page, query
from tokenhub.errors import BadRequest
from tokenhub.storage import requests, stats
from tokenhub.storage.database import Database

FILTERS = ("model", "provider_id", "status", "api_key_id", "since", "until")


def routes(database: Database) -> list[web.RouteDef]:
    """Return the routes of the request log and its sums."""

    async def logs(request: web.Request) -> web.Response:
        given = query(request, FILTERS)
        limit, offset = bounds(given)
        wanted = _filter(given)
        items, total = await database.read(
            lambda connection: requests.page(connection, wanted, limit=limit, offset=offset)
        )
        return page(items, total, limit, offset)

    async def sums(_: web.Request) -> web.Response:
        return web.json_response(await database.read(stats.stats))

    return [web.get("/admin/v1/logs", logs), web.get("/admin/v1/stats", sums)]


def _filter(given: Mapping[str, str]) -> requests.LogFilter:
    status = given.get("status")
    if status is not None and not (status.isascii() and status.isdigit() and len(status) == 3):
        raise BadRequest("status: expected an HTTP status such as 200", param="status")
    return requests.LogFilter(
        model=given.get("model"),
        provider_id=given.get("provider_id"),
        status=None if status is None else int(status),
        api_key_id=given.get("api_key_id"),
        since_ms=_time_ms(given, "since"),
        until_ms=_time_ms(given, "until"),
    )


def _time_ms(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{name}: expected a time such as 2026-01-31T12:00:00Z", param=name
        ) from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
