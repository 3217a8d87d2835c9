import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.administration.office import ADMIN_TOKEN, Office, office
from tests.api.admin.service import serving
from tokenhub.ctl.__main__ import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self) -> bool:
        return True


class Shell:
    """Runs command lines as the console script does, with the hub of the test."""

    def __init__(
        self, office: Office, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.office, self._capsys, self.patch = office, capsys, patch
        self.person = False

    async def __call__(self, *argv: str, stdin: str = "") -> Ran:
        self.patch.setattr(sys, "stdin", Terminal() if self.person else io.StringIO(stdin))
        self._capsys.readouterr()
        code = await asyncio.to_thread(_run, argv)
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)


def _run(argv: tuple[str, ...]) -> int:
    try:
        return main(argv)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
async def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shell]:
    monkeypatch.setenv("TOKENHUB_HOME", str(tmp_path))
    monkeypatch.setenv("TOKENHUB_ADMIN_TOKEN", ADMIN_TOKEN)
    async with office(tmp_path) as assembled, serving(assembled) as base:
        monkeypatch.setenv("TOKENHUB_URL", base)
        yield Shell(assembled, capsys, monkeypatch)
