"""Every answer under `/v1` is one request in the metrics, whoever gave it."""

from collections import Counter

from tests.road.asking import VERSION, chat, post
from tests.support.world import World

STATUSES = "tokenhub_requests_total{"


async def _counted(world: World) -> Counter[str]:
    """How many requests the metrics show, by status."""
    async with world.http.get(world.url + "/metrics") as response:
        lines = (await response.text()).splitlines()
    found: Counter[str] = Counter()
    for line in lines:
        if line.startswith(STATUSES):
            found[line.partition('status="')[2][:3]] += int(float(line.rpartition(" ")[2]))
    return found


async def test_each_answered_request_is_counted_once() -> None:
    async with World() as world:
        path = "/v1/chat/completions"
        limited = await world.admin.create_api_key({"name": "k", "scopes": ["embeddings"]})
        answered = [
            await post(world, path, chat()),
            await post(world, path, chat() | {"stream": True}),
            await post(world, path, b"no JSON"),
            await post(world, path, chat("no-such-model")),
            await post(world, path, chat(), Authorization="Bearer tokenhub_unknown"),
            await post(world, path, chat(), Authorization=f"Bearer {limited['key']}"),
            await post(world, path, chat(), Origin="https://evil.example"),
            await post(world, path, chat(), **{"Content-Type": "text/plain"}),
            await post(world, "/v1/nowhere", chat()),
            await post(world, "/v1/models", chat()),
        ]
        async with world.http.get(
            world.url + "/v1/models", headers={"x-api-key": world.key} | VERSION
        ) as listed:
            statuses = [listed.status, *(one.status for one in answered)]
        assert await _counted(world) == Counter(map(str, statuses))
        assert sorted(statuses) == [200, 200, 200, 400, 401, 403, 403, 404, 404, 405, 415]
