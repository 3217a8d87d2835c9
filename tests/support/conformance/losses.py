"""What becomes of an answer on its way from a provider's protocol to the client's."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.support.conformance.sayings import Saying

STOPS: Final[Mapping[str, Mapping[str, str]]] = {
    # As messages say it: what chat and responses say for it.
    "end_turn": {"chat": "stop", "responses": "completed"},
    "stop_sequence": {"chat": "stop", "responses": "completed"},
    "pause_turn": {"chat": "stop", "responses": "completed"},
    "max_tokens": {"chat": "length", "responses": "max_output_tokens"},
    "model_context_window_exceeded": {"chat": "length", "responses": "max_output_tokens"},
    "tool_use": {"chat": "tool_calls", "responses": "completed"},
    "refusal": {"chat": "content_filter", "responses": "content_filter"},
    # As chat says it: what messages and responses say for it.
    "stop": {"messages": "end_turn", "responses": "completed"},
    "length": {"messages": "max_tokens", "responses": "max_output_tokens"},
    "tool_calls": {"messages": "tool_use", "responses": "completed"},
    "content_filter": {
        "messages": "refusal",
        "responses": "content_filter",
        "chat": "content_filter",
    },
    # As responses say it: what chat and messages say for it.
    "completed": {"chat": "stop", "messages": "end_turn"},
    "max_output_tokens": {"chat": "length", "messages": "max_tokens"},
}
"""Why an answer ended, in the words of the others."""


def arrives(said: Saying, api: str) -> Saying:
    """`said` by a provider of another protocol as a client of `api` must have it.

    Chat and responses do not tell for how long a cache was written; messages have no words for a
    refusal's own words, which are text there. Chat has no place for the seal of a thinking, and
    cannot show one that is redacted.
    """
    kept = replace(said, seals=[], redacted=[], stop=_stop(said, api), sequence=None)
    if api == "messages":
        kept.text, kept.refusal = said.text + said.refusal, ""
        kept.sequence = said.sequence
        kept.stop = "stop_sequence" if said.sequence else kept.stop
    elif kept.tokens is not None:
        kept.tokens = kept.tokens.merged
    return kept


def _stop(said: Saying, api: str) -> str | None:
    if said.stop is None:
        return None
    if said.refusal:
        return {"messages": "refusal", "responses": "completed", "chat": "stop"}[api]
    if said.stop == "completed" and said.calls:
        return {"chat": "tool_calls", "messages": "tool_use"}[api]
    return STOPS[said.stop][api]
