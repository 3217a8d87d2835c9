"""A hub whose models are at two providers of different protocols, and how it is asked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.road import roads
from tests.road.roads import DEARER, KINDS, Pair, hurried_world, prices
from tokenhub.simulator import Simulator

NAMES: Final = {"gpt-4o": "claude-haiku-4-5", "claude-haiku-4-5": "gpt-4o"}
"""What each model is at the second provider, of the other kind, which has it too."""
OTHER: Final = {"openai": "anthropic", "anthropic": "openai"}
SPOKEN: Final = {
    ("chat", "openai"): "chat",
    ("native", "openai"): "chat",
    ("messages", "openai"): "chat",
    ("responses", "openai"): "responses",
}
"""By which API a provider is asked; Anthropic has but one."""
OPENING: Final = {"chat": 1, "messages": 2, "responses": 4}
"""So many events of a provider's stream come before any content."""


@dataclass(frozen=True)
class Road(roads.Road):
    """One way to ask for a model, whatever protocol its providers speak."""

    def __str__(self) -> str:
        return f"{self.client}-{self.model}{'-stream' if self.stream else ''}"

    @property
    def second(self) -> str:
        return f"{self.kind}-{OTHER[self.kind]}"

    @property
    def opening(self) -> int:
        return OPENING[self.spoken()] if self.stream else 0

    def spoken(self, *, second: bool = False) -> str:
        """The API by which a provider is asked."""
        kind = OTHER[self.kind] if second else self.kind
        return SPOKEN.get((self.client, kind), "messages")

    def translated(self, *, second: bool = False) -> bool:
        """Whether the request to a provider is another one than the client's."""
        own = "chat" if self.client == "native" else self.client
        return self.spoken(second=second) != own


ROADS: Final = [
    Road(client, model, stream)
    for client in ("chat", "messages", "responses", "native")
    for model in NAMES
    for stream in (False, True)
]


@asynccontextmanager
async def crossing() -> AsyncIterator[Pair]:
    """A hub with two providers of each kind.

    `anthropic` has the model `claude-haiku-4-5`, for ten times its price `anthropic-openai` has it
    too, which speaks OpenAI's protocols; with `gpt-4o` it is the other way round.
    """
    async with hurried_world() as world, AsyncExitStack() as parts:
        for model, upstream in NAMES.items():
            kind = OTHER[KINDS[model]]
            id = f"{KINDS[model]}-{kind}"
            twin = world.simulators[id] = await parts.enter_async_context(Simulator(kind))
            await world.admin.add_provider({"id": id, "type": kind, "base_url": twin.base_url})
            await world.admin.add_model(
                {
                    "id": model,
                    "provider_id": id,
                    "upstream_name": upstream,
                    "max_context_tokens": 400_000,
                    "max_output_tokens": 4096,
                    **{name: DEARER * usd for name, usd in prices(model).items()},
                }
            )
        yield Pair(world)
