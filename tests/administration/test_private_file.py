import os
from pathlib import Path

import pytest

from tokenhub.administration.private_file import MAX_BYTES, UnsafeFile, read_private


def private(path: Path, content: bytes = b"{}", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_private_file_is_read(tmp_path: Path) -> None:
    assert read_private(private(tmp_path / "credentials", b"content")) == b"content"


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_private(tmp_path / "credentials") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700])
def test_another_mode_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "credentials", mode=mode)
    with pytest.raises(UnsafeFile, match=f"run 'chmod 600 {path}'"):
        read_private(path)


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "credentials"
    link.symlink_to(private(tmp_path / "elsewhere"))
    with pytest.raises(UnsafeFile, match="symlink"):
        read_private(link)


@pytest.mark.parametrize("marker", ["folder", "file"])
def test_a_file_in_a_git_work_tree_is_refused(tmp_path: Path, marker: str) -> None:
    dot_git = tmp_path / ".git"
    dot_git.mkdir() if marker == "folder" else dot_git.write_text("gitdir: elsewhere")
    inner = tmp_path / "some" / "folder"
    inner.mkdir(parents=True)
    with pytest.raises(UnsafeFile, match="git work tree"):
        read_private(private(inner / "credentials"))


def test_a_work_tree_is_found_behind_a_linked_folder(tmp_path: Path) -> None:
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    private(tmp_path / "tree" / "credentials")
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    with pytest.raises(UnsafeFile, match="git work tree"):
        read_private(tmp_path / "link" / "credentials")


def test_a_named_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "credentials", 0o600)
    with pytest.raises(UnsafeFile, match="not a regular file"):
        read_private(tmp_path / "credentials")


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "credentials")
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(UnsafeFile, match="another user"):
        read_private(path)


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFile, match="larger than"):
        read_private(private(tmp_path / "credentials", b" " * (MAX_BYTES + 1)))


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFile, match="cannot be read"):
        read_private(private(tmp_path / "file") / "credentials")
