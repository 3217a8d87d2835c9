"""How a choice is to be made: the configured policy, what a request steers, and both together."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeVar

from tokenhub.types import per_request

_T = TypeVar("_T")


class Mode(StrEnum):
    """What a choice is optimised for."""

    CHEAP = "cheap"
    NORMAL = "normal"
    HIGH_CONFIDENCE = "high_confidence"
    PLANNING = "planning"
    ADVERSARIAL = "adversarial"
    FAST = "fast"


_OTHER_NAMES: Final = {
    "minimize_cost": Mode.CHEAP,
    "minimize_latency": Mode.FAST,
    "maximize_quality": Mode.HIGH_CONFIDENCE,
    "balanced": Mode.NORMAL,
}
_MODES: Final = {mode.value: mode for mode in Mode} | _OTHER_NAMES


def mode_of(text: str) -> Mode | None:
    """Return the mode that `text` names, None for no mode at all."""
    return _MODES.get(text)


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """The configured policy; money in nano-dollars, a ceiling of None is none.

    After `hedge_after_ms` without anything for the client a second model is called; 0 is never.
    """

    default_mode: Mode = Mode.NORMAL
    default_max_budget_nano: int = 50_000_000
    default_max_latency_ms: int = 20_000
    max_budget_nano_ceiling: int | None = None
    max_latency_ms_ceiling: int | None = None
    fallback: bool = True
    named_fallback: Literal["equivalent", "listed", "none"] = "equivalent"
    backup_providers: tuple[str, ...] = ()
    unknown_model: Literal["refuse", "route"] = "refuse"
    hedge_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Steering:
    """What one request asks for; None is "as configured"."""

    mode: Mode | None = None
    max_budget_nano: int | None = None
    max_latency_ms: int | None = None
    min_weight: int | None = None
    fallback: bool | None = None
    planning: bool = False

    def over(self, other: "Steering") -> "Steering":
        """Return both together: what this one asks for, and where it is silent, the other."""
        return Steering(
            mode=_first(self.mode, other.mode),
            max_budget_nano=_first(self.max_budget_nano, other.max_budget_nano),
            max_latency_ms=_first(self.max_latency_ms, other.max_latency_ms),
            min_weight=_first(self.min_weight, other.min_weight),
            fallback=_first(self.fallback, other.fallback),
            planning=self.planning or other.planning,
        )


@per_request
class Policy:
    """What is in force for one request.

    A limit that was not `given` by the request is only the default: it filters what the router
    chooses, never what a client named. `max_budget_nano_ceiling` filters always.
    """

    mode: Mode
    max_budget_nano: int | None
    budget_given: bool
    max_latency_ms: int | None
    latency_given: bool
    min_weight: int
    fallback: bool
    max_budget_nano_ceiling: int | None = None


def policy_for(config: RoutingConfig, steering: Steering, asked_mode: Mode | None) -> Policy:
    """Return what is in force: the request's wishes up to the ceilings, else the configuration.

    The mode is the one in the model's name (`auto:cheap`), else the steered one, else `planning`
    for a request that plans, else the default.
    """
    budget, latency = steering.max_budget_nano, steering.max_latency_ms
    usual = Mode.PLANNING if steering.planning else config.default_mode
    return Policy(
        mode=asked_mode or steering.mode or usual,
        max_budget_nano=_capped(
            config.default_max_budget_nano if budget is None else budget,
            config.max_budget_nano_ceiling,
        ),
        budget_given=budget is not None,
        max_latency_ms=_capped(
            config.default_max_latency_ms if latency is None else latency,
            config.max_latency_ms_ceiling,
        ),
        latency_given=latency is not None,
        min_weight=steering.min_weight or 0,
        fallback=config.fallback if steering.fallback is None else steering.fallback,
        max_budget_nano_ceiling=config.max_budget_nano_ceiling,
    )


def _capped(value: int, ceiling: int | None) -> int:
    return value if ceiling is None else min(value, ceiling)


def _first(one: _T | None, other: _T | None) -> _T | None:
    return other if one is None else one


class PolicyHolder:
    """Where the configured policy is found; a request reads `current` once and keeps it."""

    def __init__(self, config: RoutingConfig) -> None:
        self.current = config

    def replace(self, config: RoutingConfig) -> None:
        """Put `config` in force for requests that begin from now on."""
        self.current = config
