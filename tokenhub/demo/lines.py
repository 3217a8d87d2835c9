"""What the demo prints: a line for each decision, failed call and change of health; a summary."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

LINE_CHARS: Final = 120
NO_MODEL: Final = "no model"
_DECIDED = frozenset({"route_success", "route_error"})


def event_line(kind: str, fields: Mapping[str, Any]) -> str | None:
    """One line for an event of the hub, None for events that the demo is not about."""
    if kind in _DECIDED:
        return _decision(kind, fields)
    time = clock(str(fields.get("timestamp", "")))
    if kind == "attempt_failed":
        where = f"{_short(fields.get('model_id'))}@{fields.get('provider_id')}"
        return f"{time}   .. {where} failed: {fields.get('error_class')}"
    if kind == "health_changed" and fields.get("provider_id"):
        return f"{time}   !! {fields['provider_id']} is {fields.get('state')}"
    return None


def _decision(kind: str, fields: Mapping[str, Any]) -> str:
    well = kind == "route_success"
    latency, ttft = fields.get("latency_ms") or 0, fields.get("ttft_ms")
    parts = (
        clock(str(fields.get("timestamp", ""))),
        "ok  " if well else "fail",
        str(fields.get("status")),
        f"{str(fields.get('endpoint') or '').removeprefix('/v1/'):16}",
        f"{_served_by(fields):33}",
        f"{latency:5.0f} ms",
        " " * 14 if ttft is None else f"first {ttft:5.0f} ms",
        f"{money(fields.get('cost_usd') or 0):>11}",
        _why(fields) if well else str(fields.get("error_class")),
    )
    return " ".join(parts)[:LINE_CHARS].rstrip()


def clock(timestamp: str) -> str:
    """The time of day of an RFC 3339 timestamp, in the local zone."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "--:--:--"


def money(usd: float) -> str:
    """An amount with four decimals, a tiny one with its first two digits that are not zero."""
    if not usd:
        return "$0"
    return f"${usd:.{max(4, 1 - math.floor(math.log10(usd)))}f}"


def summary(stats: Mapping[str, Any]) -> list[str]:
    """The last lines: totals and one line for each model, which add up to them."""
    total, by_model = stats["global"], stats["by_model"]
    lines = [
        "",
        f"{total['requests']} requests, {total['errors']} failed, "
        f"{total['input_tokens']} tokens in, {total['output_tokens']} out, "
        f"{money(total['cost_usd'])}",
    ]
    lines += [_model_line(name, by_model[name]) for name in sorted(by_model)]
    unserved = total["requests"] - sum(row["requests"] for row in by_model.values())
    if unserved:
        row = {"requests": unserved, "errors": unserved, "cost_usd": 0, "latency_ms": {}}
        lines.append(_model_line(NO_MODEL, row))
    return lines


def _model_line(name: str, row: Mapping[str, Any]) -> str:
    latency = row["latency_ms"].get("p50")
    shown = "-" if latency is None else f"{latency:.0f} ms"
    return (
        f"  {name:<34} {row['requests']:>5} requests {row['errors']:>4} failed "
        f"{shown:>9} p50  {money(row['cost_usd']):>11}"
    )


def _served_by(fields: Mapping[str, Any]) -> str:
    model, provider_id = fields.get("model"), fields.get("provider_id")
    return f"{_short(model)}@{provider_id}" if model else NO_MODEL


def _why(fields: Mapping[str, Any]) -> str:
    """Why this model: the one it stands in for, else the reason of the routing."""
    asked, model = fields.get("model_requested"), fields.get("model")
    if asked and asked != model:
        return f"for {_short(asked)}"
    return str(fields.get("reason") or "-")


def _short(model: object) -> str:
    """The name of a model without its organisation."""
    return str(model).rpartition("/")[2]
