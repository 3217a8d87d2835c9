"""A plain HTTP client for what the SDKs hide: status lines, headers, raw events."""

import json
from types import TracebackType
from typing import Any, Self

import aiohttp
from multidict import CIMultiDict


class Answered:
    """An answer, read to its end."""

    def __init__(self, status: int, headers: CIMultiDict[str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, Any]]:
        """Name and data of each event; written for the tests, not shared with the product."""
        found = []
        for block in self.body.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            data = fields["data"]
            found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
        return found


class Raw:
    """The client; `version` puts Anthropic's header on."""

    def __init__(self) -> None:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()

    async def get(self, url: str, **headers: str) -> Answered:
        return await self.send("GET", url, headers=headers)

    async def post(self, url: str, value: Any, **headers: str) -> Answered:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return await self.send("POST", url, body, headers)

    async def send(
        self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answered:
        sent = {"anthropic-version": "2023-06-01"} | (headers or {})
        async with self.session.request(method, url, data=body or None, headers=sent) as response:
            return Answered(response.status, CIMultiDict(response.headers), await response.read())
