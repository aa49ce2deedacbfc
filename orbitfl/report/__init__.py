"""What to show of a finished run: one HTML file, or a scene for Cesium; of any mission, a globe."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orbitfl.errors import StorageError
from orbitfl.experiment.result import RunResult
from orbitfl.files import replacing
from orbitfl.report import czml, page
from orbitfl.report.checking import require_tables
from orbitfl.report.globe import globe

__all__ = ["globe", "write"]

WRITERS: Mapping[str, Callable[[RunResult], str]] = {".html": page.html_of, ".czml": czml.czml_of}


def write(result: RunResult, path: Path) -> None:
    """Write a run as the ending of `path` asks: .html, a page that needs no network, or .czml for Cesium.

    Raises StorageError for another ending, tables that are no run's, or a place that cannot be written; half a file is
    never left.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise StorageError(f"{path} has no ending of a report; give a name that ends in {' or '.join(WRITERS)}.")
    require_tables(result)
    content = writer(result)
    with replacing(path) as beside:
        beside.write_text(content, encoding="utf-8")
