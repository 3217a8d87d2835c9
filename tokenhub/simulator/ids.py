"""Identifiers in the forms that the real services give them."""

import random
import string

_ALNUM = string.ascii_letters + string.digits
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = "0123456789abcdef"


class Ids:
    """Makes the identifiers of one answer, the same ones for the same `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def alnum(self, prefix: str, length: int) -> str:
        """Letters and digits: `chatcmpl-…` (29), `call_…` (24), `cmpl-…` (29)."""
        return prefix + "".join(self._rng.choices(_ALNUM, k=length))

    def hex(self, prefix: str, length: int) -> str:
        """Lower-case hex digits: `req_…` (32), `resp_…`, `msg_…`, `rs_…`, `fc_…` (50)."""
        return prefix + "".join(self._rng.choices(_HEX, k=length))

    def base58(self, prefix: str, length: int) -> str:
        """Anthropic's: `msg_01…` (22), `toolu_01…` (22), `req_011C…` (20)."""
        return prefix + "".join(self._rng.choices(_BASE58, k=length))
