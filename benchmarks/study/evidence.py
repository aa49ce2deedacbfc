"""What seeds say together: ends with their confidence, comparisons by seed, and costs to a target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from reading import Place, of
from scipy import stats

from orbitfl.results import Estimate
from orbitfl.sweep.evidence import cost_or_inf


@dataclass(frozen=True)
class Comparison:
    """How much better one variant is than another on equal seeds: the mean difference, and p of a paired t-test.

    p is two-sided; of five seeds a rank test could not say less than 0.06, so the t-test's normality is assumed. One
    seed tells nothing of chance: its p is 1.
    """

    difference: Estimate
    p: float
    wins: int
    seeds: int


def compared(better: pd.Series, worse: pd.Series) -> Comparison:
    """Both by seed; only seeds that both have count."""
    difference = (better - worse).dropna().to_numpy()
    return Comparison(Estimate.of(difference), _p_of(difference), int((difference > 0).sum()), len(difference))


def _p_of(difference: NDArray[np.float64]) -> float:
    if len(difference) < 2:
        return 1.0
    if not np.ptp(difference):
        return float(difference[0] == 0)
    return float(stats.ttest_1samp(difference, 0.0).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """p, corrected for the number of questions asked (Holm 1979, Scand. J. Stat. 6, 65-70)."""
    order = np.argsort(p_values)
    count = len(p_values)
    corrected = np.maximum.accumulate([(count - rank) * p_values[place] for rank, place in enumerate(order)])
    given = np.empty(count)
    given[order] = np.minimum(corrected, 1.0)
    return given.tolist()


def finals(curves: pd.DataFrame, column: str = "mean") -> pd.Series:
    """The last evaluation's value of one variant's `curves`, by seed."""
    return curves.sort_values("t_s").groupby("seed")[column].last()


def at_end(curves: pd.DataFrame, place: Place, column: str = "mean", unit: float = 1.0) -> Estimate:
    """The last evaluation's value of a variant in so many units, over seeds."""
    return Estimate.of((finals(of(curves, place), column) / unit).tolist())


def within(curves: pd.DataFrame, cost: str, budget: float) -> Estimate:
    """Of one variant, the satellites' mean mIoU at the last evaluation that cost no more than `budget`."""
    return Estimate.of(finals(curves.loc[curves[cost] <= budget]).tolist())


def to_target(curves: pd.DataFrame, target: float) -> dict[str, list[float]]:
    """Of one variant, what it cost by seed (t_s, byte, joule) until an evaluation's mean reached `target`, or inf."""
    costs = [
        cost_or_inf({name: run[name].to_numpy() for name in ("t_s", "mean", "byte", "joule")}, target)
        for _, run in curves.groupby("seed")
    ]
    return {name: [cost[unit] for cost in costs] for name, unit in (("t_s", "s"), ("byte", "byte"), ("joule", "joule"))}
