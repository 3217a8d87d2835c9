"""`tokenhubctl provider`: where models are called."""

import argparse
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tokenhub.ctl import passwords
from tokenhub.ctl.command import Call, Parsers, noun, verb
from tokenhub.ctl.fields import Field, add_arguments, names, read_object, switch

ID = Field("id", str, "the provider's id", flag="--name")
FIELDS = (
    Field("type", str, "openai, anthropic or vllm"),
    Field("preset", str, "a known provider (see 'provider presets')"),
    Field("base_url", str, "where it is, with or without the version path"),
    Field("base_urls", names, "several endpoints, comma-separated"),
    Field("api_key", str, "its key; better from standard input"),
    Field("cred_store", str, "where its key comes from: vault, env, none or client"),
    Field("key_env", str, "the variable that holds its key (cred_store env)"),
    Field("prefix", str, "the prefix that clients may put before its models' names"),
    Field("apis", names, "the APIs it has, comma-separated"),
    Field("auth_header", str, "the header that takes its key"),
    Field("timeout_secs", float, "seconds for a whole answer"),
    Field("proxy", str, "the proxy towards it"),
    Field("ca_file", str, "a file of certificates to trust"),
    Field("autoload_models", switch, "register discovered models, disabled: true or false"),
    Field("enabled", switch, "true or false"),
)

COLUMNS = {
    "id": "ID",
    "type": "TYPE",
    "base_url": "URL",
    "enabled": "ENABLED",
    "key": "KEY",
    "health.state": "HEALTH",
    "source": "SOURCE",
}
PRESET_COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "type": "TYPE",
    "base_url": "URL",
    "key_env": "KEY VARIABLE",
    "prefix": "PREFIX",
}
DISCOVERY_COLUMNS = {
    "id": "ID",
    "registered": "REGISTERED",
    "max_context_tokens": "CONTEXT",
    "input_per_1k": "INPUT USD/1K",
    "output_per_1k": "OUTPUT USD/1K",
}
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Where servers run that need no key."""


def add(parsers: Parsers) -> None:
    """Add the noun to the command line."""
    verbs = noun(parsers, "provider", "where models are called")
    verb(verbs, "list", "list the providers", show)
    creation = verb(verbs, "add", "create or update a provider", create)
    add_arguments(creation, (ID, *FIELDS))
    _add_key_flag(creation)
    change = verb(verbs, "edit", "change some fields of a provider", edit)
    change.add_argument("id")
    add_arguments(change, FIELDS)
    _add_key_flag(change)
    removal = verb(verbs, "delete", "remove a provider with its models and its key", delete)
    removal.add_argument("id")
    discovery = verb(verbs, "discover", "ask a provider which models it has", discover)
    discovery.add_argument("id")
    verb(verbs, "presets", "list the known providers", presets)


async def show(call: Call) -> None:
    """List the providers."""
    call.out.rows(await call.client.providers(), COLUMNS, _view)


async def create(call: Call) -> None:
    """Create or update a provider."""
    row = await call.client.add_provider(_object(call.args, (ID, *FIELDS)))
    call.out.done(f"Provider {row['id']} is stored ({row['base_url']}).", row)
    call.out.note(_next_step(row))


async def edit(call: Call) -> None:
    """Change some fields of a provider."""
    answer = await call.client.edit_provider(call.args.id, _object(call.args, FIELDS))
    detached = "key_detached" in answer
    note = " Its key was detached: give it again where it is needed." if detached else ""
    call.out.done(f"Provider {call.args.id} is changed.{note}", answer)


async def delete(call: Call) -> None:
    """Remove a provider."""
    await call.client.delete_provider(call.args.id)
    call.out.done(f"Provider {call.args.id} is deleted, with its models and its key.")


async def discover(call: Call) -> None:
    """List the models that a provider has."""
    models = await call.client.discover(call.args.id)
    call.out.rows(models, DISCOVERY_COLUMNS)
    if any(not model["registered"] for model in models):
        call.out.note(f"Use one of them: tokenhubctl model enable {call.args.id}/ID")


async def presets(call: Call) -> None:
    """List the known providers."""
    call.out.rows(await call.client.presets(), PRESET_COLUMNS)


def _view(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add where the key of a provider comes from."""
    match row["cred_store"]:
        case "client":
            key = "the client's own"
        case "none":
            key = "no key yet" if _lacks_key(row) else "none"
        case store:
            source = row["key_env"] if store == "env" else store
            key = source if row["has_key"] else f"not in {source}"
    return {**row, "key": key}


def _next_step(row: Mapping[str, Any]) -> str:
    if not _lacks_key(row):
        return f"See which models it has: tokenhubctl provider discover {row['id']}"
    if row["cred_store"] == "env":
        return f"No key yet: the hub was started without the variable {row['key_env']}."
    return f"No key yet: tokenhubctl provider edit {row['id']} --api-key-stdin"


def _lacks_key(row: Mapping[str, Any]) -> bool:
    """Tell whether a service that wants a key has none; vLLM and local servers go without."""
    free = row["type"] == "vllm" or row["cred_store"] == "client"
    return not (row["has_key"] or free or urlsplit(row["base_url"]).hostname in HERE)


def _add_key_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--api-key-stdin", action="store_true", help="read its key from standard input"
    )


def _object(args: argparse.Namespace, fields: tuple[Field, ...]) -> dict[str, Any]:
    if args.api_key_stdin:
        args.field_api_key = passwords.read_line("API key")
    return read_object(args, fields)
