"""Which models take what word about thinking, learned from their refusals.

A client asks its own protocol's models for thinking as a matter of course (Claude Code always
does); a model of another protocol to which that is translated may know nothing of it. Other models
think but give no summary of it, and OpenAI gives none to an organisation that is not verified.
OpenAI's models have different words of effort. Which of them a model lacks is not remembered, since
others may ask it by one that it has.
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
REMEMBERED_S: Final = 3600.0
"""After an hour all is asked for again: the organisation may have been verified, or the server have
got a new version."""

_NAMES: Final = re.compile(rb"reasoning|thinking|effort|encrypted.content", re.IGNORECASE)
# `reasoning.summary` as it is quoted by different servers, or OpenAI's words for it.
_NAMES_SUMMARY: Final = re.compile(rb"reasoning[\W_]{1,8}(?:generate_)?summar", re.IGNORECASE)
_NAMES_EFFORT: Final = re.compile(rb"effort", re.IGNORECASE)
# That a value is not among those known, as different servers say it (by code, message or type); a
# model that does not reason at all speaks of the parameter, the argument or the field.
_NAMES_VALUE: Final = re.compile(
    rb"\b(?:unsupported|invalid|supported|allowed|valid|enum)[ _]values?\b"
    rb"|must be one of|expected one of|should be|literal_error|effort level",
    re.IGNORECASE,
)
_Identity = tuple[str, tuple[str, ...], str, Api]


class ThinkingOption:
    """Decides what a translated request says about thinking, and remembers who refused."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unasked: dict[_Identity, float] = {}
        self._unshown: dict[_Identity, float] = {}

    def usual(self, repair: Repair, target: Target) -> Repair:
        """Return `repair` of a translated request without what `target` is known to refuse."""
        if not (self._unasked or self._unshown):
            return repair
        identity = _identity(target)
        unasked = self._holds(self._unasked, identity)
        return replace(repair, unasked=unasked, unshown=self._holds(self._unshown, identity))

    def learn(self, repair: Repair, before: Repair, target: Target) -> None:
        """Remember that the model refused a request as `before` has it, and served `repair`."""
        if repair.unasked and not before.unasked:
            self._put(self._unasked, target)
        elif repair.unshown and not before.unshown:
            self._put(self._unshown, target)

    def _holds(self, refusals: dict[_Identity, float], identity: _Identity) -> bool:
        return identity in refusals and self._monotonic() < refusals[identity]

    def _put(self, refusals: dict[_Identity, float], target: Target) -> None:
        if len(refusals) >= MAX_REFUSALS:
            refusals.clear()
        refusals[_identity(target)] = self._monotonic() + REMEMBERED_S


def less_thinking(error: UpstreamError, repair: Repair) -> Iterator[Repair]:
    """Give the ways to say less about thinking than `repair`, which was refused with `error`.

    Without the summary first, where `error` may be about that, or without how much to think, where
    it may be that the model lacks the word for that; none where it is about something else. Only a
    repetition can say so: some servers echo the whole body in any error. Source: the wording of the
    OpenAI API, where a model that does not reason refuses to be asked for encrypted content.
    """
    said = error.body
    if not _NAMES.search(said):
        return
    if _NAMES_SUMMARY.search(said):
        yield replace(repair, unshown=True)
    elif _NAMES_EFFORT.search(said) and _NAMES_VALUE.search(said):
        yield replace(repair, unmeasured=True)
    yield replace(repair, unasked=True)


def _identity(target: Target) -> _Identity:
    """The model, where it lives, and its API: what chat refuses responses may take."""
    provider = target.provider
    return provider.id, provider.base_urls, target.deployment.upstream_name, target.api
