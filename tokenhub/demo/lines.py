"""What the demo prints: one line per decision, and a summary."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_SHOWN = frozenset({"route_success", "route_error"})


def decision_line(kind: str, fields: Mapping[str, Any]) -> str | None:
    """One line for an event of the hub, None for events that are no decisions."""
    if kind not in _SHOWN:
        return None
    mark = "ok  " if kind == "route_success" else "fail"
    ttft = fields.get("ttft_ms")
    timing = f"{fields.get('latency_ms') or 0:6.0f} ms"
    if ttft is not None:
        timing += f", first token {ttft:4.0f} ms"
    tail = (
        f"${fields.get('cost_usd') or 0:.6f}" if mark == "ok  " else str(fields.get("error_class"))
    )
    return (
        f"{clock(str(fields.get('timestamp', '')))} {mark} {fields.get('status')} "
        f"{fields.get('endpoint') or '':<21} {fields.get('model') or '-'} at "
        f"{fields.get('provider_id') or '-'} ({fields.get('reason') or '-'}) {timing}  {tail}"
    )


def clock(timestamp: str) -> str:
    """The time of day of an RFC 3339 timestamp, in the local zone."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "--:--:--"


def summary(stats: Mapping[str, Any]) -> list[str]:
    """The last lines: totals and one line for each model."""
    total = stats["global"]
    lines = [
        "",
        f"{total['requests']} requests, {total['errors']} failed, "
        f"{total['input_tokens']} tokens in, {total['output_tokens']} out, "
        f"${total['cost_usd']:.6f}",
    ]
    for name, row in _rows(stats["by_model"]):
        latency = row["latency_ms"].get("p50")
        shown = "-" if latency is None else f"{latency:.0f} ms"
        lines.append(
            f"  {name:<34} {row['requests']:>5} requests {row['errors']:>4} failed "
            f"{shown:>9} p50  ${row['cost_usd']:.6f}"
        )
    return lines


def _rows(by_model: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(by_model, Mapping):
        return sorted(by_model.items())
    return sorted((str(row.get("model") or row.get("id")), row) for row in by_model)
