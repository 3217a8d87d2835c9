"""Passwords and keys: typed without an echo, or read from standard input; never arguments only."""

import argparse
import getpass
import sys

from tokenhub.ctl.command import UsageError

FROM_STDIN = "--password-stdin"


def add_password_flag(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Let `parser` take the password from standard input."""
    parser.add_argument(FROM_STDIN, action="store_true", help=help_text)


def read_line(what: str) -> str:
    """Return the next line of standard input; raises `UsageError` when it is empty."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(f"expected {what} on standard input, got nothing")
    return line


def ask(what: str) -> str:
    """Ask the person at the terminal for `what`; raises `UsageError` where there is none."""
    if not sys.stdin.isatty():
        raise UsageError(f"no terminal to ask for {what}: give it with {FROM_STDIN}")
    return getpass.getpass(f"{what}: ")


def ask_twice(what: str) -> str:
    """Ask for something new, and once more, since nobody sees what was typed."""
    first = ask(what)
    if first != ask(f"{what} again"):
        raise UsageError("the two passwords differ: nothing was changed")
    return first
