"""The command `tokenhub`: its flags, its signals, its exit codes."""

import argparse
import asyncio
import gc
import logging
import math
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from tokenhub import __version__
from tokenhub.errors import StartError, TokenHubError
from tokenhub.tasks import Tasks

logger = logging.getLogger("tokenhub")

GC_THRESHOLDS: Final = (20_000, 50, 100)
"""Collect seldom: a collection of everything holds the loop for tens of milliseconds."""

RELOAD_TIMEOUT_S: Final = 60.0


class Runnable(Protocol):
    """What runs until a signal comes: a `tokenhub.hub.Hub`."""

    async def start(self) -> str:
        """Start everything; return the address. Raises StartError."""

    async def stop(self) -> None:
        """Drain, settle, close; when cancelled, leave out the rest of the drain only."""

    async def reload(self) -> None:
        """Read the configuration again. Raises StartError and changes nothing when it is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 1 for what cannot start (2 is usage)."""
    os.umask(0o077)
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.version:
            return _print_version()
        if parsed.command == "config":
            return _print_config(as_json=parsed.json)
        return _demo(parsed.seconds) if parsed.command == "demo" else _serve()
    except StartError as error:
        sys.stderr.write(f"tokenhub: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tokenhub", description="A personal LLM router.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("--headless", action="store_true", help="serve without a dashboard")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    text = "print the settings in force and where each came from, secrets masked"
    config = commands.add_parser("config", help=text, description=text)
    config.add_argument("--json", action="store_true", help="print them as JSON")
    text = "run a hub with simulated providers and sample traffic: no account, no network"
    demo = commands.add_parser("demo", help=text, description=text)
    demo.add_argument("--seconds", type=_seconds, metavar="N", help="end after N seconds")
    return parser


def _print_version() -> int:
    sys.stdout.write(f"tokenhub {__version__}\n")
    return 0


def _print_config(*, as_json: bool) -> int:
    import json

    from tokenhub import config

    settings = config.load()
    rows = config.describe(settings)
    if as_json:
        sys.stdout.write(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
        return 0
    path = config.config_file(settings.home)
    sys.stdout.write(f"{path}{'' if path.exists() else ' (not there)'}\n\n")
    table = [("VARIABLE", "IN THE FILE", "VALUE", "FROM")]
    table += [(row.name, row.in_file or "-", row.value, row.source) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    for warning in settings.warnings:
        sys.stderr.write(f"tokenhub: {warning}\n")
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return seconds


def _demo(seconds: float | None) -> int:
    from tokenhub.demo.run import run as run_demo
    from tokenhub.observe.logging import configure

    configure("warn")
    return asyncio.run(run_demo(seconds))


def _serve() -> int:
    from tokenhub import config

    settings = config.load()  # before the expensive imports: a wrong setting is told at once

    from tokenhub.hub import Hub
    from tokenhub.observe.logging import configure

    configure(settings.log_level)
    for warning in settings.warnings:
        logger.warning("%s", warning)
    asyncio.run(run(Hub(settings)))
    return 0


async def run(hub: Runnable) -> None:
    """Run `hub` until SIGINT or SIGTERM drain it (a second one ends the drain); SIGHUP reloads.

    Raises StartError.
    """
    control = Control(hub)
    actions = {
        signal.SIGINT: control.stop,
        signal.SIGTERM: control.stop,
        signal.SIGHUP: control.reload,
    }
    loop = asyncio.get_running_loop()
    for number, action in actions.items():
        loop.add_signal_handler(number, action)
    try:
        logger.info("listening on %s", await hub.start())
        _quieten_collector()
        await control.wait()
    finally:
        for number in actions:
            loop.remove_signal_handler(number)


def _quieten_collector() -> None:
    """Keep the garbage collector away from what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


class Control:
    """What signals do to a hub that runs."""

    def __init__(self, hub: Runnable) -> None:
        self._hub = hub
        self._tasks = Tasks()
        self._asked_to_stop = asyncio.Event()
        self._asked_to_reload = asyncio.Event()
        self._stopping: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Drain and stop; the second call ends the drain."""
        self._asked_to_stop.set()
        if self._stopping is not None and not self._stopping.cancelling():
            self._stopping.cancel()

    def reload(self) -> None:
        """Read the configuration again, after a reload that is under way."""
        self._asked_to_reload.set()

    async def wait(self) -> None:
        """Serve what is asked for until the hub has stopped."""
        reloads = self._tasks.start("reload", self._reload())
        await self._asked_to_stop.wait()
        logger.info("stopping: running requests may finish")
        reloads.cancel()
        self._stopping = self._tasks.start("stop", self._hub.stop())
        await asyncio.wait({self._stopping})
        await self._tasks.close()
        if not self._stopping.cancelled():
            self._stopping.result()

    async def _reload(self) -> None:
        while True:
            await self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            try:
                async with asyncio.timeout(RELOAD_TIMEOUT_S):
                    await self._hub.reload()
            except (TokenHubError, TimeoutError) as error:
                logger.error("not reloaded: %s", error)
            else:
                logger.info("reloaded")


if __name__ == "__main__":
    sys.exit(main())
