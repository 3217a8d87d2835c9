"""`GET /v1/models`: the names a key may use, in the shape of either protocol."""

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.models import allows
from tokenhub.api.calls import credentials
from tokenhub.errors import RequestError
from tokenhub.providers.registry import Registry
from tokenhub.types import ApiKey, Scope
from tokenhub.wire.models import (
    ModelEntry,
    anthropic_item,
    anthropic_list,
    openai_item,
    openai_list,
    read_page,
)

JSON: Final = "application/json"
_CHOICE: Final = ModelEntry("auto", "tokenhub")


def model_routes(desk: FrontDesk, registry: Callable[[], Registry]) -> Sequence[web.RouteDef]:
    """The list and the single model."""

    async def listed(request: web.Request) -> web.Response:
        entries = _entries(registry(), _admitted(desk, request))
        query = request.query
        page = read_page(query.get("limit"), query.get("after_id"), query.get("before_id"))
        # OpenAI's list has no pages: its clients take what they get for all there is.
        anthropic = _for_anthropic(request)
        body = anthropic_list(entries, page) if anthropic else openai_list(entries)
        return web.Response(body=body, content_type=JSON)

    async def one(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        entries = _entries(registry(), _admitted(desk, request))
        entry = next((entry for entry in entries if entry.id == name), None)
        if entry is None:
            message = f"unknown model {name[:200]!r}: GET /v1/models lists the ones there are"
            raise RequestError(404, "model_not_found", message, param="model")
        body = anthropic_item(entry) if _for_anthropic(request) else openai_item(entry)
        return web.Response(body=body, content_type=JSON)

    return [web.get("/v1/models", listed), web.get("/v1/models/{name:.+}", one)]


def _admitted(desk: FrontDesk, request: web.Request) -> ApiKey:
    token, _ = credentials(request)
    return desk.admit(token, Scope.MODELS, request.remote or "")


def _for_anthropic(request: web.Request) -> bool:
    return "anthropic-version" in request.headers


def _entries(registry: Registry, key: ApiKey) -> list[ModelEntry]:
    """One entry for each name with an enabled deployment that `key` may use, sorted by name.

    And one for the hub's own choice among them.
    """
    entries = []
    for name in registry.names():
        usable = [
            row
            for row in registry.deployments(name)
            if row.enabled and registry.providers[row.provider_id].enabled and allows(key, row)
        ]
        if usable:
            first = usable[0]
            entries.append(
                ModelEntry(
                    id=name,
                    owner=first.provider_id,
                    max_input_tokens=first.max_context_tokens,
                    max_output_tokens=first.max_output_tokens,
                )
            )
    return [_CHOICE, *entries] if entries else []
