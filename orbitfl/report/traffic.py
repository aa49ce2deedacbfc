"""Who could talk and who did: windows, transfers, bytes."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from orbitfl.experiment.result import RunResult
from orbitfl.figures import COLOURS
from orbitfl.report.plots import Plot, Trace, axis, broken, chosen, hours, plot, rounded, thinned

MOST_PAIRS = 60
MOST_WINDOWS = 20_000
MOST_MARKS = 8000
KINDS = {"isl": ("between satellites", COLOURS[5]), "ground": ("to the ground", COLOURS[4])}
OUTCOMES = {
    "done": ("done", "circle", "#000000"),
    "resumed": ("resumed and done", "diamond", COLOURS[2]),
    "cut": ("cut", "x", COLOURS[1]),
}


def transfers_of(result: RunResult) -> pd.DataFrame:
    """The run's transfers with what became of each part: done, cut, or resumed, which ends one that was cut."""
    table = result.transfers.sort_values("start_s", kind="stable")
    before = table.groupby(["from", "to"], sort=False)["outcome"].shift()
    resumed = (table["outcome"] == "done") & (before == "cut")
    return table.assign(became=table["outcome"].astype(object).mask(resumed, "resumed"))


def pairs_of(result: RunResult) -> list[tuple[str, str]]:
    """Pairs of nodes that have windows, those that talk most before the rest, at most MOST_PAIRS."""
    windows = result.plan.to_frame()
    seconds = (windows["end_s"] - windows["start_s"]).groupby([windows["a"], windows["b"]], sort=False).sum()
    talked = result.transfers.groupby(["from", "to"])["byte"].sum().to_dict()
    weight = {
        (a, b): (talked.get((a, b), 0) + talked.get((b, a), 0), float(length)) for (a, b), length in seconds.items()
    }
    return sorted(sorted(weight, key=lambda pair: weight[pair], reverse=True)[:MOST_PAIRS])


def gantt(result: RunResult) -> Plot | None:
    """A bar per window, a row per pair of nodes, and a mark per transfer; None without windows."""
    if not len(result.plan):
        return None
    rows = {pair: place for place, pair in enumerate(reversed(pairs_of(result)))}
    ticks = {"tickvals": list(rows.values()), "ticktext": [f"{a} – {b}" for a, b in rows], "showgrid": False}
    traces = [*_windows(result.plan.to_frame(), rows), *_marks(transfers_of(result), rows)]
    return plot(
        traces,
        "",
        height_px=110 + 15 * max(len(rows), 4),
        yaxis=axis("", **ticks, automargin=True, range=[-0.7, len(rows) - 0.3]),
    )


def _windows(windows: pd.DataFrame, rows: dict[tuple[str, str], int]) -> Iterator[Trace]:
    windows = windows.assign(row=[rows.get(pair) for pair in zip(windows["a"], windows["b"], strict=True)])
    windows = windows.dropna(subset="row")
    for kind, (name, colour) in KINDS.items():
        shown = windows[windows["kind"] == kind]
        shown = shown.iloc[chosen(len(shown), MOST_WINDOWS)]
        if len(shown):
            heights = shown["row"].astype(int).tolist()
            yield {
                "type": "scatter",
                "mode": "lines",
                "name": f"window {name}",
                "x": broken(hours(shown["start_s"]), hours(shown["end_s"])),
                "y": broken(heights, heights),
                "line": {"color": colour, "width": 8},
                "hovertemplate": "%{x:.3f} h<extra></extra>",
            }


def _marks(transfers: pd.DataFrame, rows: dict[tuple[str, str], int]) -> Iterator[Trace]:
    heights = [
        rows.get((sender, receiver), rows.get((receiver, sender)))
        for sender, receiver in zip(transfers["from"], transfers["to"], strict=True)
    ]
    placed = transfers.assign(row=heights).dropna(subset="row")
    for became, (name, symbol, colour) in OUTCOMES.items():
        shown = thinned(placed[placed["became"] == became], MOST_MARKS)
        if len(shown):
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": f"transfer {name}",
                "x": hours(shown["start_s"]),
                "y": shown["row"].astype(int).tolist(),
                "text": [f"{a} → {b}" for a, b in zip(shown["from"], shown["to"], strict=True)],
                "customdata": rounded(shown["byte"] / 1e6, 3),
                "hovertemplate": "%{text}, %{x:.3f} h: %{customdata} MB<extra></extra>",
                "marker": {"symbol": symbol, "color": colour, "size": 5},
            }


def sent(result: RunResult) -> Plot | None:
    """Bytes over time by what became of them, added up; None if nothing was sent."""
    table = transfers_of(result).sort_values("end_s", kind="stable")
    if table.empty:
        return None
    return plot(
        [trace for place, became in enumerate(OUTCOMES) for trace in _added_up(table, became, place)], "sent (MB)"
    )


def _added_up(table: pd.DataFrame, became: str, place: int) -> Iterator[Trace]:
    mine = table[table["became"] == became]
    if mine.empty:
        return
    name, _, colour = OUTCOMES[became]
    steps = thinned(pd.DataFrame({"t_s": mine["end_s"], "mb": mine["byte"].cumsum() / 1e6}), 2000)
    end_s = float(table["end_s"].max())
    yield {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [0.0, *hours(steps["t_s"]), *hours([end_s])],
        "y": [0.0, *rounded(steps["mb"], 3), round(float(steps["mb"].iloc[-1]), 3)],
        "line": {"color": colour, "width": 2, "shape": "hv", "dash": ("solid", "dash", "dot")[place]},
    }


def counted(result: RunResult) -> pd.DataFrame:
    """A row per strategy: windows used and missed, transfers, and the bytes of each kind."""
    return pd.DataFrame({name: _counts(run) for name, run in result.all_runs().items()}).T


def _counts(run: RunResult) -> dict[str, str]:
    last = run.records[run.records["node"] == "constellation"].groupby("kind")["value"].last()
    table = transfers_of(run)
    megabytes = {became: table.loc[table["became"] == became, "byte"].sum() / 1e6 for became in OUTCOMES}
    told = {
        name: f"{last.get(kind, np.nan):.0f}".replace("nan", "–")
        for name, kind in {
            "windows used": "contacts used",
            "windows missed": "contacts missed",
            "transfers done": "transfers done",
            "resumed": "transfers resumed",
            "given up": "transfers given up",
        }.items()
    }
    return {
        **told,
        "parts cut": str((table["outcome"] == "cut").sum()),
        "MB done at once": f"{megabytes['done']:.1f}",
        "MB resumed": f"{megabytes['resumed']:.1f}",
        "MB in cut parts": f"{megabytes['cut']:.1f}",
    }
