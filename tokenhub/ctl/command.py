"""What every command is made of: its place in the parser, and what it is run with."""

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tokenhub.ctl.output import Output

if TYPE_CHECKING:
    from tokenhub.client import Client

Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class UsageError(Exception):
    """The command line is wrong in a way that argparse cannot see; exit code 2."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command: the hub to ask, the arguments given, where the answer goes."""

    client: "Client"
    args: argparse.Namespace
    out: Output


Run: TypeAlias = Callable[[Call], Awaitable[None]]


def noun(parsers: Parsers, name: str, help_text: str) -> Parsers:
    """Add the noun `name` and return where its verbs are added."""
    parser = parsers.add_parser(name, help=help_text, description=help_text)
    return parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)


def verb(parsers: Parsers, name: str, help_text: str, run: Run | None) -> argparse.ArgumentParser:
    """Add the command `name`, which calls `run`; return its parser for arguments.

    `run` None is for `admin-token`, which asks no hub.
    """
    parser = parsers.add_parser(name, help=help_text, description=help_text)
    add_json_flag(parser)
    parser.set_defaults(run=run)
    return parser


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Accept `--json` here too, so that it may stand before or after the command."""
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print the hub's answer as JSON",
    )
