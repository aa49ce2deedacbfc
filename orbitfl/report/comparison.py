"""Many runs on one page: which variant learns best, and at what price."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orbitfl.experiment.result import RunResult
from orbitfl.figures import COLOURS
from orbitfl.orbit.arrays import Floats
from orbitfl.report.plots import DASHES, SYMBOLS, Plot, Trace, axis, hours, line, plot, rounded
from orbitfl.report.variants import Variant, number

MOST_CURVES = 12
FINAL = "mean mIoU of the satellites at the end (%)"
STUDENT_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""97.5 % quantiles for 1 to 9 degrees of freedom; beyond them 2 is near enough for a picture."""

MEASURES: dict[str, Callable[[RunResult], float]] = {
    "mean": lambda run: float(run.satellites().to_numpy()[-1].mean()),
    "worst": lambda run: float(run.satellites().to_numpy()[-1].min()),
    "MB": lambda run: float(run.transfers["byte"].to_numpy().sum()) / 1e6,
    "Wh": lambda run: float(run.energy["consumed_j"].to_numpy().sum()) / 3600,
}


def compared(variants: Sequence[Variant]) -> pd.DataFrame:
    """A row per variant: runs, mean and 95 % confidence of the final mIoU, the worst satellite's, MB sent and Wh."""
    return pd.DataFrame({variant.label: _row(variant) for variant in variants}).T


def _row(variant: Variant) -> dict[str, str]:
    found = {name: measured(variant, name) for name in MEASURES}
    return {
        "runs": str(len(variant.runs)),
        "mean mIoU (%)": f"{found['mean'].mean():.1f}",
        "± (95 %)": f"{confidence(found['mean']):.1f}" if len(variant.runs) > 1 else "–",
        "worst satellite (%)": f"{found['worst'].mean():.1f}",
        "sent (MB)": f"{found['MB'].mean():,.1f}",
        "consumed (Wh)": f"{found['Wh'].mean():,.1f}",
    }


def measured(variant: Variant, name: str) -> Floats:
    """One of MEASURES for each run (n,)."""
    return np.array([MEASURES[name](run) for run in variant.runs])


def confidence(values: Floats) -> float:
    """Half the width of the 95 % interval of the mean of values (n,), by Student's t; 0 for a single one."""
    freedom = len(values) - 1
    if not freedom:
        return 0.0
    quantile = STUDENT_T[freedom - 1] if freedom <= len(STUDENT_T) else 2.0
    return float(quantile * values.std(ddof=1) / np.sqrt(len(values)))


def curves(variants: Sequence[Variant]) -> Plot:
    """mIoU over time, the mean over satellites and seeds, of the best variants at the end."""
    best = sorted(variants, key=lambda variant: measured(variant, "mean").mean(), reverse=True)[:MOST_CURVES]
    traces = [_curve(variant, variants.index(variant)) for variant in best]
    return plot(traces, "mIoU on held-out tiles (%)", height_px=460)


def _curve(variant: Variant, place: int) -> Trace:
    means = pd.concat([run.satellites().mean(axis=1) for run in variant.runs], axis=1).mean(axis=1)
    drawn = line(variant.label, place, hours(means.index), rounded(means, 3), mode="lines+markers")
    return {**drawn, "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 6}}


def against(variants: Sequence[Variant], name: str, title: str) -> Plot:
    """Final mIoU of each variant with its confidence, against what it took."""
    traces = [_point(variant, place, measured(variant, name).mean()) for place, variant in enumerate(variants)]
    return plot(traces, FINAL, title, height_px=460, showlegend=len(variants) <= 2 * MOST_CURVES)


def _point(variant: Variant, place: int, x: float) -> Trace:
    finals = measured(variant, "mean")
    symbol = SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)]
    marker = {"symbol": symbol, "size": 10, "color": COLOURS[place % len(COLOURS)]}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": variant.label,
        "x": [round(float(x), 3)],
        "y": [round(float(finals.mean()), 3)],
        "error_y": {"type": "data", "array": [round(confidence(finals), 3)], "thickness": 1},
        "marker": marker,
    }


def swept(variants: Sequence[Variant]) -> Plot | None:
    """Final mIoU against a key with numbers, a line for each setting of the other keys; None without such a key."""
    key = next((key for key in variants[0].keys if len(_numbers(variants, key)) > 2), None)
    if key is None:
        return None
    numbered = [variant for variant in variants if number(variant.keys[key]) is not None]
    others: dict[str, list[Variant]] = {}
    for variant in sorted(numbered, key=lambda variant: float(variant.keys[key])):
        rest = Variant({name: value for name, value in variant.keys.items() if name != key}, ())
        others.setdefault(rest.label, []).append(variant)
    traces = [_line_of(found, key, name, place) for place, (name, found) in enumerate(others.items())]
    numbers = _numbers(variants, key)
    is_wide = min(numbers) > 0 and max(numbers) > 20 * min(numbers)
    return plot(traces, FINAL, xaxis=axis(key, type="log" if is_wide else "linear"))


def _line_of(found: Sequence[Variant], key: str, name: str, place: int) -> Trace:
    finals = [measured(variant, "mean") for variant in found]
    drawn = line(name, place, [float(variant.keys[key]) for variant in found], rounded([v.mean() for v in finals], 3))
    bars: dict[str, Any] = {"type": "data", "array": rounded([confidence(values) for values in finals], 3)}
    pen = {**drawn["line"], "dash": DASHES[place % len(DASHES)]}
    return {**drawn, "mode": "lines+markers", "error_y": bars, "line": pen, "showlegend": name != "all"}


def _numbers(variants: Sequence[Variant], key: str) -> set[float]:
    found = (number(variant.keys[key]) for variant in variants)
    return {value for value in found if value is not None}
