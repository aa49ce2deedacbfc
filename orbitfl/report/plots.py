"""What all plots of a report share. A plot is plotly's JSON as plain values: data and layout."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbitfl.figures import COLOURS
from orbitfl.orbit.clock import HOUR_S

Plot = dict[str, Any]
Trace = dict[str, Any]

DASHES = ("solid", "dash", "dashdot", "dot")
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x")
HOURS = "mission time (h)"
MOST_LINES = 40
"""Satellites drawn one by one; of more, evenly many are chosen."""


def plot(traces: Iterable[Trace], y_title: str, x_title: str = HOURS, height_px: int = 380, **layout: Any) -> Plot:
    """A plot on white ground, its legend above."""
    return {
        "data": list(traces),
        "layout": {
            "height": height_px,
            "margin": {"l": 64, "r": 16, "t": 16, "b": 48},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222"},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "xaxis": axis(x_title),
            "yaxis": axis(y_title),
            "hovermode": "closest",
            **layout,
        },
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title}, "gridcolor": "#ddd", "linecolor": "#888", "zeroline": False, **more}


def line(name: str, place: int, x: list[Any], y: list[Any], **more: Any) -> Trace:
    """A line that differs from its neighbours by colour and by dashes."""
    colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
    pen = {"color": colour, "dash": dash, "width": 1.6}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": pen, **more}


def hours(times_s: Any) -> list[Any]:
    """Seconds (n,) in hours, to the third of a second."""
    return rounded(np.asarray(times_s, float) / HOUR_S, 4)


def rounded(values: Any, digits: int) -> list[Any]:
    """Numbers for a page: short, and none that JSON lacks."""
    return [None if np.isnan(value) else value for value in np.round(np.asarray(values, float), digits).tolist()]


def chosen(count: int, most: int) -> NDArray[np.intp]:
    """At most `most` of `count` places, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)) if count else np.arange(0)


def thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    return table.iloc[chosen(len(table), most)]
