"""Which hub is asked, and with which token."""

import json
from typing import NamedTuple

from tokenhub.config import Settings
from tokenhub.errors import TokenHubError

DEFAULT_URL = "http://localhost:8080"
URL_VARIABLE = "TOKENHUB_URL"
TOKEN_VARIABLE = "TOKENHUB_ADMIN_TOKEN"  # noqa: S105 - a name
TOKEN_FILE = ".admin-token"  # noqa: S105 - a name
LOCK_FILE = "lock"
MAX_FILE_CHARS = 10_000


class Target(NamedTuple):
    """A hub and where its address came from, for messages."""

    url: str
    source: str


class WrongUrl(TokenHubError):
    """The variable holds no address of a hub."""


class NoToken(TokenHubError):
    """There is no admin token to be found."""


def find(settings: Settings) -> Target:
    """Return the hub of TOKENHUB_URL, else the one running on this home, else the usual one."""
    if url := settings.environ.get(URL_VARIABLE):
        return Target(_checked(url), URL_VARIABLE)
    try:
        address = json.loads(_head(settings, LOCK_FILE))["address"]
    except (OSError, ValueError, TypeError, KeyError):
        address = None
    if not isinstance(address, str):
        return Target(DEFAULT_URL, "the default")
    return Target(address, f"the hub on {settings.home}")


def token(settings: Settings) -> str:
    """Return the admin token of the environment, else of the token file; raises `NoToken`."""
    if settings.admin_token is not None:
        return settings.admin_token.reveal()
    path = settings.home / TOKEN_FILE
    try:
        found = _head(settings, TOKEN_FILE).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise NoToken(
            f"no admin token: {path}: {reason}. Start 'tokenhub' once, which makes it,"
            f" or set {TOKEN_VARIABLE}"
        ) from None
    if not found:
        raise NoToken(f"no admin token: {path} is empty. Set {TOKEN_VARIABLE}")
    return found


def _head(settings: Settings, name: str) -> str:
    with (settings.home / name).open(encoding="utf-8") as file:
        return file.read(MAX_FILE_CHARS)


def _checked(url: str) -> str:
    if url.startswith(("unix:", "http://", "https://")):
        return url
    if "://" in url:
        raise WrongUrl(f"{URL_VARIABLE}={url!r}: expected http://…, https://… or unix:/path")
    return f"http://{url}"
