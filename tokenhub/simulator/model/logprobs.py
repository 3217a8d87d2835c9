"""Log probabilities of tokens: made up, and the same ones for the same token."""

import zlib
from collections.abc import Sequence

from tokenhub.simulator.frames import Json

_ALTERNATIVES = (" the", " a", " and", " of", "\n", " is", ",", " to", ".", " in")


def logprob(token: str) -> float:
    """A log probability between -2 and 0."""
    return -(zlib.crc32(token.encode()) % 2000) / 1000


def alternatives(token: str, top: int) -> list[tuple[str, float]]:
    """The `top` likeliest tokens where `token` was chosen, itself first."""
    others = [other for other in _ALTERNATIVES if other != token]
    below = logprob(token) - 0.5
    ranked = [(token, logprob(token))]
    ranked += [(other, below - index) for index, other in enumerate(others)]
    return ranked[:top]


def token_logprobs(tokens: Sequence[str], top: int) -> list[Json]:
    """One entry for each token, as chat and responses have them."""
    return [
        {
            **_entry(token, logprob(token)),
            "top_logprobs": [_entry(other, value) for other, value in alternatives(token, top)],
        }
        for token in tokens
    ]


def _entry(token: str, value: float) -> Json:
    return {"token": token, "logprob": value, "bytes": list(token.encode())}
