"""`tokenhubctl health` and `engine models`: how providers and models do."""

from collections.abc import Mapping
from typing import Any

from tokenhub.ctl.command import Call, Parsers, noun, verb

COLUMNS = {
    "provider_id": "PROVIDER",
    "state": "STATE",
    "since": "SINCE",
    "consecutive_errors": "ERRORS",
    "last_error_class": "LAST ERROR",
    "cooldown_until": "LEFT ALONE UNTIL",
    "failing": "FAILING ENDPOINTS",
}
MODEL_COLUMNS = {
    "model_id": "MODEL",
    "provider_id": "PROVIDER",
    "health": "HEALTH",
    "requests": "REQUESTS",
    "success_rate": "SUCCESS",
    "latency_ms": "LATENCY MS",
    "ttft_ms": "FIRST TOKEN MS",
    "tokens_per_second": "TOKENS/S",
}


def add(parsers: Parsers) -> None:
    """Add the commands to the command line."""
    verb(parsers, "health", "show how providers and their endpoints do", health)
    verbs = noun(parsers, "engine", "what the hub has learnt of the models it calls")
    verb(verbs, "models", "show how each model has done lately", models)


async def health(call: Call) -> None:
    """List the providers."""
    call.out.rows(await call.client.health(), COLUMNS, _view)


async def models(call: Call) -> None:
    """List the models with what their calls were like."""
    call.out.rows(await call.client.engine_models(), MODEL_COLUMNS)


def _view(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name the endpoints of a pool that do not do well."""
    endpoints = item["endpoints"]
    failing = [f"{one['url']} ({one['state']})" for one in endpoints if one["state"] != "healthy"]
    return {**item, "failing": failing if len(endpoints) > 1 else []}
