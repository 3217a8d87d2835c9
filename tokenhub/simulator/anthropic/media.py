"""Checks of images and documents in Anthropic's messages (vision and PDF guides)."""

import base64
import binascii
from typing import Any

from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def check_media(where: str, block: Json) -> None:
    """Refuse an image or document whose source is not what it says; `where` is the block's path."""
    source = block["source"]
    kind = source["type"]
    place = f"{where}.{block['type']}.source.{kind}"
    if kind == "base64":
        _check_base64(place, source, pdf=block["type"] == "document")
    elif kind == "url" and not str(source["url"]).startswith("https://"):
        raise ApiError(400, f"{place}.url: Only HTTPS URLs are supported.")
    elif kind == "text" and source["media_type"] != "text/plain":
        raise ApiError(400, f"{place}.media_type: Input should be 'text/plain'")


def _check_base64(place: str, source: Json, *, pdf: bool) -> None:
    media_type = source["media_type"]
    if pdf and media_type != "application/pdf":
        raise ApiError(400, f"{place}.media_type: Input should be 'application/pdf'")
    if not pdf and media_type not in _IMAGES:
        names = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        raise ApiError(400, f"{place}.media_type: Input should be {names}")
    if not is_base64(source["data"]):
        raise ApiError(400, f"{place}.data: Input should be valid base64")


def is_base64(data: Any) -> bool:
    """Whether `data` is standard base64 and not empty."""
    if not isinstance(data, str) or not data:
        return False
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
