"""Passwords and keys: typed without an echo, or read from standard input; never arguments only."""

import argparse
import getpass
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tokenhub.ctl.command import UsageError

FROM_STDIN = "--password-stdin"


def add_password_flag(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Let `parser` take the password from standard input."""
    parser.add_argument(FROM_STDIN, action="store_true", help=help_text)


def read_line(what: str) -> str:
    """Return the next line of standard input; raises `UsageError` when it is empty.

    A person at a terminal is asked for it, without an echo.
    """
    line = ask(what) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(f"expected the {what} on standard input, got nothing")
    return line


def ask(what: str) -> str:
    """Ask the person at the terminal for `what`; raises `UsageError` where there is none."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"no terminal to ask for the {what}: give it on standard input with {FROM_STDIN}"
        )
    try:
        with _interruptible():
            return getpass.getpass(f"{what[0].upper()}{what[1:]}: ")
    except EOFError:
        raise UsageError(f"expected the {what}, nothing was typed") from None


def ask_twice(what: str) -> str:
    """Ask for something new, and once more, since nobody sees what was typed."""
    first = ask(what)
    if first != ask(f"{what} again"):
        raise UsageError("the two passwords differ: nothing was changed")
    return first


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl+C end what waits here: asyncio's handler would only mark the task as cancelled."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals never come to another thread
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
