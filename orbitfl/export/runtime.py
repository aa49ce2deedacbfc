"""The board's runtime, a program of its own: orbitfl puts its source into bundles and calls it, but imports none."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from orbitfl.errors import OrbitflError, StorageError

PACKAGE = "orbitfl_edge"
BESIDE = ("LICENSE", "requirements.txt")
SHIPPED = (Path(__file__).parents[1] / "edge", Path(__file__).parents[2] / "hw")
"""Where the wheel carries the runtime, and where it lies in the repository."""


class RuntimeRefusedError(OrbitflError):
    """The runtime has not done what it was asked. code: its own, or 1 where a signal has ended it."""

    def __init__(self, code: int, refusal: str) -> None:
        super().__init__(refusal or f"The board's runtime ended with {code}.")
        self.code = max(code, 1)


def runtime_folder() -> Path:
    """The folder that holds the package. Raises StorageError where it is missing."""
    for folder in SHIPPED:
        if (folder / PACKAGE / "__main__.py").is_file():
            return folder
    raise StorageError(f"The board runtime {PACKAGE} is not with this orbitfl; install orbitfl again.")


def runtime_files() -> dict[str, bytes]:
    """Every file of the runtime by its path, licence and requirements included."""
    folder = runtime_folder()
    files = [path for path in sorted((folder / PACKAGE).iterdir()) if path.suffix == ".py" or path.name in BESIDE]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def started(arguments: Sequence[str | Path], streams: int) -> subprocess.Popen[str]:
    """The runtime at work, with what it prints and complains where `streams` says.

    Nothing is imported from the current folder, which may be that of a bundle nobody has checked yet.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", PACKAGE, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(runtime_folder()), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=streams,
        stderr=streams,
        text=True,
    )


def call(arguments: Sequence[str | Path]) -> str:
    """What the runtime prints; its progress goes to stderr. Raises RuntimeRefusedError with its own sentence and code.

    It is stopped, and keeps what it has done, where this process is.
    """
    with started(arguments, subprocess.PIPE) as process:
        try:
            refusal = _forwarded(process.stderr or ())
            told = process.stdout.read() if process.stdout else ""
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise RuntimeRefusedError(process.returncode, refusal)
    return told


def _forwarded(lines: Iterable[str]) -> str:
    """Let the runtime's progress through to stderr as it comes; returns the last line, without its name."""
    last = ""
    for line in lines:
        if not line.startswith(f"{PACKAGE}: "):
            print(line, end="", file=sys.stderr, flush=True)
        last = line.removeprefix(f"{PACKAGE}: ").strip() or last
    return last
