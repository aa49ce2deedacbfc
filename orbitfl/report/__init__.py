"""What to show of a finished run: one HTML file, or a scene for Cesium; of any mission, a globe."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from orbitfl.errors import StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.files import replacing
from orbitfl.report import czml, page
from orbitfl.report.checking import require_tables
from orbitfl.report.globe import globe

__all__ = ["globe", "write", "write_comparison"]

WRITERS: Mapping[str, Callable[[RunResult], str]] = {".html": page.html_of, ".czml": czml.czml_of}


def write(result: RunResult, path: Path) -> None:
    """Write a run as the ending of `path` asks: .html, a page that needs no network, or .czml for Cesium.

    Raises StorageError for another ending, tables that are not a run's, or a place that cannot be written; half a file
    is never left.
    """
    _require_ending(path, WRITERS)
    require_tables(result)
    _write(WRITERS[path.suffix.lower()](result), path)


def write_comparison(folder: Path, path: Path) -> None:
    """Write all finished runs below `folder` as one page, .html. Raises StorageError as `write`, and for no run."""
    _require_ending(path, (".html",))
    _write(page.comparison_html(folder), path)


def _require_ending(path: Path, endings: Iterable[str]) -> None:
    if path.suffix.lower() not in endings:
        raise StorageError(f"{path} has no ending of a report; give a name that ends in {' or '.join(endings)}.")


def _write(content: str, path: Path) -> None:
    with replacing(path) as beside:
        beside.write_text(content, encoding="utf-8")
