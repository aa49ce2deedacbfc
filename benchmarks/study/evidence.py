"""Means with their confidence, comparisons of runs that share a seed, and costs to a target that may not be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
import pandas as pd
from reading import RUN
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds, and half of its 95 % confidence interval (Student's t; nan for a single seed)."""

    mean: float
    half: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Estimate":
        values = np.asarray(samples, np.float64)
        if not len(values):
            return cls(float("nan"), float("nan"))
        if len(values) < 2:
            return cls(float(values.mean()), float("nan"))
        factor = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
        return cls(float(values.mean()), float(factor * values.std(ddof=1) / sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.half:.1f}" if self.half else f"{self.mean:.1f}"


@dataclass(frozen=True)
class Comparison:
    """How much better one variant is than another on equal seeds: the mean difference, and p of a paired t-test.

    p is two-sided; of five seeds a rank test could not say less than 0.06, so the t-test's normality is assumed.
    """

    difference: Estimate
    p: float
    wins: int
    seeds: int


def compared(better: pd.Series, worse: pd.Series) -> Comparison:
    """Both by seed; only seeds that both have count."""
    difference = (better - worse).dropna().to_numpy()
    p = float(stats.ttest_1samp(difference, 0.0).pvalue) if np.ptp(difference) else 0.0
    return Comparison(Estimate.of(difference), p, int((difference > 0).sum()), len(difference))


def holm(p_values: Sequence[float]) -> list[float]:
    """p, corrected for the number of questions asked (Holm 1979, Scand. J. Stat. 6, 65-70)."""
    order = np.argsort(p_values)
    count = len(p_values)
    corrected = np.maximum.accumulate([(count - rank) * p_values[place] for rank, place in enumerate(order)])
    given = np.empty(count)
    given[order] = np.minimum(corrected, 1.0)
    return given.tolist()


def finals(curves: pd.DataFrame, column: str = "mean") -> pd.Series:
    """The last evaluation's value, by group, variant and seed."""
    return curves.sort_values("t_s").groupby(RUN, sort=False)[column].last()


def within(curves: pd.DataFrame, cost: str, budget: float) -> pd.Series:
    """mIoU at the last evaluation that cost no more than `budget`, by group, variant and seed."""
    return finals(curves[curves[cost] <= budget])


def cost_to(curves: pd.DataFrame, target: float, cost: str) -> pd.Series:
    """What it cost until an evaluation's mean first reached `target`; inf where none did. By group, variant, seed."""
    # Costs only grow with time.
    spent = curves[cost].where(curves["mean"] >= target, inf)
    return spent.groupby([curves[name] for name in RUN], sort=False).min()
