"""By which of its APIs a provider is asked: the client's own, or one to translate to."""

import re
from collections.abc import Callable
from typing import Final

from tokenhub.errors import BadRequest, Untranslatable
from tokenhub.types import Api, Provider
from tokenhub.wire.translation.fields import FIELDS

Lacks = Callable[[Provider, Api], bool]
Obstacle = Callable[[Api], BadRequest | None]
"""What in a request cannot be said in an API, None where all can; asked only of other APIs."""

_PLACE: Final = re.compile(r"([a-z_]+)(?:\.\d+)*")
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


def told(obstacle: BadRequest, api: Api) -> str:
    """What is kept of an obstacle in a request of `api`: no name in it is the client's own."""
    found = _PLACE.match(obstacle.param or "")
    known = found is not None and found[1] in FIELDS.get(api, ())
    place = found[0] if found is not None and known else "a field that is not known"
    if isinstance(obstacle, Untranslatable):
        return f"{place}: has no equivalent in the {obstacle.target} API"
    return f"{place}: cannot be read, as a translation needs"


def no_obstacle(_: Api) -> BadRequest | None:
    """Nothing stands in the way, of a request of which nothing is known."""
    return None
