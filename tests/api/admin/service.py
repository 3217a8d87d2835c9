"""The admin API of an office over real HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.administration.office import ADMIN_TOKEN, Office
from tests.api.edge import LOOPBACK
from tokenhub.administration.decisions import Decisions
from tokenhub.administration.info import HubInfo
from tokenhub.administration.simulation import Simulation
from tokenhub.administration.standing import Standing
from tokenhub.admission.limits import AddressLimiter
from tokenhub.api.admin.guard import Guard
from tokenhub.api.admin.routes import Services, admin_routes
from tokenhub.api.perimeter import Perimeter
from tokenhub.api.server import Server, build_app
from tokenhub.api.traffic import Traffic
from tokenhub.types import Clock, Listen

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def standing() -> float:
    """A monotonic clock that stands."""
    return 1000.0


@asynccontextmanager
async def serving(
    office: Office, *, rps: float = 0, listen: Listen | None = None
) -> AsyncIterator[str]:
    """Serve the admin API of `office`; give its base URL."""
    clock = Clock(office.clock, standing)
    address = ""
    services = Services(
        changes=office.changes,
        info=HubInfo(
            version="0.0.1",
            home=office.home,
            address=lambda: address,
            clock=clock,
            inventory=office.inventory,
            vault=office.vault,
            policies=office.policies,
        ),
        token=office.token,
        vault=office.door,
        providers=office.providers,
        discovery=office.discovery,
        models=office.models,
        apikeys=office.apikeys,
        rules=office.rules,
        simulation=Simulation(office.simulate),
        decisions=Decisions(office.database),
        standing=Standing(office.holder, office.health),
        events=office.events,
        database=office.database,
    )
    guard = Guard(office.token, AddressLimiter(rps, standing), AddressLimiter(10, standing))
    traffic = Traffic()
    app = build_app(admin_routes(services, guard), Perimeter(LOOPBACK), traffic)
    server = Server(app, traffic)
    address = await server.start(listen or Listen(port=0))
    try:
        yield address
    finally:
        office.events.close()
        await server.stop()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str
    json: Any


class Caller:
    """Calls `/admin/v1/…` with the admin token."""

    def __init__(self, base: str, session: aiohttp.ClientSession, office: Office) -> None:
        self.base, self.session, self.office = base, session, office

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        async with self.session.request(
            method,
            f"{self.base}/admin/v1/{path}",
            json=body,
            headers=HEADERS if headers is None else headers,
        ) as response:
            text = await response.text()
            found = await response.json() if response.content_type == "application/json" else None
            return Reply(response.status, response.headers, text, found)
