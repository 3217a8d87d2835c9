from tests.administration.office import AUTHOR
from tests.ctl.conftest import Shell
from tokenhub.health.monitor import CallEnd
from tokenhub.types import ErrorClass

URLS = ["https://a.example/v1", "https://b.example/v1"]


async def peopled(shell: Shell) -> None:
    pool = {"id": "pool", "type": "openai", "base_urls": URLS}
    await shell.office.providers.upsert(pool, AUTHOR)
    await shell.office.models.upsert({"id": "m", "provider_id": "pool"}, AUTHOR)


def call(shell: Shell, end: CallEnd) -> None:
    office = shell.office
    permit = office.health.begin(office.holder.current.providers["pool"])
    assert permit is not None
    office.health.finished(permit, "pool/m", end)


async def test_a_failing_endpoint_of_a_pool_is_named(shell: Shell) -> None:
    await peopled(shell)
    assert "FAILING ENDPOINTS" in (await shell("health")).out
    for _ in range(5):
        call(shell, CallEnd(ErrorClass.TRANSIENT))
    out = (await shell("health")).out
    assert "transient" in out
    assert any(f"{url} (degraded)" in out for url in URLS)
    assert (await shell("health", "--json")).json[0]["provider_id"] == "pool"


async def test_models_show_their_figures(shell: Shell) -> None:
    await peopled(shell)
    call(shell, CallEnd(latency_s=1.5, ttft_s=0.25, output_tokens=100))
    ran = await shell("engine", "models")
    assert ran.out.splitlines()[1].startswith("m      pool      healthy         1        1")
    assert (await shell("engine", "models", "--json")).json[0]["ttft_ms"] == 250
