"""`orbitfl report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a finished run, or of many.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="A page (.html), or a scene of one run for Cesium (.czml). [default: DIR/report.html]"),
    ] = None,
) -> None:
    """Write a run, or a comparison of all runs below a folder, as a page that needs no network."""
    from orbitfl.experiment.result import RunResult
    from orbitfl.report import write, write_comparison

    path = out or folder / "report.html"
    is_one = (folder / "run.json").exists()
    if not is_one and ((folder / "failed.json").exists() or any(folder.rglob("run.json"))):
        write_comparison(folder, path)
    else:
        write(RunResult.from_folder(folder), path)
    print(f"The report is {path}, {path.stat().st_size / 1e6:.1f} MB; open it with {_opener(path)}.")


def _opener(path: Path) -> str:
    return "Cesium" if path.suffix.lower() == ".czml" else "a browser"
