"""The settings of the process, and the only place that reads the environment.

A setting is its environment variable, else the same name in lower case without `TOKENHUB_` in
`<home>/config.toml`, else its default. A wrong one is a StartError of one line that names the
variable, the value and what is allowed.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from tokenhub.errors import StartError
from tokenhub.types import NANO, Listen, Secret, Timeouts

T = TypeVar("T")

PREFIX: Final = "TOKENHUB_"
MASK: Final = "********"
MAX_PASSWORD_FILE_BYTES: Final = 4096
MAX_SHOWN_CHARS: Final = 200
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""What a client of this machine calls it; always allowed, since no other machine can be meant."""

SYSTEMD_CREDENTIAL: Final = "tokenhub-vault-password"
"""Name of the systemd credential (systemd.exec(5), `LoadCredential=`) that holds the password."""


class Shown(NamedTuple):
    """One setting as `tokenhub config` prints it; secrets are masked, no value is "-"."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set before the start; see SPEC §1 for what each one means.

    `environ` is what providers may need of the environment: proxies, certificates, and the
    variables that `key_env` names.
    """

    home: Path
    listen: Listen
    log_level: str
    db_path: Path
    credentials_file: Path
    vault_enabled: bool
    vault_password: Secret | None
    vault_autolock_minutes: float
    timeouts: Timeouts
    tls_cert: Path | None
    tls_key: Path | None
    insecure: bool
    admin_token: Secret | None
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    rate_limit_rps: float
    rate_limit_burst: int
    admin_rate_limit_rps: float
    routing_fee_nano: int
    environ: Mapping[str, str] = field(repr=False, compare=False)
    shown: tuple[Shown, ...] = field(repr=False, compare=False)


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How a setting is read from text (raising ValueError), and what is allowed, in words."""

    parse: Callable[[str], T]
    allowed: str
    secret: bool = False


def load(environ: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """Return the settings in force.

    `environ` None is the environment of the process; `home` overrides TOKENHUB_HOME. Raises
    StartError.
    """
    environ = os.environ if environ is None else environ
    source = "option" if home else "environment" if environ.get("TOKENHUB_HOME") else "default"
    chosen = home or Path(environ.get("TOKENHUB_HOME") or "~/.tokenhub")
    home = _path(str(chosen))
    sources = _Sources(environ, home)
    sources.show("TOKENHUB_HOME", str(home), source)
    settings = _read(sources, home)
    sources.refuse_unknown()
    _check_perimeter(settings)
    return settings


def describe(settings: Settings) -> list[Shown]:
    """Return every setting with its value and where that came from, secrets masked."""
    return list(settings.shown)


def _read(sources: "_Sources", home: Path) -> Settings:
    get = sources.get
    timeouts = Timeouts()
    return Settings(
        home=home,
        listen=get("LISTEN_ADDR", _LISTEN, Listen()),
        log_level=get("LOG_LEVEL", _LOG_LEVEL, "info"),
        db_path=get("DB_DSN", _DATABASE, home / "tokenhub.sqlite"),
        credentials_file=get("CREDENTIALS_FILE", _PATH, home / "credentials"),
        vault_enabled=get("VAULT_ENABLED", _SWITCH, True),
        vault_password=_vault_password(sources),
        vault_autolock_minutes=get("VAULT_AUTOLOCK_MINUTES", _MINUTES, 0.0),
        timeouts=Timeouts(
            connect_s=get("CONNECT_TIMEOUT_SECS", _SECONDS, timeouts.connect_s),
            answer_s=get("PROVIDER_TIMEOUT_SECS", _SECONDS, timeouts.answer_s),
            first_event_s=get("FIRST_EVENT_TIMEOUT_SECS", _SECONDS, timeouts.first_event_s),
            idle_s=get("STREAM_IDLE_TIMEOUT_SECS", _SECONDS, timeouts.idle_s),
        ),
        tls_cert=get("TLS_CERT", _FILE, None),
        tls_key=get("TLS_KEY", _FILE, None),
        insecure=get("INSECURE", _SWITCH, False),
        admin_token=get("ADMIN_TOKEN", _TOKEN, None),
        allowed_hosts=get("ALLOWED_HOSTS", _HOSTS, LOOPBACK_NAMES),
        cors_origins=get("CORS_ORIGINS", _ORIGINS, ()),
        rate_limit_rps=(rps := get("RATE_LIMIT_RPS", _RATE, 60.0)),
        rate_limit_burst=get("RATE_LIMIT_BURST", _BURST, max(1, math.ceil(2 * rps))),
        admin_rate_limit_rps=get("ADMIN_RATE_LIMIT_RPS", _RATE, 200.0),
        routing_fee_nano=get("ROUTING_FEE_USD", _USD, 0),
        environ=_provider_environment(sources),
        shown=sources.shown(),
    )


class _Sources:
    """The environment and the file, and a record of what each setting was read from."""

    def __init__(self, environ: Mapping[str, str], home: Path) -> None:
        self.environ = environ
        self._shown: dict[str, Shown] = {}
        self._path = home / "config.toml"
        self._file = _read_toml(self._path)
        self._known: set[str] = set()

    def show(self, name: str, value: str, source: str) -> None:
        """Keep what `tokenhub config` prints of a setting; the last word counts."""
        self._shown[name] = Shown(name, value, source)

    def shown(self) -> tuple[Shown, ...]:
        """Return what was kept."""
        return tuple(self._shown.values())

    def get(self, name: str, kind: _Kind[T], default: T, *, prefix: str = PREFIX) -> T:
        """Return the setting `name` (without its prefix) as its kind reads it."""
        variable, in_file = prefix + name, name.lower()
        self._known.add(in_file)
        if text := self.environ.get(variable):
            return self._accept(variable, text, kind, "environment", variable)
        if in_file in self._file:
            text = _toml_text(self._file[in_file])
            return self._accept(variable, text, kind, "config.toml", f"{in_file} in {self._path}")
        self.show(variable, _text(default), "default")
        return default

    def refuse_unknown(self) -> None:
        """Raise StartError for the first name in the file that is no setting."""
        if unknown := sorted(self._file.keys() - self._known):
            allowed = ", ".join(sorted(self._known))
            raise StartError(
                f"{_quoted(unknown[0])} in {self._path} is no setting: one of {allowed}"
            )

    def _accept(self, variable: str, text: str, kind: _Kind[T], source: str, place: str) -> T:
        try:
            value = kind.parse(text)
        except (ValueError, ArithmeticError, OSError):
            shown = MASK if kind.secret else _quoted(_without_userinfo(text))
            raise StartError(f"{place}={shown} is wrong: expected {kind.allowed}") from None
        self.show(variable, MASK if kind.secret else _text(value), source)
        return value


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    import tomllib  # most homes have no such file

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise StartError(f"cannot read {path}: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        # The part in brackets is the place; the rest may quote the text, and so a password.
        place = re.search(r"\(at [^()]*\)$", str(error))
        raise StartError(f"{path} is not TOML {place[0] if place else ''}".rstrip()) from None


def _toml_text(value: Any) -> str:
    """Return a TOML value as an environment variable would hold it; nonsense becomes ""."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return str(value) if isinstance(value, str | int | float) else ""


def _text(value: object) -> str:
    match value:
        case None | () | "":
            return "-"
        case bool():
            return "true" if value else "false"
        case tuple():
            return ",".join(map(str, value))
        case Secret():
            return MASK
        case _:
            return _without_userinfo(str(value))


def _quoted(text: str) -> str:
    shortened = text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"
    return repr(shortened)


def _without_userinfo(text: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]*@", f"{MASK}@", text)


def _vault_password(sources: _Sources) -> Secret | None:
    """Return the password given directly, else that of the file, else systemd's."""
    given = sources.get("VAULT_PASSWORD", _PASSWORD, None)
    from_file = sources.get("VAULT_PASSWORD_FILE", _PASSWORD_FILE, None)
    if given or from_file:
        return given or from_file
    directory = sources.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(directory, SYSTEMD_CREDENTIAL) if directory else None
    if credential is None or not credential.exists():
        return None
    try:
        password = _password_file(str(credential))
    except (ValueError, OSError):
        raise StartError(f"{credential} is wrong: expected {_PASSWORD_FILE.allowed}") from None
    sources.show("TOKENHUB_VAULT_PASSWORD", MASK, "systemd credential")
    return password


def _provider_environment(sources: _Sources) -> Mapping[str, str]:
    """Return the environment without our own secrets, and with what the file adds to it."""
    own = {PREFIX + "ADMIN_TOKEN", PREFIX + "VAULT_PASSWORD"}
    environ = {name: value for name, value in sources.environ.items() if name not in own}
    added = {
        "HTTPS_PROXY": sources.get("HTTPS_PROXY", _PROXY, None, prefix=""),
        "NO_PROXY": sources.get("NO_PROXY", _ANY, None, prefix=""),
        "SSL_CERT_FILE": sources.get("SSL_CERT_FILE", _FILE, None, prefix=""),
    }
    environ.update((name, str(value)) for name, value in added.items() if value)
    return MappingProxyType(environ)


def _check_perimeter(settings: Settings) -> None:
    """Raise StartError for a combination that would be open to others by accident."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        given, other = ("CERT", "KEY") if settings.tls_cert else ("KEY", "CERT")
        value = _quoted(str(settings.tls_cert or settings.tls_key))
        raise StartError(f"TOKENHUB_TLS_{given}={value} stands alone: set TOKENHUB_TLS_{other} too")
    if settings.listen.loopback:
        return
    named = set(settings.allowed_hosts) - set(LOOPBACK_NAMES)
    missing = [] if named else ["TOKENHUB_ALLOWED_HOSTS (the names clients use)"]
    if settings.tls_cert is None and not settings.insecure:
        missing.append("TOKENHUB_TLS_CERT and TOKENHUB_TLS_KEY, or TOKENHUB_INSECURE=1")
    if missing:
        address, needed = _quoted(str(settings.listen)), ", and ".join(missing)
        raise StartError(
            f"TOKENHUB_LISTEN_ADDR={address} is reached from other machines: it also needs {needed}"
        )


def _path(text: str) -> Path:
    return Path(_matched(r"[^\0]+", text)).expanduser().absolute()


def _file(text: str) -> Path:
    path = _path(text)
    path.open("rb").close()
    return path


def _database(text: str) -> Path:
    """Read a path or a `file:` URL without parameters (https://sqlite.org/uri.html)."""
    if not text.startswith("file:"):
        return _path(_matched(r"(?!:memory:).+", text))
    url = _matched(r"file:(//(localhost)?(?=/))?(?!//|:memory:)[^?#]+", text)
    return _path(unquote(re.sub(r"^file:(//(localhost)?)?", "", url)))


def _listen(text: str) -> Listen:
    if text.startswith("unix:"):
        return Listen("", 0, _path(_matched(r".+", text.removeprefix("unix:"))))
    host, _, port = text.rpartition(":")
    number = int(_matched(r"\d{1,5}", port))
    if number > 65535:
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


def _burst(text: str) -> int:
    if 1 <= (number := int(text)) <= 1_000_000:
        return number
    raise ValueError


def _usd(text: str) -> int:
    """Read USD as exact nano-dollars."""
    nano = Decimal(text) * NANO
    if not 0 <= nano <= 100 * NANO or nano != int(nano):
        raise ValueError
    return int(nano)


def _list_of(pattern: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        items = (item.strip().lower() for item in text.split(","))
        return tuple(_matched(pattern, item) for item in items if item)

    return parse


def _password_file(text: str) -> Secret:
    with _path(text).open("rb") as file:
        content = file.read(MAX_PASSWORD_FILE_BYTES + 1)
    password = content.decode("utf-8").rstrip("\r\n")
    if not password or len(content) > MAX_PASSWORD_FILE_BYTES:
        raise ValueError
    return Secret(password)


_HOST: Final = r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?"
_ANY: Final = _Kind[str | None](lambda text: _matched(r"(?s).+", text), "any text")
_PATH: Final = _Kind(_path, "a path")
_FILE: Final = _Kind[Path | None](_file, "the path of a readable file")
_DATABASE: Final = _Kind(_database, "a path, or a file: URL without parameters")
_LISTEN: Final = _Kind(_listen, "host:port, :port (all interfaces) or unix:/path")
_LOG_LEVEL: Final = _Kind(
    lambda text: _matched("debug|info|warn|error", text.lower()), "debug, info, warn or error"
)
_SWITCH: Final = _Kind(_switch, "true or false")
_SECONDS: Final = _Kind(_number(0.001, 86_400), "seconds, 0.001 to 86400")
_MINUTES: Final = _Kind(_number(0, 525_600), "minutes, 0 (off) to 525600")
_RATE: Final = _Kind(_number(0, 1_000_000), "requests per second, 0 (off) to 1000000")
_BURST: Final = _Kind(_burst, "a number of requests, 1 to 1000000")
_USD: Final = _Kind(_usd, "USD a request, 0 to 100, with at most 9 decimals")
_TOKEN: Final = _Kind[Secret | None](
    lambda text: Secret(_matched(r"[!-~]{8,256}", text)),
    "8 to 256 visible ASCII characters",
    secret=True,
)
_PASSWORD: Final = _Kind[Secret | None](
    lambda text: Secret(_matched(r"(?s).+", text)), "any text", secret=True
)
_PASSWORD_FILE: Final = _Kind[Secret | None](
    _password_file, f"a readable file of 1 to {MAX_PASSWORD_FILE_BYTES} bytes with the password"
)
_HOSTS: Final = _Kind(_list_of(_HOST), "host names, each with or without a port, by commas")
_ORIGINS: Final = _Kind(
    _list_of(rf"[a-z][a-z0-9+.-]*://{_HOST}"), "origins as https://name[:port], by commas"
)
_PROXY: Final = _Kind[str | None](
    lambda text: _matched(r"(?i)https?://([^/@\s]*@)?[^/@\s?#]+/?", text), "http://host:port"
)
