"""Every curl line of seed 002, with the token header added; one test a line.

The lines are run as a shell would split them, by a curl of ours that goes to the hub of the test
instead of to localhost:8080.
"""

import json
import shlex

import pytest

from tests.administration.office import PASSWORD
from tests.api.admin.service import HEADERS, Caller, Reply
from tokenhub.simulator import Simulator

CREATE = """curl -X POST http://localhost:8080/admin/v1/providers \\
  -H "Content-Type: application/json" \\
  -d '{
    "id": "openai-prod",
    "type": "openai",
    "enabled": true,
    "base_url": "https://api.openai.com",
    "cred_store": "vault",
    "api_key": "sk-..."
  }'"""
LIST = "curl http://localhost:8080/admin/v1/providers"
EDIT = """curl -X PATCH http://localhost:8080/admin/v1/providers/openai \\
  -H "Content-Type: application/json" \\
  -d '{"base_url": "https://api.openai.com", "enabled": true}'"""
DELETE = "curl -X DELETE http://localhost:8080/admin/v1/providers/openai-staging"
DISCOVER = "curl http://localhost:8080/admin/v1/providers/openai/discover"


@pytest.fixture
async def admin(admin: Caller) -> Caller:
    """A hub with an open vault and the providers that the lines name."""
    await admin("POST", "vault/init", {"admin_password": PASSWORD})
    for name in ("openai", "openai-staging"):
        given = {"id": name, "type": "openai", "base_url": "https://api.openai.com"}
        await admin("POST", "providers", given)
    return admin


async def run(admin: Caller, line: str) -> Reply:
    """Run a curl line as written, against the test's hub."""
    words = iter(shlex.split(line.replace("\\\n", " "))[1:])
    method, headers, body, url = "GET", dict(HEADERS), None, ""
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                url = word.replace("http://localhost:8080", admin.base)
    async with admin.session.request(method, url, headers=headers, data=body) as response:
        text = await response.text()
        return Reply(response.status, response.headers, text, json.loads(text))


async def test_create_or_update_a_provider(admin: Caller) -> None:
    reply = await run(admin, CREATE)
    assert reply.status == 201
    assert reply.json["ok"] is True
    assert reply.json["has_key"] is True
    assert "sk-..." not in reply.text
    assert admin.office.vault.reveal("provider:openai-prod") == "sk-..."
    assert (await run(admin, CREATE)).status == 200


async def test_list_providers(admin: Caller) -> None:
    reply = await run(admin, LIST)
    assert reply.status == 200
    assert [item["id"] for item in reply.json["items"]] == ["openai", "openai-staging"]
    assert reply.json["items"][0]["base_url"] == "https://api.openai.com/v1"
    assert reply.json["items"][0]["source"] == "store"


async def test_edit_a_provider(admin: Caller) -> None:
    await admin("PATCH", "providers/openai", {"enabled": False})
    reply = await run(admin, EDIT)
    assert (reply.status, reply.json) == (200, {"ok": True})
    assert (await admin("GET", "providers/openai")).json["enabled"] is True


async def test_delete_a_provider(admin: Caller) -> None:
    reply = await run(admin, DELETE)
    assert (reply.status, reply.json) == (200, {"ok": True})
    assert (await admin("GET", "providers/openai-staging")).status == 404


async def test_discover_models(admin: Caller) -> None:
    simulator = Simulator("openai", models=["gpt-4o"], api_key="sk-sim")
    base = await simulator.start()
    try:
        await admin("PATCH", "providers/openai", {"base_url": base, "api_key": "sk-sim"})
        reply = await run(admin, DISCOVER)
    finally:
        await simulator.close()
    assert reply.status == 200
    (model,) = reply.json["models"]
    assert (model["id"], model["registered"]) == ("gpt-4o", False)


async def test_the_audit_trail_names_the_mutations_as_the_seed_does(admin: Caller) -> None:
    for line in (CREATE, EDIT, DELETE):
        await run(admin, line)
    actions = [action for action, _, _ in await admin.office.audit()]
    assert actions[-3:] == ["provider.upsert", "provider.patch", "provider.delete"]
