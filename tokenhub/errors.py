"""Every error that a caller branches on.

    TokenHubError
    ├── StartError             the process cannot start; one line for the person at the terminal
    ├── RequestError           becomes an HTTP answer in the protocol of whoever asked
    │   ├── BadRequest         400, names the field
    │   │   └── Untranslatable what no provider of another protocol can be told
    │   └── RateLimited        429, says when to come back
    ├── StorageError           the database cannot take or give what was asked
    ├── VaultError             the vault cannot do it in its present state
    │   ├── VaultUnavailable   locked or not initialised
    │   ├── WrongPassword
    │   └── VaultThrottled     too many wrong passwords; says when to come back
    ├── UpstreamError          a provider's failure, classified
    ├── NotPermitted           a provider is left alone for now
    ├── AllFailed              every provider that was tried has failed
    ├── DeadlinePassed         the request's own deadline came before an answer
    ├── NotOfProtocol          a provider's bytes are not of the protocol it was asked in
    └── HubUnreachable         a client of ours (tokenhubctl, dashboard) gets no answer from the hub

A message says what was expected, what came, and what to do. None may hold a secret or a word of
a prompt, and text from a provider is sanitised before it goes into one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tokenhub.types import Api, ErrorClass

_NAMES: Final = {
    Api.CHAT: "OpenAI's chat completions",
    Api.RESPONSES: "OpenAI's responses",
    Api.MESSAGES: "Anthropic's messages",
}
"""What people call the protocols that are translated into each other."""


DO_NOT_RETRY: Final = {"x-should-retry": "false"}
"""The header of an answer that the same request would get again, as the SDKs read it."""


class TokenHubError(Exception):
    """Base of all errors of this package."""


class StartError(TokenHubError):
    """The process cannot start: a wrong setting, a second instance, an unusable database."""


class RequestError(TokenHubError):
    """A request that is answered with an error.

    `code` is a short stable identifier (`model_not_found`), `param` the field that was wrong,
    `headers` go out with the answer. `details` are for the client's program to act on; Anthropic's
    shape has a place for them.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers: Mapping[str, str] = headers or {}
        self.details = details


class BadRequest(RequestError):
    """400: the request is wrong in the field `param`."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(400, "invalid_request", message, param=param, details=details)


class Untranslatable(BadRequest):
    """400: what stands at the field `param` has no equivalent in the API `target`.

    `what` says in words of ours what that is, where it is not the field itself, and `advice` what
    to do instead, where there is something. `gap` is what is missing, without any word of the
    client's.
    """

    def __init__(
        self,
        param: str,
        target: Api,
        *,
        what: str = "",
        advice: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        lacking = f"has no equivalent in {_NAMES[target]}"
        gap = f"{what} {lacking}" if what else lacking
        instead = f"; {advice}" if advice else ""
        super().__init__(f"{param}: {gap}{instead}", param=param, details=details)
        self.target = target
        self.gap = gap


class RateLimited(RequestError):
    """429: come back after `retry_after_s` seconds (at least 1 in the header)."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        seconds = max(1, -int(-retry_after_s // 1))
        super().__init__(429, "rate_limited", message, headers={"Retry-After": str(seconds)})
        self.retry_after_s = retry_after_s


class StorageError(TokenHubError):
    """The database cannot be written or read now (disk full, read-only); nothing was changed."""


class VaultError(TokenHubError):
    """The vault cannot do what was asked."""


class VaultUnavailable(VaultError):
    """The vault is `locked` or `uninitialised` (see `state`)."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the vault is {state}")
        self.state = state


class WrongPassword(VaultError):
    """The password does not open the vault; nothing has changed."""


class VaultThrottled(VaultError):
    """Too many wrong passwords; the next try counts after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many wrong passwords: try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class NotOfProtocol(TokenHubError):
    """A provider's answer or event is not of its protocol; the message quotes nothing of it.

    `error_body` is the whole answer where that is an error which came with a 2xx, else empty.
    """

    def __init__(self, message: str, *, error_body: bytes = b"") -> None:
        super().__init__(message)
        self.error_body = error_body


class UpstreamError(TokenHubError):
    """A call to a provider failed.

    `status`, `headers` and `body` are the provider's own where it answered at all; `body` is for
    the client of the same protocol only, never for a log. `retry_after_s` is what it asked for.
    `unreachable` says that no connection came about: the name was not resolved, or nobody answered.
    """

    def __init__(  # noqa: PLR0913 - an answer has these parts
        self,
        error_class: ErrorClass,
        message: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        retry_after_s: float | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.body = body
        self.retry_after_s = retry_after_s
        self.unreachable = unreachable

    @property
    def api_missing(self) -> bool:
        """Whether the provider says that it has no such API at all, whatever the model."""
        return self.error_class is ErrorClass.UNSUPPORTED and self.status in _NO_SUCH_API


_NO_SUCH_API: Final = frozenset({404, 405, 501})


class HubUnreachable(TokenHubError):
    """No usable answer from the hub at an address: the message names it and the way out."""


class NotPermitted(TokenHubError):
    """A provider is not called now: it is down, cooling down, or on trial with another request."""


class DeadlinePassed(TokenHubError):
    """The deadline that a request set itself came before an answer."""


class AllFailed(TokenHubError):
    """Nobody is left to call; `failures` are the last ones of each deployment that was tried."""

    def __init__(self, failures: Sequence[UpstreamError]) -> None:
        super().__init__(f"{len(failures)} providers failed")
        self.failures = failures
