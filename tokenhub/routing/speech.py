"""By which of its APIs a provider is asked: the client's own, or one to translate to."""

from collections.abc import Callable
from typing import Final

from tokenhub.errors import BadRequest
from tokenhub.types import Api, Provider

Lacks = Callable[[Provider, Api], bool]
Obstacle = Callable[[Api], BadRequest | None]
"""What in a request cannot be said in an API, None where all can; asked only of other APIs."""

_OTHERS: Final = {
    Api.CHAT: (Api.MESSAGES, Api.RESPONSES),
    Api.RESPONSES: (Api.CHAT, Api.MESSAGES),
    Api.MESSAGES: (Api.CHAT, Api.RESPONSES),
}
"""What each API can be translated to, the first choice first.

Chat before responses, since more servers have it than tell so.
"""

_TRANSLATED: Final = ", translated to the "


def spoken(
    api: Api, provider: Provider, lacks: Lacks, obstacle: Obstacle
) -> Api | BadRequest | None:
    """Return the API by which `provider` takes a request of `api`.

    The first obstacle where it has an API of which the request says too much, None where it has
    none that would do.
    """
    if api in provider.apis and not lacks(provider, api):
        return api
    first: BadRequest | None = None
    for other in _OTHERS.get(api, ()):
        if other in provider.apis and not lacks(provider, other):
            found = obstacle(other)
            if found is None:
                return other
            first = first or found
    return first


def spoken_by(reason: str, api: Api) -> str:
    """The `reason` of a candidate that is asked by an `api` which is not the client's."""
    return f"{reason.partition(_TRANSLATED)[0]}{_TRANSLATED}{api} API"


def no_obstacle(_: Api) -> BadRequest | None:
    """Nothing stands in the way, of a request of which nothing is known."""
    return None
