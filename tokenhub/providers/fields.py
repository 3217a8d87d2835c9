"""The checks of single fields of a row; each returns the value or raises `ValueError`.

No message repeats a value: it may be a secret in the wrong field.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

from pydantic import SecretStr, ValidationInfo

from tokenhub.providers import urls

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
# Ids stand in paths: one with a segment `..` would lead a client of ours to another route.
_SEGMENT: Final = r"[A-Za-z0-9_:@-][A-Za-z0-9._:@-]*"
PROVIDER_ID: Final = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"
MODEL_ID: Final = rf"^{_SEGMENT}(/{_SEGMENT})*$"
"""Patterns for pydantic, whose engine takes `$` for the end of the text alone."""
MODEL_ID_CHARS: Final = 200
UPSTREAM_NAME: Final = r"^[!-~]{1,200}$"
KEY_ENV: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"

IN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        PROVIDER_ID: "1 to 64 letters, digits and . _ -, not beginning with a dot",
        MODEL_ID: "letters, digits and . _ : @ - in parts divided by /, none beginning with a dot",
        UPSTREAM_NAME: "1 to 200 visible ASCII characters without spaces",
        KEY_ENV: "the name of a variable: letters, digits and _, not beginning with a digit",
    }
)
"""The patterns as messages say them."""

_MAX_HEADERS: Final = 32
_MAX_VALUE_CHARS: Final = 8192
# They frame the message or belong to one hop: set by hand they let a request be read in two ways.
_FRAMING: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Rows are stored in the clear.
_SECRET: Final = frozenset(
    {"api-key", "authorization", "cookie", "proxy-authorization", "x-api-key", "x-goog-api-key"}
)


def is_model_id(text: str) -> bool:
    """Return whether `text` may be the id of a model."""
    return len(text) <= MODEL_ID_CHARS and re.fullmatch(MODEL_ID, text) is not None


def check_base_url(text: str, info: ValidationInfo) -> str:
    """Accept a base URL; hosts in the context's `listed` are not checked for metadata services."""
    listed = (info.context or {}).get("listed", ())
    return urls.check_url(text, what="a base URL", listed=listed)


def check_proxy(text: str) -> str:
    """Accept the URL of a proxy; a name and password for one come from the environment only."""
    return urls.check_url(text, what="a proxy URL")


def check_ca_file(text: str) -> str:
    """Accept an absolute path; the file is read when it is first needed."""
    if "\x00" in text or not PurePath(text).is_absolute():
        raise ValueError("expected the absolute path of a PEM file with certificates")
    return text


def check_api_key(secret: SecretStr) -> SecretStr:
    """Accept what can stand in a header: printable ASCII without spaces around it."""
    _check_value("the key", secret.get_secret_value())
    return secret


def check_auth_header(name: str) -> str:
    """Accept the name of the header that carries the key."""
    _check_token(name)
    if name.lower() in _FRAMING:
        raise ValueError(f"{name!r} cannot carry a key")
    return name


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Accept additional headers, none of which frames the message or holds a secret."""
    if len(headers) > _MAX_HEADERS:
        raise ValueError(f"expected at most {_MAX_HEADERS} headers, got {len(headers)}")
    for name, value in headers.items():
        _check_token(name)
        if name.lower() in _FRAMING:
            raise ValueError(f"{name!r} is set by the connection and cannot be given")
        if name.lower() in _SECRET:
            raise ValueError(f"{name!r} holds a secret: use api_key, and auth_header for its name")
        _check_value(f"the value of {name!r}", value)
    return headers


def _check_token(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError("expected a header name of letters, digits and -_. without spaces")


def _check_value(what: str, value: str) -> None:
    if not value:
        raise ValueError(f"{what} is empty")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"{what} has a line break, an outer space or a character outside ASCII")
    if len(value) > _MAX_VALUE_CHARS:
        raise ValueError(f"{what} is longer than {_MAX_VALUE_CHARS} characters")
