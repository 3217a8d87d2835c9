"""Seals of our own, for thinking that came without one."""

from hashlib import sha256
from typing import Final

OWN_PREFIX: Final = "tokenhub-"
"""How each of our own seals begins."""
REDACTED_PREFIX: Final = "redacted:"
"""What precedes the seal of redacted thinking in responses, which have one form for all."""


def own_seal(text: str) -> str:
    """The seal for thinking of `text` that its maker gave none (chat providers' reasoning).

    The same text gets the same seal, so that it is recognised when a client sends it back.
    """
    return OWN_PREFIX + sha256(text.encode(errors="surrogatepass")).hexdigest()
