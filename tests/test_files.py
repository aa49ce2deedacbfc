"""Folders that one process keeps for itself."""

import errno
import fcntl
from pathlib import Path
from typing import Any

import pytest

from orbitfl.errors import OrbitflWarning, StorageError
from orbitfl.files import LOCK, locked


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_there_are_no_locks_work_goes_on_with_a_warning(tmp_path: Path, monkeypatch, code: int):
    def refuse(*_: Any) -> None:
        raise OSError(code, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(OrbitflWarning, match="cannot be locked"), locked(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).exists()
    assert not (tmp_path / "run" / LOCK).exists()


def test_another_fault_of_the_lock_is_told(tmp_path: Path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match="input/output error"), locked(tmp_path / "run"):
        pass
