"""Tokens: what a text counts, and the pieces in which it is streamed."""

import json
import re
from typing import Any

BYTES_PER_TOKEN = 4
"""The rule of thumb of OpenAI's tokenizer page."""

_PIECE = re.compile(r"\s?\w{1,8}|\s+|[^\w\s]")


def pieces(text: str) -> list[str]:
    """The output tokens of `text`; joined they are `text` again."""
    return _PIECE.findall(text)


def count_text(text: str) -> int:
    """The input tokens of `text`."""
    size = len(text) if text.isascii() else len(text.encode(errors="replace"))
    return -(-size // BYTES_PER_TOKEN)


def count_json(value: Any) -> int:
    """The input tokens of a tool or schema: those of its JSON."""
    return count_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
