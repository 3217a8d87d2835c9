"""The admin API of a hub as typed calls: what `tokenhubctl` and the dashboard are made of.

Everything it offers is a route of `/admin/v1`, so what a person can do here a script can
do with curl. It follows no redirect and uses no proxy: the admin token goes to the hub only.
"""

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self, TypedDict
from urllib.parse import quote

import aiohttp

from tokenhub.errors import BadRequest, HubUnreachable, RequestError, TokenHubError

Json = dict[str, Any]

PAGE_ITEMS = 500
"""Items asked for at once where a whole list is wanted."""

MAX_PAGES = 200
"""Where a whole list ends for us, so that a wrong `total` cannot hold us for ever."""

EVENT_SILENCE_S = 60.0
"""A stream of events without even a keep-alive for so long is dead."""


class Page(TypedDict):
    """A list answer: a part of `total` items, from `offset` on."""

    items: list[Json]
    total: int
    limit: int
    offset: int


class Info(TypedDict):
    """What `GET info` tells of the running hub."""

    version: str
    pid: int
    home: str
    listen_addr: str
    uptime_s: float
    vault_locked: bool
    vault_state: str
    providers: int
    models: int
    models_enabled: int
    default_mode: str


class VaultStatus(TypedDict):
    """The vault's state in words; `locks_in_s` is None unless it will lock by itself."""

    state: str
    enabled: bool
    slots: list[str]
    autolock_minutes: float
    locks_in_s: float | None
    secrets: int


class Event(NamedTuple):
    """One live event: `id` for `Last-Event-ID`, its `type`, and its fields (§8)."""

    id: str
    type: str
    fields: Json


class Client:
    """Calls the admin API at `url` (`http://…`, `https://…` or `unix:/path`) with the admin token.

    Every call raises `RequestError` with the hub's own status, code and message when it refuses,
    and `HubUnreachable` when no hub answers within `timeout_s` seconds.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float = 60.0) -> None:
        self._url = url.rstrip("/")
        self._socket_path = self._url.removeprefix("unix:") if url.startswith("unix:") else None
        self._base = "http://localhost" if self._socket_path else self._url
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(5.0, timeout_s))
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The address of the hub that is called."""
        return self._url

    async def __aenter__(self) -> Self:
        path = self._socket_path
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path) if path else aiohttp.TCPConnector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # The hub itself

    async def info(self) -> Info:
        """Return what is running: version, address, counts."""
        answer: Info = await self._call("GET", "info")
        return answer

    async def rotate_admin_token(self) -> str:
        """Replace the admin token at once and return the new one; this client uses it from now."""
        token: str = (await self._call("POST", "admin-token/rotate"))["token"]
        self._token = token
        return token

    async def routing_config(self) -> Json:
        """Return the routing configuration."""
        return await self._object("GET", "routing-config")

    async def put_routing_config(self, changes: Mapping[str, Any]) -> Json:
        """Change the fields given and return the whole configuration."""
        return await self._object("PUT", "routing-config", changes)

    async def simulate(self, request: Mapping[str, Any]) -> Json:
        """Ask what would be decided about a request; nothing is sent."""
        return await self._object("POST", "routing/simulate", request)

    async def decisions(self, *, limit: int = 50, offset: int = 0) -> Page:
        """Return a page of what was decided, newest first, without the candidates."""
        return await self._page("decisions", {"limit": str(limit), "offset": str(offset)})

    async def decision(self, request_id: str) -> Json:
        """Return why a request went where it went, and what came of it."""
        return await self._object("GET", f"decisions/{_quoted(request_id)}")

    async def health(self) -> list[Json]:
        """Return how every provider and its endpoints do."""
        return await self._all("health")

    async def engine_models(self) -> list[Json]:
        """Return how every deployment has done lately."""
        return await self._all("engine/models")

    async def stats(self) -> Json:
        """Return requests, errors, cost and latencies: global, by model, by provider, by key."""
        return await self._object("GET", "stats")

    async def logs(self, *, limit: int = 50, offset: int = 0, **filters: str) -> Page:
        """Return a page of the request log, newest first; `filters` are the route's own."""
        return await self._page("logs", {**filters, "limit": str(limit), "offset": str(offset)})

    async def events(self, last_id: str | None = None) -> AsyncGenerator[Event, None]:
        """Yield events as they happen, from after `last_id` on, until the hub ends."""
        headers = {"Last-Event-ID": last_id} if last_id else {}
        timeout = aiohttp.ClientTimeout(total=None, connect=5.0, sock_read=EVENT_SILENCE_S)
        try:
            async with self._open().get(
                f"{self._base}/admin/v1/events",
                headers=headers | self._authorization(),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    payload = await response.read()
                    raise self._refusal(response.status, payload, response.headers)
                async for event in _events(response.content):
                    yield event
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from None

    # Vault

    async def vault(self) -> VaultStatus:
        """Return the vault's state."""
        answer: VaultStatus = await self._call("GET", "vault")
        return answer

    async def vault_init(self, password: str) -> VaultStatus:
        """Create the vault under `password` (8 characters or more) and leave it unlocked."""
        answer: VaultStatus = await self._call("POST", "vault/init", {"admin_password": password})
        return answer

    async def vault_unlock(self, password: str) -> VaultStatus:
        """Open the vault."""
        answer: VaultStatus = await self._call("POST", "vault/unlock", {"admin_password": password})
        return answer

    async def vault_lock(self) -> VaultStatus:
        """Close the vault: the next call to a provider with a stored key fails until unlocked."""
        answer: VaultStatus = await self._call("POST", "vault/lock")
        return answer

    async def vault_rotate(self, old: str, new: str | None = None) -> VaultStatus:
        """Replace the data key, and the password where `new` is given."""
        body = {"old_password": old} | ({"new_password": new} if new is not None else {})
        answer: VaultStatus = await self._call("POST", "vault/rotate", body)
        return answer

    # Providers

    async def providers(self) -> list[Json]:
        """Return all providers."""
        return await self._all("providers")

    async def presets(self) -> list[Json]:
        """Return the catalogue of known providers."""
        return await self._all("providers/presets")

    async def add_provider(self, spec: Mapping[str, Any]) -> Json:
        """Create or update the provider `spec["id"]` and return its row."""
        return await self._object("POST", "providers", spec)

    async def edit_provider(self, provider_id: str, changes: Mapping[str, Any]) -> Json:
        """Change the fields given; `key_detached` says that it needs its key again."""
        return await self._object("PATCH", f"providers/{_quoted(provider_id)}", changes)

    async def delete_provider(self, provider_id: str) -> None:
        """Remove a provider, its models and its key."""
        await self._call("DELETE", f"providers/{_quoted(provider_id)}")

    async def discover(self, provider_id: str) -> list[Json]:
        """Ask the provider which models it has; each says whether it is `registered`."""
        answer = await self._object("GET", f"providers/{_quoted(provider_id)}/discover")
        models: list[Json] = answer["models"]
        return models

    # Models

    async def models(self) -> list[Json]:
        """Return all deployments."""
        return await self._all("models")

    async def add_model(self, spec: Mapping[str, Any]) -> Json:
        """Create or update the deployment (`spec["id"]`, `spec["provider_id"]`); return its row."""
        return await self._object("POST", "models", spec)

    async def edit_model(self, model: str, changes: Mapping[str, Any]) -> None:
        """Change the fields given of `<provider_id>/<id>`, or of a name with one deployment.

        `{"enabled": True}` also registers a model that the provider or the catalogue knows.
        """
        await self._call("PATCH", f"models/{_quoted(model)}", changes)

    async def delete_model(self, model: str) -> None:
        """Remove a deployment."""
        await self._call("DELETE", f"models/{_quoted(model)}")

    # Client keys

    async def api_keys(self) -> list[Json]:
        """Return all client keys, without their values."""
        return await self._all("apikeys")

    async def create_api_key(self, spec: Mapping[str, Any]) -> Json:
        """Create a key; its value is in `key`, here and never again."""
        return await self._object("POST", "apikeys", spec)

    async def rotate_api_key(self, key_id: str) -> Json:
        """Give a key a new value, in `key`; the old one dies at once."""
        return await self._object("POST", f"apikeys/{_quoted(key_id)}/rotate")

    async def edit_api_key(self, key_id: str, changes: Mapping[str, Any]) -> None:
        """Change the fields given."""
        await self._call("PATCH", f"apikeys/{_quoted(key_id)}", changes)

    async def delete_api_key(self, key_id: str) -> None:
        """Revoke a key: no request with it is admitted once this returns."""
        await self._call("DELETE", f"apikeys/{_quoted(key_id)}")

    # How a call is made

    async def _all(self, path: str) -> list[Json]:
        items: list[Json] = []
        for _ in range(MAX_PAGES):
            page = await self._page(path, {"limit": str(PAGE_ITEMS), "offset": str(len(items))})
            items += page["items"]
            if not page["items"] or len(items) >= page["total"]:
                break
        return items

    async def _page(self, path: str, query: Mapping[str, str]) -> Page:
        page: Page = await self._call("GET", path, query=query)
        return page

    async def _object(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        answer: Json = await self._call(method, path, body)
        return answer

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            async with self._open().request(
                method,
                f"{self._base}/admin/v1/{path}",
                json=body,
                params=query,
                headers=self._authorization(),
                allow_redirects=False,
            ) as response:
                payload = await response.read()
                status, headers = response.status, response.headers
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise self._unreachable(error) from None
        if not 200 <= status < 300:
            raise self._refusal(status, payload, headers)
        try:
            answer = json.loads(payload)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._stranger(status)
        return answer

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client in an `async with` block")
        return self._session

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _refusal(self, status: int, payload: bytes, headers: Mapping[str, str]) -> TokenHubError:
        try:
            error = json.loads(payload)["error"]
            code, message, param = str(error["code"]), str(error["message"]), error.get("param")
        except (ValueError, TypeError, KeyError):
            return self._stranger(status)
        kept = {"Retry-After": headers["Retry-After"]} if "Retry-After" in headers else {}
        return RequestError(status, code, message, param=param, headers=kept)

    def _stranger(self, status: int) -> HubUnreachable:
        return HubUnreachable(
            f"{self._url} answered with status {status}, but not as a hub does: is it TokenHub?"
        )

    def _unreachable(self, error: Exception) -> HubUnreachable:
        return HubUnreachable(f"no hub at {self._url} ({_reason(error)})")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = getattr(error, "os_error", None)  # aiohttp's own text has its internals in it
    if isinstance(cause, ConnectionError | FileNotFoundError) and cause.errno is not None:
        return os.strerror(cause.errno).lower()
    return str(error)


def _quoted(name: str) -> str:
    """Return an id as a part of a path; raises `BadRequest` for one that would lead elsewhere."""
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise BadRequest(f"{name!r} is no id")
    return quote(name, safe="/:@")


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            data: Json = json.loads(fields["data"])
            yield Event(fields.get("id", ""), str(data.get("type", "")), data)
            fields = {}
        else:
            fields = {}
