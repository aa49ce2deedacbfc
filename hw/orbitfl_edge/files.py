"""Files and folders appear whole or not at all."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbitfl_edge.problems import EdgeError, PlaceError

LONGEST_NAME_BYTE = 249
"""File systems allow 255, and what is not done yet lies in `.NAME.part` and `.NAME.work`."""


def require_possible(path: Path) -> None:
    """Raises EdgeError where no file can ever be written at `path`, however much space there is."""
    require_text(path)
    if max(len(os.fsencode(part)) for part in (*path.parts, "")) > LONGEST_NAME_BYTE:
        raise EdgeError(f"{str(path)[:80]}… has a name of more than {LONGEST_NAME_BYTE} bytes; choose a shorter one.")
    try:
        there = stat.S_IFMT(path.stat().st_mode)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
            return
        raise EdgeError(f"{str(path)[:80]} is no place for a file ({error.strerror}); choose another.") from error
    if there != stat.S_IFREG:
        what = "a folder" if there == stat.S_IFDIR else "no plain file"
        raise EdgeError(f"{path} exists already and is {what}; choose another name.")


def require_text(path: Path) -> None:
    """Raises EdgeError for a name that is not UTF-8, which neither GDAL nor onnxruntime can open."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = ascii(str(path)[:80])
        raise EdgeError(f"{shown} is not a name in UTF-8, which GDAL and onnxruntime need; rename it.") from error


def lies_in(path: Path, place: Path) -> bool:
    """Whether `path` is `place` or below it, where all links lead; links that go round are taken as they stand."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(place))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`, which takes its name if the block ends well.

    Raises PlaceError, and EdgeError while another process writes `path`. What a dead process left is written over.
    """
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch()
        with held(beside, f"Another process is writing {path}; wait for it, or choose another name."):
            try:
                yield beside
                sync(beside)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which must not be there yet, and takes its name if the block ends well.

    Raises PlaceError, and EdgeError where `folder` is there already or another process makes it.
    """
    if folder.exists():
        raise EdgeError(f"{folder} exists already; choose another folder.")
    beside = _beside(folder)
    try:
        beside.mkdir(parents=True, exist_ok=True)
        with held(beside, f"Another process is making {folder}; wait for it, or choose another name."):
            try:
                _empty(beside)
                yield beside
                for path in (*beside.rglob("*"), beside):
                    sync(path)
                beside.replace(folder)
            except BaseException:
                shutil.rmtree(beside, ignore_errors=True)
                raise
        sync(folder.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _beside(path: Path) -> Path:
    """One name for all processes, so that the next one finds what a loss of power has left."""
    return path.with_name(f".{path.name}.part")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def held(path: Path, busy: str) -> Iterator[None]:
    """Hold a file or folder until the block ends; the system lets go of what a dead process held.

    Raises EdgeError, saying `busy`, while another process holds it, and OSError.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EdgeError(busy) from error
        if not path.exists() or not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise EdgeError(busy)  # Whoever held it has just removed it, and a third may hold the next one.
        yield
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: Exception) -> PlaceError:
    told = getattr(error, "strerror", None) or str(error)
    return PlaceError(f"{path} could not be written ({told}); free some space or choose another place, and try again.")


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
