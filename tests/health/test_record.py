from tests.health.world import provider
from tokenhub.health.record import Permit, Record
from tokenhub.health.state import HealthState
from tokenhub.types import ErrorClass

ONE, TWO = "http://10.0.0.1/v1", "http://10.0.0.2/v1"
POOL = provider("pool", ONE, TWO)


def pool() -> Record:
    return Record(POOL, remote=False, since_ms=0)


def kill(record: Record, url: str) -> None:
    """Five errors of an endpoint at time 0."""
    breaker = record.breaker(Permit("pool", url))
    assert breaker is not None
    for _ in range(5):
        breaker.failed(0.0, trial=False)
    record.refresh(0.0, 0, ErrorClass.TRANSIENT)


def turns(record: Record, now: float, times: int) -> list[str | None]:
    permits = [record.begin(now) for _ in range(times)]
    return [None if permit is None else permit.url for permit in permits]


def test_endpoints_take_turns() -> None:
    assert turns(pool(), 0.0, 4) == [ONE, TWO, ONE, TWO]


def test_a_dead_endpoint_is_passed_over() -> None:
    record = pool()
    kill(record, ONE)
    assert turns(record, 1.0, 3) == [TWO, TWO, TWO]


def test_a_dead_endpoint_gets_one_trial_after_its_wait() -> None:
    record = pool()
    kill(record, ONE)
    permits = [record.begin(30.0) for _ in range(4)]
    assert [permit for permit in permits if permit and permit.trial] == [Permit("pool", ONE, True)]


def test_a_pool_without_a_living_endpoint_cannot_be_called() -> None:
    record = pool()
    kill(record, ONE)
    kill(record, TWO)
    assert record.begin(1.0) is None
    assert not record.admits(1.0)


def test_a_pool_is_as_healthy_as_its_best_endpoint() -> None:
    record = pool()
    kill(record, ONE)
    assert record.health.state is HealthState.HEALTHY
    assert [endpoint.state for endpoint in record.endpoints()] == [
        HealthState.DOWN,
        HealthState.HEALTHY,
    ]


def test_the_state_before_is_told_when_it_changes() -> None:
    record = pool()
    kill(record, ONE)
    breaker = record.breaker(Permit("pool", TWO))
    assert breaker is not None
    breaker.failed(0.0, trial=False)
    assert record.refresh(0.0, 5, ErrorClass.TRANSIENT) is None
    breaker.failed(0.0, trial=False)
    assert record.refresh(0.0, 6, None) is HealthState.HEALTHY
    health = record.health
    assert (health.state, health.since_ms, health.consecutive_errors) == (
        HealthState.DEGRADED,
        6,
        2,
    )
    assert health.last_error_class is ErrorClass.TRANSIENT


def test_an_address_that_it_has_no_longer_has_no_breaker() -> None:
    assert pool().breaker(Permit("pool", "http://10.0.0.3/v1")) is None
