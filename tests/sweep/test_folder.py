"""A sweep's folder, whatever a kill has left of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from orbitfl.errors import StorageError
from orbitfl.sweep.folder import SweepFolder

KILLED = """
import os, signal, sys
from pathlib import Path
from orbitfl.files import replacing
with replacing(Path(sys.argv[1])) as beside:
    beside.write_text('{"format"')
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_sweep_killed_while_it_wrote_its_manifest_is_begun_anew(tmp_path: Path):
    folder = SweepFolder(tmp_path / "sweep")
    subprocess.run([sys.executable, "-c", KILLED, str(folder.manifest)], check=False, timeout=60)
    assert [each.suffix for each in folder.path.iterdir()] == [".part"]
    folder.claim("name: a\n", [], seeds=1, resume=True)
    assert folder.manifest.exists()


@pytest.mark.parametrize("name", ["notes.txt", ".sweep.json.part", ".part"])
def test_what_is_anybodys_is_no_sweeps(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    with pytest.raises(StorageError, match="holds no sweep"):
        SweepFolder(tmp_path).claim("name: a\n", [], seeds=1, resume=True)
    assert (tmp_path / name).read_text() == "mine"
