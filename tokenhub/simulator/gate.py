"""What a service checks before it looks at a request's content: key, version, body."""

import json
from collections.abc import Mapping
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json
from tokenhub.simulator.profile import Profile
from tokenhub.types import ProviderType

_OPENAI_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank "
    "username) if you're accessing the API from your browser and are prompted for a username and "
    "password. You can obtain an API key from https://platform.openai.com/account/api-keys."
)
_OPENAI_BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)
_OPEN_PATHS = ("/health", "/ping", "/version")


def check_key(
    kind: ProviderType, headers: Mapping[str, str], path: str, wanted: str | None
) -> None:
    """Refuse a request without the key `wanted`, or for Anthropic without its version header."""
    if path in _OPEN_PATHS:
        return
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    if kind is ProviderType.ANTHROPIC:
        _check_anthropic_key(headers.get("x-api-key"), bearer, wanted)
        if "anthropic-version" not in headers:
            raise ApiError(400, "anthropic-version: header is required")
        return
    if wanted is None or bearer == wanted:
        return
    if kind is ProviderType.VLLM:
        raise ApiError(401, "Unauthorized")
    if not bearer:
        raise ApiError(401, _OPENAI_NO_KEY)
    masked = bearer[:8] + "*" * max(3, len(bearer) - 12) + bearer[-4:]
    raise ApiError(
        401,
        f"Incorrect API key provided: {masked}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def _check_anthropic_key(key: str | None, bearer: str, wanted: str | None) -> None:
    if wanted is None or wanted in (key, bearer):
        return
    if key is not None:
        raise ApiError(401, "invalid x-api-key")
    if bearer:
        raise ApiError(401, "Invalid bearer token")
    raise ApiError(401, "x-api-key header is required")


def parse_body(kind: ProviderType, body: bytes, profile: Profile) -> Json:
    """The body as a JSON object without a field that the profile refuses; ApiError otherwise."""
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad_json(kind, error) from None
    if not isinstance(value, dict):
        raise _bad_json(kind, ValueError("expected an object"))
    for name in profile.refused_fields:
        if name in value:
            raise _refused(kind, name)
    return value


def _bad_json(kind: ProviderType, error: Exception) -> ApiError:
    match kind:
        case ProviderType.OPENAI:
            return ApiError(400, _OPENAI_BAD_JSON)
        case ProviderType.ANTHROPIC:
            return ApiError(400, f"The request body is not valid JSON: {error}")
        case ProviderType.VLLM:
            return ApiError(
                400, f"[{{'type': 'json_invalid', 'msg': 'JSON decode error: {error}'}}]"
            )


def _refused(kind: ProviderType, name: str) -> ApiError:
    if kind is ProviderType.ANTHROPIC:
        return ApiError(400, f"{name}: Extra inputs are not permitted")
    return ApiError(400, f"Unrecognized request argument supplied: {name}")
