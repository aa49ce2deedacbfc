"""What runs have recorded, as curves; means over seeds with their confidence; costs to a target that may be missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from orbitfl.errors import StorageError

LEVEL = 0.95
NOT_SATELLITES = ("average", "constellation", "ground")
COSTS = ("t_s", "byte", "joule")

Curve = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds, and half of its 95 % confidence interval (Student's t; nan for less than two)."""

    mean: float
    half: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Estimate":
        values = np.asarray(samples, np.float64)
        if len(values) < 2:
            return cls(float(values[0]) if len(values) else nan, nan)
        factor = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
        return cls(float(values.mean()), float(factor * values.std(ddof=1) / sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.half:.1f}" if self.half > 0 else f"{self.mean:.1f}"


def curve_of(folder: Path) -> Curve:
    """Arrays (evaluations,) of the run in `folder`.

    t_s. mean, median, worst: mIoU in percent over satellites; average: the average model's; water: the satellites'
    mean IoU of water. byte, joule: sent and consumed by all since launch. Raises StorageError where there is no run.
    """
    try:
        records = pd.read_parquet(folder / "records.parquet")
        average = _of_kind(records.loc[records["node"] == "average"], "miou")
        of_satellites = records.loc[~records["node"].isin(NOT_SATELLITES)]
        score, water = (_of_kind(of_satellites, kind) for kind in ("miou", "iou_water"))
        spent = [_of_kind(of_satellites, kind).sum(axis=1) for kind in ("sent_byte", "consumed_j")]
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{folder} holds no records that can be read ({error}); run it again.") from error
    return {
        "t_s": score.index.to_numpy(np.float64),
        "mean": score.to_numpy().mean(axis=1),
        "median": np.median(score.to_numpy(), axis=1),
        "worst": score.to_numpy().min(axis=1),
        "average": average.to_numpy()[:, 0],
        "water": water.to_numpy().mean(axis=1),
        "byte": spent[0].to_numpy(),
        "joule": spent[1].to_numpy(),
    }


def _of_kind(records: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A row per time, a column per node."""
    return records.loc[records["kind"] == kind].pivot_table(index="t_s", columns="node", values="value")


def cost_to(curve: Curve, target: float) -> dict[str, float]:
    """Time, bytes and joules until an evaluation's mean first reached `target`; inf, censored, if none did."""
    reached = np.flatnonzero(curve["mean"] >= target)
    return {cost: float(curve[cost][reached[0]]) if len(reached) else inf for cost in COSTS}
