"""Which path of which service is answered by which module."""

from collections.abc import Callable, Mapping

from tokenhub.simulator.anthropic import messages
from tokenhub.simulator.anthropic import models as anthropic_models
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import Answer
from tokenhub.simulator.openai import chat, completions, embeddings, responses
from tokenhub.simulator.openai import models as openai_models
from tokenhub.types import ProviderType

Work = Callable[[Exchange], Answer]

_OPENAI: Mapping[str, Mapping[str, Work]] = {
    "/v1/chat/completions": {"POST": chat.answer},
    "/v1/completions": {"POST": completions.answer},
    "/v1/responses": {"POST": responses.answer},
    "/v1/embeddings": {"POST": embeddings.answer},
    "/v1/models": {"GET": openai_models.all_models},
}
_ROUTES: Mapping[ProviderType, Mapping[str, Mapping[str, Work]]] = {
    ProviderType.OPENAI: _OPENAI,
    ProviderType.VLLM: {
        **_OPENAI,
        "/health": {"GET": openai_models.health},
        "/ping": {"GET": openai_models.health},
        "/version": {"GET": openai_models.version},
    },
    ProviderType.ANTHROPIC: {
        "/v1/messages": {"POST": messages.answer},
        "/v1/messages/count_tokens": {"POST": messages.count_tokens},
        "/v1/models": {"GET": anthropic_models.all_models},
    },
}
_ONE_MODEL = "/v1/models/"


def route(kind: ProviderType, method: str, path: str) -> tuple[Work, str]:
    """What answers `method` on `path`, and the model's name in it; ApiError 404 or 405."""
    if path.startswith(_ONE_MODEL) and len(path) > len(_ONE_MODEL):
        home = anthropic_models if kind is ProviderType.ANTHROPIC else openai_models
        methods: Mapping[str, Work] | None = {"GET": home.one_model}
    else:
        methods = _ROUTES[kind].get(path)
    if methods is None:
        raise _no_path(kind, method, path)
    work = methods.get(method)
    if work is None:
        raise _no_method(kind, method, path)
    return work, path.removeprefix(_ONE_MODEL)


def _no_path(kind: ProviderType, method: str, path: str) -> ApiError:
    match kind:
        case ProviderType.OPENAI:
            return ApiError(404, f"Invalid URL ({method} {path})")
        case ProviderType.ANTHROPIC:
            return ApiError(404, "Not found")
        case ProviderType.VLLM:
            return ApiError(404, "Not Found", type="Not Found")


def _no_method(kind: ProviderType, method: str, path: str) -> ApiError:
    if kind is ProviderType.OPENAI:
        hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
        return ApiError(405, f"Not allowed to {method} on {path}. {hint}")
    phrase = "Method Not Allowed"
    return ApiError(405, phrase, type=phrase if kind is ProviderType.VLLM else None)
