"""Many runs on one page: which variant learns best, and at what price."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from orbitfl.figures import COLOURS
from orbitfl.report.plots import DASHES, SYMBOLS, Plot, Trace, axis, hours, line, plot, rounded
from orbitfl.report.variants import Variant, number
from orbitfl.results import Curve, Estimate

MOST_CURVES = 12
FINAL = "mean mIoU of the satellites at the end (%)"
MEASURES: dict[str, Callable[[Curve], float]] = {
    "mean": lambda curve: float(curve["mean"][-1]),
    "worst": lambda curve: float(curve["worst"][-1]),
    "MB": lambda curve: float(curve["byte"][-1]) / 1e6,
    "Wh": lambda curve: float(curve["joule"][-1]) / 3600,
}


def compared(variants: Sequence[Variant]) -> pd.DataFrame:
    """A row per variant: runs, mean and 95 % confidence of the final mIoU, the worst satellite's, MB sent and Wh."""
    return pd.DataFrame({variant.label: _row(variant) for variant in variants}).T


def _row(variant: Variant) -> dict[str, str]:
    found = {name: measured(variant, name) for name in MEASURES}
    return {
        "runs": str(len(variant.runs)),
        "mean mIoU (%)": f"{found['mean'].mean:.1f}",
        "± (95 %)": f"{found['mean'].half:.1f}" if len(variant.runs) > 1 else "–",
        "worst satellite (%)": f"{found['worst'].mean:.1f}",
        "sent (MB)": f"{found['MB'].mean:,.1f}",
        "consumed (Wh)": f"{found['Wh'].mean:,.1f}",
    }


def measured(variant: Variant, name: str) -> Estimate:
    """One of MEASURES over the runs."""
    return Estimate.of([MEASURES[name](run.curve()) for run in variant.runs])


def curves(variants: Sequence[Variant]) -> Plot:
    """mIoU over time, the mean over satellites and seeds, of the best variants at the end."""
    best = sorted(variants, key=lambda variant: measured(variant, "mean").mean, reverse=True)[:MOST_CURVES]
    traces = [_curve(variant, variants.index(variant)) for variant in best]
    return plot(traces, "mIoU on held-out tiles (%)", height_px=460)


def _curve(variant: Variant, place: int) -> Trace:
    means = pd.concat([run.satellites().mean(axis=1) for run in variant.runs], axis=1).mean(axis=1)
    drawn = line(variant.label, place, hours(means.index), rounded(means, 3), mode="lines+markers")
    return {**drawn, "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 6}}


def against(variants: Sequence[Variant], name: str, title: str) -> Plot:
    """Final mIoU of each variant with its confidence, against what it took."""
    traces = [_point(variant, place, measured(variant, name).mean) for place, variant in enumerate(variants)]
    return plot(traces, FINAL, title, height_px=460, showlegend=len(variants) <= 2 * MOST_CURVES)


def _point(variant: Variant, place: int, x: float) -> Trace:
    finals = measured(variant, "mean")
    symbol = SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)]
    marker = {"symbol": symbol, "size": 10, "color": COLOURS[place % len(COLOURS)]}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": variant.label,
        "x": rounded([x], 3),
        "y": rounded([finals.mean], 3),
        "error_y": {"type": "data", "array": rounded([finals.half], 3), "thickness": 1},
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
    drawn = line(
        name, place, [float(variant.keys[key]) for variant in found], rounded([each.mean for each in finals], 3)
    )
    bars: dict[str, Any] = {"type": "data", "array": rounded([each.half for each in finals], 3)}
    pen = {**drawn["line"], "dash": DASHES[place % len(DASHES)]}
    return {**drawn, "mode": "lines+markers", "error_y": bars, "line": pen, "showlegend": name != "all"}


def _numbers(variants: Sequence[Variant], key: str) -> set[float]:
    found = (number(variant.keys[key]) for variant in variants)
    return {value for value in found if value is not None}
