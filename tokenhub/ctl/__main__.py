"""The entry of `tokenhubctl`: parse, ask, print; exit 0 done, 1 refused or unreachable, 2 usage."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from tokenhub import config
from tokenhub.ctl import apikey, hub, model, provider, routing, standing, target, vault
from tokenhub.ctl.command import Call, UsageError, add_json_flag
from tokenhub.ctl.output import Output
from tokenhub.errors import HubUnreachable, RequestError, TokenHubError
from tokenhub.text import clean

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (None: the process's own) and return the exit code."""
    args = _parser().parse_args(argv)
    try:
        asyncio.run(_run(args))
        sys.stdout.flush()
    except UsageError as error:
        return _failed(str(error), WRONG_USAGE)
    except RequestError as error:
        return _failed(_refusal(error, args), FAILED)
    except BrokenPipeError:  # the reader of our output has enough: `tokenhubctl model list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (TokenHubError, OSError) as error:
        return _failed(str(error), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


async def _run(args: argparse.Namespace) -> None:
    settings = config.load()
    token = target.token(settings)
    out = Output(sys.stdout, as_json=getattr(args, "json", False))
    if args.run is None:  # admin-token: no hub needs to run
        out.value(token)
        return
    hub_target = target.find(settings)
    from tokenhub.client import Client  # aiohttp takes longer to import than the rest together

    try:
        async with Client(hub_target.url, token) as client:
            await args.run(Call(client, args, out))
    except HubUnreachable as error:
        raise HubUnreachable(f"{error}: {_way_out(hub_target)}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tokenhubctl",
        description="Administer a TokenHub.",
        epilog=f"The hub is that of {target.URL_VARIABLE}, else the one running on this home, "
        f"else {target.DEFAULT_URL}. The token is that of {target.TOKEN_VARIABLE}, else of the "
        "home's token file.",
    )
    add_json_flag(parser)
    parsers = parser.add_subparsers(dest="noun", metavar="COMMAND", required=True)
    for nouns in (hub, vault, provider, model, routing, standing, apikey):
        nouns.add(parsers)
    return parser


def _refusal(error: RequestError, args: argparse.Namespace) -> str:
    if error.status == 401 and error.code == "invalid_admin_token":
        return (
            f"{error.message} (the token comes from {target.TOKEN_VARIABLE}, "
            "else from the home's token file)"
        )
    for field in getattr(args, "fields", ()):
        if error.message.startswith(f"{field.name}: "):
            return f"{field.name} ({field.option}){error.message[len(field.name) :]}"
    return error.message


def _way_out(hub_target: target.Target) -> str:
    if hub_target.source == target.URL_VARIABLE:
        return f"the address comes from {target.URL_VARIABLE}"
    return f"start it with 'tokenhub', or set {target.URL_VARIABLE}"


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"tokenhubctl: {clean(message)}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
