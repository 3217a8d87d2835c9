"""Whom a request is written for, and what comes of it."""

from collections.abc import Callable

from tokenhub.types import per_request
from tokenhub.wire.translation.conversation import Origin


@per_request
class Aim:
    """Whom a request is written for.

    `model` is the provider's name for it, `max_output_tokens` what it can write at most where that
    is known; `origin` tells whose a seal is; `ask_usage` that a stream is asked for its usage,
    where the protocol has an option for that. Unless it `thinks` nothing is said of how much to.
    """

    model: str
    max_output_tokens: int | None
    origin: Callable[[str], Origin]
    ask_usage: bool = False
    thinks: bool = True


@per_request
class Written:
    """A request's body, and what was left out of it that the client may miss."""

    body: bytes
    warnings: list[str]
