"""The one sanitiser for text from outside that goes to a terminal, a log or an error message."""

import re
from typing import Final

# C0, DEL, C1, line separators, and what reorders or hides text (Unicode UAX #9, "Trojan Source").
_UNSAFE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS: Final = re.compile(r"\s+")


def clean(text: str, limit: int = 300) -> str:
    """Return `text` on one line, without control characters, at most `limit` characters long.

    What is longer ends in "…". White space of any kind becomes single spaces.
    """
    # A character taken out may be followed by one that counts, hence the generous first cut.
    line = _BREAKS.sub(" ", text[: limit * 8])
    line = _UNSAFE.sub("", line).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
