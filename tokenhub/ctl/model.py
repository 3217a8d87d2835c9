"""`tokenhubctl model`: the models that providers are called for."""

from tokenhub.ctl.command import Call, Parsers, noun, verb
from tokenhub.ctl.fields import Field, add_arguments, json_list, names, read_object, switch

KEY = (
    Field("id", str, "the name that clients use"),
    Field("provider_id", str, "the provider that has it", flag="--provider"),
)
FIELDS = (
    Field("upstream_name", str, "the provider's own name of it"),
    Field("weight", int, "how capable it is, 0 to 10"),
    Field("max_context_tokens", int, "tokens of input and output together"),
    Field("max_output_tokens", int, "tokens of output at most"),
    Field("input_per_1k", float, "USD per 1,000 input tokens"),
    Field("output_per_1k", float, "USD per 1,000 output tokens"),
    Field("cached_input_per_1k", float, "USD per 1,000 input tokens read from the cache"),
    Field("cache_write_per_1k", float, "USD per 1,000 input tokens written to the cache"),
    Field("cache_write_5m_per_1k", float, "the same, kept for five minutes"),
    Field("cache_write_1h_per_1k", float, "the same, kept for an hour"),
    Field("tiers", json_list, "prices of long inputs, as a JSON list"),
    Field("fallbacks", names, "models to try next, comma-separated"),
    Field("capabilities", names, "what it can do: tools, vision, json, reasoning, embeddings"),
    Field("enabled", switch, "true or false"),
)

COLUMNS = {
    "id": "ID",
    "provider_id": "PROVIDER",
    "enabled": "ENABLED",
    "weight": "WEIGHT",
    "max_context_tokens": "CONTEXT",
    "input_per_1k": "INPUT USD/1K",
    "output_per_1k": "OUTPUT USD/1K",
    "pricing_source": "PRICES FROM",
}

WHICH = "PROVIDER/ID, or the ID alone where one provider has it"


def add(parsers: Parsers) -> None:
    """Add the noun to the command line."""
    verbs = noun(parsers, "model", "the models that providers are called for")
    verb(verbs, "list", "list the models", show)
    add_arguments(verb(verbs, "add", "create or update a model", create), (*KEY, *FIELDS))
    change = verb(verbs, "edit", "change some fields of a model", edit)
    change.add_argument("id", help=WHICH)
    add_arguments(change, FIELDS)
    verb(verbs, "delete", "remove a model", delete).add_argument("id", help=WHICH)
    switch_on = verb(verbs, "enable", "switch a model on, registering a known one", enable)
    switch_on.add_argument("id", help=WHICH)
    verb(verbs, "disable", "switch a model off", disable).add_argument("id", help=WHICH)


async def show(call: Call) -> None:
    """List the models."""
    call.out.rows(await call.client.models(), COLUMNS)


async def create(call: Call) -> None:
    """Create or update a model."""
    row = await call.client.add_model(read_object(call.args, (*KEY, *FIELDS)))
    call.out.done(f"Model {row['provider_id']}/{row['id']} is stored.", row)


async def edit(call: Call) -> None:
    """Change some fields of a model."""
    await call.client.edit_model(call.args.id, read_object(call.args, FIELDS))
    call.out.done(f"Model {call.args.id} is changed.")


async def delete(call: Call) -> None:
    """Remove a model."""
    await call.client.delete_model(call.args.id)
    call.out.done(f"Model {call.args.id} is deleted.")


async def enable(call: Call) -> None:
    """Switch a model on."""
    await call.client.edit_model(call.args.id, {"enabled": True})
    call.out.done(f"Model {call.args.id} is enabled.")


async def disable(call: Call) -> None:
    """Switch a model off."""
    await call.client.edit_model(call.args.id, {"enabled": False})
    call.out.done(f"Model {call.args.id} is disabled.")
