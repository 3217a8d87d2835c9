import pytest
from aiohttp import web

from tests.api.edge import serving
from tokenhub.api.calls import credentials

KEY, OTHER = "tokenhub_" + "0" * 64, "tokenhub_" + "1" * 64


async def _found(*headers: str) -> list[str | None]:
    """The key and the provider's `Authorization` in a request with `headers`."""

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(credentials(request))

    async with serving([web.get("/", tell)]) as hub:
        found: list[str | None] = (await hub.get("/", *headers)).json
        return found


@pytest.mark.parametrize(
    ("headers", "key", "authorization"),
    [
        ((), None, None),
        ((f"Authorization: Bearer {KEY}",), KEY, None),
        ((f"authorization: bearer  {KEY} ",), KEY, None),
        ((f"x-api-key: {KEY}",), KEY, None),
        ((f"Authorization: Bearer {KEY}", f"x-api-key: {OTHER}"), KEY, None),
        ((f"X-TokenHub-Key: {KEY}", f"x-api-key: {OTHER}"), KEY, None),
        ((f"X-TokenHub-Key: {KEY}", "Authorization: Bearer own"), KEY, "Bearer own"),
        ((f"X-TokenHub-Key: {KEY}", "Authorization: Basic own"), KEY, "Basic own"),
    ],
)
async def test_the_key_is_found_in_each_of_its_places(
    headers: tuple[str, ...], key: str | None, authorization: str | None
) -> None:
    assert await _found(*headers) == [key, authorization]


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer  {OTHER}", KEY, f"Token {OTHER}"])
async def test_a_key_of_ours_is_never_for_a_provider(value: str) -> None:
    assert await _found(f"X-TokenHub-Key: {KEY}", f"Authorization: {value}") == [KEY, None]


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", KEY])
async def test_an_authorization_that_holds_no_key_leaves_it_to_the_other_header(value: str) -> None:
    assert await _found(f"Authorization: {value}", f"x-api-key: {KEY}") == [KEY, None]
    assert await _found(f"Authorization: {value}") == [None, None]
