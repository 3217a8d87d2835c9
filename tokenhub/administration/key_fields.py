"""What an administrator may write about a client key, and how a key is shown."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import pydantic
from pydantic import BeforeValidator, ConfigDict, Field

from tokenhub.administration.units import nano, timestamp, usd
from tokenhub.errors import BadRequest
from tokenhub.providers.payload import validate
from tokenhub.types import ApiKey, Scope

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_LONGEST_S: Final = 100 * 366 * 86_400


def _seconds(text: str) -> int:
    """Return the seconds of `720h` or `30d`."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("expected a number with s, m, h or d, such as '720h' or '30d'")
    return seconds


def _scopes(value: object) -> object:
    """Return a list that came as its JSON text as the list."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        message = "scopes: expected a list of scopes, as JSON array or as its text"
        raise BadRequest(message, param="scopes") from None


class KeyFields(pydantic.BaseModel):
    """A client key as given; what is absent is not changed, null stands for "no limit"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=100)] = ""
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] | None = None
    allowed_models: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=100),
    ] = None
    expires_in: Annotated[int, BeforeValidator(_seconds)] | None = None
    monthly_budget_usd: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    rate_limit_rps: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    rate_limit_burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    enabled: bool = True

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> "KeyFields":
        """Return the checked fields; raise `BadRequest` naming the one that is wrong."""
        if "scopes" in payload:
            payload = {**payload, "scopes": _scopes(payload["scopes"])}
        return validate(cls, payload)

    def changes(self, now_ms: int) -> dict[str, Any]:
        """Return the fields given as those of `types.ApiKey`."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "expires_in" in given:
            seconds = given.pop("expires_in")
            given["expires_at_ms"] = None if seconds is None else now_ms + seconds * 1_000
        if "monthly_budget_usd" in given:
            given["monthly_budget_nano"] = nano(given.pop("monthly_budget_usd"))
        if given.get("allowed_models") is not None:
            given["allowed_models"] = tuple(given["allowed_models"])
        return given


def shown(key: ApiKey) -> dict[str, Any]:
    """Return the key as answers show it, without its hash."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "allowed_models": None if key.allowed_models is None else list(key.allowed_models),
        "expires_at": timestamp(key.expires_at_ms),
        "monthly_budget_usd": usd(key.monthly_budget_nano),
        "rate_limit_rps": key.rate_limit_rps,
        "rate_limit_burst": key.rate_limit_burst,
        "enabled": key.enabled,
        "created_at": timestamp(key.created_at_ms),
    }
