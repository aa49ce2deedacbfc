"""A run's folder: what its files are called and what stands in them.

Files and columns are a contract (docs/run_folder.md). Wall-clock figures stand in run.json alone, so that equal runs
give equal bytes everywhere else.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from orbitfl.errors import StorageError
from orbitfl.files import read_object, replacing, write_text

AVERAGE, CONSTELLATION, GROUND = "average", "constellation", "ground"
"""Nodes of the records that are not satellites: the average model, all together, and the server."""

Record = tuple[float, str, str, float]
"""A row of the records."""
RECORDS = {"t_s": "float64", "node": "str", "kind": "str", "value": "float64"}
TRANSFERS = {
    "from": "str",
    "to": "str",
    "start_s": "float64",
    "end_s": "float64",
    "byte": "int64",
    "outcome": "str",
}
RESPONSE = {
    "how": "str",
    "node": "str",
    "imaged_s": "float64",
    "mapped_s": "float64",
    "delivered_s": "float64",
    "byte": "float64",
    "iou_water": "float64",
    "useful": "bool",
}
"""response.parquet, of runs with an event: every image of its area, and what came of it."""


def write_table(folder: Path, name: str, table: pd.DataFrame) -> None:
    with replacing(folder / f"{name}.parquet") as beside:
        table.to_parquet(beside, index=False)


def write_provenance(folder: Path, provenance: Mapping[str, Any]) -> None:
    write_text(folder / "run.json", json.dumps(provenance, indent=2, sort_keys=True) + "\n")


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """A table as `write_table` wrote it. Raises StorageError where it is not there or no table."""
    path = folder / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read as a table of a run ({error}); run the scenario anew.") from error


def read_provenance(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises StorageError if it holds no JSON object."""
    path = folder / "run.json"
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read as a run's provenance ({error}); run the scenario anew.") from error
