"""Writing files and folders so that a reader never meets half of one, and reading what anybody may have written."""

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orbitfl.errors import OrbitflWarning, StorageError

LARGEST_OBJECT_BYTE = 10_000_000
LOCK = ".lock"
"""The file by which a process tells that it works in a folder; it is taken away at the end."""
LONGEST_STEM = 200
"""A name on disk has at most 255 bytes, with an ending, and with another while it is written."""
SAFE = " ()[]{}+,;=@&!~'^$#"
"""What may stand in the name of a file besides letters and digits."""
LETTING_GO_S = 5.0
"""How long a process that was just killed may take to be gone."""
_HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{8}\.part")


def stem_of(name: str) -> str:
    """A file's name, but for its ending, for what may be called anything, `../x` too."""
    return quote(name, safe=SAFE)


def lies_in(path: Path, place: Path) -> bool:
    """Whether `path` is `place` or below it, where all links lead; links that go round are taken as they stand."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(place))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` only if the block ends well.

    Raises StorageError when the disk is full or the place cannot be written; nothing is left behind then.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        _sync(beside)
        beside.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to fill; it takes the name `folder` only if the block ends well.

    Raises StorageError if `folder` holds something already or the place cannot be written; nothing is left behind then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(f"{folder} exists and is not empty; choose another folder or move this one away first.")
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        beside.mkdir(parents=True)
        yield beside
        # On POSIX a folder replaces an empty one; should another have filled it meanwhile, this fails and says so.
        beside.replace(folder)
    except OSError as error:
        raise StorageError(
            f"{folder} could not be written: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep everybody else out of `folder`, which is made if need be, while the block runs; it ends with the process.

    A file system that knows no locks, as some of clusters are, keeps nobody out, which a warning says. Raises
    StorageError if another has it, whether in another process or in this one, or the place cannot be written.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path)
    except OSError as error:
        raise StorageError(
            f"{folder} could not be written: {error.strerror or error}. Free some space or choose another place."
        ) from error
    if descriptor is None:
        raise StorageError(f"{folder} is being worked in by another process; wait until that ends, or end it.")
    try:
        yield
    finally:
        # Where the folder is gone, another may have made it anew.
        if _is_at(path, descriptor):
            path.unlink()
        os.close(descriptor)


def _locked(path: Path) -> int | None:
    """The open file at `path` with its lock, which ends with the process at the latest; None if another keeps it."""
    until_s = time.monotonic() + LETTING_GO_S
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with suppress(BlockingIOError):
            _flock(path, descriptor)
            # Who had it may have taken the file away in between.
            if _is_at(path, descriptor):
                return descriptor
        os.close(descriptor)
        if time.monotonic() > until_s:
            return None
        time.sleep(0.05)


def _flock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        warnings.warn(f"{path.parent} cannot be locked; let no other process work there.", OrbitflWarning, stacklevel=2)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def half_written(folder: Path) -> list[Path]:
    """What killed writers of `replacing` have left anywhere in `folder`: nobody will ever finish it."""
    return [path for path in sorted(folder.rglob(".*.part")) if is_half_written(path)]


def is_half_written(path: Path) -> bool:
    return path.is_file() and _HALF_WRITTEN.fullmatch(path.name) is not None


def at_home(path: str) -> Path:
    """The path, `~` and `~user` standing for a home. Raises StorageError for a user who has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise StorageError(f"{path} begins at a home that is not there; write the whole path.") from error


def cache_folder() -> Path:
    """ORBITFL_CACHE if set, otherwise orbitfl's folder in the user's cache. Raises as `at_home`."""
    if chosen := os.environ.get("ORBITFL_CACHE"):
        return at_home(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orbitfl"


def read_regular(path: Path, largest_byte: int) -> bytes:
    """What is in a file that anybody may have put there; a pipe or a device may never end.

    Raises OSError, or ValueError saying what is wrong: it is none, or has more than `largest_byte`.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is a pipe or a device, not a file")
    with path.open("rb") as file:
        content = file.read(largest_byte + 1)
    if len(content) > largest_byte:
        raise ValueError(f"it is larger than {largest_byte} bytes")
    return content


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file that anybody may have written. Raises OSError, or ValueError saying what is wrong."""
    text = read_regular(path, LARGEST_OBJECT_BYTE).decode()
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    return content


def write_bytes(path: Path, content: bytes) -> None:
    with replacing(path) as beside:
        beside.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
