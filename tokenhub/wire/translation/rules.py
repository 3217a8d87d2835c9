"""How it is said what becomes of a field in another protocol."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from tokenhub.types import Api, per_request


class Fate(StrEnum):
    """What becomes of a field that is given."""

    KEPT = "kept"
    """It is translated, perhaps under another name or in another form."""
    SILENT = "silent"
    """It is left out: it has no effect on the answer (where it is stored, how it is billed)."""
    WARNED = "warned"
    """It is left out, and the client is told in `X-TokenHub-Warning`."""
    REFUSED = "refused"
    """The request is refused with a 400 that names it."""


@per_request
class Rule:
    """The fate of a field. `becomes` names what it turns into, for the table in the documentation.

    Values in `harmless` ask for nothing (`n` of 1): with them the field is always left out. What
    is refused may have `advice` on what to do instead, and `details` that the clients act on.
    """

    fate: Fate
    becomes: str = ""
    harmless: tuple[Any, ...] = ()
    advice: str = ""
    details: Mapping[str, object] | None = None


Rules = Mapping[str, Mapping[Api, Rule]]
"""By field, by the protocol that it goes to."""


def kept(becomes: str = "") -> Rule:
    """It is translated, to `becomes`."""
    return Rule(Fate.KEPT, becomes)


def silent() -> Rule:
    """It is left out."""
    return Rule(Fate.SILENT)


def warned(*harmless: Any) -> Rule:
    """It is left out with a warning, without one for `harmless` values."""
    return Rule(Fate.WARNED, harmless=harmless)


def refused(*harmless: Any, advice: str = "", details: Mapping[str, object] | None = None) -> Rule:
    """It is refused, but for `harmless` values."""
    return Rule(Fate.REFUSED, harmless=harmless, advice=advice, details=details)
