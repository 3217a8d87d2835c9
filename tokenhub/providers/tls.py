"""The TLS contexts of calls to providers, one for each file of trusted roots."""

import asyncio
import ssl
from typing import Final

from tokenhub.errors import UpstreamError
from tokenhub.types import ErrorClass

_MAX_KEPT: Final = 64


class TlsContexts:
    """Makes each context once; `default_ca_file` None means the roots that this machine trusts."""

    def __init__(self, default_ca_file: str | None) -> None:
        self._default = default_ca_file
        self._kept: dict[str | None, ssl.SSLContext] = {}

    async def context(self, ca_file: str | None) -> ssl.SSLContext:
        """Return the context that trusts `ca_file`; raise `UpstreamError` if it cannot be read."""
        ca_file = ca_file or self._default
        if (kept := self._kept.get(ca_file)) is not None:
            return kept
        try:
            # Reading the roots takes tens of milliseconds.
            context = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
        except (OSError, ValueError):  # an ssl.SSLError is an OSError
            raise UpstreamError(
                ErrorClass.TRANSIENT, f"the certificates in {ca_file!r} cannot be read"
            ) from None
        context.set_alpn_protocols(["http/1.1"])
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[ca_file] = context
        return context
