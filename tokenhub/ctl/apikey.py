"""`tokenhubctl apikey`: the keys that client programs use."""

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


def add(parsers: Parsers) -> None:
    """Add the noun to the command line."""
    verbs = noun(parsers, "apikey", "the keys that client programs use")
    verb(verbs, "list", "list the keys", show)
    add_arguments(verb(verbs, "create", "create a key; it is shown once", create), FIELDS)
    rotation = verb(verbs, "rotate", "give a key a new value; the old one dies at once", rotate)
    rotation.add_argument("id")
    change = verb(verbs, "edit", "change some fields of a key", edit)
    change.add_argument("id")
    add_arguments(change, FIELDS)
    verb(verbs, "delete", "revoke a key", delete).add_argument("id")


async def show(call: Call) -> None:
    """List the keys."""
    call.out.rows(await call.client.api_keys(), COLUMNS)


async def create(call: Call) -> None:
    """Create a key and show it, once."""
    call.out.record(await call.client.create_api_key(read_object(call.args, FIELDS)), LABELS)


async def rotate(call: Call) -> None:
    """Give a key a new value and show it, once."""
    call.out.record(await call.client.rotate_api_key(call.args.id), LABELS)


async def edit(call: Call) -> None:
    """Change some fields of a key."""
    await call.client.edit_api_key(call.args.id, read_object(call.args, FIELDS))
    call.out.done(f"Key {call.args.id} is changed.")


async def delete(call: Call) -> None:
    """Revoke a key."""
    await call.client.delete_api_key(call.args.id)
    call.out.done(f"Key {call.args.id} is revoked.")
