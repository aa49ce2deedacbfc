"""Windows over time as bars, a row for each pair of nodes: plotly's JSON as plain values, for notebooks and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.summary import per_pair
from orbitfl.orbit.clock import HOUR_S

if TYPE_CHECKING:
    import pandas as pd

MOST_PAIRS = 60
KINDS = {"isl": ("between satellites", "#56B4E9"), "ground": ("to the ground", "#E69F00")}
"""What they are called, and two of Okabe and Ito's colours, which colour-blind readers tell apart."""

Rows = Mapping[tuple[str, str], int]
"""At what height the pairs are drawn."""


def gantt(plan: ContactPlan) -> dict[str, Any]:
    """All pairs that have a window or, of more than `MOST_PAIRS`, those longest in contact, each kind in turn; what is
    left out stands below the hours.
    """
    pairs = per_pair(plan)
    place = pairs.groupby("kind")["contact_s"].rank(method="first", ascending=False)
    is_shown = place.rank(method="first").to_numpy() <= MOST_PAIRS
    shown = pairs.loc[is_shown]
    rows = rows_of(zip(shown["a"], shown["b"], strict=True))
    below = ["mission time (h)", *_left_out(pairs.loc[~is_shown])]
    layout = {
        "template": "plotly_white",
        "height": 110 + 15 * max(len(rows), 4) + 20 * len(below),
        "margin": {"l": 64, "r": 16, "t": 40, "b": 48 + 20 * len(below)},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
        "showlegend": True,
        "xaxis": {"title": {"text": "<br>".join(below)}, "range": [0, plan.duration_s / HOUR_S]},
        "yaxis": row_axis(rows),
    }
    return {"data": list(bars(placed(plan.to_frame(), rows))), "layout": layout}


def _left_out(pairs: pd.DataFrame) -> Iterator[str]:
    for kind, found in pairs.groupby("kind", sort=False)["contact_s"]:
        name, most_h = KINDS[str(kind)][0], found.max() / HOUR_S
        yield f"left out: {len(found):,} pairs {name}, at most {most_h:.2f} h in contact each"


def rows_of(pairs: Iterable[tuple[str, str]]) -> Rows:
    """The first pair on top."""
    return {pair: place for place, pair in enumerate(reversed(list(pairs)))}


def row_axis(rows: Rows) -> dict[str, Any]:
    """A vertical axis with a name for every row."""
    names = {"tickvals": list(rows.values()), "ticktext": [f"{a} – {b}" for a, b in rows]}
    return {**names, "range": [-0.7, len(rows) - 0.3], "showgrid": False, "zeroline": False, "automargin": True}


def placed(windows: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The windows, as `ContactPlan.to_frame` has them, whose pair has a row, with that `row`."""
    found = [rows.get(pair) for pair in zip(windows["a"], windows["b"], strict=True)]
    return windows.assign(row=found).dropna(subset="row").astype({"row": int})


def bars(windows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A trace for each kind of windows that are `placed`."""
    for kind, (name, colour) in KINDS.items():
        shown = windows.loc[windows["kind"] == kind]
        hours = (shown[["start_s", "end_s"]] / HOUR_S).round(4)
        if len(shown):
            yield {
                "type": "scatter",
                "mode": "lines",
                "name": f"window {name}",
                "x": _strokes(hours["start_s"], hours["end_s"]),
                "y": _strokes(shown["row"], shown["row"]),
                "line": {"color": colour, "width": 8},
                "hovertemplate": "%{x:.3f} h<extra></extra>",
            }


def _strokes(starts: pd.Series, ends: pd.Series) -> list[Any]:
    """Both ends of each, with a gap after it."""
    return [value for start, end in zip(starts.tolist(), ends.tolist(), strict=True) for value in (start, end, None)]
