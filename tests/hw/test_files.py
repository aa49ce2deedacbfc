"""Files and folders that appear whole or not at all, whoever dies or comes between."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from orbitfl_edge.files import held, new_folder, replacing
from orbitfl_edge.problems import EdgeError

KILLED = """
import os, signal, sys
from pathlib import Path
from orbitfl_edge.files import new_folder, replacing
with replacing(Path(sys.argv[1]) / "file") as file, new_folder(Path(sys.argv[1]) / "folder") as folder:
    file.write_text("half")
    (folder / "strange").mkdir()
    (folder / "strange" / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_gone_with_the_next(repository: Path, tmp_path: Path):
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(words, env={"PYTHONPATH": str(repository / "hw")}).returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    with replacing(tmp_path / "file") as file, new_folder(tmp_path / "folder") as folder:
        file.write_text("whole")
        (folder / "own").write_text("whole")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "own"]
    assert (tmp_path / "file").read_text() == "whole"


def test_a_folder_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A loss of power would leave a folder of empty files otherwise."""
    synced, sync = [], os.fsync

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, (tmp_path / "out").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with new_folder(tmp_path / "out") as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("whole")
    inner = {path.stat().st_ino for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))}
    assert {number for number, named in synced if not named} == inner
    assert synced[-1] == (tmp_path.stat().st_ino, True)


def test_what_fails_leaves_nothing(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file") as file, new_folder(tmp_path / "folder"):
        file.write_text("half")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_what_was_removed_meanwhile_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Or a third process could hold a file of the same name."""
    path, locked = tmp_path / "lock", fcntl.flock
    path.touch()

    def late(descriptor: int, how: int) -> None:
        path.unlink()
        locked(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(EdgeError, match="busy"), held(path, "busy"):
        pass


@pytest.mark.parametrize("make", [replacing, new_folder])
def test_two_do_not_write_one_thing(tmp_path: Path, make):
    with make(tmp_path / "out") as beside:
        with pytest.raises(EdgeError, match="Another process"), make(tmp_path / "out"):
            pass
        if beside.is_file():
            beside.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
