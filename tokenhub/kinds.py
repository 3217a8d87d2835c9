"""How the text of a setting is read, what is allowed, in words, and how it is shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from tokenhub.types import NANO, Listen, Secret

T = TypeVar("T")

MAX_PASSWORD_FILE_BYTES: Final = 4096
MODES: Final = (
    "cheap",
    "normal",
    "high_confidence",
    "planning",
    "adversarial",
    "fast",
    "minimize_cost",
    "minimize_latency",
    "maximize_quality",
    "balanced",
)
"""The names that `routing.policy` knows, which settings may not import."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How a setting is read from text (raising ValueError), and what is allowed, in words.

    `show` makes text of its value again, where that is not the plain text of it.
    """

    parse: Callable[[str], T]
    allowed: str
    secret: bool = False
    show: Callable[[T], str] | None = None


def path(text: str) -> Path:
    """Return the absolute path that `text` is."""
    return Path(_matched(r"[^\0]+", text)).expanduser().absolute()


def _file(text: str) -> Path:
    found = path(text)
    found.open("rb").close()
    return found


def _database(text: str) -> Path:
    """Read a path or a `file:` URL without parameters (https://sqlite.org/uri.html)."""
    if not text.startswith("file:"):
        return path(_matched(r"(?!:memory:).+", text))
    url = _matched(r"file:(//(localhost)?(?=/))?(?!//|:memory:)[^?#]+", text)
    return path(unquote(re.sub(r"^file:(//(localhost)?)?", "", url)))


def _listen(text: str) -> Listen:
    if text.startswith("unix:"):
        return Listen("", 0, path(_matched(r".+", text.removeprefix("unix:"))))
    host, colon, port = text.rpartition(":")
    number = int(_matched(r"\d{1,5}", port))
    if number > 65535 or not colon:  # a number alone could be meant for this machine or for all
        raise ValueError
    if host.startswith("["):
        return Listen(str(ip_address(_matched(r"\[.*\]", host)[1:-1])), number)
    return Listen(_matched(r"[A-Za-z0-9_.-]*", host), number)


def _matched(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError
    return text


def _switch(text: str) -> bool:
    word = _matched("true|1|on|yes|false|0|off|no", text.lower())
    return word in ("true", "1", "on", "yes")


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if low <= (number := float(text)) <= high:
            return number
        raise ValueError

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if low <= (number := int(text)) <= high:
            return number
        raise ValueError

    return parse


def _usd(text: str) -> int:
    """Read USD as exact nano-dollars."""
    nano = Decimal(text) * NANO
    if not 0 <= nano <= 100 * NANO or nano != int(nano):
        raise ValueError
    return int(nano)


def _dollars(nano: int) -> str:
    return f"{(Decimal(nano) / NANO).normalize():f}"


def _list_of(pattern: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        items = (item.strip().lower() for item in text.split(","))
        return tuple(_matched(pattern, item) for item in items if item)

    return parse


def password_file(text: str) -> Secret:
    """Return the password in the file at `text`; raises OSError, ValueError for what is none."""
    with path(text).open("rb") as file:
        content = file.read(MAX_PASSWORD_FILE_BYTES + 1)
    password = content.decode("utf-8").rstrip("\r\n")
    if not password or len(content) > MAX_PASSWORD_FILE_BYTES:
        raise ValueError
    return Secret(password)


_HOST: Final = r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?"
ANY: Final = Kind[str | None](lambda text: _matched(r"(?s).+", text), "any text")
PATH: Final = Kind(path, "a path")
FILE: Final = Kind[Path | None](_file, "the path of a readable file")
DATABASE: Final = Kind(_database, "a path, or a file: URL without parameters")
LISTEN: Final = Kind(
    _listen, "host:port as in 127.0.0.1:8080, :port (all interfaces) or unix:/path"
)
LOG_LEVEL: Final = Kind(
    lambda text: _matched("debug|info|warn|error", text.lower()), "debug, info, warn or error"
)
SWITCH: Final = Kind(_switch, "true or false")
SECONDS: Final = Kind(_number(0.001, 86_400), "seconds, 0.001 to 86400")
MINUTES: Final = Kind(_number(0, 525_600), "minutes, 0 (off) to 525600")
RATE: Final = Kind(_number(0, 1_000_000), "requests per second, 0 (off) to 1000000")
BURST: Final = Kind(_whole(1, 1_000_000), "a number of requests, 1 to 1000000")
USD: Final = Kind(_usd, "USD a request, 0 to 100, with at most 9 decimals", show=_dollars)
LATENCY_MS: Final = Kind(_whole(1, 300_000), "milliseconds, 1 to 300000")
MODE: Final = Kind(lambda text: _matched("|".join(MODES), text), f"one of {', '.join(MODES)}")
TOKEN: Final = Kind[Secret | None](
    lambda text: Secret(_matched(r"[!-~]{8,256}", text)),
    "8 to 256 visible ASCII characters",
    secret=True,
)
PASSWORD: Final = Kind[Secret | None](
    lambda text: Secret(_matched(r"(?s).+", text)), "any text", secret=True
)
PASSWORD_FILE: Final = Kind[Secret | None](
    password_file, f"a readable file of 1 to {MAX_PASSWORD_FILE_BYTES} bytes with the password"
)
HOSTS: Final = Kind(_list_of(_HOST), "host names, each with or without a port, by commas")
ORIGINS: Final = Kind(
    _list_of(rf"[a-z][a-z0-9+.-]*://{_HOST}"), "origins as https://name[:port], by commas"
)
PROXY: Final = Kind[str | None](
    lambda text: _matched(r"(?i)https?://([^/@\s]*@)?[^/@\s?#]+/?", text), "http://host:port"
)
