"""What the router asks of the other rooms for a request, and what comes of it."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.dispatch.fakes import monitor
from tests.ledger.test_ledger import KEY, Book, ledger_for
from tests.routing.build import left_out, plan, provider, registry
from tokenhub.errors import RequestError, VaultUnavailable
from tokenhub.health.monitor import CallEnd
from tokenhub.ledger.budgets import HubLimits
from tokenhub.providers.keys import ProviderKeys
from tokenhub.providers.registry import RegistryHolder
from tokenhub.routing.policy import Mode, PolicyHolder, RoutingConfig, Steering
from tokenhub.routing.router import Router, Ruling, Wish
from tokenhub.types import (
    Api,
    ApiKey,
    Clock,
    CredStore,
    Deployment,
    ErrorClass,
    Prices,
    Provider,
    Rates,
)
from tokenhub.wire.request import RequestFacts


def priced(key: str, nano: int = 1000, **fields: Any) -> Deployment:
    provider_id, _, name = key.partition("/")
    return Deployment(name, provider_id, name, prices=Prices(Rates(nano, nano)), **fields)


OWN, TWIN, OTHER = priced("p/m"), priced("q/m", 2000), priced("q/n")


@dataclass
class Desk:
    """A router in front of what it asks."""

    rows: tuple[Deployment, ...] = (OWN, TWIN, OTHER)
    providers: dict[str, Provider] = field(default_factory=dict)
    config: RoutingConfig = field(default_factory=RoutingConfig)
    limits: HubLimits | None = None
    vault: str | VaultUnavailable = "sk-1"

    def __post_init__(self) -> None:
        self.now = 1000.0
        self.wall_ms = 1_000_000
        clock = Clock(lambda: self.wall_ms, lambda: self.now)
        holder = RegistryHolder(registry(*self.rows, **self.providers))
        keys = ProviderKeys(self._reveal, {})
        self.health = monitor(clock, holder, keys)
        self.ledger = ledger_for(Book(), self.limits)
        self.policies = PolicyHolder(self.config)
        self.router = Router(
            registry=holder,
            policies=self.policies,
            keys=keys,
            health=self.health,
            ledger=self.ledger,
            clock=clock,
        )
        self.holder = holder

    def ask(
        self,
        name: str | None = "m",
        steering: Steering | None = None,
        *,
        key: ApiKey | None = KEY,
        authorization: str | None = None,
        substitutes: bool = False,
    ) -> Ruling:
        facts = RequestFacts(Api.CHAT, name, False, 100, False, frozenset(), 50)
        wish = Wish(facts, steering or Steering(), key, lambda _: True, authorization)
        return self.router.decide(wish, substitutes=substitutes)

    def fail(self, provider_id: str, error_class: ErrorClass, times: int = 1) -> None:
        for _ in range(times):
            permit = self.health.begin(self.holder.current.providers[provider_id])
            assert permit is not None
            self.health.finished(permit, f"{provider_id}/m", CallEnd(error_class))

    def _reveal(self, _: str) -> str:
        if isinstance(self.vault, VaultUnavailable):
            raise self.vault
        return self.vault


def test_a_named_model_is_decided_among_its_own_deployments_first() -> None:
    ruling = Desk().ask()
    assert plan(ruling.decision) == ["p/m", "q/m"]
    assert not ruling.whole


def test_what_it_may_become_is_looked_at_when_it_is_asked_for() -> None:
    desk = Desk()
    ruling = desk.ask()
    assert plan(desk.router.substitutes(ruling)) == ["p/m", "q/m", "q/n"]
    assert desk.ask(substitutes=True).whole


def test_substitutes_are_decided_upon_as_things_are_by_then() -> None:
    desk = Desk()
    ruling = desk.ask()
    desk.fail("p", ErrorClass.AUTH)
    assert left_out(desk.router.substitutes(ruling)) == {"p/m": "cooling_down"}


def test_substitutes_are_looked_at_at_once_where_nothing_of_the_name_can_serve() -> None:
    desk = Desk(rows=(OWN, OTHER))
    desk.fail("p", ErrorClass.TRANSIENT, times=5)
    ruling = desk.ask()
    assert plan(ruling.decision) == ["q/n"]
    assert ruling.whole


@pytest.mark.parametrize(
    ("limits", "key", "steering"),
    [
        (None, replace(KEY, monthly_budget_nano=10**9), Steering()),
        (HubLimits(daily_nano=10**9), KEY, Steering()),
        (None, KEY, Steering(max_latency_ms=1000)),
    ],
    ids=["a key's budget", "the hub's budget", "a deadline"],
)
def test_where_money_or_time_is_kept_for_them_substitutes_are_looked_at_at_once(
    limits: HubLimits | None, key: ApiKey, steering: Steering
) -> None:
    ruling = Desk(limits=limits).ask("m", steering, key=key)
    assert plan(ruling.decision) == ["p/m", "q/m", "q/n"]
    assert ruling.whole


def test_a_choice_is_whole_from_the_start() -> None:
    ruling = Desk().ask("auto")
    assert len(ruling.decision.plan) == 3
    assert ruling.whole


def test_a_budget_leaves_out_what_does_not_fit_and_what_has_no_price() -> None:
    rows = (OWN, priced("q/dear", 10**9), Deployment("free", "far", "free"))
    far = replace(provider("far"), base_urls=("https://far.example/v1",))
    desk = Desk(rows=rows, providers={"far": far})
    poor = replace(KEY, monthly_budget_nano=10**6)
    assert left_out(desk.ask(key=poor).decision) == {"q/dear": "key_budget", "far/free": "no_price"}
    assert left_out(desk.ask(key=KEY, substitutes=True).decision) == {}


def test_nobody_has_no_budget() -> None:
    desk = Desk(limits=HubLimits(daily_nano=0))
    assert plan(desk.ask(key=None).decision) == ["p/m", "q/m"]
    assert desk.ask(key=KEY).decision.plan == ()


def test_a_provider_that_is_down_or_cools_down_is_left_out_until_its_time() -> None:
    desk = Desk()
    desk.fail("p", ErrorClass.TRANSIENT, times=5)
    desk.fail("q", ErrorClass.RATE_LIMITED)
    assert left_out(desk.ask().decision) == {
        "p/m": "provider_down",
        "q/m": "cooling_down",
        "q/n": "cooling_down",
    }
    desk.now += 30
    desk.wall_ms += 30_000
    assert left_out(desk.ask().decision) == {}


def test_an_api_that_a_provider_turned_out_not_to_have_is_left_out() -> None:
    desk = Desk()
    desk.health.lacking.mark(desk.holder.current.providers["p"], Api.CHAT)
    assert left_out(desk.ask().decision) == {"p/m": "protocol"}


def test_a_key_that_cannot_be_had_leaves_its_provider_out() -> None:
    locked = replace(provider("p"), cred_store=CredStore.VAULT)
    client = replace(provider("q"), cred_store=CredStore.CLIENT)
    desk = Desk(
        rows=(OWN, TWIN),
        providers={"p": locked, "q": client},
        vault=VaultUnavailable("locked"),
    )
    assert left_out(desk.ask().decision) == {"p/m": "vault_locked", "q/m": "credentials"}
    assert plan(desk.ask(authorization="Bearer x").decision) == ["q/m"]


def test_the_policy_in_force_is_the_one_of_the_moment() -> None:
    desk = Desk()
    desk.policies.replace(RoutingConfig(default_mode=Mode.CHEAP, unknown_model="route"))
    assert desk.ask("auto").policy.mode is Mode.CHEAP
    assert desk.ask("nothing").decision.reason.startswith("auto:cheap for an unknown model")
    assert desk.ask("auto", Steering(mode=Mode.FAST)).policy.mode is Mode.FAST


def test_an_unknown_model_is_a_404() -> None:
    with pytest.raises(RequestError) as caught:
        Desk().ask("mm")
    assert caught.value.status == 404


def test_what_was_observed_of_a_deployment_counts() -> None:
    desk = Desk(rows=(priced("p/m"), priced("q/m")))
    provider_p = desk.holder.current.providers["p"]
    permit = desk.health.begin(provider_p)
    assert permit is not None
    desk.health.finished(permit, "p/m", CallEnd(latency_s=60.0))
    assert left_out(desk.ask("m", Steering(max_latency_ms=1000)).decision)["p/m"] == "latency"


def test_a_request_is_told_to_health_which_sees_a_resume_from_sleep_by_it() -> None:
    desk = Desk()
    desk.fail("p", ErrorClass.TRANSIENT, times=5)
    assert left_out(desk.ask().decision) == {"p/m": "provider_down"}
    desk.wall_ms += 3_600_000
    desk.router.used()
    assert left_out(desk.ask().decision) == {}
