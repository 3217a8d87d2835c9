"""One request that is being answered, with everything that its API's module needs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tokenhub.simulator.frames import Json
from tokenhub.simulator.ids import Ids
from tokenhub.simulator.model.catalogue import Catalogue
from tokenhub.simulator.model.prompt_cache import PromptCache
from tokenhub.simulator.profile import Profile
from tokenhub.types import ProviderType


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the simulator around it.

    `body` is the parsed JSON (empty for a GET), header names are in lower case, `name` is the rest
    of the path for a single model. `seed` decides what is said; `ids` and `rng` belong to this
    exchange alone.
    """

    kind: ProviderType
    body: Json
    headers: Mapping[str, str]
    query: Mapping[str, str]
    name: str
    profile: Profile
    models: Catalogue
    cache: PromptCache
    ids: Ids
    rng: random.Random
    seed: int
    now_s: int

    @property
    def vllm(self) -> bool:
        """Whether the service is a vLLM server."""
        return self.kind is ProviderType.VLLM
