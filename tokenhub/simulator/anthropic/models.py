"""Anthropic's list of models (API reference, models)."""

from collections.abc import Container, Iterable
from datetime import UTC, datetime

from tokenhub.simulator.anthropic.abilities import EFFORTS, THINKING, Abilities, abilities_of
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, Json, compact
from tokenhub.simulator.model.catalogue import Model

_YES = {"supported": True}
_NO = {"supported": False}


def all_models(exchange: Exchange) -> Answer:
    """`GET /v1/models`: newest first, in pages."""
    models = sorted(exchange.models.models, key=lambda model: -model.created_s)
    try:
        limit = int(exchange.query.get("limit", "20"))
    except ValueError:
        raise ApiError(400, "limit: Input should be a valid integer") from None
    if not 1 <= limit <= 1000:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 1000"
        raise ApiError(400, f"limit: Input should be {bound}")
    names = [model.snapshot for model in models]
    after, before = exchange.query.get("after_id"), exchange.query.get("before_id")
    if after in names:
        models = models[names.index(after) + 1 :]
        page, more = models[:limit], len(models) > limit
    elif before in names:
        models = models[: names.index(before)]
        page, more = models[-limit:], len(models) > limit
    else:
        page, more = models[:limit], len(models) > limit
    data = [_described(model) for model in page]
    ids = [item["id"] for item in data] or [None]
    body = {"data": data, "has_more": more, "first_id": ids[0], "last_id": ids[-1]}
    return Answer(body=compact(body))


def one_model(exchange: Exchange) -> Answer:
    """`GET /v1/models/{id}`."""
    model = exchange.models.get(exchange.name)
    if model is None:
        raise unknown_model(exchange.name)
    return Answer(body=compact(_described(model)))


def unknown_model(name: object) -> ApiError:
    """The 404 for a model that is not there."""
    return ApiError(404, f"model: {name}")


def _described(model: Model) -> Json:
    day = datetime.fromtimestamp(model.created_s, UTC).strftime("%Y-%m-%dT00:00:00Z")
    words = model.id.removeprefix("claude-").split("-")
    named = [word.capitalize() for word in words if not word.isdigit()]
    number = ".".join(word for word in words if word.isdigit() and len(word) < 3)
    family = words[0] if words[0] in ("opus", "sonnet", "haiku") else None
    return {
        "type": "model",
        "id": model.snapshot,
        "display_name": " ".join(["Claude", *named, number]).strip(),
        "created_at": day,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": family,
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": _capabilities(abilities_of(model.id)),
    }


def _capabilities(abilities: Abilities) -> Json:
    levels = _supported(EFFORTS, abilities.efforts)
    return {
        "batch": _NO,
        "citations": _NO,
        "code_execution": _NO,
        "context_management": _NO,
        "effort": {"supported": bool(abilities.efforts), **levels},
        "image_input": _YES,
        "pdf_input": _YES,
        "server_tools": {**_NO, "code_execution": _NO, "web_search": _NO},
        "structured_outputs": _YES,
        "thinking": {**_YES, "types": _supported(THINKING, abilities.thinking)},
    }


def _supported(names: Iterable[str], known: Container[str]) -> Json:
    return {name: _YES if name in known else _NO for name in names}
