"""Who may use the admin API: whoever has the admin token, and not too often."""

from aiohttp import web

from tokenhub.administration.admin_token import AdminToken
from tokenhub.admission.limits import AddressLimiter
from tokenhub.errors import RequestError


class Guard:
    """Checks the admin token; `limits` counts requests with it, `strangers` those without."""

    def __init__(
        self, token: AdminToken, limits: AddressLimiter, strangers: AddressLimiter
    ) -> None:
        self._token = token
        self._limits = limits
        self._strangers = strangers

    def check(self, request: web.Request) -> None:
        """Raise RequestError unless `request` may pass: 429 too often, 401 without the token."""
        address = request.remote or ""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._token.matches(value.strip()):
            self._limits.check(address)
            return
        self._strangers.check(address)
        raise RequestError(
            401,
            "invalid_admin_token",
            "the admin API needs 'Authorization: Bearer <admin token>':"
            " 'tokenhubctl admin-token' prints it",
            headers={"WWW-Authenticate": "Bearer"},
        )
