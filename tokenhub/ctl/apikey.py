"""`tokenhubctl apikey`: the keys that client programs use."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tokenhub.ctl.command import Call, Parsers, noun, verb
from tokenhub.ctl.fields import Field, add_arguments, names, read_object, switch

FIELDS = (
    Field("name", str, "who uses it"),
    Field("scopes", names, "chat, plan, embeddings, models, comma-separated; all if not given"),
    Field("allowed_models", names, "globs of the models it may use, comma-separated"),
    Field("expires_in", str, "a number with s, m, h or d: 720h, 30d"),
    Field("monthly_budget_usd", float, "USD a calendar month"),
    Field("rate_limit_rps", float, "requests a second"),
    Field("rate_limit_burst", int, "requests at once"),
    Field("enabled", switch, "true or false"),
)

COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "prefix": "KEY",
    "enabled": "ENABLED",
    "scopes": "SCOPES",
    "allowed_models": "MODELS",
    "monthly_budget_usd": "USD/MONTH",
    "expires_at": "EXPIRES",
}

LABELS = {"id": "id", "name": "name", "key": "key"}
WHICH = "its ID, or its name where no other key has it"


def add(parsers: Parsers) -> None:
    """Add the noun to the command line."""
    verbs = noun(parsers, "apikey", "the keys that client programs use")
    verb(verbs, "list", "list the keys", show)
    add_arguments(verb(verbs, "create", "create a key; it is shown once", create), FIELDS)
    rotation = verb(verbs, "rotate", "give a key a new value; the old one dies at once", rotate)
    rotation.add_argument("id", help=WHICH)
    change = verb(verbs, "edit", "change some fields of a key", edit)
    change.add_argument("id", help=WHICH)
    add_arguments(change, FIELDS)
    verb(verbs, "delete", "revoke a key", delete).add_argument("id", help=WHICH)


async def show(call: Call) -> None:
    """List the keys."""
    call.out.rows(await call.client.api_keys(), COLUMNS, _view)


async def create(call: Call) -> None:
    """Create a key and show it, once."""
    call.out.record(await call.client.create_api_key(read_object(call.args, FIELDS)), LABELS)
    _explain(call)


async def rotate(call: Call) -> None:
    """Give a key a new value and show it, once."""
    call.out.record(await call.client.rotate_api_key(call.args.id), LABELS)
    _explain(call)


async def edit(call: Call) -> None:
    """Change some fields of a key."""
    await call.client.edit_api_key(call.args.id, read_object(call.args, FIELDS))
    call.out.done(f"Key {call.args.id} is changed.")


async def delete(call: Call) -> None:
    """Revoke a key."""
    await call.client.delete_api_key(call.args.id)
    call.out.done(f"Key {call.args.id} is revoked.")


def _view(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say in words what a key may do, and that it no longer may."""
    expires = row["expires_at"]
    expired = expires is not None and datetime.fromisoformat(expires) <= datetime.now(UTC)
    return {
        **row,
        "enabled": "expired" if expired else row["enabled"],
        "scopes": row["scopes"] or "all",
        "allowed_models": row["allowed_models"] or "all",
    }


def _explain(call: Call) -> None:
    call.out.note("The key is shown this once. Give it to a program as its API key, with the")
    call.out.note(f"base URL {call.client.url}/v1 (Anthropic's clients: {call.client.url}).")
