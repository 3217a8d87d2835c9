"""What becomes of each field in the other protocols: the tables, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tokenhub.errors import Untranslatable
from tokenhub.types import Api
from tokenhub.wire.translation import chat_fields, messages_fields, responses_fields
from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.places import kept_place, kind_at
from tokenhub.wire.translation.rules import Fate, Rules

TRANSLATED: Final = (Api.CHAT, Api.RESPONSES, Api.MESSAGES)
"""The protocols that are translated into each other."""

FIELDS: Final[Mapping[Api, Rules]] = {
    Api.CHAT: chat_fields.FIELDS,
    Api.RESPONSES: responses_fields.FIELDS,
    Api.MESSAGES: messages_fields.FIELDS,
}
"""The top-level fields of each protocol; one that is not in the table is refused."""
_UNKNOWN: Final = "unknown_field"

FEATURES: Final[Mapping[str, frozenset[Api]]] = {
    **chat_fields.FEATURES,
    **responses_fields.FEATURES,
    **messages_fields.FEATURES,
}
"""What a request may use inside its fields, and the protocols that can say it."""

WORDS: Final[Mapping[str, str]] = {
    "allowed_tools": "a choice among some of the tools (allowed_tools)",
    "audio": "audio",
    "cache_warming": "filling the cache without an answer (max_tokens of 0)",
    "citations": "the use of citations",
    "custom_tool": "a custom tool, whose input is plain text,",
    "document_images": "a document that has images inside",
    "file_id": "a file by the id of its upload",
    "file_type": "a file that is neither text nor a PDF",
    "file_url": "a document by its address",
    "hot": "a temperature above 1",
    "image_detail": "how closely to look at an image (detail)",
    "included": "a word of include that is not known or not translated here",
    "item_reference": "an item that is only named by its id",
    "json_object": "JSON without a schema (json_object)",
    "logprobs": "the probability of each token (logprobs)",
    "prefill": "a last turn of the assistant that the answer goes on from (prefill)",
    "reasoning_mode": "a mode of reasoning other than the standard one",
    "server_item": "an item that only responses have",
    "server_tool": "a tool of the provider's own",
    "unknown_content": "content of a kind that is not translated",
    "unknown_field": "a field that is not known or not translated here",
    "verbosity": "how long an answer is to be (verbosity)",
}
"""What each of the FEATURES is, in words that go before "has no equivalent in …"."""

ADVICE: Final[Mapping[str, str]] = {
    "allowed_tools": "offer only those tools, or {other}",
    "cache_warming": "ask for an answer of at least one token, or {other}",
    "citations": "leave them out, or {other}",
    "custom_tool": "offer it as a function, or {other}",
    "document_images": "send the images beside it, or {other}",
    "file_id": "send the file itself, or {other}",
    "file_type": "send it as text or as a PDF, or {other}",
    "file_url": "send the document itself, or {other}",
    "hot": "ask for 1 at most, or {other}",
    "included": "leave it out, or {other}",
    "item_reference": "send the item itself, with store: false",
    "json_object": "give a schema (json_schema), or {other}",
    "prefill": "end with a turn of the user, or {other}",
    "server_tool": "offer a function of your own, or {other}",
    "unknown_field": "leave it out, or {other}",
}
"""What to do instead of what a request uses and cannot be said; `other` is what always helps."""
_OTHER: Final = "{other}"


def obstacle(
    source: Api, target: Api, body: Mapping[str, Any], conversation: Conversation
) -> Untranslatable | None:
    """The first thing in a request of `source` that cannot be said to `target`, None if all can.

    `conversation` is what `body` was read into.
    """
    rules = FIELDS[source]
    for name, value in body.items():
        if value is None:
            continue
        if name not in rules:
            advice = _advice(_UNKNOWN, source)
            return Untranslatable(name, target, what=WORDS[_UNKNOWN], advice=advice)
        rule = rules[name][target]
        if rule.fate is Fate.REFUSED and value not in rule.harmless:
            advice = rule.advice or _other(source)
            return Untranslatable(name, target, advice=advice, details=rule.details)
    for feature, where in conversation.uses.items():
        if target not in FEATURES[feature]:
            what = WORDS[feature] + kind_at(body, where)
            advice = _advice(feature, source)
            return Untranslatable(where, target, what=what, advice=advice)
    return None


def _advice(feature: str, source: Api) -> str:
    return ADVICE.get(feature, _OTHER).format(other=_other(source))


def _other(source: Api) -> str:
    return f"ask a model that speaks the {source} API"


def left_out(source: Api, target: Api, body: Mapping[str, Any]) -> list[str]:
    """The fields of `body` that are left out and may be missed."""
    rules = FIELDS[source]
    return [
        name
        for name, value in body.items()
        if value is not None
        and name in rules
        and (rule := rules[name][target]).fate is Fate.WARNED
        and value not in rule.harmless
    ]


def unsaid(target: Api, conversation: Conversation) -> list[str]:
    """What stands inside the fields, is left out and may be missed."""
    hints = conversation.hints.items()
    return [
        *conversation.missed,
        *[where for feature, where in hints if target not in FEATURES[feature]],
    ]


def kept(source: Api, missed: Sequence[str]) -> list[str]:
    """What of `left_out` and `unsaid` may be stored: no name in it is the client's own."""
    return [kept_place(FIELDS[source], where) for where in missed]
