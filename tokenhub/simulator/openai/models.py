"""OpenAI's list of models, vLLM's wider one, and vLLM's `/health` and `/version`."""

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer, Json, compact, indented
from tokenhub.simulator.model.catalogue import Model


def all_models(exchange: Exchange) -> Answer:
    """`GET /v1/models`."""
    data = [_openai_model(exchange, model) for model in exchange.models.models]
    return Answer(body=_write(exchange, {"object": "list", "data": data}))


def one_model(exchange: Exchange) -> Answer:
    """`GET /v1/models/{id}`; ids of vLLM's models hold slashes."""
    model = exchange.models.get(exchange.name)
    if model is None:
        raise unknown_model(exchange, exchange.name)
    return Answer(body=_write(exchange, _openai_model(exchange, model)))


def health(_: Exchange) -> Answer:
    """VLLM's `GET /health`: 200 and nothing."""
    return Answer()


def version(_: Exchange) -> Answer:
    """VLLM's `GET /version`."""
    return Answer(body=compact({"version": "0.11.0"}))


def unknown_model(exchange: Exchange, name: object) -> ApiError:
    """The 404 for a model that is not there."""
    if exchange.vllm:
        return ApiError(404, f"The model `{name}` does not exist.", param="model")
    return ApiError(
        404,
        f"The model `{name}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def _write(exchange: Exchange, body: Json) -> bytes:
    return compact(body) if exchange.vllm else indented(body)


def _openai_model(exchange: Exchange, model: Model) -> Json:
    owner = "vllm" if exchange.vllm else "system"
    item: Json = {
        "id": model.id,
        "object": "model",
        "created": model.created_s,
        "owned_by": owner,
    }
    if exchange.vllm:
        item |= {"root": model.id, "parent": None, "max_model_len": model.context_tokens}
        item["permission"] = [_vllm_permission(exchange, model)]
    return item


def _vllm_permission(exchange: Exchange, model: Model) -> Json:
    return {
        "id": exchange.ids.hex("modelperm-", 32),
        "object": "model_permission",
        "created": model.created_s,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
