import os
import resource
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tokenhub.storage.database import Database

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tokenhub.sqlite"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    opened = Database.open(path, now_ms=lambda: 1)
    yield opened
    await opened.close()


@pytest.fixture
def plain_user_home() -> Iterator[Path]:
    """A folder owned by who runs the test, who is not root: root may write everywhere."""
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, NOBODY if os.geteuid() == 0 else -1, -1)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@contextmanager
def _no_file_beyond(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def no_file_beyond() -> Callable[[int], AbstractContextManager[None]]:
    """Makes every write past a size fail in the kernel, as on a full disk."""
    return _no_file_beyond
