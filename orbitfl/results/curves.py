"""What runs come to: curves of one, the cost of a target, and what several seeds say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from orbitfl.errors import ScenarioError, StorageError
from orbitfl.results.files import AVERAGE

Curve = dict[str, NDArray[np.float64]]
LEVEL = 0.95
"""Of confidence."""


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
    Raises StorageError unless every satellite has a possible score at every evaluation, and all else stands beside it.
    """
    of_satellites = records.loc[records["node"].isin(satellites)]
    kinds = ("miou", "iou_water", "sent_byte", "consumed_j")
    miou, water, sent_byte, consumed_j = (_of_kind(of_satellites, kind) for kind in kinds)
    average = _of_kind(records.loc[records["node"] == AVERAGE], "miou")
    beside = (average, water, sent_byte, consumed_j)
    if miou.empty or miou.isna().to_numpy().any() or any(len(each) != len(miou) for each in beside):
        raise StorageError("The records lack scores of some satellite at some evaluation; run the scenario again.")
    if (miou > 100).to_numpy().any() or any(np.isinf(each.to_numpy(np.float64)).any() for each in beside):
        raise StorageError("The records hold scores or costs that no mission can have; run the scenario again.")
    return {
        "t_s": miou.index.to_numpy(np.float64),
        "mean": miou.to_numpy().mean(axis=1),
        "median": np.median(miou.to_numpy(), axis=1),
        "worst": miou.to_numpy().min(axis=1),
        "average": average.to_numpy().mean(axis=1),
        "water": water.to_numpy().mean(axis=1),
        "byte": sent_byte.to_numpy().sum(axis=1),
        "joule": consumed_j.to_numpy().sum(axis=1),
    }


def _of_kind(records: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A row per time, a column per node."""
    return records.loc[records["kind"] == kind].pivot(index="t_s", columns="node", values="value")


def require_target(target_miou: float) -> None:
    """Raises ScenarioError for a target that is not a percentage."""
    if not 0 <= target_miou <= 100:
        raise ScenarioError(f"The target is {target_miou}; a mean mIoU lies from 0 to 100 percent.")


def cost_to(curve: Curve, target_miou: float) -> Cost:
    """What it cost until `mean` of a `curve_of` a mission, in percent, first was `target_miou` or more.

    A later fall below the target does not count. Raises ScenarioError for a target that is not a percentage.
    """
    require_target(target_miou)
    there = np.flatnonzero(curve["mean"] >= target_miou)
    at = there[0] if len(there) else -1
    return Cost(len(there) > 0, *(float(curve[name][at]) for name in ("t_s", "byte", "joule")))


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
        factor = stdtrit(len(values) - 1, (1 + LEVEL) / 2)
        return cls(float(values.mean()), float(factor * values.std(ddof=1) / sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.half:.1f}" if self.half > 0 else f"{self.mean:.1f}"
