"""`python -m tokenhub.simulator --kind openai --port 9001`: one simulated provider, by itself."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence

from tokenhub.simulator.profile import Profile
from tokenhub.simulator.server import Simulator
from tokenhub.types import ProviderType


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The flags; exits with a message for wrong ones."""
    parser = argparse.ArgumentParser(prog="python -m tokenhub.simulator", description=__doc__)
    parser.add_argument("--kind", choices=[kind.value for kind in ProviderType], default="openai")
    parser.add_argument("--port", type=int, default=0, help="0: a free one (default)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--key", help="refuse every other key")
    parser.add_argument("--models", nargs="+", help="instead of the usual ones")
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--tokens-per-s", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=0.0)
    return parser.parse_args(arguments)


async def serve(flags: argparse.Namespace) -> None:
    """Print the base URL and serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    profile = Profile(ttft_ms=flags.ttft_ms, tokens_per_s=flags.tokens_per_s, jitter=flags.jitter)
    simulator = Simulator(flags.kind, profile, flags.seed, models=flags.models, api_key=flags.key)
    sys.stdout.write(await simulator.start(flags.port) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await simulator.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 1 with a message when the port is taken."""
    flags = parse(arguments)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(flags))
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {flags.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
