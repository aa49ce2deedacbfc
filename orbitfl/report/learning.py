"""How the constellation learns: scores, how far the models lie apart, how old what they receive is."""

import pandas as pd

from orbitfl.experiment.result import RunResult
from orbitfl.figures import COLOURS
from orbitfl.report.plots import DASHES, SYMBOLS, Plot, Trace, axis, hours, line, plot, rounded, thinned
from orbitfl.results import AVERAGE

MOST_LETTERS = 4000


def scores(result: RunResult) -> Plot:
    """mIoU of each strategy: the mean over satellites as a line, worst to best as a band."""
    traces = [trace for place, run in enumerate(result.all_runs().values()) for trace in _curve(run, place)]
    of_average = result.scores()
    if AVERAGE in of_average:
        x, y = hours(of_average.index), rounded(of_average[AVERAGE], 3)
        pen = {"color": "#444", "dash": "dot", "width": 1.4}
        traces.append(line(f"{result.strategy}, average model", 0, x, y, line=pen, visible="legendonly"))
    return plot(traces, "mIoU on held-out tiles (%)", height_px=420)


def _curve(run: RunResult, place: int) -> list[Trace]:
    table = run.satellites()
    x, colour = hours(table.index), COLOURS[place % len(COLOURS)]
    red, green, blue = (int(colour[first : first + 2], 16) for first in (1, 3, 5))
    band = {
        "type": "scatter",
        "x": x + x[::-1],
        "y": rounded(table.max(axis=1), 3) + rounded(table.min(axis=1), 3)[::-1],
        "fill": "toself",
        "fillcolor": f"rgba({red},{green},{blue},0.15)",
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": run.strategy,
    }
    mean = line(run.strategy, place, x, rounded(table.mean(axis=1), 3), legendgroup=run.strategy)
    mean |= {"mode": "lines+markers", "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 7}}
    mean["line"] = {"color": colour, "dash": DASHES[place % len(DASHES)], "width": 2.2}
    return [band, mean]


def consensus(result: RunResult) -> Plot | None:
    """The satellites' distance from their mean; None if nothing of it was recorded."""
    curves = {name: run.scores("consensus_distance") for name, run in result.all_runs().items()}
    traces = [
        line(name, place, hours(table.index), rounded(table.iloc[:, 0], 6), mode="lines+markers")
        for place, (name, table) in enumerate(curves.items())
        if not table.empty
    ]
    return plot(traces, "distance from the mean model") if traces else None


def staleness(result: RunResult) -> Plot | None:
    """How old each update was when it was merged; None if none was."""
    found = result.records.loc[result.records["kind"] == "staleness_s"]
    if found.empty:
        return None
    shown = thinned(found, MOST_LETTERS)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "update",
        "x": hours(shown["t_s"]),
        "y": rounded(shown["value"], 2),
        "text": shown["node"].tolist(),
        "hovertemplate": "%{text}, %{x:.2f} h: %{y:.3g} s old<extra></extra>",
        "marker": {"color": COLOURS[0], "size": 5, "opacity": 0.5, "symbol": "circle-open"},
    }
    scale = "log" if found["value"].min() > 0 else "linear"
    return plot([dots, _median(found)], "age (s)", yaxis=axis("age of an update when merged (s)", type=scale))


def _median(found: pd.DataFrame) -> Trace:
    """Of each hour."""
    medians = found.groupby(found["t_s"] // 3600)["value"].median()
    x = [float(hour) + 0.5 for hour in medians.index]
    return line("median of the hour", 1, x, rounded(medians, 2), mode="lines+markers")
