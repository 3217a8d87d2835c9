"""All routes of the admin API, each behind the guard."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiohttp import web

from tokenhub.administration.admin_token import AdminToken
from tokenhub.administration.apikeys import ApiKeys
from tokenhub.administration.changes import Changes
from tokenhub.administration.decisions import Decisions
from tokenhub.administration.discovery import Discovery
from tokenhub.administration.info import HubInfo
from tokenhub.administration.models import Models
from tokenhub.administration.providers import Providers
from tokenhub.administration.routing_config import RoutingRules
from tokenhub.administration.simulation import Simulation
from tokenhub.administration.standing import Standing
from tokenhub.administration.vault import VaultDoor
from tokenhub.api.admin import (
    apikeys,
    events,
    hub,
    models,
    providers,
    records,
    routing,
    standing,
    vault,
)
from tokenhub.api.admin.guard import Guard
from tokenhub.api.middleware import Handler
from tokenhub.errors import RequestError
from tokenhub.observe.events import EventBus
from tokenhub.storage.database import Database
from tokenhub.text import clean


@dataclass(frozen=True, slots=True)
class Services:
    """What the admin API calls."""

    changes: Changes
    info: HubInfo
    token: AdminToken
    vault: VaultDoor
    providers: Providers
    discovery: Discovery
    models: Models
    apikeys: ApiKeys
    rules: RoutingRules
    simulation: Simulation
    decisions: Decisions
    standing: Standing
    events: EventBus
    database: Database


def admin_routes(services: Services, guard: Guard) -> list[web.RouteDef]:
    """Return every route below `/admin/v1`; what is none of them is a 404 behind the guard too."""
    routes = [
        *hub.routes(services.info, services.token, services.changes),
        *vault.routes(services.vault),
        *providers.routes(services.providers, services.discovery),
        *models.routes(services.models),
        *apikeys.routes(services.apikeys),
        *routing.routes(services.rules, services.simulation, services.decisions),
        *standing.routes(services.standing),
        *records.routes(services.database),
        *events.routes(services.events),
    ]
    routes += [*_other_methods(routes), web.route("*", "/admin/v1/{rest:.*}", _nothing_here)]
    return [
        web.RouteDef(route.method, route.path, _guarded(guard, route.handler), route.kwargs)
        for route in routes
    ]


def _guarded(guard: Guard, handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        guard.check(request)
        return await handler(request)

    return guarded


def _other_methods(routes: Sequence[web.RouteDef]) -> list[web.RouteDef]:
    """Return for each path the route that refuses every method which it does not take."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).add(route.method)
    return [web.route("*", path, _refusing(taken)) for path, taken in methods.items()]


def _refusing(taken: Collection[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, taken)

    return refuse


async def _nothing_here(request: web.Request) -> web.Response:
    path = clean(request.path, 100)
    raise RequestError(404, "not_found", f"there is no {request.method} {path!r} here")
