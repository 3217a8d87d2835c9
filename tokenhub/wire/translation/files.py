"""Files in a request, as OpenAI's APIs have them: base64 data URLs."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from tokenhub.wire.translation.checks import data_of_url, expected
from tokenhub.wire.translation.conversation import File


def file_of(
    url: str,
    name: str | None,
    where: str,
    uses: dict[str, str],
    cache: Mapping[str, Any] | None = None,
) -> File:
    """The file that is `url`, which stands at `where`; raises BadRequest naming that.

    One that is neither text nor a PDF is noted in `uses`: Anthropic takes no other.
    """
    parsed = data_of_url(url)
    if parsed is None:
        raise expected(where, "a base64 data URL")
    media_type, data = parsed
    if media_type.startswith("text/"):
        return File(text=_text_of(data, where), name=name, cache=cache)
    if media_type != "application/pdf":
        uses.setdefault("file_type", where)
    return File(None, media_type, data, name=name, cache=cache)


def _text_of(data: str, where: str) -> str:
    try:
        return b64decode(data, validate=True).decode()
    except ValueError:
        raise expected(where, "base64 of text in UTF-8") from None
