"""When a provider wants to be asked again, read from the headers of its answer.

Sources: RFC 9110 section 10.2.3; OpenAI's and Anthropic's rate-limit references; `retry-after-ms`
as both SDKs read it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_WAIT_S: Final = 86_400.0
"""A longer wait is cut to this, a passed date is 0."""

_DURATION: Final = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_UNIT_SECONDS: Final = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_EPOCH_S: Final = 1_000_000_000
_EPOCH_MS: Final = 1_000_000_000_000


def retry_after_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return the seconds to wait, 0 to a day, None when the answer does not say.

    `headers` is case-insensitive. An explicit wait counts before the ends of rate-limit windows.
    """
    if (wait_ms := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(wait_ms / 1000)
    if (text := headers.get("retry-after")) is not None:
        wait = _number(text)
        if wait is None:
            wait = _until(_http_date(text), now_ms)
        if wait is not None:
            return _bounded(wait)
    return _window_end(headers, now_ms)


def _window_end(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return when the exhausted window ends; where none says it is exhausted, the first to end."""
    exhausted: list[float] = []
    others: list[float] = []
    for reset, remaining, parse in _WINDOWS:
        if (text := headers.get(reset)) is None:
            continue
        if (wait := parse(text.strip(), now_ms)) is None:
            continue
        left = _number(headers.get(remaining))
        (exhausted if left is not None and left <= 0 else others).append(_bounded(wait))
    if exhausted:
        return max(exhausted)
    return min(others, default=None)


def _openai_wait(text: str, now_ms: int) -> float | None:
    """Read `6m0s`, `20ms`, a number of seconds, or (other vendors) an epoch in seconds or ms."""
    if (number := _number(text)) is not None:
        return _epoch_or_seconds(number, now_ms)
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return sum(
        float(part) * unit
        for part, unit in zip(match.groups(), _UNIT_SECONDS, strict=True)
        if part is not None
    )


def _anthropic_wait(text: str, now_ms: int) -> float | None:
    """Read an RFC 3339 time, or an epoch in seconds (the `unified` window)."""
    if (number := _number(text)) is not None:
        return _epoch_or_seconds(number, now_ms)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _until(moment, now_ms)


def _epoch_or_seconds(number: float, now_ms: int) -> float:
    if number >= _EPOCH_MS:
        return (number - now_ms) / 1000
    if number >= _EPOCH_S:
        return number - now_ms / 1000
    return number


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _until(moment: datetime | None, now_ms: int) -> float | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.timestamp() - now_ms / 1000


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT_S)


_Parse = Callable[[str, int], float | None]
_WINDOWS: Final[tuple[tuple[str, str, _Parse], ...]] = (
    *(
        (f"x-ratelimit-reset{kind}", f"x-ratelimit-remaining{kind}", _openai_wait)
        for kind in ("-requests", "-tokens", "")
    ),
    *(
        (
            f"anthropic-ratelimit-{kind}-reset",
            f"anthropic-ratelimit-{kind}-remaining",
            _anthropic_wait,
        )
        for kind in ("requests", "tokens", "input-tokens", "output-tokens", "unified")
    ),
)
"""Per window: the header of its end, the header of what is left in it, how its end is written."""
