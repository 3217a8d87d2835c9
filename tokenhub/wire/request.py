"""What the hub needs to know of a request; everything else in it is between client and provider."""

from typing import Any, Final

from tokenhub.errors import BadRequest
from tokenhub.types import Api, Capability, per_request
from tokenhub.wire.body import Document
from tokenhub.wire.delicate import delicate
from tokenhub.wire.tokens import estimate_input

_MOST_TOKENS: Final = 1_000_000_000
_MOST_CHOICES: Final = 1_000
_CONVERSATIONS: Final = (Api.CHAT, Api.MESSAGES, Api.COUNT_TOKENS)
_LIMITS: Final = {
    Api.CHAT: ("max_completion_tokens", "max_tokens"),
    Api.COMPLETIONS: ("max_tokens",),
    Api.MESSAGES: ("max_tokens",),
    Api.RESPONSES: ("max_output_tokens",),
    Api.COUNT_TOKENS: (),
    Api.EMBEDDINGS: (),
}
"""The fields that limit the output; which of them a provider obeys is its own affair."""
_SEVERAL: Final = (Api.CHAT, Api.COMPLETIONS)
"""Where several answers can be asked for at once."""
_STORED: Final = ("previous_response_id", "conversation", "prompt")
"""What refers to something that OpenAI has stored: nobody but the provider that has it knows it."""


@per_request
class RequestFacts:
    """A request as far as it is decided about.

    `model` is None where none is named. `max_output_tokens` is what the client allows over all
    choices asked for, None where it sets no limit. `usage_asked` tells whether the stream is asked
    for its usage; `capabilities` are those that a model must have; `input_tokens` is our estimate;
    `delicate` are the fields given that some models of the API refuse.
    """

    api: Api
    model: str | None
    stream: bool
    max_output_tokens: int | None
    usage_asked: bool
    capabilities: frozenset[Capability]
    input_tokens: int
    delicate: tuple[str, ...] = ()


def read_request(api: Api, document: Document) -> RequestFacts:
    """Read a request of any API.

    Raises BadRequest naming the field for a wrong type of what we rely on; unknown fields and
    what only the provider needs to understand are not looked at.
    """
    body = document.value
    if api in _CONVERSATIONS:
        _check_objects(body, "messages")
    elif api is Api.RESPONSES:
        _check_response(body)
    elif api is Api.EMBEDDINGS and not (
        isinstance(body.get("input"), str | list) and body["input"]
    ):
        raise BadRequest("input: expected text or a list that is not empty", param="input")
    estimate = estimate_input(api, document)
    return RequestFacts(
        api=api,
        model=_typed(body, "model", str, "text") or None,
        stream=_streams(api, body),
        max_output_tokens=_max_output_tokens(api, body),
        usage_asked=_usage_asked(body),
        capabilities=_capabilities(api, body, estimate.has_images),
        input_tokens=estimate.tokens,
        delicate=delicate(api, body),
    )


def _check_objects(body: dict[str, Any], name: str) -> None:
    """Raise BadRequest unless `name` is a list of objects that is not empty."""
    items = body.get(name)
    if not isinstance(items, list) or not items:
        raise BadRequest(f"{name}: expected a list that is not empty", param=name)
    for index, item in enumerate(items):
        if type(item) is not dict:
            field = f"{name}.{index}"
            raise BadRequest(f"{field}: expected an object", param=field)


def _check_response(body: dict[str, Any]) -> None:
    for name in _STORED:
        if body.get(name) is not None:
            message = f"{name}: nothing is stored here: send the whole conversation in input"
            raise BadRequest(message, param=name)
    if _typed(body, "background", bool, "true or false"):
        message = "background: nothing is stored here: wait for the answer, or take it as a stream"
        raise BadRequest(message, param="background")
    if not isinstance(body.get("input"), str):
        _check_objects(body, "input")
    _typed(body, "instructions", str, "text")


def _typed(body: dict[str, Any], name: str, kind: type, expected: str) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise BadRequest(f"{name}: expected {expected}", param=name)
    return value


def _streams(api: Api, body: dict[str, Any]) -> bool:
    """Whether the answer is a stream; embeddings and counts never are, whatever is asked for."""
    asked = _typed(body, "stream", bool, "true or false")
    return asked is True and api not in (Api.EMBEDDINGS, Api.COUNT_TOKENS)


def _max_output_tokens(api: Api, body: dict[str, Any]) -> int | None:
    # Anthropic takes 0 to fill the prompt cache without an answer.
    least = 0 if api is Api.MESSAGES else 1
    limits = [_integer(body, name, least, _MOST_TOKENS) for name in _LIMITS[api]]
    given = max((limit for limit in limits if limit is not None), default=None)
    if api not in _SEVERAL or given is None:
        return given
    choices = [_integer(body, name, 1, _MOST_CHOICES) or 1 for name in ("n", "best_of")]
    prompts = body.get("prompt") if api is Api.COMPLETIONS else None
    several = len(prompts) if isinstance(prompts, list) and not _is_tokens(prompts) else 1
    return given * max(choices) * max(1, several)


def _is_tokens(prompts: list[Any]) -> bool:
    return bool(prompts) and isinstance(prompts[0], int)


def _integer(body: dict[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        raise BadRequest(f"{name}: expected an integer from {least} to {most}", param=name)
    return value


def _usage_asked(body: dict[str, Any]) -> bool:
    options = _typed(body, "stream_options", dict, "an object")
    return options is not None and options.get("include_usage") is True


def _capabilities(api: Api, body: dict[str, Any], has_images: bool) -> frozenset[Capability]:
    if api is Api.EMBEDDINGS:
        return frozenset((Capability.EMBEDDINGS,))
    if api is Api.COMPLETIONS:
        return frozenset()
    used = {
        Capability.TOOLS: bool(body.get("tools") or body.get("functions")),
        Capability.VISION: has_images,
        Capability.JSON: _wants_json(body),
        Capability.REASONING: _wants_reasoning(body),
    }
    return frozenset(capability for capability, is_used in used.items() if is_used)


def _wants_json(body: dict[str, Any]) -> bool:
    """OpenAI's `response_format` and `text.format`, Anthropic's `output_config.format`."""
    chosen = _kind(body.get("response_format"))
    for name in ("text", "output_config"):
        config = body.get(name)
        if isinstance(config, dict):
            chosen = chosen or _kind(config.get("format"))
    return chosen in ("json_object", "json_schema")


def _wants_reasoning(body: dict[str, Any]) -> bool:
    """OpenAI's `reasoning_effort` and `reasoning.effort`, Anthropic's `thinking`."""
    effort, reasoning = body.get("reasoning_effort"), body.get("reasoning")
    if isinstance(reasoning, dict):
        effort = effort or reasoning.get("effort")
    return effort not in (None, "none") or _kind(body.get("thinking")) in ("enabled", "adaptive")


def _kind(value: object) -> object:
    return value.get("type") if isinstance(value, dict) else None
