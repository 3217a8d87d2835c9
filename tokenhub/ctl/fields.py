"""Both ways to give an object: as JSON (`'{"id": "openai"}'`) or by flags (`--name openai`)."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tokenhub.ctl.command import UsageError


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the admin API as a flag: `name` in JSON; the flag is `--name` unless given."""

    name: str
    read: Callable[[str], Any]
    help: str
    flag: str = ""

    @property
    def option(self) -> str:
        """The flag's name on the command line."""
        return self.flag or "--" + self.name.replace("_", "-")


def names(value: str) -> list[str]:
    """Read a comma-separated list."""
    return [part.strip() for part in value.split(",") if part.strip()]


def switch(value: str) -> bool:
    """Read `true` or `false`."""
    known = {"true": True, "false": False}
    if value.lower() not in known:
        raise argparse.ArgumentTypeError(f"expected true or false, got {value!r}")
    return known[value.lower()]


def json_list(value: str) -> list[Any]:
    """Read a JSON list."""
    try:
        items = json.loads(value)
    except ValueError:
        items = None
    if not isinstance(items, list):
        raise argparse.ArgumentTypeError(f"expected a JSON list, got {value!r}")
    return items


def add_arguments(parser: argparse.ArgumentParser, fields: Sequence[Field]) -> None:
    """Let `parser` take the object as JSON, by flags, or both (a flag wins)."""
    parser.add_argument("object", nargs="?", metavar="JSON", help="the fields as a JSON object")
    for field in fields:
        parser.add_argument(
            field.option,
            dest=f"field_{field.name}",
            type=field.read,
            metavar="VALUE",
            help=field.help,
        )
    parser.set_defaults(fields=tuple(fields))


def read_object(
    args: argparse.Namespace, fields: Sequence[Field], *, may_be_empty: bool = False
) -> dict[str, Any]:
    """Return the object that the command line gives; raises `UsageError` where there is none.

    `may_be_empty` is for a command that means something without any field.
    """
    given = _parse(args.object) if args.object is not None else {}
    for field in fields:
        value = getattr(args, f"field_{field.name}")
        if value is not None:
            given[field.name] = value
    if not given and not may_be_empty:
        raise UsageError("nothing given: name the fields as a JSON object or by flags (see --help)")
    return given


def _parse(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"expected a JSON object, got {type(value).__name__}")
    return value
