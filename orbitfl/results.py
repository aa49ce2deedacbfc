"""A run's folder: what its files are called and what stands in them; and what a target cost, read from its records.

Files and columns are a contract (docs/design.md). Wall-clock figures stand in run.json alone, so that equal runs
give equal bytes everywhere else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbitfl.errors import ScenarioError, StorageError
from orbitfl.files import replacing, write_text

Curve = dict[str, NDArray[np.float64]]

AVERAGE, CONSTELLATION, GROUND = "average", "constellation", "ground"
"""Nodes of the records that are no satellites: the average model, all together, and the server."""

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


@dataclass(frozen=True)
class Cost:
    """What a mission had spent by an evaluation: time, and the constellation's bytes of updates sent and joules.

    reached: whether that evaluation was the first at the target. If not, it is the last one, and the values are
    censored: the target costs more than this, nobody knows how much. Never leave them out of a comparison.
    """

    reached: bool
    t_s: float
    sent_byte: float
    consumed_j: float


def curve_of(records: pd.DataFrame, satellites: Sequence[str]) -> Curve:
    """What a mission had come to at each of its evaluations, as arrays (n,).

    records: as in `RECORDS`. t_s. mean, median, worst: mIoU in percent over `satellites`; average: the average model's;
    water: the satellites' mean IoU of water. byte, joule: updates sent and energy consumed by all of them since launch.
    Raises StorageError unless every satellite has a score at every evaluation.
    """
    of_satellites = records.loc[records["node"].isin(satellites)]
    kinds = ("miou", "iou_water", "sent_byte", "consumed_j")
    miou, water, sent_byte, consumed_j = (_of_kind(of_satellites, kind) for kind in kinds)
    if miou.empty or miou.isna().to_numpy().any():
        raise StorageError("The records lack scores of some satellite at some evaluation; run the scenario again.")
    return {
        "t_s": miou.index.to_numpy(np.float64),
        "mean": miou.to_numpy().mean(axis=1),
        "median": np.median(miou.to_numpy(), axis=1),
        "worst": miou.to_numpy().min(axis=1),
        "average": _of_kind(records.loc[records["node"] == AVERAGE], "miou").to_numpy().mean(axis=1),
        "water": water.to_numpy().mean(axis=1),
        "byte": sent_byte.to_numpy().sum(axis=1),
        "joule": consumed_j.to_numpy().sum(axis=1),
    }


def _of_kind(records: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A row per time, a column per node."""
    return records.loc[records["kind"] == kind].pivot(index="t_s", columns="node", values="value")


def require_target(target_miou: float) -> None:
    """Raises ScenarioError for a target that is no percentage."""
    if not 0 <= target_miou <= 100:
        raise ScenarioError(f"The target is {target_miou}; a mean mIoU lies from 0 to 100 percent.")


def cost_to(curve: Curve, target_miou: float) -> Cost:
    """What it cost until `mean` of a `curve_of` a mission, in percent, first was `target_miou` or more.

    A later fall below the target does not count. Raises ScenarioError for a target that is no percentage.
    """
    require_target(target_miou)
    there = np.flatnonzero(curve["mean"] >= target_miou)
    at = there[0] if len(there) else -1
    return Cost(len(there) > 0, *(float(curve[name][at]) for name in ("t_s", "byte", "joule")))
