"""`tokenhubctl status`, `admin-token` and `rotate-admin-token`: the hub itself."""

from collections.abc import Mapping
from typing import Any

from tokenhub.ctl.command import Call, Parsers, verb

LABELS = {
    "listen_addr": "address",
    "version": "version",
    "pid": "process",
    "home": "home",
    "uptime_s": "up for",
    "vault_state": "vault",
    "providers": "providers",
    "models": "models",
}


def add(parsers: Parsers) -> None:
    """Add the commands to the command line."""
    verb(parsers, "status", "show the running hub", status)
    verb(parsers, "admin-token", "print the admin token", None)
    verb(parsers, "rotate-admin-token", "replace the admin token at once", rotate_admin_token)


async def status(call: Call) -> None:
    """Show the running hub."""
    call.out.record(await call.client.info(), LABELS, _view)


async def rotate_admin_token(call: Call) -> None:
    """Replace the admin token and print the new one."""
    call.out.value(await call.client.rotate_admin_token())


def _view(info: Mapping[str, Any]) -> Mapping[str, Any]:
    models = f"{info['models']}, of them enabled: {info['models_enabled']}"
    return {**info, "uptime_s": _duration(int(info["uptime_s"])), "models": models}


def _duration(seconds: int) -> str:
    """Return the two greatest units of a time: `2 d 5 h`, `12 s`."""
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
