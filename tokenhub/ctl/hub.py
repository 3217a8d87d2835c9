"""`tokenhubctl status`, `admin-token` and `rotate-admin-token`: the hub itself."""

from tokenhub.ctl.command import Call, Parsers, verb

LABELS = {
    "listen_addr": "address",
    "version": "version",
    "pid": "process",
    "home": "home",
    "uptime_s": "up for seconds",
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
    call.out.record(await call.client.info(), LABELS)


async def rotate_admin_token(call: Call) -> None:
    """Replace the admin token and print the new one."""
    call.out.value(await call.client.rotate_admin_token())
