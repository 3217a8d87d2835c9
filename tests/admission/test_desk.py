import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from tokenhub.admission.desk import FrontDesk
from tokenhub.admission.keys import KeyRing
from tokenhub.admission.limits import AddressLimiter, RateLimiter
from tokenhub.errors import RateLimited, RequestError
from tokenhub.types import ApiKey, Clock, Scope

ADDRESS = "192.0.2.1"
KEY = ApiKey("k1", "editor", hashlib.sha256(b"tokenhub_one").digest())


def desk_for(key: ApiKey, rate_limited: Callable[[], None] = lambda: None) -> FrontDesk:
    clock = Clock(now_ms=lambda: 1_800_000_000_000, monotonic=lambda: 5.0)
    limits = RateLimiter(60, 120, clock.monotonic)
    strangers = AddressLimiter(2, clock.monotonic)
    return FrontDesk(KeyRing([key]), limits, strangers, clock, rate_limited)


def test_a_good_key_is_let_in() -> None:
    assert desk_for(KEY).admit("tokenhub_one", Scope.CHAT, ADDRESS) is KEY


def test_an_unknown_key_is_turned_away() -> None:
    with pytest.raises(RequestError, match="not known"):
        desk_for(KEY).admit("tokenhub_two", Scope.CHAT, ADDRESS)


def test_an_expired_key_is_turned_away() -> None:
    with pytest.raises(RequestError, match="expired"):
        desk_for(replace(KEY, expires_at_ms=1)).admit("tokenhub_one", Scope.CHAT, ADDRESS)


def test_requests_without_the_scope_are_limited_as_well() -> None:
    desk = desk_for(replace(KEY, rate_limit_rps=1, scopes=frozenset({Scope.MODELS})))
    for _ in range(2):
        with pytest.raises(RequestError, match="lacks the scope"):
            desk.admit("tokenhub_one", Scope.CHAT, ADDRESS)
    with pytest.raises(RateLimited):
        desk.admit("tokenhub_one", Scope.CHAT, ADDRESS)


def test_an_address_without_a_valid_key_is_limited_and_the_valid_key_is_not() -> None:
    desk = desk_for(KEY)
    for _ in range(4):
        with pytest.raises(RequestError, match="not known"):
            desk.admit("tokenhub_two", Scope.CHAT, ADDRESS)
    with pytest.raises(RateLimited, match="an address"):
        desk.admit("tokenhub_two", Scope.CHAT, ADDRESS)
    assert desk.admit("tokenhub_one", Scope.CHAT, ADDRESS) is KEY


def test_what_came_too_early_is_counted() -> None:
    counted: list[int] = []
    desk = desk_for(replace(KEY, rate_limit_rps=1), lambda: counted.append(1))
    for _ in range(2):
        desk.admit("tokenhub_one", Scope.CHAT, ADDRESS)
    with pytest.raises(RateLimited):
        desk.admit("tokenhub_one", Scope.CHAT, ADDRESS)
    assert counted == [1]
