from pathlib import Path

import aiohttp
import pytest

from tests.administration.office import ADMIN_TOKEN, office
from tests.api.admin.service import HEADERS, Caller, serving

ROUTES = [
    ("GET", "info"),
    ("GET", "vault"),
    ("POST", "vault/init"),
    ("POST", "vault/unlock"),
    ("POST", "vault/lock"),
    ("POST", "vault/rotate"),
    ("GET", "providers"),
    ("POST", "providers"),
    ("GET", "providers/presets"),
    ("GET", "providers/x"),
    ("PATCH", "providers/x"),
    ("DELETE", "providers/x"),
    ("GET", "providers/x/discover"),
    ("GET", "models"),
    ("POST", "models"),
    ("GET", "models/x"),
    ("PATCH", "models/x"),
    ("DELETE", "models/x"),
    ("GET", "apikeys"),
    ("POST", "apikeys"),
    ("GET", "apikeys/x"),
    ("PATCH", "apikeys/x"),
    ("DELETE", "apikeys/x"),
    ("POST", "apikeys/x/rotate"),
    ("GET", "routing-config"),
    ("PUT", "routing-config"),
    ("POST", "routing/simulate"),
    ("GET", "decisions"),
    ("GET", "decisions/x"),
    ("GET", "health"),
    ("GET", "engine/models"),
    ("GET", "logs"),
    ("GET", "stats"),
    ("GET", "events"),
    ("POST", "admin-token/rotate"),
    ("GET", "nothing/here"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_answers_without_the_admin_token(
    admin: Caller, method: str, path: str
) -> None:
    reply = await admin(method, path, headers={})
    assert reply.status == 401
    assert reply.json["error"]["code"] == "invalid_admin_token"


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer wrong", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN, "Bearer \xff"]
)
async def test_no_other_form_opens_it(admin: Caller, value: str) -> None:
    assert (await admin("GET", "info", headers={"Authorization": value})).status == 401


async def test_guessing_is_slowed_down_but_not_the_administrator(admin: Caller) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    guesses = [(await admin("GET", "info", headers=wrong)).status for _ in range(21)]
    assert guesses == [401] * 20 + [429]
    assert (await admin("GET", "info")).status == 200


async def test_the_administrator_has_a_limit_too(tmp_path: Path) -> None:
    async with (
        office(tmp_path) as assembled,
        serving(assembled, rps=2) as base,
        aiohttp.ClientSession(headers=HEADERS) as session,
    ):
        caller = Caller(base, session, assembled)
        replies = [await caller("GET", "info") for _ in range(5)]
    assert [reply.status for reply in replies] == [200] * 4 + [429]
    assert int(replies[-1].headers["Retry-After"]) >= 1


async def test_what_is_not_there_is_a_404_in_our_shape(admin: Caller) -> None:
    for method, path in [("GET", "aliases"), ("PUT", "provider"), ("GET", "")]:
        reply = await admin(method, path)
        assert reply.status == 404
        assert reply.json["error"]["code"] == "not_found"
        assert reply.headers["X-Request-Id"].startswith("req_")


async def test_another_method_is_a_405_that_names_those_there_are(admin: Caller) -> None:
    for method, path, allowed in [
        ("PUT", "providers", "GET, POST"),
        ("POST", "models/team/gpt-4", "DELETE, GET, PATCH"),
        ("GET", "vault/unlock", "POST"),
    ]:
        reply = await admin(method, path)
        assert (reply.status, reply.headers["Allow"]) == (405, allowed)
        assert reply.json["error"]["code"] == "method_not_allowed"
    assert (await admin("PUT", "providers", headers={})).status == 401
