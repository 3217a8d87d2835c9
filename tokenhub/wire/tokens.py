"""Our own token count: bytes by class and fixed costs, no tokenizer.

The rates are rules of thumb, not fitted to any one tokenizer; what they are off by is corrected
per model by what providers report.
"""

import re
from contextlib import suppress
from math import ceil
from string import ascii_letters
from typing import Any, Final

import orjson

from tokenhub.types import Api, per_request
from tokenhub.wire.body import Document

_LETTERS: Final = (ascii_letters + " ").encode()
_NO_DIGITS: Final = bytes(byte for byte in range(256) if byte not in b"0123456789")
# A character of two, three or four bytes of UTF-8 is known by its first byte.
_NOT_TWO: Final = bytes(byte for byte in range(256) if not 0xC2 <= byte < 0xE0)
_NOT_THREE: Final = bytes(byte for byte in range(256) if not 0xE0 <= byte < 0xF0)
_NOT_FOUR: Final = bytes(byte for byte in range(256) if byte < 0xF0)
_HIGH: Final = bytes(range(0x80, 0x100))
_find_escapes: Final = re.compile(rb"\\u[0-9a-fA-F]{4}").subn

_PER_LETTER: Final = 1 / 4.5
_PER_DIGIT: Final = 1 / 2.5
_PER_SIGN: Final = 0.55
_PER_TWO_BYTES: Final = 0.5
_PER_THREE_BYTES: Final = 1.0
_PER_FOUR_BYTES: Final = 2.0

_WHOLE_BYTES: Final = 64 * 1024
_SAMPLES: Final = 16
"""A longer text is estimated from this many evenly spread pieces of it."""

_CHARS_PER_TOKEN: Final = 4.0
"""Of the Latin text that models write."""
_LABELS: Final = frozenset(
    ("id", "type", "role", "index", "signature", "finish_reason", "logprobs")
)
"""What an answer holds beside the model's text."""

_PER_MESSAGE: Final = 4
_MESSAGE_JSON: Final = 11
"""What the JSON around a message's text counts by bytes, though no model sees it."""
_TOOLS: Final = {Api.CHAT: 16, Api.RESPONSES: 16, Api.MESSAGES: 346, Api.COUNT_TOKENS: 346}
"""What the model is told so that it can use tools.

Source: Anthropic, "Tool use", pricing: 159 to 530 tokens by model; OpenAI publishes none.
"""

_IMAGE: Final = {"image_url": 1100, "input_image": 1100, "image": 1600}
_IMAGE_LOW_DETAIL: Final = 85
_NOT_TEXT: Final = ("document", "file", "input_file", "input_audio", "tool_result", *_IMAGE)
_DOCUMENT_LEAST: Final = 1500
_BASE64_PER_DOCUMENT_TOKEN: Final = 32
_BASE64_PER_AUDIO_TOKEN: Final = 2000
_TOOL_RESULT_DEPTH: Final = 3
_MOST_PARTS: Final = 20_000
"""Parts beyond these are taken for text, so that a hostile request cannot hold the loop."""

_TEXTS: Final = {
    Api.CHAT: ("messages", "tools", "functions", "response_format"),
    Api.RESPONSES: ("input", "instructions", "tools", "text"),
    Api.MESSAGES: ("messages", "system", "tools", "output_config"),
    Api.COUNT_TOKENS: ("messages", "system", "tools", "output_config"),
    Api.COMPLETIONS: ("prompt", "suffix"),
    Api.EMBEDDINGS: ("input",),
}
"""The top-level values that the model reads."""


def estimate_text(text: bytes) -> int:
    """The tokens of `text` (UTF-8, or JSON with its escapes); some 200 µs at most."""
    if len(text) <= _WHOLE_BYTES:
        return ceil(_tokens(text))
    size = _WHOLE_BYTES // _SAMPLES
    step = (len(text) - size) // (_SAMPLES - 1)
    sample = b"".join(text[i * step : i * step + size] for i in range(_SAMPLES))
    return ceil(_tokens(sample) * len(text) / len(sample))


def estimate_output(value: object) -> float:
    """The tokens of the texts in a piece of an answer's JSON, but for what only labels them."""
    if isinstance(value, str):
        return _written(value)
    total, waiting = 0.0, [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            total += _written(inner)
        elif isinstance(inner, dict):
            waiting += [item for name, item in inner.items() if name not in _LABELS]
        elif isinstance(inner, list):
            waiting += inner
    return total


def estimate_json(text: bytes) -> float:
    """The tokens of a text that a model wrote, as it stands in JSON."""
    if text.isascii() and b"\\u" not in text:
        return len(text) / _CHARS_PER_TOKEN
    return estimate_text(text)


def _written(text: str) -> float:
    if text.isascii():
        return len(text) / _CHARS_PER_TOKEN
    return estimate_text(text.encode(errors="replace"))


def count_body(tokens: int) -> bytes:
    """Our own count as `count_tokens` tells it. Source: Anthropic API reference, "Count tokens"."""
    return orjson.dumps({"input_tokens": tokens})


@per_request
class InputEstimate:
    """The tokens of a request's input, and whether it holds images."""

    tokens: int
    has_images: bool = False


def estimate_input(api: Api, document: Document) -> InputEstimate:
    """Estimate the input of a request of `api` whose fields have been checked by `read_request`."""
    tokens, has_images = 0, False
    for name in _TEXTS[api]:
        if not (value := document.value.get(name)):
            continue
        if name == "messages" or (_is_items(api, name) and type(value) is list):
            media = _Media()
            tokens += _estimate_turns(value, document.raw(name), media) + media.tokens
            has_images = media.has_images
        elif (ready := _ready_tokens(name, value)) is not None:
            tokens += ready
        else:
            tokens += estimate_text(document.raw(name))
            tokens += _TOOLS[api] if name == "tools" else 0
    return InputEstimate(tokens, has_images)


def _is_items(api: Api, name: str) -> bool:
    """Whether `name` is what is said in a request of responses."""
    return name == "input" and api is Api.RESPONSES


def _estimate_turns(turns: list[dict[str, Any]], raw: bytes, media: "_Media") -> int:
    """The tokens of the text of messages, or items of responses; `media` takes up the rest."""
    texts = [_without_media(turn, media) for turn in turns]
    if media.found:
        # orjson writes only 254 levels; deeper ones are estimated with the media's own bytes.
        with suppress(orjson.JSONEncodeError):
            raw = orjson.dumps(texts)
    count = len(turns)
    return max(0, estimate_text(raw) - _MESSAGE_JSON * count) + _PER_MESSAGE * count


def _without_media(turn: dict[str, Any], media: "_Media") -> dict[str, Any]:
    """`turn` without what `media` takes up, itself if there is nothing."""
    if turn.get("type") == "reasoning":
        return media.unseal(turn)
    for name in ("content", "output"):
        parts = turn.get(name)
        if type(parts) is list:
            kept = media.take(parts, _TOOL_RESULT_DEPTH)
            return turn if kept is parts else {**turn, name: kept}
    return turn


class _Media:
    """What messages hold besides text: images, documents, sound, encrypted reasoning.

    `found` tells that there was any of it.
    """

    def __init__(self) -> None:
        self.found = False
        self.tokens = 0
        self.has_images = False
        self._parts_left = _MOST_PARTS

    def unseal(self, item: dict[str, Any]) -> dict[str, Any]:
        """`item` without its encrypted reasoning, whose length says little of its tokens."""
        if "encrypted_content" not in item:
            return item
        self.found = True
        return {name: value for name, value in item.items() if name != "encrypted_content"}

    def take(self, content: list[Any], depth: int) -> list[Any]:
        """Count what is in `content`; return it without, or as it is when there is nothing."""
        self._parts_left -= len(content)
        if self._parts_left < 0:
            return content
        if not any(type(part) is dict and part.get("type") in _NOT_TEXT for part in content):
            return content
        kept = []
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "tool_result":
                inner = part.get("content")
                if depth and isinstance(inner, list):
                    part = {**part, "content": self.take(inner, depth - 1)}
                kept.append(part)
            elif kind in _NOT_TEXT and (cost := _media_tokens(part)) is not None:
                self.found = True
                self.tokens += cost
                self.has_images = self.has_images or kind in _IMAGE
            else:
                kept.append(part)
        return kept


def _media_tokens(part: dict[str, Any]) -> int | None:
    """What an image, a document or sound costs; None for a document of text."""
    kind = part["type"]
    if kind in _IMAGE:
        image = part.get("image_url")
        detail = image.get("detail") if isinstance(image, dict) else part.get("detail")
        low = detail == "low"
        return _IMAGE_LOW_DETAIL if low else _IMAGE[kind]
    if kind == "input_audio":
        return 1 + _base64_chars(part.get("input_audio"), "data") // _BASE64_PER_AUDIO_TOKEN
    if kind in ("file", "input_file"):
        chars = _base64_chars(part.get("file", part), "file_data")
    else:
        source = part.get("source")
        if isinstance(source, dict) and source.get("type") in ("text", "content"):
            return None
        chars = _base64_chars(source, "data")
    return max(_DOCUMENT_LEAST, chars // _BASE64_PER_DOCUMENT_TOKEN)


def _base64_chars(holder: object, name: str) -> int:
    data = holder.get(name) if isinstance(holder, dict) else None
    return len(data) if isinstance(data, str) else 0


def _ready_tokens(name: str, value: Any) -> int | None:
    """The number of tokens where the input is token ids (a list of them, or of such lists)."""
    if name not in ("prompt", "input") or not isinstance(value, list):
        return None
    if isinstance(value[0], list):
        return sum(len(item) for item in value if isinstance(item, list))
    return len(value) if isinstance(value[0], int) else None


def _tokens(text: bytes) -> float:
    total = 0.0
    if b"\\u" in text:
        text, escapes = _find_escapes(b"", text)
        total = escapes * _PER_THREE_BYTES
    rest = text.translate(None, _LETTERS)
    total += (len(text) - len(rest)) * _PER_LETTER
    if not rest.isascii():
        two, three, four = (
            len(rest.translate(None, others)) for others in (_NOT_TWO, _NOT_THREE, _NOT_FOUR)
        )
        total += two * _PER_TWO_BYTES + three * _PER_THREE_BYTES + four * _PER_FOUR_BYTES
        rest = rest.translate(None, _HIGH)
    digits = len(rest.translate(None, _NO_DIGITS))
    return total + digits * _PER_DIGIT + (len(rest) - digits) * _PER_SIGN
