"""How a simulated provider behaves: its speed, its failures, its price."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Self

from tokenhub.simulator.model.reply import FORCED, Finish

FOREVER_S = 3600.0
"""How long a hang lasts unless it says otherwise."""


class FailureKind(StrEnum):
    """What goes wrong."""

    ANSWER = "answer"
    HANG = "hang"
    RESET = "reset"
    CUT = "cut"
    GARBAGE = "garbage"
    ERROR_EVENT = "error_event"
    FAILED_RESPONSE = "failed_response"
    SLOW_DRIP = "slow_drip"


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail; make it by the method named like its kind.

    `after_events` None means before the status line; a number means after that many events of a
    stream (0: only the headers came). An answer that is no stream counts as one event, of which
    half is sent when `after_events` is 1 or more.
    """

    kind: FailureKind
    status: int = 500
    retry_after: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    code: str | None = None
    after_events: int | None = None
    seconds: float = FOREVER_S
    clean: bool = True
    announced: bool = True

    @classmethod
    def answer(
        cls,
        status: int,
        *,
        retry_after: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        code: str | None = None,
    ) -> Self:
        """An HTTP answer of any `status`.

        Its body is the provider's own for that status unless `body` is given; `code` chooses
        between several of one status (`insufficient_quota`). `retry_after` is the header's text:
        seconds or an HTTP date.
        """
        pairs = tuple((headers or {}).items())
        return cls(
            FailureKind.ANSWER,
            status=status,
            retry_after=retry_after,
            headers=pairs,
            body=body,
            code=code,
        )

    @classmethod
    def hang(cls, after_events: int | None = None, *, seconds: float = FOREVER_S) -> Self:
        """Silence for `seconds`, after which the answer goes on as if nothing had been."""
        return cls(FailureKind.HANG, after_events=after_events, seconds=seconds)

    @classmethod
    def reset(cls, after_events: int | None = None) -> Self:
        """The connection is reset (TCP RST)."""
        return cls(FailureKind.RESET, after_events=after_events)

    @classmethod
    def cut(cls, after_events: int = 0, *, clean: bool = True) -> Self:
        """The answer ends early: a `clean` stream with HTTP's last chunk, else without."""
        return cls(FailureKind.CUT, after_events=after_events, clean=clean)

    @classmethod
    def garbage(cls, body: str | None = None) -> Self:
        """Status 200 with a page of HTML, or with `body`."""
        return cls(FailureKind.GARBAGE, status=200, body=body)

    @classmethod
    def error_event(
        cls, after_events: int = 0, *, status: int = 500, code: str | None = None
    ) -> Self:
        """An error inside a stream that began with 200; elsewhere an answer of `status`."""
        return cls(FailureKind.ERROR_EVENT, status=status, code=code, after_events=after_events)

    @classmethod
    def failed_response(
        cls, after_events: int = 2, *, status: int = 500, announced: bool = True
    ) -> Self:
        """A response (`/v1/responses`) whose `status` becomes `failed`.

        Its stream ends with `response.failed`, after an `error` event when `announced`. The other
        APIs, which have no such thing, get an `error_event`.
        """
        return cls(
            FailureKind.FAILED_RESPONSE,
            status=status,
            after_events=after_events,
            announced=announced,
        )

    @classmethod
    def slow_drip(cls, seconds: float = 0.05) -> Self:
        """The answer comes seven bytes at a time, `seconds` apart."""
        return cls(FailureKind.SLOW_DRIP, after_events=0, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything about a simulated provider that may change while it runs.

    `ttft_ms` is the time to the first byte of an answer, `tokens_per_s` the speed from there (0:
    at once), `jitter` (0..1) the share by which each wait varies. Of the calls, `fail_rate` (0..1)
    fail, or only the next `fail_next`; a failure without such a limit is an outage and hits GETs
    too. `answer` and `output_tokens` fix the text or its length (`""`: an empty answer), `refusal`
    is what the model says when it declines, `stop` is one of `model.reply.FORCED` with which every
    answer ends. `refused_fields` are answered with a 400 naming them, without `usage` none is
    reported, as some compatible servers do, and `reasoning_fields` are the names under which vLLM
    shows what a model thinks (newer versions say `reasoning`). Unless it is `verified` OpenAI gives
    the organisation no summary of reasoning. Prices are dollars for 1,000 tokens, for whoever
    registers the models.
    """

    ttft_ms: float = 0.0
    tokens_per_s: float = 0.0
    jitter: float = 0.0
    failure: Failure | None = None
    fail_rate: float = 1.0
    fail_next: int | None = None
    answer: str | None = None
    output_tokens: int | None = None
    refusal: str | None = None
    stop: Finish | None = None
    refused_fields: tuple[str, ...] = ()
    reasoning_fields: tuple[str, ...] = ("reasoning_content",)
    usage: bool = True
    verified: bool = True
    input_per_1k: float = 0.0
    output_per_1k: float = 0.0

    def __post_init__(self) -> None:
        highest = {"ttft_ms": inf, "tokens_per_s": inf, "jitter": 1, "fail_rate": 1}
        for name, high in highest.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value <= high:
                raise ValueError(f"{name}: expected a number from 0 to {high}, got {value!r}")
        if self.stop is not None and not (isinstance(self.stop, Finish) and self.stop in FORCED):
            names = ", ".join(sorted(FORCED))
            raise ValueError(f"stop: expected one of {names}, got {self.stop!r}")

    @property
    def outage(self) -> bool:
        """Whether every call fails until the profile is switched."""
        return self.failure is not None and self.fail_rate >= 1 and self.fail_next is None

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON values, as `PUT /_simulator/profile` takes them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The profile that `to_json` wrote; absent fields have their defaults.

        Raises TypeError or ValueError, naming the field, for anything else.
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"expected an object, got {values!r}")
        fields = dict(values)
        if fields.get("failure") is not None:
            failure = dict(fields["failure"])
            failure["kind"] = FailureKind(failure["kind"])
            failure["headers"] = tuple((str(k), str(v)) for k, v in failure.get("headers", ()))
            fields["failure"] = Failure(**failure)
        for name in ("refused_fields", "reasoning_fields"):
            if name in fields:
                fields[name] = tuple(fields[name])
        if fields.get("stop") is not None:
            fields["stop"] = Finish(fields["stop"])
        return cls(**fields)
