"""Tables of eclipses and images as files, by the ending of their name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orbitfl.contacts.intervals import Intervals
from orbitfl.errors import StorageError
from orbitfl.files import replacing
from orbitfl.orbit.clock import utc_texts

if TYPE_CHECKING:
    import pandas as pd


def write_intervals(found: Intervals, path: Path) -> None:
    """Write a table as .csv, .json or .parquet; times are seconds from the epoch, and as UTC beside them.

    Raises StorageError for another ending or a place that cannot be written; half a file is never left.
    """
    require_ending(path)
    with replacing(path) as beside:
        WRITERS[path.suffix.lower()](_dated(found), beside)


def _dated(found: Intervals) -> "pd.DataFrame":
    frame = found.to_frame()
    place = list(frame.columns).index("end_s") + 1
    for name in ("end", "start"):
        frame.insert(place, f"{name}_utc", utc_texts(found.epoch_utc, found.table[f"{name}_s"]))
    return frame


def require_ending(path: Path) -> None:
    """Raises StorageError for an ending that names no format."""
    if path.suffix.lower() not in WRITERS:
        raise StorageError(f"{path} has no ending of a table; give a name that ends in one of {', '.join(WRITERS)}.")


def _write_csv(frame: "pd.DataFrame", path: Path) -> None:
    frame.to_csv(path, index=False)


def _write_json(frame: "pd.DataFrame", path: Path) -> None:
    frame.to_json(path, orient="records", indent=1)


def _write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    frame.to_parquet(path, index=False)


WRITERS: Mapping[str, Callable[[Any, Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}
