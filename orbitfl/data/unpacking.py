"""Files taken out of archives that nobody here has packed."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from orbitfl.errors import DataError

MOST_MEMBERS: Final = 10_000
MOST_BYTE: Final = 40_000_000_000
"""Of all members together: several times the largest set that is published as an archive."""
BLOCK_BYTE: Final = 1 << 20


class Archive:
    """A zip file whose members have been looked through: no links, no way out of its folder, not too much."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path, self._file = path, file
        self._members = {PurePosixPath(each.filename): each for each in file.infolist() if not each.is_dir()}
        self._refuse_the_unsafe()

    @property
    def paths(self) -> tuple[PurePosixPath, ...]:
        return tuple(self._members)

    def extract(self, member: PurePosixPath, to: Path) -> None:
        """Write one member to the file `to`, under a name of our own.

        Raises DataError where it is damaged or longer than the archive says.
        """
        to.parent.mkdir(parents=True, exist_ok=True)
        left_byte = self._members[member].file_size
        with self._file.open(self._members[member]) as source, to.open("wb") as target:
            while block := source.read(min(BLOCK_BYTE, left_byte + 1)):
                left_byte -= len(block)
                if left_byte < 0:
                    raise DataError(f"{member} in {self.path} is longer than the archive says; do not use it.")
                target.write(block)

    def _refuse_the_unsafe(self) -> None:
        members = self._members.values()
        if len(members) > MOST_MEMBERS or sum(each.file_size for each in members) > MOST_BYTE:
            raise DataError(
                f"{self.path} would unpack to more than {MOST_MEMBERS} files or {MOST_BYTE // 10**9} GB; "
                "that is not the known data set."
            )
        for path, member in self._members.items():
            outside = path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
            if outside or stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(
                    f"{self.path} holds {member.filename!r:.100}, a link or a path out of it; do not use it."
                )


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """A zip file to take members from. Raises DataError for what is not a zip, damaged, locked or unsafe."""
    try:
        with zipfile.ZipFile(path) as file:
            yield Archive(path, file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(f"{path} cannot be unpacked ({error}); delete it and fetch it again.") from error


def link(source: Path, to: Path) -> None:
    """The file `source` under another name as well; copied where the disk knows no links."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        to.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, to)
