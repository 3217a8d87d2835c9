"""The values that rooms hand to each other.

Money is integer nano-dollars (`_nano`), prices are integer nano-dollars per 1,000 tokens
(`_nano_per_1k`, so that $0.000001 per million tokens is still exact), times are integer
milliseconds since the epoch (`_ms`) unless a name says otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeVar, dataclass_transform

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""


_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def per_request(cls: type[_T]) -> type[_T]:
    """Make `cls` a value of which some are made for each request: frozen to the type checker only.

    A dataclass that is frozen at run time too sets its fields through `object.__setattr__`, which
    makes it three times as slow to make; on the road of a request that came to a sixth of the time.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Protocol(StrEnum):
    """What a client speaks; it decides the shape of our errors and stream events."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    NATIVE = "native"


class Api(StrEnum):
    """One API of a provider, as named in a provider's `apis` field."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    EMBEDDINGS = "embeddings"


class ProviderType(StrEnum):
    """The protocol family that a provider speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    VLLM = "vllm"


class CredStore(StrEnum):
    """Where a provider's key comes from."""

    VAULT = "vault"
    ENV = "env"
    NONE = "none"
    CLIENT = "client"


class Scope(StrEnum):
    """What a client key may do."""

    CHAT = "chat"
    PLAN = "plan"
    EMBEDDINGS = "embeddings"
    MODELS = "models"


class Capability(StrEnum):
    """What a model can do; a deployment that names none is taken to do anything."""

    TOOLS = "tools"
    VISION = "vision"
    JSON = "json"
    REASONING = "reasoning"
    EMBEDDINGS = "embeddings"


class ErrorClass(StrEnum):
    """Whose fault a failed call was, and so what may be done about it."""

    CONTEXT_OVERFLOW = "context_overflow"
    RATE_LIMITED = "rate_limited"
    TRANSIENT = "transient"
    AUTH = "auth"
    BUDGET = "budget"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"


@per_request
class Usage:
    """Tokens of one call, each counted once.

    `input_tokens` is all input: the cached and cache-written ones are parts of it, as
    `reasoning_tokens` are part of `output_tokens`. `estimated` marks our own count.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of one tier, in nano-dollars per 1,000 tokens; None means "derived from input"."""

    input_nano_per_1k: int
    output_nano_per_1k: int
    cached_input_nano_per_1k: int | None = None
    cache_write_5m_nano_per_1k: int | None = None
    cache_write_1h_nano_per_1k: int | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates for the whole of a request whose total input exceeds `above_input_tokens`."""

    above_input_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Prices:
    """What a deployment costs: base rates and, for long inputs, tiers in rising order."""

    base: Rates
    tiers: tuple[Tier, ...] = ()


class Secret:
    """A secret text: `reveal` gives it, everything that prints it gets a mask."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: `host` ("" is all interfaces) and `port` (0 is any free one), or `path`."""

    host: str = "127.0.0.1"
    port: int = 8080
    path: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect (a unix socket counts)."""
        if self.path is not None:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, for a whole answer, to a stream's first event, of its silence."""

    connect_s: float = 5.0
    answer_s: float = 600.0
    first_event_s: float = 60.0
    idle_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it is in force: presets and defaults are filled in.

    `base_urls` have no trailing slash and end before the API's path (`…/v1` included where the
    provider has one). `apis` are the ones it is taken to have.
    """

    id: str
    type: ProviderType
    base_urls: tuple[str, ...]
    enabled: bool = True
    cred_store: CredStore = CredStore.NONE
    key_env: str | None = None
    prefix: str = ""
    apis: frozenset[Api] = frozenset()
    auth_header: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a provider: unique by (`id`, `provider_id`); `id` is the name clients use."""

    id: str
    provider_id: str
    upstream_name: str
    weight: int = 5
    max_context_tokens: int | None = None
    max_output_tokens: int | None = None
    prices: Prices | None = None
    fallbacks: tuple[str, ...] = ()
    capabilities: frozenset[Capability] | None = None
    enabled: bool = True

    key: str = field(init=False, compare=False)
    """`<provider_id>/<id>`, the name of this one deployment."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.provider_id}/{self.id}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A client key. `scopes` None means all; `allowed_models` are globs, None means all."""

    id: str
    name: str
    key_hash: bytes = field(repr=False)
    prefix: str = ""
    scopes: frozenset[Scope] | None = None
    allowed_models: tuple[str, ...] | None = None
    expires_at_ms: int | None = None
    monthly_budget_nano: int | None = None
    rate_limit_rps: float | None = None
    rate_limit_burst: int | None = None
    enabled: bool = True
    created_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """What a deployment's past calls were like, recent ones counting most; None is "untried".

    `latency_ms` is of whole answers, `ttft_ms` the time to a stream's first token, `failure_rate`
    a share of 0..1, `requests` how many calls all this is from.
    """

    latency_ms: float | None = None
    ttft_ms: float | None = None
    tokens_per_s: float | None = None
    failure_rate: float | None = None
    requests: int = 0


@per_request
class Attempt:
    """One call to a provider: when (ms after the request came), by which `api`, how it ended.

    `left_out` names what its translation left out and the client may miss.
    """

    model_id: str
    provider_id: str
    endpoint: str
    start_ms: float
    end_ms: float
    status: int | None
    error_class: ErrorClass | None
    cost_nano: int = 0
    api: Api | None = None
    left_out: tuple[str, ...] = ()


@per_request
class Outcome:
    """Everything that is kept about a finished request; never a word of its content."""

    request_id: str
    timestamp_ms: int
    api_key_id: str
    client: str
    endpoint: str
    stream: bool
    model_requested: str
    mode: str
    reason: str
    status: int
    latency_ms: float
    model: str | None = None
    provider_id: str | None = None
    usage: Usage = Usage()
    prices: Prices | None = None
    cost_nano: int = 0
    fee_nano: int = 0
    estimated: bool = False
    ttft_ms: float | None = None
    overhead_ms: float | None = None
    error_class: str | None = None
    attempts: tuple[Attempt, ...] = ()


class Basis(StrEnum):
    """Whence the expected length of an answer is known.

    Of the deployment's past answers, of none of them yet, or of the limit that it would exceed.
    """

    LEARNED = "learned"
    USUAL = "usual"
    LIMIT = "limit"


ExpectedTokens = tuple[int, int, Basis]
"""Of a request's input and of the answer to it, and whence the latter are known."""


class Cost(NamedTuple):
    """What a request will cost at a deployment, in nano-dollars: probably, and at most.

    `tokens` are those of the probable cost, None where they cost nothing. A tuple, since one is
    made for each deployment of each decision.
    """

    expected_nano: int
    most_nano: int
    tokens: ExpectedTokens | None = None


@per_request
class DecisionRow:
    """Why a request was to go where it went, and what came of it; never a word of its content.

    `model_id` and `provider_id` are what was to be tried first, None where nothing could take the
    request. `columns` gives the explanation, JSON-ready; it is called in the writer's thread.
    """

    request_id: str
    timestamp_ms: int
    mode: str
    reason: str
    model_id: str | None
    provider_id: str | None
    columns: Callable[[], Mapping[str, Any]]
    attempts: tuple[Attempt, ...] = ()
    estimated_cost_nano: int | None = None
    cost_nano: int = 0


@per_request
class ProviderCondition:
    """What speaks for or against calling a provider now.

    `down` means that its breaker lets no request through, `cooling_until_ms` that it asked to be
    left alone or refused our key, `missing` why its key cannot be had.
    """

    down: bool = False
    degraded: bool = False
    cooling_until_ms: int | None = None
    offline: bool = False
    missing: Literal["credentials", "vault_locked"] | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of the process: wall time in ms since the epoch, monotonic time in seconds."""

    now_ms: Callable[[], int]
    monotonic: Callable[[], float]
