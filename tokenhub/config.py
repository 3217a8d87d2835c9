"""The settings of the process, and the only place that reads the environment.

A setting is its environment variable, else the same name in lower case without `TOKENHUB_` in
`<home>/config.toml`, else its default. A wrong one is a StartError of one line that names the
variable, the value and what is allowed.
"""

import difflib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from tokenhub import kinds
from tokenhub.errors import StartError
from tokenhub.types import Listen, Secret, Timeouts

T = TypeVar("T")

PREFIX: Final = "TOKENHUB_"
NOT_IN_FILE: Final = frozenset({"TOKENHUB_HOME", "TOKENHUB_URL"})
"""Variables that say where the file is, or are for `tokenhubctl` alone."""

MASK: Final = "********"
MAX_SHOWN_CHARS: Final = 200
MAX_UNKNOWN: Final = 10
LIKENESS: Final = 0.75
"""How alike two names are, 0 to 1, when one is offered for the other."""

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""What a client of this machine calls it; always allowed, since no other machine can be meant."""

SYSTEMD_CREDENTIAL: Final = "tokenhub-vault-password"
"""Name of the systemd credential (systemd.exec(5), `LoadCredential=`) that holds the password."""


class Shown(NamedTuple):
    """One setting as `tokenhub config` prints it; secrets are masked, no value is "-".

    `in_file` is its name in `config.toml`, None where it cannot be there.
    """

    name: str
    in_file: str | None
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set before the start.

    `environ` is what providers may need of the environment: proxies, certificates, and the
    variables that `key_env` names. `vault_password_from` says where the password was given, for
    messages. `warnings` are about what was set in vain.
    """

    home: Path
    listen: Listen
    log_level: str
    db_path: Path
    credentials_file: Path
    vault_enabled: bool
    vault_password: Secret | None
    vault_password_from: str
    vault_autolock_minutes: float
    default_mode: str
    default_max_budget_nano: int
    default_max_latency_ms: int
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
    health_probe_disabled: bool
    routing_fee_nano: int
    environ: Mapping[str, str] = field(repr=False, compare=False)
    shown: tuple[Shown, ...] = field(repr=False, compare=False)
    warnings: tuple[str, ...] = field(repr=False, compare=False)


def load(environ: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """Return the settings in force.

    `environ` None is the environment of the process; `home` overrides TOKENHUB_HOME. Raises
    StartError.
    """
    environ = os.environ if environ is None else environ
    source = "option" if home else "environment" if environ.get("TOKENHUB_HOME") else "default"
    chosen = home or Path(environ.get("TOKENHUB_HOME") or "~/.tokenhub")
    home = kinds.path(str(chosen))
    if home.exists() and not home.is_dir():
        raise StartError(f"TOKENHUB_HOME={_quoted(str(home))} is wrong: expected a directory")
    sources = _Sources(environ, home)
    sources.show("TOKENHUB_HOME", str(home), source)
    settings = _read(sources, home)
    sources.refuse_unknown()
    _check_perimeter(settings)
    return settings


def describe(settings: Settings) -> list[Shown]:
    """Return every setting with its value and where that came from, secrets masked."""
    return list(settings.shown)


def config_file(home: Path) -> Path:
    """Return where the file of settings is, or would be."""
    return home / "config.toml"


def _read(sources: "_Sources", home: Path) -> Settings:
    get = sources.get
    timeouts = Timeouts()
    vault_password, vault_password_from = _vault_password(sources)
    return Settings(
        home=home,
        listen=get("LISTEN_ADDR", kinds.LISTEN, Listen()),
        log_level=get("LOG_LEVEL", kinds.LOG_LEVEL, "info"),
        db_path=get("DB_DSN", kinds.DATABASE, home / "tokenhub.sqlite"),
        credentials_file=get("CREDENTIALS_FILE", kinds.PATH, home / "credentials"),
        vault_enabled=get("VAULT_ENABLED", kinds.SWITCH, True),
        vault_password=vault_password,
        vault_password_from=vault_password_from,
        vault_autolock_minutes=get("VAULT_AUTOLOCK_MINUTES", kinds.MINUTES, 0.0),
        default_mode=get("DEFAULT_MODE", kinds.MODE, "normal"),
        default_max_budget_nano=get("DEFAULT_MAX_BUDGET_USD", kinds.USD, 50_000_000),
        default_max_latency_ms=get("DEFAULT_MAX_LATENCY_MS", kinds.LATENCY_MS, 20_000),
        timeouts=Timeouts(
            connect_s=get("CONNECT_TIMEOUT_SECS", kinds.SECONDS, timeouts.connect_s),
            answer_s=get("PROVIDER_TIMEOUT_SECS", kinds.SECONDS, timeouts.answer_s),
            first_event_s=get("FIRST_EVENT_TIMEOUT_SECS", kinds.SECONDS, timeouts.first_event_s),
            idle_s=get("STREAM_IDLE_TIMEOUT_SECS", kinds.SECONDS, timeouts.idle_s),
        ),
        tls_cert=get("TLS_CERT", kinds.FILE, None),
        tls_key=get("TLS_KEY", kinds.FILE, None),
        insecure=get("INSECURE", kinds.SWITCH, False),
        admin_token=get("ADMIN_TOKEN", kinds.TOKEN, None),
        allowed_hosts=get("ALLOWED_HOSTS", kinds.HOSTS, LOOPBACK_NAMES),
        cors_origins=get("CORS_ORIGINS", kinds.ORIGINS, ()),
        rate_limit_rps=(rps := get("RATE_LIMIT_RPS", kinds.RATE, 60.0)),
        rate_limit_burst=get("RATE_LIMIT_BURST", kinds.BURST, max(1, math.ceil(2 * rps))),
        admin_rate_limit_rps=get("ADMIN_RATE_LIMIT_RPS", kinds.RATE, 200.0),
        health_probe_disabled=get("HEALTH_PROBE_DISABLED", kinds.SWITCH, False),
        routing_fee_nano=get("ROUTING_FEE_USD", kinds.USD, 0),
        environ=_provider_environment(sources),
        shown=sources.shown(),
        warnings=sources.warnings(),
    )


class _Sources:
    """The environment and the file, and a record of what each setting was read from."""

    def __init__(self, environ: Mapping[str, str], home: Path) -> None:
        self.environ = environ
        self._shown: dict[str, Shown] = {}
        self._path = config_file(home)
        self._file = _read_toml(self._path)
        self._known: set[str] = set()

    def show(self, name: str, value: str, source: str) -> None:
        """Keep what `tokenhub config` prints of a setting; the last word counts."""
        in_file = None if name in NOT_IN_FILE else name.removeprefix(PREFIX).lower()
        self._shown[name] = Shown(name, in_file, value, source)

    def shown(self) -> tuple[Shown, ...]:
        """Return what was kept."""
        return tuple(self._shown.values())

    def get(self, name: str, kind: kinds.Kind[T], default: T, *, prefix: str = PREFIX) -> T:
        """Return the setting `name` (without its prefix) as its kind reads it."""
        variable, in_file = prefix + name, name.lower()
        self._known.add(in_file)
        if text := self.environ.get(variable):
            return self._accept(variable, text, kind, "environment", variable)
        if in_file in self._file:
            text = _toml_text(self._file[in_file])
            return self._accept(variable, text, kind, "config.toml", f"{in_file} in {self._path}")
        self._show(variable, default, kind, "default")
        return default

    def place(self, variable: str) -> str:
        """Return where the value of `variable` was given, "" where it was not."""
        shown = self._shown[variable]
        places = {"environment": variable, "config.toml": f"{shown.in_file} in {self._path}"}
        return places.get(shown.source, "")

    def refuse_unknown(self) -> None:
        """Raise StartError for the first name in the file that is no setting."""
        if unknown := sorted(self._file.keys() - self._known):
            near = self._nearest(unknown[0])
            hint = f"did you mean {near!r}?" if near else f"one of {', '.join(sorted(self._known))}"
            raise StartError(f"{_quoted(unknown[0])} in {self._path} is no setting: {hint}")

    def warnings(self) -> tuple[str, ...]:
        """Return what is said about variables that are no settings, and a file that is missing."""
        known = {row.name for row in self._shown.values()} | NOT_IN_FILE
        ours = (name for name in self.environ if name.upper().startswith(PREFIX))
        found = []
        if unknown := sorted(name for name in ours if name not in known):
            named = ", ".join(self._unknown_variable(name) for name in unknown[:MAX_UNKNOWN])
            found.append(f"ignored, since they are no settings: {named}")
        credentials = self._shown[f"{PREFIX}CREDENTIALS_FILE"]
        if (place := self.place(credentials.name)) and not Path(credentials.value).exists():
            found.append(f"{place}={_quoted(credentials.value)}: there is no such file")
        return tuple(found)

    def _unknown_variable(self, name: str) -> str:
        near = self._nearest(name)
        return _quoted(name) + (f" (did you mean {PREFIX}{near.upper()}?)" if near else "")

    def _nearest(self, name: str) -> str | None:
        asked = name.lower().removeprefix(PREFIX.lower())
        near = difflib.get_close_matches(asked[:MAX_SHOWN_CHARS], self._known, 1, LIKENESS)
        return near[0] if near else None

    def _accept(self, variable: str, text: str, kind: kinds.Kind[T], source: str, place: str) -> T:
        try:
            value = kind.parse(text)
        except (ValueError, ArithmeticError, OSError):
            shown = MASK if kind.secret else _quoted(_without_userinfo(text))
            raise StartError(f"{place}={shown} is wrong: expected {kind.allowed}") from None
        self._show(variable, value, kind, source)
        return value

    def _show(self, variable: str, value: T, kind: kinds.Kind[T], source: str) -> None:
        self.show(variable, kind.show(value) if kind.show else _text(value), source)


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


def _vault_password(sources: _Sources) -> tuple[Secret | None, str]:
    """Return the password given directly, else that of the file, else systemd's, and its place."""
    given = sources.get("VAULT_PASSWORD", kinds.PASSWORD, None)
    from_file = sources.get("VAULT_PASSWORD_FILE", kinds.PASSWORD_FILE, None)
    if given:
        return given, sources.place("TOKENHUB_VAULT_PASSWORD")
    if from_file:
        return from_file, sources.place("TOKENHUB_VAULT_PASSWORD_FILE")
    directory = sources.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(directory, SYSTEMD_CREDENTIAL) if directory else None
    if credential is None or not credential.exists():
        return None, ""
    try:
        password = kinds.password_file(str(credential))
    except (ValueError, OSError):
        raise StartError(f"{credential} is wrong: expected {kinds.PASSWORD_FILE.allowed}") from None
    sources.show("TOKENHUB_VAULT_PASSWORD", MASK, "systemd credential")
    return password, str(credential)


def _provider_environment(sources: _Sources) -> Mapping[str, str]:
    """Return the environment without our own secrets, and with what the file adds to it."""
    own = {PREFIX + "ADMIN_TOKEN", PREFIX + "VAULT_PASSWORD"}
    environ = {name: value for name, value in sources.environ.items() if name not in own}
    added = {
        "HTTPS_PROXY": sources.get("HTTPS_PROXY", kinds.PROXY, None, prefix=""),
        "NO_PROXY": sources.get("NO_PROXY", kinds.ANY, None, prefix=""),
        "SSL_CERT_FILE": sources.get("SSL_CERT_FILE", kinds.FILE, None, prefix=""),
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
