"""Contact plans as files, by the ending of their name."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from orbitfl.contacts.formats import czml, ion, tables
from orbitfl.contacts.formats.czml import Geometry
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import DataError, StorageError
from orbitfl.files import replacing

__all__ = ["Geometry", "read", "write", "write_blocks"]

Choice = TypeVar("Choice")
BlockWriter = Callable[[Iterable[ContactPlan], Path], None]


def write(plan: ContactPlan, path: Path, geometry: Geometry | None = None) -> None:
    """Write a plan in the format that the ending of `path` names: .parquet, .csv, .json, .ionrc (or .ion) or .czml.

    All but ION's carry the plan whole; what an ION contact plan loses stands in `formats.ion`. Only CZML uses
    `geometry`, and it needs it. Raises StorageError for another ending, a CZML without geometry, what the format cannot
    say, or a place that cannot be written; half a file is never left.
    """
    writer = _chosen(WRITERS, path)
    if path.suffix.lower() == ".czml":
        if geometry is None:
            raise StorageError(f"{path} needs the positions of satellites and stations; give them as geometry.")
        writer = partial(czml.write, geometry=geometry)
    with replacing(path) as beside:
        writer(plan, beside)


def write_blocks(blocks: Iterable[ContactPlan], path: Path) -> None:
    """Write parts of one plan, as they come, to one .parquet or .csv: no more than a part is held in memory.

    Parts have the same epoch, span and nodes; provenance is the first one's. `read` sorts the whole again.
    Raises StorageError for another ending, parts that do not fit together, none at all, or a bad place.
    """
    writer = _chosen(BLOCK_WRITERS, path)
    with replacing(path) as beside:
        writer(blocks, beside)


def read(path: Path) -> ContactPlan:
    """Read what `write` wrote; an ION contact plan may also be another's.

    Files are not trusted: sizes are capped, every value is checked. Raises StorageError for another ending or a
    file that cannot be read, DataError for one that holds no contact plan.
    """
    reader = _chosen(READERS, path)
    try:
        return reader(path)
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}. Check the place.") from error
    except DataError as error:
        raise DataError(f"{path} cannot be read as a contact plan. {error}") from error


def require_ending(path: Path) -> None:
    """Raises StorageError for an ending that names no format."""
    _chosen(WRITERS, path)


def _chosen(by_ending: Mapping[str, Choice], path: Path) -> Choice:
    if path.suffix.lower() not in by_ending:
        raise StorageError(
            f"{path} has no ending of a contact plan; give a name that ends in one of {', '.join(by_ending)}."
        )
    return by_ending[path.suffix.lower()]


BLOCK_WRITERS: Mapping[str, BlockWriter] = {".parquet": tables.write_parquet, ".csv": tables.write_csv}
WRITERS: Mapping[str, Callable[..., None]] = {
    ".parquet": lambda plan, path: tables.write_parquet([plan], path),
    ".csv": lambda plan, path: tables.write_csv([plan], path),
    ".json": tables.write_json,
    ".ionrc": ion.write,
    ".ion": ion.write,
    ".czml": czml.write,
}
READERS: Mapping[str, Callable[[Path], ContactPlan]] = {
    ".parquet": tables.read_parquet,
    ".csv": tables.read_csv,
    ".json": tables.read_json,
    ".ionrc": ion.read,
    ".ion": ion.read,
    ".czml": czml.read,
}
