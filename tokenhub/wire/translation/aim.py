"""Whom a request is written for, and what comes of it."""

from collections.abc import Callable, Sequence

from tokenhub.types import per_request
from tokenhub.wire.translation.conversation import Origin


@per_request
class Aim:
    """Whom a request is written for.

    `model` is the provider's name for it, `max_output_tokens` what it can write at most where that
    is known; `origin` tells whose a seal is; `ask_usage` that a stream is asked for its usage,
    where the protocol has an option for that. Unless it `thinks` nothing is said of thinking,
    unless it `measures` nothing of how much to, unless it `shows` no summary is asked for.
    """

    model: str
    max_output_tokens: int | None
    origin: Callable[[str], Origin]
    ask_usage: bool = False
    thinks: bool = True
    measures: bool = True
    shows: bool = True


@per_request
class Written:
    """A request's body, and what was left out of it that the client may miss.

    `kept` are the `warnings` as they may be stored: without any word of the client's own.
    """

    body: bytes
    warnings: list[str]
    kept: Sequence[str] = ()
