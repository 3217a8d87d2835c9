"""A relay between a scripted response and a recording client, and what the client got."""

import pytest

from tests.dispatch.fakes import Client, Response, Step
from tokenhub.dispatch.relay import Relay
from tokenhub.errors import UpstreamError
from tokenhub.types import Api
from tokenhub.wire.sse import EventSplitter
from tokenhub.wire.stream import Part, reader_for


class Relaying:
    """Runs `relay` for a `client` that speaks `api`."""

    relay: Relay
    client: Client
    api: Api

    async def run(self, *script: Step) -> None:
        await self.relay.run(Response(*script), [("X-Of", "the provider")])

    async def fails(self, *script: Step) -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            await self.run(*script)
        return caught.value

    @property
    def parts(self) -> list[Part]:
        """What the client's own reader takes its stream for."""
        reader = reader_for(self.api)
        return [reader.read(event) for event in EventSplitter().feed(self.client.got)]
