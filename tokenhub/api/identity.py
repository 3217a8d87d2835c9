"""What names a request: its id, and the protocol in which its client wants to be answered."""

import re
import secrets
from typing import Final

from aiohttp import web

from tokenhub.types import Protocol

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""Where the middleware leaves a request's id: `request[REQUEST_ID]`."""

_VALID_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OWN_PATHS: Final = frozenset({"/v1/chat", "/healthz", "/readyz", "/metrics"})


def new_request_id() -> str:
    """Return a fresh id: `req_` and 32 hex digits."""
    return "req_" + secrets.token_hex(16)


def request_id_from(offered: str | None) -> str:
    """Return the client's own id where it is valid, else a fresh one.

    Valid are 1 to 128 letters, digits and `. _ : -`.
    """
    if offered is not None and _VALID_ID.fullmatch(offered):
        return offered
    return new_request_id()


def protocol_of(path: str, *, anthropic_version: bool) -> Protocol:
    """Return the protocol of `path`; `anthropic_version`: such a header came with the request.

    Model lists have one path in both protocols (https://docs.anthropic.com/en/api/models-list).
    """
    if path.startswith("/v1/messages") or (anthropic_version and path.startswith("/v1/models")):
        return Protocol.ANTHROPIC
    if path in _OWN_PATHS or path == "/admin" or path.startswith("/admin/"):
        return Protocol.NATIVE
    return Protocol.OPENAI
