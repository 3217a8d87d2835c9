"""Which models take what word about thinking, learned from their refusals.

A client asks its own protocol's models for thinking as a matter of course (Claude Code always
does); a model of another protocol to which that is translated may know nothing of it. Other models
think but give no summary of it, and OpenAI gives none to an organisation that is not verified.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tokenhub.dispatch.repair import Repair
from tokenhub.dispatch.target import Target
from tokenhub.errors import UpstreamError
from tokenhub.types import Api

MAX_REFUSALS: Final = 10_000
UNSHOWN_S: Final = 3600.0
"""After an hour a summary is asked for again: the organisation may have been verified."""

_NAMES: Final = re.compile(rb"reasoning|thinking|effort|encrypted.content", re.IGNORECASE)
# `reasoning.summary` as it is quoted by different servers, or OpenAI's words for it.
_NAMES_SUMMARY: Final = re.compile(rb"reasoning[\W_]{1,8}(?:generate_)?summar", re.IGNORECASE)
_Identity = tuple[str, tuple[str, ...], str, Api]


class ThinkingOption:
    """Decides what a translated request says about thinking, and remembers who refused."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unasked: set[_Identity] = set()
        self._unshown: dict[_Identity, float] = {}

    def usual(self, repair: Repair, target: Target) -> Repair:
        """Return `repair` of a translated request without what `target` is known to refuse."""
        if not (self._unasked or self._unshown):
            return repair
        identity = _identity(target)
        unshown = identity in self._unshown and self._monotonic() < self._unshown[identity]
        return replace(repair, unasked=identity in self._unasked, unshown=unshown)

    def learn(self, repair: Repair, target: Target) -> None:
        """Remember that the model served a request as `repair` has it, after a refusal without."""
        identity = _identity(target)
        if repair.unasked:
            if len(self._unasked) >= MAX_REFUSALS:
                self._unasked.clear()
            self._unasked.add(identity)
        elif repair.unshown:
            if len(self._unshown) >= MAX_REFUSALS:
                self._unshown.clear()
            self._unshown[identity] = self._monotonic() + UNSHOWN_S


def less_thinking(error: UpstreamError, repair: Repair) -> Iterator[Repair]:
    """Give the ways to say less about thinking than `repair`, which was refused with `error`.

    Without the summary first, where `error` may be about that; none where it is about something
    else. Only a repetition can say so: some servers echo the whole body in any error. Source: the
    wording of the OpenAI API, where a model that does not reason refuses to be asked for encrypted
    content.
    """
    if error.status in (400, 422) and _NAMES.search(error.body):
        if _NAMES_SUMMARY.search(error.body):
            yield replace(repair, unshown=True)
        yield replace(repair, unasked=True)


def _identity(target: Target) -> _Identity:
    """The model, where it lives, and its API: what chat refuses responses may take."""
    provider = target.provider
    return provider.id, provider.base_urls, target.deployment.upstream_name, target.api
