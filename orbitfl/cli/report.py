"""`orbitfl report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="A page (.html) or a scene for Cesium (.czml). [default: DIR/report.html]"),
    ] = None,
) -> None:
    """Write what there is to show of a run: a page that needs no network, or a scene for Cesium."""
    from orbitfl.experiment.result import RunResult
    from orbitfl.report import write

    path = out or folder / "report.html"
    write(RunResult.from_folder(folder), path)
    print(f"The report is {path}, {path.stat().st_size / 1e6:.1f} MB; open it with {_opener(path)}.")


def _opener(path: Path) -> str:
    return "Cesium" if path.suffix.lower() == ".czml" else "a browser"
