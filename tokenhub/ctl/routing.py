"""`tokenhubctl routing`, `simulate` and `explain`: how models are chosen, and why."""

from tokenhub.ctl import explanation
from tokenhub.ctl.command import Call, Parsers, noun, verb
from tokenhub.ctl.fields import Field, add_arguments, names, read_object, switch

MODES = "cheap, normal, high_confidence, planning, adversarial or fast"
NULL = "(none: null in JSON)"
FIELDS = (
    Field("default_mode", str, MODES),
    Field("default_max_budget_usd", float, "USD a request, where the hub chooses the model"),
    Field("default_max_latency_ms", int, "milliseconds, where the hub chooses the model"),
    Field("max_budget_usd_ceiling", float, f"USD that no request may exceed {NULL}"),
    Field("max_latency_ms_ceiling", int, f"milliseconds that no request may exceed {NULL}"),
    Field("fallback", switch, "whether another model may stand in: true or false"),
    Field("named_fallback", str, "what a named model may become: equivalent, listed or none"),
    Field("backup_providers", names, "providers to prefer then, comma-separated"),
    Field("unknown_model", str, "refuse a name that nobody has, or route it as auto"),
    Field("hedge_after_ms", int, "milliseconds without an answer, then a second is asked; 0: off"),
    Field("hub_daily_usd", float, f"USD a day for all keys together {NULL}"),
    Field("hub_monthly_usd", float, f"USD a month for all keys together {NULL}"),
)
REQUEST = (
    Field("mode", str, MODES),
    Field("token_count", int, "tokens of input", flag="--tokens"),
    Field("max_budget_usd", float, "USD, at most 100"),
    Field("max_latency_ms", int, "milliseconds, at most 300000"),
    Field("min_weight", int, "0 to 10"),
    Field("model_hint", str, "the model asked for; the hub chooses if not given", flag="--model"),
    Field("capabilities", names, "what it needs: tools, vision, json, reasoning, embeddings"),
    Field("api", str, "chat (unless given), completions, messages or embeddings"),
    Field("stream", switch, "true or false"),
)
LABELS = {field.name: field.name for field in FIELDS}


def add(parsers: Parsers) -> None:
    """Add the commands to the command line."""
    verbs = noun(parsers, "routing", "how models are chosen")
    verb(verbs, "get", "show the routing configuration", get)
    add_arguments(verb(verbs, "set", "change some fields of it, at once", put), FIELDS)
    add_arguments(
        verb(
            parsers, "simulate", "show what a request would be sent to, sending nothing", simulate
        ),
        REQUEST,
    )
    why = verb(parsers, "explain", "show why a request went where it went", explain)
    why.add_argument("request_id", metavar="REQUEST_ID", help="its X-Request-Id")


async def get(call: Call) -> None:
    """Show the configuration."""
    call.out.record(await call.client.routing_config(), LABELS)


async def put(call: Call) -> None:
    """Change some fields of the configuration."""
    changes = read_object(call.args, FIELDS)
    call.out.record(await call.client.put_routing_config(changes), LABELS)


async def simulate(call: Call) -> None:
    """Show what would be decided."""
    answer = await call.client.simulate(read_object(call.args, REQUEST, may_be_empty=True))
    if not call.out.programs(answer):
        explanation.simulated(call.out, answer)


async def explain(call: Call) -> None:
    """Show why a request went where it went."""
    answer = await call.client.decision(call.args.request_id)
    if not call.out.programs(answer):
        explanation.decided(call.out, answer)
