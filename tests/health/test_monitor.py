import pytest

from tests.health.world import BROKEN, UNREACHED, WELL, World, model_of, provider
from tokenhub.health.monitor import FINE, OFFLINE, CallEnd
from tokenhub.health.state import EndpointHealth, HealthState, ProviderHealth
from tokenhub.providers.registry import Registry
from tokenhub.types import CredStore, ErrorClass, ProviderCondition

A, B = provider("a"), provider("b")
LOCAL = provider("local", "http://127.0.0.1:8000/v1")
ONE, TWO = "https://one.example/v1", "https://two.example/v1"
POOL = provider("pool", ONE, TWO)

HEALTHY, DEGRADED, DOWN = HealthState.HEALTHY, HealthState.DEGRADED, HealthState.DOWN


def limited(retry_after_s: float | None = None) -> CallEnd:
    return CallEnd(ErrorClass.RATE_LIMITED, retry_after_s=retry_after_s)


def test_nothing_speaks_against_a_provider_that_was_never_called() -> None:
    world = World(A)
    assert world.monitor.condition(A) is FINE
    assert world.monitor.of("a").state is HEALTHY


def test_a_provider_that_does_well_costs_no_new_value() -> None:
    world = World(A)
    world.calls(A, WELL, 3)
    assert world.monitor.condition(A) is FINE


def test_two_errors_make_it_degraded_and_five_down() -> None:
    world = World(A)
    world.calls(A, BROKEN, 2)
    assert world.monitor.condition(A) == ProviderCondition(degraded=True)
    world.calls(A, BROKEN, 3)
    assert world.monitor.condition(A) == ProviderCondition(down=True, degraded=True)
    assert world.monitor.begin(A) is None
    assert world.changes == [("a", HEALTHY, DEGRADED), ("a", DEGRADED, DOWN)]


def test_a_success_makes_it_healthy_and_keeps_the_last_error() -> None:
    world = World(A)
    world.calls(A, BROKEN, 3)
    world.call(A)
    health = world.monitor.of("a")
    assert (health.state, health.consecutive_errors) == (HEALTHY, 0)
    assert health.last_error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    "error_class",
    [
        ErrorClass.INVALID,
        ErrorClass.CONTEXT_OVERFLOW,
        ErrorClass.CANCELLED,
        ErrorClass.UNSUPPORTED,
    ],
)
def test_what_is_not_the_providers_fault_does_not_hurt_it(error_class: ErrorClass) -> None:
    world = World(A)
    world.calls(A, CallEnd(error_class), 20)
    assert world.monitor.condition(A) is FINE
    assert world.monitor.of("a").last_error_class is None
    assert world.monitor.observed(model_of(A)).requests == 0


def test_a_rate_limit_cools_the_provider_for_as_long_as_it_says() -> None:
    world = World(A)
    world.call(A, limited(12.0))
    now_ms = world.clocks.wall_ms
    assert world.monitor.condition(A) == ProviderCondition(cooling_until_ms=now_ms + 12_000)
    assert world.monitor.begin(A) is None
    world.clocks.advance(12)
    assert world.monitor.condition(A) == FINE
    assert world.monitor.begin(A) is not None


def test_rate_limits_open_no_breaker() -> None:
    world = World(A)
    for _ in range(6):
        world.call(A, limited(1.0))
        world.clocks.advance(1)
    assert world.monitor.of("a").state is HEALTHY
    assert world.monitor.of("a").last_error_class is ErrorClass.RATE_LIMITED


@pytest.mark.parametrize("error_class", [ErrorClass.AUTH, ErrorClass.BUDGET])
def test_a_refused_key_takes_the_provider_out_for_a_minute(error_class: ErrorClass) -> None:
    world = World(A)
    world.call(A, CallEnd(error_class))
    now_ms = world.clocks.wall_ms
    assert world.monitor.condition(A).cooling_until_ms == now_ms + 60_000
    assert world.monitor.of("a").consecutive_errors == 1


def test_after_the_wait_one_request_decides() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    assert not world.monitor.condition(A).down
    trial = world.monitor.begin(A)
    assert trial is not None
    assert trial.trial
    assert world.monitor.begin(A) is None
    assert world.monitor.condition(A).down
    world.monitor.finished(trial, model_of(A), WELL)
    assert world.monitor.condition(A) is FINE


def test_a_trial_that_fails_keeps_it_down_for_twice_as_long() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    world.call(A, BROKEN)
    world.clocks.advance(59)
    assert world.monitor.condition(A).down
    world.clocks.advance(1)
    assert not world.monitor.condition(A).down


@pytest.mark.parametrize("error_class", [ErrorClass.INVALID, ErrorClass.CANCELLED])
def test_a_trial_that_shows_nothing_is_repeated(error_class: ErrorClass) -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    world.call(A, CallEnd(error_class))
    permit = world.monitor.begin(A)
    assert permit is not None
    assert permit.trial


def test_the_first_content_of_a_trial_lets_the_others_in() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    trial = world.monitor.begin(A)
    assert trial is not None
    world.monitor.answered(trial)
    permit = world.monitor.begin(A)
    assert permit is not None
    assert not permit.trial


def test_the_first_content_of_another_call_changes_nothing() -> None:
    world = World(A)
    world.calls(A, BROKEN, 2)
    permit = world.monitor.begin(A)
    assert permit is not None
    world.monitor.answered(permit)
    assert world.monitor.of("a").state is DEGRADED


def test_a_dead_endpoint_does_not_take_its_pool_down() -> None:
    world = World(POOL)
    for _ in range(10):
        permit = world.monitor.begin(POOL)
        assert permit is not None
        world.monitor.finished(permit, model_of(POOL), BROKEN if permit.url == ONE else WELL)
    assert {world.call(POOL).url for _ in range(4)} == {TWO}
    assert world.monitor.condition(POOL) is FINE
    assert world.monitor.states() == [
        ProviderHealth(
            "pool",
            world.monitor.of("pool"),
            None,
            (EndpointHealth(ONE, DOWN), EndpointHealth(TWO, HEALTHY)),
        )
    ]


def test_a_new_address_begins_anew() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    moved = provider("a", "https://elsewhere.example/v1")
    assert world.monitor.condition(moved) is FINE


def test_the_end_of_a_call_to_an_old_address_says_nothing_of_the_new_one() -> None:
    world = World(A)
    world.calls(A, BROKEN, 4)
    old = world.monitor.begin(A)
    assert old is not None
    moved = provider("a", "https://elsewhere.example/v1")
    world.calls(moved, BROKEN, 2)
    world.monitor.finished(old, model_of(A), BROKEN)
    world.monitor.finished(old, model_of(A), WELL)
    assert world.monitor.of("a").consecutive_errors == 2


def test_a_forgotten_provider_begins_anew() -> None:
    world = World(A)
    world.calls(A, CallEnd(ErrorClass.AUTH), 1)
    world.monitor.forget("a")
    assert world.monitor.condition(A) is FINE
    assert world.monitor.observed(model_of(A)).requests == 0


def test_calls_that_end_after_their_provider_was_forgotten_are_ignored() -> None:
    world = World(A)
    permit = world.monitor.begin(A)
    assert permit is not None
    world.monitor.forget("a")
    world.monitor.finished(permit, model_of(A), BROKEN)
    world.monitor.answered(permit)
    world.monitor.probed(permit, BROKEN)
    assert world.monitor.of("a").consecutive_errors == 0
    assert world.monitor.observed(model_of(A)).requests == 0


def test_latency_and_failures_are_observed_by_deployment() -> None:
    world = World(A)
    world.call(A, CallEnd(latency_s=3.0, ttft_s=1.0, output_tokens=40))
    world.call(A, BROKEN)
    observed = world.monitor.observed(model_of(A))
    assert (observed.latency_ms, observed.ttft_ms, observed.tokens_per_s) == (3000, 1000, 20)
    assert observed.failure_rate == pytest.approx(1 / 3)
    assert observed.requests == 2


def test_every_provider_of_the_registry_is_shown_by_id() -> None:
    world = World(B, A)
    world.call(B, limited(3.0))
    shown = world.monitor.states()
    assert [one.provider_id for one in shown] == ["a", "b"]
    assert [one.cooldown_until_ms for one in shown] == [None, world.clocks.wall_ms + 3000]
    assert shown[0].endpoints == (EndpointHealth("https://a.example/v1", HEALTHY),)


def offline(world: World) -> World:
    world.call(A, UNREACHED)
    world.call(B, UNREACHED)
    return world


def test_when_nobody_can_be_reached_the_hub_is_offline() -> None:
    world = offline(World(A, B, LOCAL))
    assert world.monitor.offline
    assert world.offline == [True]
    assert world.monitor.condition(A) is OFFLINE
    assert world.monitor.condition(B) is OFFLINE


def test_local_providers_still_serve_when_the_hub_is_offline() -> None:
    world = offline(World(A, B, LOCAL))
    assert world.monitor.condition(LOCAL) is FINE
    assert world.monitor.begin(LOCAL) is not None


def test_a_local_provider_neither_makes_nor_ends_it() -> None:
    world = World(A, B, LOCAL)
    world.calls(LOCAL, UNREACHED, 3)
    assert not world.monitor.offline
    offline(world)
    world.call(LOCAL)
    assert world.monitor.offline


def test_offline_breakers_do_not_advance_and_models_are_not_blamed() -> None:
    world = offline(World(A, B))
    for _ in range(10):
        world.clocks.advance(5)
        world.call(A, UNREACHED)
    assert world.monitor.of("a").consecutive_errors == 0
    assert world.monitor.observed(model_of(A)).requests == 1


def test_what_led_to_offline_is_taken_back() -> None:
    world = World(A, B)
    world.calls(A, UNREACHED, 3)
    assert world.monitor.of("a").state is DEGRADED
    world.call(B, UNREACHED)
    assert world.monitor.of("a").state is HEALTHY
    assert world.changes == [("a", HEALTHY, DEGRADED), ("a", DEGRADED, HEALTHY)]


def test_offline_one_request_tries_every_few_seconds() -> None:
    world = offline(World(A, B))
    world.clocks.advance(5)
    assert world.monitor.condition(A) is FINE
    assert world.monitor.begin(A) is not None
    assert world.monitor.condition(B) is OFFLINE


@pytest.mark.parametrize(
    "error_class", [None, ErrorClass.INVALID, ErrorClass.RATE_LIMITED, ErrorClass.AUTH]
)
def test_any_answer_from_outside_ends_it(error_class: ErrorClass | None) -> None:
    world = offline(World(A, B))
    world.call(A, CallEnd(error_class))
    assert not world.monitor.offline
    assert world.offline == [True, False]
    assert world.monitor.condition(B) is FINE


@pytest.mark.parametrize("error_class", [ErrorClass.TRANSIENT, ErrorClass.CANCELLED])
def test_a_call_that_is_cut_off_proves_no_network(error_class: ErrorClass) -> None:
    world = offline(World(A, B))
    world.call(A, CallEnd(error_class))
    assert world.monitor.offline


def test_a_trial_that_failed_for_want_of_a_network_is_repeated() -> None:
    world = World(A, B)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    trial = world.monitor.begin(A)
    assert trial is not None
    world.call(B, UNREACHED)
    world.monitor.finished(trial, model_of(A), UNREACHED)
    assert world.monitor.offline
    assert world.monitor.of("a").consecutive_errors == 5
    again = world.monitor.begin(A)
    assert again is not None
    assert again.trial


def test_a_provider_that_cannot_be_called_does_not_count_for_offline() -> None:
    keyed = provider("keyed", cred_store=CredStore.VAULT)
    off = provider("off", enabled=False)
    world = World(A, B, keyed, off)
    world.vault.locked = True
    assert offline(world).monitor.offline


def test_a_provider_whose_key_the_client_brings_counts() -> None:
    passed_on = provider("c", cred_store=CredStore.CLIENT)
    assert not offline(World(A, B, passed_on)).monitor.offline


def test_after_a_sleep_breakers_are_half_open_and_connections_closed() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.sleep(3600)
    world.monitor.used()
    assert world.sleeps == 1
    permit = world.monitor.begin(A)
    assert permit is not None
    assert permit.trial


def test_after_a_sleep_cooldowns_are_shorter_by_it() -> None:
    world = World(A, B)
    world.call(A, limited(300.0))
    world.clocks.sleep(200)
    world.monitor.used()
    assert world.monitor.condition(A).cooling_until_ms == world.clocks.wall_ms + 100_000


def test_after_a_sleep_an_offline_hub_tries_at_once() -> None:
    world = offline(World(A, B))
    world.clocks.sleep(3600)
    world.monitor.used()
    assert world.monitor.condition(A) is FINE


def test_an_ordinary_request_finds_no_sleep() -> None:
    world = World(A)
    world.clocks.advance(3600)
    world.monitor.used()
    assert world.sleeps == 0


def test_a_probe_that_fails_counts_as_an_error() -> None:
    world = World(A)
    for _ in range(5):
        permit = world.monitor.begin_probe(A, A.base_urls[0])
        assert permit is not None
        world.monitor.probed(permit, BROKEN)
    assert world.changes == [("a", HEALTHY, DEGRADED), ("a", DEGRADED, DOWN)]
    assert world.monitor.begin_probe(A, A.base_urls[0]) is None


def test_a_probe_brings_a_provider_back_on_trial() -> None:
    world = World(A)
    world.calls(A, BROKEN, 5)
    world.clocks.advance(30)
    permit = world.monitor.begin_probe(A, A.base_urls[0])
    assert permit is not None
    assert world.monitor.begin(A) is None
    world.monitor.probed(permit, WELL)
    assert world.monitor.of("a").state is DEGRADED
    world.call(A)
    assert world.monitor.of("a").state is HEALTHY


def test_a_probe_of_a_healthy_provider_changes_nothing() -> None:
    world = World(A)
    permit = world.monitor.begin_probe(A, A.base_urls[0])
    assert permit is not None
    world.monitor.probed(permit, WELL)
    assert world.changes == []


def test_a_provider_that_cools_down_is_not_probed() -> None:
    world = World(A)
    world.call(A, limited(60.0))
    assert world.monitor.begin_probe(A, A.base_urls[0]) is None


def test_a_probe_of_an_address_that_is_gone_is_ignored() -> None:
    world = World(A)
    permit = world.monitor.begin_probe(A, A.base_urls[0])
    assert permit is not None
    world.monitor.condition(provider("a", "https://elsewhere.example/v1"))
    world.monitor.probed(permit, WELL)
    assert world.monitor.of("a").state is HEALTHY


def test_the_registry_is_read_anew_each_time() -> None:
    world = World(A)
    world.registry.replace(Registry.build([A, B], ()))
    assert [one.provider_id for one in world.monitor.states()] == ["a", "b"]
