"""Means with their confidence, comparisons of runs that share a seed, and costs to a target that may not be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd
from reading import RUN
from scipy import stats

from orbitfl.sweep import Estimate


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
    spread = float(np.ptp(difference))
    p = float(stats.ttest_1samp(difference, 0.0).pvalue) if spread else float(difference[0] == 0)
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
