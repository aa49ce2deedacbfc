"""What runs have recorded; means over seeds with their confidence; costs to a target that may be missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from orbitfl.errors import StorageError
from orbitfl.results import AVERAGE, CONSTELLATION, GROUND, Curve, cost_to, curve_of

LEVEL = 0.95
NOT_SATELLITES = (AVERAGE, CONSTELLATION, GROUND)


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


def recorded(folder: Path) -> Curve:
    """The curve of the run in `folder`, as in `orbitfl.results.curve_of`. Raises StorageError where there is no run."""
    try:
        records = pd.read_parquet(folder / "records.parquet")
        return curve_of(records, sorted(set(records["node"]) - set(NOT_SATELLITES)))
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{folder} holds no records that can be read ({error}); move that folder away, and go on with the sweep "
            "by --resume."
        ) from error


def cost_or_inf(curve: Curve, target_miou: float) -> dict[str, float]:
    """Seconds, bytes and joules to a target as in `orbitfl.results.cost_to`, but inf, censored, where it was missed."""
    cost = cost_to(curve, target_miou)
    spent = {"s": cost.t_s, "byte": cost.sent_byte, "joule": cost.consumed_j}
    return spent if cost.reached else dict.fromkeys(spent, inf)
