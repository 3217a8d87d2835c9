import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tokenhub.errors import StartError
from tokenhub.storage.lock import InstanceLock

REPOSITORY = Path(__file__).parents[2]
CHILD = """
import pathlib, sys
from tokenhub.storage.lock import InstanceLock
lock = InstanceLock(pathlib.Path(sys.argv[1]))
lock.acquire()
lock.announce("http://127.0.0.1:8080")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_home_is_made_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    lock = InstanceLock(home)
    lock.acquire()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "lock").stat().st_mode) == 0o600
    lock.release()


def test_a_second_instance_is_told_pid_and_address_of_the_first(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    first.acquire()
    first.announce("http://127.0.0.1:8080")
    with pytest.raises(StartError, match=f"PID {os.getpid()}, http://127.0.0.1:8080"):
        InstanceLock(tmp_path).acquire()
    first.release()


def test_the_file_says_who_holds_the_lock(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.acquire()
    assert json.loads((tmp_path / "lock").read_bytes()) == {"pid": os.getpid(), "address": None}
    lock.announce("http://127.0.0.1:8080")
    expected = {"pid": os.getpid(), "address": "http://127.0.0.1:8080"}
    assert json.loads((tmp_path / "lock").read_bytes()) == expected
    lock.release()
    assert (tmp_path / "lock").read_bytes() == b""


def test_an_instance_that_does_not_listen_yet_is_starting(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    first.acquire()
    with pytest.raises(StartError, match=f"PID {os.getpid()}, still starting"):
        InstanceLock(tmp_path).acquire()
    first.release()


def test_an_instance_that_has_written_nothing_yet_is_refused_too(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path)
    first.acquire()
    (tmp_path / "lock").write_bytes(b"")
    with pytest.raises(StartError, match="already runs on"):
        InstanceLock(tmp_path).acquire()
    first.release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.acquire()
    lock.release()
    lock.release()
    again = InstanceLock(tmp_path)
    again.acquire()
    again.release()


def test_a_lock_that_is_not_held_announces_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        InstanceLock(tmp_path).announce("http://127.0.0.1:8080")


def test_a_killed_instance_leaves_the_home_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(StartError, match=f"PID {child.pid}, http://127.0.0.1:8080"):
            InstanceLock(tmp_path).acquire()
        child.kill()
    lock = InstanceLock(tmp_path)
    lock.acquire()
    lock.release()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="Not a directory"):
        InstanceLock(tmp_path / "file" / "home").acquire()
