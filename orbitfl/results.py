"""A run's folder: what its files are called and what stands in them.

Files and columns are a contract (docs/design.md). Wall-clock figures stand in run.json alone, so that equal runs
give equal bytes everywhere else.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from orbitfl.files import replacing, write_text

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
