"""Files and folders appear whole or not at all."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orbitfl_edge.problems import EdgeError, PlaceError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`, which takes its name if the block ends well. Raises PlaceError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        sync(beside)
        beside.replace(path)
        sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder`, which must not be there yet, and takes its name if the block ends well."""
    if folder.exists():
        raise EdgeError(f"{folder} exists already; choose another folder.")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        beside.mkdir(parents=True)
        yield beside
        beside.replace(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
