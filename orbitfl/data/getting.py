"""A published data set, from its listing to a new folder, which appears whole or not at all."""

import shutil
from pathlib import Path, PurePosixPath

from orbitfl.data.catalogue import DataSet
from orbitfl.data.listing import Listing
from orbitfl.download import digest, fetch
from orbitfl.errors import DataError, StorageError
from orbitfl.files import locked, new_folder
from orbitfl.progress import Count


def require_terms(data_set: DataSet, accepted: bool) -> None:
    """Raises DataError unless terms that bind are accepted."""
    if data_set.bound and not accepted:
        raise DataError(
            f"{data_set.title} is {data_set.licence}. If you keep to this, start again with --accept-licence."
        )


def get(data_set: DataSet, listing: Listing, out: Path, on_progress: Count) -> dict[PurePosixPath, str]:
    """Fetch the listed files and arrange them as the new folder `out`; returns the SHA-256 of those files for which the
    publisher gives no checksum.

    What is fetched waits in a folder beside `out`, from where the next call goes on after a failure; it is removed in
    the end. Raises DownloadError, StorageError, also where another process fetches to it already, or DataError.
    """
    waiting = out.with_name(f".{out.name}.download")
    _require_room(data_set.room * listing.size_byte, out, waiting)
    with locked(waiting):
        fetched, found = _fetched(listing, waiting, on_progress)
        with new_folder(out) as beside:
            data_set.arrange(fetched, beside)
        shutil.rmtree(waiting, ignore_errors=True)
    return found


def _fetched(
    listing: Listing, waiting: Path, on_progress: Count
) -> tuple[dict[PurePosixPath, Path], dict[PurePosixPath, str]]:
    """Where each file waits now, and the SHA-256 of those without a published checksum."""
    fetched, found, done_byte = {}, {}, 0
    for offer in listing.offers:
        before_byte = done_byte

        def tell(done: int, _of: int, before_byte: int = before_byte) -> None:
            on_progress(before_byte + done, listing.size_byte)

        fetched[offer.path] = fetch(offer.file, waiting / offer.path.parent, tell)
        done_byte += offer.file.size_byte
        if offer.file.checksum is None:
            found[offer.path] = digest(fetched[offer.path])
    return fetched, found


def _require_room(room_byte: float, out: Path, waiting: Path) -> None:
    """Before the first byte: nothing at the place already, and enough of the disk free."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StorageError(f"{out} exists and is not empty; choose another folder or move this one away first.")
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    here_byte = sum(file.stat().st_size for file in waiting.rglob("*") if file.is_file())
    wanted_byte, free_byte = room_byte - here_byte, shutil.disk_usage(place).free
    if free_byte < wanted_byte:
        raise StorageError(
            f"{place} has {free_byte / 1e9:.1f} GB free, but the set takes {wanted_byte / 1e9:.1f} GB; "
            "free some space or choose another folder."
        )
