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

from orbitfl.errors import ScenarioError
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


def cost_to_target(records: pd.DataFrame, satellites: Sequence[str], target_miou: float) -> Cost:
    """What it cost until the mean mIoU of `satellites`, in percent, first was `target_miou` or more.

    records: as in `RECORDS`, with miou, sent_byte and consumed_j of each satellite at every evaluation. A later fall
    below the target does not count. Raises ScenarioError for a target that is no percentage.
    """
    if not 0 <= target_miou <= 100:
        raise ScenarioError(f"The target is {target_miou}; a mean mIoU lies from 0 to 100 percent.")
    of_satellites = records.loc[records["node"].isin(satellites)]
    miou, sent_byte, consumed_j = (
        of_satellites.loc[of_satellites["kind"] == kind].pivot(index="t_s", columns="node", values="value")
        for kind in ("miou", "sent_byte", "consumed_j")
    )
    there = np.flatnonzero(miou.mean(axis="columns").to_numpy() >= target_miou)
    reached = len(there) > 0
    t_s = float(miou.index[there[0] if reached else -1])
    return Cost(reached, t_s, float(sent_byte.loc[t_s].sum()), float(consumed_j.loc[t_s].sum()))
