"""Which models a provider has, and which of them are registered here."""

from typing import Any

from tokenhub.administration.changes import Author
from tokenhub.administration.inventory import Inventory
from tokenhub.administration.known_models import KnownModel, KnownModels
from tokenhub.administration.models import Models
from tokenhub.errors import RequestError, UpstreamError
from tokenhub.providers.spec import resolve_model
from tokenhub.text import clean
from tokenhub.types import Provider


class Discovery:
    """Asks providers for their lists of models."""

    def __init__(self, inventory: Inventory, known: KnownModels, models: Models) -> None:
        self._inventory = inventory
        self._known = known
        self._models = models

    async def discover(self, provider_id: str, author: Author) -> list[dict[str, Any]]:
        """Return the models of a provider, each saying whether it is `registered`.

        With `autoload_models` those that are not get a row, disabled. A provider that does not
        answer is a 502 saying why.
        """
        spec = self._inventory.provider(provider_id)
        provider = self._inventory.resolved(spec)
        try:
            listed = await self._known.listed(provider)
        except UpstreamError as error:
            reason = clean(str(error))
            raise RequestError(
                502,
                "discovery_failed",
                f"provider {provider_id!r} did not list its models"
                f" ({error.error_class.value}): {reason}",
            ) from None
        if spec.autoload_models:
            rows = [known.spec(provider_id, enabled=False) for known in listed]
            await self._models.register(rows, author)
        registered = self._registered(provider)
        return [_row(known, registered) for known in listed]

    def _registered(self, provider: Provider) -> set[str]:
        rows = [spec for key, spec in self._inventory.models.items() if key[0] == provider.id]
        upstream = {resolve_model(spec, provider).upstream_name for spec in rows}
        return upstream | {spec.id for spec in rows}


def _row(known: KnownModel, registered: set[str]) -> dict[str, Any]:
    found = known.found
    return {
        "id": found.id,
        "registered": found.id in registered,
        "max_context_tokens": found.max_context_tokens,
        "max_output_tokens": found.max_output_tokens,
        "input_per_1k": None,
        "output_per_1k": None,
        "pricing_source": None,
        **known.fields(),
    }
