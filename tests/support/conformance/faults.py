"""The rows about what goes wrong, and about what another protocol cannot say."""

import json
from typing import Any, Final

from tests.support.conformance.asks import Ask, assistant, user
from tests.support.conformance.features import PROVIDERS, Fault, Feature, cells
from tests.support.conformance.rows import NOT_CLAUDE, asked
from tokenhub.simulator import Failure, Profile

_TOO_LONG: Final = {
    "openai": {
        "error": {
            "message": "This model's maximum context length is 128000 tokens. However, your "
            "messages resulted in 130000 tokens. Please reduce the length of the messages.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
    "anthropic": {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "prompt is too long: 210000 tokens > 200000 maximum",
        },
        "request_id": "req_1",
    },
    "vllm": {
        "error": {
            "message": "This model's maximum context length is 131072 tokens. However, your "
            "request has 140000 input tokens. Please reduce the length of the input messages.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        }
    },
}


def _failing(failure: Failure) -> Profile:
    return Profile(failure=failure)


HI: Final = asked("Tell me.")

FAULTS: Final = (
    Feature(
        "error: invalid request",
        asked("Tell me.", temperature=0.25),
        Profile(refused_fields=("temperature",)),
        fault=Fault(400, "invalid_request_error", ours=False),
    ),
    Feature(
        "error: unknown model",
        HI,
        models={"openai": "gone-o", "anthropic": "gone-a", "vllm": "gone-v"},
        fault=Fault(404, "not_found_error", ours=False),
    ),
    Feature(
        "error: context too long",
        HI,
        {
            name: _failing(Failure.answer(400, body=json.dumps(_TOO_LONG[name])))
            for name in PROVIDERS
        },
        fault=Fault(400, "invalid_request_error", "context_length_exceeded", ours=False),
    ),
    Feature(
        "error: provider's key refused",
        HI,
        _failing(Failure.answer(401)),
        fault=Fault(502, "api_error", "upstream_failed"),
    ),
    Feature(
        "error: no money at the provider",
        HI,
        {
            "openai": _failing(Failure.answer(429, code="insufficient_quota")),
            "anthropic": _failing(Failure.answer(402)),
            "vllm": _failing(Failure.answer(402)),
        },
        fault=Fault(502, "api_error", "upstream_failed"),
    ),
    Feature(
        "error: rate limit",
        HI,
        _failing(Failure.answer(429, retry_after="7")),
        fault=Fault(429, "rate_limit_error", "rate_limited"),
    ),
    Feature(
        "error: server error",
        HI,
        _failing(Failure.answer(500)),
        fault=Fault(502, "api_error", "upstream_failed"),
    ),
    Feature(
        "error: overloaded",
        HI,
        {
            "openai": _failing(Failure.answer(503)),
            "anthropic": _failing(Failure.answer(529)),
            "vllm": _failing(Failure.answer(503)),
        },
        fault={
            "openai": Fault(502, "api_error", "upstream_failed"),
            "anthropic": Fault(429, "rate_limit_error", "rate_limited"),
            "vllm": Fault(502, "api_error", "upstream_failed"),
        },
    ),
    Feature(
        "error: no answer of the protocol",
        HI,
        _failing(Failure.garbage()),
        fault=Fault(502, "api_error", "upstream_failed"),
    ),
    Feature(
        "error midway in a stream",
        HI,
        _failing(Failure.error_event(8)),
        wholes=False,
        fault=Fault(200, "api_error", ours=False),
    ),
)


def _more(**fields: dict[str, Any]) -> dict[str, Ask]:
    """What each client asks with fields of its own; `chat` is the own client's too."""
    asks = {client: asked("Tell me.", more=more) for client, more in fields.items()}
    return asks | ({"own": asks["chat"]} if "chat" in asks else {})


_RUN: Final[dict[str, dict[str, Any]]] = {
    "chat": {"web_search_options": {}},
    "responses": {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    "messages": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
}

_FOREIGN: Final = "anthropic openai-responses"
"""Providers to which chat is translated."""

_BY_ID: Final[dict[str, dict[str, Any]]] = {
    "chat": {"type": "file", "file": {"file_id": "file-1"}},
    "responses": {"type": "input_file", "file_id": "file-1"},
    "messages": {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
}
"""A file that was uploaded to the provider."""
_AUDIO: Final = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}


def _said(part: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    """The field with one turn of the user that has `part`."""
    return {field: [{"role": "user", "content": [part]}]}


UNSAYABLE: Final = (
    Feature(
        "file by the id of an upload",
        _more(
            chat=_said(_BY_ID["chat"]),
            responses=_said(_BY_ID["responses"], "input"),
            messages=_said(_BY_ID["messages"]),
        ),
        absent=cells("chat own", "openai openai-chat vllm")
        | cells("responses", "openai openai-responses vllm")
        | cells("messages", "anthropic"),
        refused={
            cells("chat own", _FOREIGN): "messages.0.content.0.file.file_id",
            cells("responses", "anthropic openai-chat"): "input.0.content.0.file_id",
            cells("messages", NOT_CLAUDE): "messages.0.content.0.source",
        },
    ),
    Feature(
        "audio",
        _more(chat=_said(_AUDIO)),
        absent=cells("responses messages") | cells("chat own", "openai openai-chat vllm"),
        refused={cells("chat own", _FOREIGN): "messages.0.content.0"},
    ),
    Feature(
        "service tier",
        _more(chat={"service_tier": "flex"}, responses={"service_tier": "flex"}),
        absent=cells("messages"),
        warnings={cells("chat own responses", "anthropic"): "service_tier"},
    ),
    Feature(
        "several answers (`n`)",
        _more(chat={"n": 2}),
        absent=cells("responses messages"),
        refused={cells("chat own", _FOREIGN): "n"},
    ),
    Feature(
        "log probabilities",
        _more(chat={"logprobs": True}),
        absent=cells("responses messages"),
        refused={cells("chat own", _FOREIGN): "logprobs"},
    ),
    Feature(
        "seed",
        _more(chat={"seed": 7}),
        absent=cells("responses messages"),
        refused={cells("chat own", _FOREIGN): "seed"},
    ),
    Feature(
        "temperature above 1",
        asked("Tell me.", temperature=1.5),
        absent=cells("messages"),
        refused={cells("chat own responses", "anthropic"): "temperature"},
    ),
    Feature(
        "top_k",
        _more(messages={"top_k": 5}),
        absent=cells("chat responses own"),
        refused={cells("messages", NOT_CLAUDE): "top_k"},
    ),
    Feature(
        "answer begun by the client",
        Ask((user("Count."), assistant("One,"))),
        absent=cells("chat responses own"),
        refused={cells("messages", NOT_CLAUDE): "messages.1"},
    ),
    Feature(
        "tool that the provider runs",
        _more(**_RUN),
        absent=cells("chat own", "openai openai-chat vllm")
        | cells("responses", "openai openai-responses vllm"),
        refused={
            cells("chat own", _FOREIGN): "web_search_options",
            cells("responses", "anthropic openai-chat"): "tools.0 (code_interpreter)",
            cells("messages", NOT_CLAUDE): "tools.0",
        },
    ),
    Feature(
        "web search, where there is one",
        _more(responses={"tools": [{"type": "web_search"}]}),
        absent=cells("chat messages own"),
        warnings={cells("responses", "anthropic openai-chat"): "tools.0 (web_search)"},
    ),
    Feature(
        "conversation kept by the provider",
        _more(responses={"previous_response_id": "resp_1"}),
        absent=cells("chat messages own"),
        refused={cells("responses"): "previous_response_id"},
    ),
)
