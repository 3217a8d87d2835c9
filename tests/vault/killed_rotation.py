"""Rotates copies of a database and kills itself before the 1st, 2nd, 3rd … SQL statement.

`python -m tests.vault.killed_rotation TEMPLATE FOLDER` leaves `FOLDER/<n>/tokenhub.sqlite` as
each kill left it; the last one was rotated to its end.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.vault.support import CHEAP, NOW_MS, OTHER, PASSWORD, audit
from tokenhub.storage.database import Database
from tokenhub.vault.vault import Vault

MOST_STATEMENTS = 100


def killer(before: int) -> Callable[[str], None]:
    seen = 0

    def traced(_statement: str) -> None:
        nonlocal seen
        if seen == before:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    return traced


async def rotate(path: Path, before: int) -> None:
    db = Database.open(path, now_ms=lambda: NOW_MS)
    vault = await Vault.load(db, now_ms=lambda: NOW_MS, cost=CHEAP)
    await vault.unlock(PASSWORD, lambda _: None)
    await db.write(lambda c: c.set_trace_callback(killer(before)))
    await vault.rotate(PASSWORD, OTHER, audit("vault.rotate"))
    os._exit(0)  # without closing: what was acknowledged is in the files


def main(template: Path, folder: Path) -> int:
    for before in range(MOST_STATEMENTS):
        copy = folder / str(before) / template.name
        copy.parent.mkdir(mode=0o700)
        shutil.copy(template, copy)
        child = os.fork()
        if child == 0:
            asyncio.run(rotate(copy, before))
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
