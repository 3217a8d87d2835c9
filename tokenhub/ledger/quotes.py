"""What a request would cost at each deployment, quick enough to be asked of all of them."""

from typing import Final, NamedTuple

from tokenhub.ledger.address import is_local
from tokenhub.ledger.experience import Experience
from tokenhub.ledger.prices import complete, cost_nano, dearest_input, worst_case_nano
from tokenhub.types import Api, Cost, Deployment, Prices, Provider, Rates, Usage
from tokenhub.wire.request import RequestFacts

MAX_TARIFFS: Final = 10_000
DEFAULT_OUTPUT_TOKENS: Final = 4096
"""Reserved for an answer where the client gave no limit."""
FREE: Final = Prices(Rates(0, 0, 0, 0, 0))


class _Tariff(NamedTuple):
    """The prices of one deployment, with what every quote needs of them taken out."""

    deployment: Deployment
    provider: Provider
    prices: Prices | None
    most_output: int


class Quotes:
    """Knows the prices of deployments as they are in force; those asked for last are kept."""

    def __init__(self, fee_nano: int, experience: Experience) -> None:
        self._fee_nano = fee_nano
        self._experience = experience
        self._tariffs: dict[str, _Tariff] = {}

    def prices(self, deployment: Deployment, provider: Provider) -> Prices | None:
        """Return complete prices, None where they are not known.

        On a machine of one's own tokens cost nothing unless the row says otherwise.
        """
        return self._tariff(deployment, provider).prices

    def cost(self, facts: RequestFacts, deployment: Deployment, provider: Provider) -> Cost | None:
        """Return what a request probably costs, and at most with the fee; None without prices.

        Most output: the limit that the client gave, else min(`max_output_tokens`, 4,096); expected
        output: the model's running mean, up to that limit. Embeddings have none.
        """
        tariff = self._tariffs.get(deployment.key)
        if tariff is None or tariff.deployment is not deployment or tariff.provider is not provider:
            tariff = self._tariff(deployment, provider)
        prices = tariff.prices
        if prices is None:
            return None
        if prices is FREE:
            return Cost(0, self._fee_nano)
        name, asked = deployment.id, facts.max_output_tokens
        if facts.api is Api.EMBEDDINGS:
            asked = 0
        most = tariff.most_output if asked is None else asked
        at_most = deployment.max_output_tokens if asked is None else asked
        foreseen = self._experience.expected(name, facts.input_tokens, at_most)
        tokens, probable, _ = foreseen
        if prices.tiers:
            expected = cost_nano(prices, Usage(input_tokens=tokens, output_tokens=probable))
            worst = worst_case_nano(prices, tokens, most)
            return Cost(expected, worst + self._fee_nano, foreseen)
        rates = prices.base
        out = rates.output_nano_per_1k
        expected = (tokens * rates.input_nano_per_1k + probable * out + 500) // 1000
        worst = -(-(tokens * dearest_input(rates) + most * out) // 1000)
        return Cost(expected, worst + self._fee_nano, foreseen)

    def _tariff(self, deployment: Deployment, provider: Provider) -> _Tariff:
        known = self._tariffs.get(deployment.key)
        if known is not None and known.deployment is deployment and known.provider is provider:
            return known
        prices = deployment.prices
        if prices is not None:
            prices = complete(prices, provider.type)
        elif is_local(provider):
            prices = FREE
        limit = deployment.max_output_tokens or DEFAULT_OUTPUT_TOKENS
        if len(self._tariffs) >= MAX_TARIFFS:
            self._tariffs.clear()
        tariff = _Tariff(deployment, provider, prices, min(limit, DEFAULT_OUTPUT_TOKENS))
        self._tariffs[deployment.key] = tariff
        return tariff
