"""What a responses request says of reasoning: how much, how it is shown, and what was thought."""

from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Json
from tokenhub.simulator.model.catalogue import Model
from tokenhub.simulator.model.signatures import is_sealed_in, seal_is_valid
from tokenhub.simulator.openai import checks as check
from tokenhub.simulator.openai.chat_options import EFFORT_WORDS

_SEALED = "reasoning.encrypted_content"
_ENDS = 4
"""Characters of encrypted content by which an error names it at either end."""


def reasoning_words(exchange: Exchange, model: Model) -> int:
    """How many words `model` thinks; ApiError for options that it does not take."""
    body = exchange.body
    reasoning = check.optional(body, "reasoning", "an object") or {}
    temperature = check.decimal(body, "temperature", 0, 2)
    check.decimal(body, "top_p", 0, 1)
    if not model.reasons:
        if not exchange.vllm:
            _check_nothing_asked(reasoning)
        return 0
    if not exchange.vllm:
        _check_company(exchange, reasoning, temperature)
    effort = check.optional(reasoning, "effort", "a string", "reasoning.effort") or "medium"
    if effort not in EFFORT_WORDS:
        names = ", ".join(f"'{name}'" for name in EFFORT_WORDS)
        raise check.invalid(
            "reasoning.effort", f"Invalid value: '{effort}'. Supported values are: {names}."
        )
    return EFFORT_WORDS[effort]


def _check_nothing_asked(reasoning: Json) -> None:
    for name in ("effort", "summary"):
        if reasoning.get(name):
            raise _not_supported(f"reasoning.{name}")


def _check_company(exchange: Exchange, reasoning: Json, temperature: float | None) -> None:
    if temperature not in (None, 1):
        raise _not_supported("temperature")
    if reasoning.get("summary") is not None and not exchange.profile.verified:
        raise check.invalid(
            "reasoning.summary",
            "Your organization must be verified to generate reasoning summaries. Please go to: "
            "https://platform.openai.com/settings/organization/general and click on Verify "
            "Organization. If you just verified, it can take up to 15 minutes for access to "
            "propagate.",
            "unsupported_value",
        )


def _not_supported(name: str) -> ApiError:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return check.invalid(name, message, "unsupported_parameter")


def wants_encrypted(exchange: Exchange, model: Model) -> bool:
    """Whether reasoning is to come sealed; ApiError for a model that has none."""
    include = check.optional(exchange.body, "include", "an array") or []
    if _SEALED not in include:
        return False
    if not model.reasons and not exchange.vllm:
        message = "Encrypted content is not supported with this model."
        raise ApiError(400, message, param="include")
    return True


def check_reasoning_item(exchange: Exchange, item: Json, model: Model) -> None:
    """Refuse reasoning that `model` has not made in this item; one without an id may be any."""
    sealed, item_id = item.get("encrypted_content"), item.get("id")
    if sealed is None:
        if item_id is not None and exchange.body.get("store") is False:
            raise ApiError(
                404,
                f"Item with id '{item_id}' not found. Items are not persisted when `store` is set "
                "to false. Try again with `store` set to true, or remove this item from your "
                "input.",
                param="input",
            )
        return
    if not seal_is_valid(model.id, sealed):
        raise _unverified(sealed, item_id, "Encrypted content could not be decrypted or parsed.")
    if item_id is not None and not is_sealed_in(str(item_id), sealed):
        raise _unverified(
            sealed, item_id, "Encrypted content item_id did not match the target item id."
        )


def _unverified(sealed: Any, item_id: Any, reason: str) -> ApiError:
    text = str(sealed)
    named = f"{text[:_ENDS]}...{text[-_ENDS:]}" if item_id is None else f"for item {item_id}"
    return ApiError(
        400,
        f"The encrypted content {named} could not be verified. Reason: {reason}",
        code="invalid_encrypted_content",
    )
