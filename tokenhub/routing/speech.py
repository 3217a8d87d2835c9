"""By which of its APIs a provider is asked: the client's own, or one to translate to."""

from collections.abc import Callable
from typing import Final

from tokenhub.errors import BadRequest, Untranslatable
from tokenhub.types import Api, Provider
from tokenhub.wire.translation.fields import FIELDS
from tokenhub.wire.translation.places import UNKNOWN, kept_place

Lacks = Callable[[Provider, Api], bool]
Obstacle = Callable[[Api], BadRequest | None]
"""What in a request cannot be said in an API, None where all can; asked only of other APIs."""
Thinks = Callable[[], bool]
"""Whether a request asks to think, or holds thinking that its maker has sealed."""

_OTHERS: Final = {
    Api.CHAT: (Api.MESSAGES, Api.RESPONSES),
    Api.RESPONSES: (Api.CHAT, Api.MESSAGES),
    Api.MESSAGES: (Api.CHAT, Api.RESPONSES),
}
"""What each API can be translated to, the first choice first.

Chat before responses, since more servers have it than tell so.
"""

_OPENAI: Final = frozenset({"openai", "azure"})
"""The prefixes of those who serve OpenAI's own models, unaltered."""
_THOUGHTFUL: Final = (Api.RESPONSES, Api.CHAT)
"""What a request of messages that thinks is translated to for those, the first choice first.

Unlike others', their chat neither shows what a model thinks nor takes it back; responses do both,
sealed. A request that does not ask to think, but holds such seals, is asked by the same API as
those before it: so the model keeps what it has thought, and its provider the prompt in its cache.
"""

_TRANSLATED: Final = ", translated to the "


def spoken(
    api: Api, provider: Provider, lacks: Lacks, obstacle: Obstacle, thinks: Thinks
) -> Api | BadRequest | None:
    """Return the API by which `provider` takes a request of `api`.

    An obstacle where it has APIs of which the request says too much, that of the one which others
    are usually asked by; None where it has none that would do. `thinks` is asked only where the
    choice turns on it.
    """
    if api in provider.apis and not lacks(provider, api):
        return api
    obstacles: dict[Api, BadRequest] = {}
    for other in _others(api, provider, thinks):
        if other in provider.apis and not lacks(provider, other):
            found = obstacle(other)
            if found is None:
                return other
            obstacles[other] = found
    return next((obstacles[other] for other in _OTHERS.get(api, ()) if other in obstacles), None)


def _others(api: Api, provider: Provider, thinks: Thinks) -> tuple[Api, ...]:
    """What to translate a request of `api` to for `provider`, the first choice first."""
    if api is Api.MESSAGES and is_openai(provider) and _has_both(provider):
        return _THOUGHTFUL if thinks() else _OTHERS[api]
    return _OTHERS.get(api, ())


def is_openai(provider: Provider) -> bool:
    """Whether `provider` is known to serve OpenAI's own models, with all that is known of those."""
    return provider.prefix in _OPENAI


def _has_both(provider: Provider) -> bool:
    return Api.CHAT in provider.apis and Api.RESPONSES in provider.apis


def spoken_by(reason: str, api: Api) -> str:
    """The `reason` of a candidate that is asked by an `api` which is not the client's."""
    return f"{reason.partition(_TRANSLATED)[0]}{_TRANSLATED}{api} API"


def told(obstacle: BadRequest, api: Api) -> str:
    """What is kept of an obstacle in a request of `api`: no name in it is the client's own.

    Of the place of a field that is not known only the beginning is told: what follows may be the
    client's, even if it looks like an index.
    """
    fields, where = FIELDS.get(api, {}), obstacle.param or ""
    if isinstance(obstacle, Untranslatable) and obstacle.gap.startswith(UNKNOWN):
        field = where.partition(".")[0]
        return f"{field}: {obstacle.gap}" if field in fields else obstacle.gap
    place = kept_place(fields, where).removesuffix(f": {UNKNOWN}")
    if isinstance(obstacle, Untranslatable):
        return f"{place}: {obstacle.gap}"
    return f"{place}: cannot be read, as a translation needs"


def nothing_sealed() -> bool:
    """Nothing was thought before, in a request of which nothing is known."""
    return False


def no_obstacle(_: Api) -> BadRequest | None:
    """Nothing stands in the way, of a request of which nothing is known."""
    return None
