"""Who could talk and who did: windows, transfers, bytes."""

from collections.abc import Iterable, Iterator
from math import inf

import pandas as pd

from orbitfl.contacts.gantt import MOST_PAIRS, Rows, bars, placed, row_axis, rows_of
from orbitfl.experiment.result import RunResult
from orbitfl.figures import COLOURS
from orbitfl.report.plots import DASHES, Plot, Trace, axis, hours, plot, rounded, thinned
from orbitfl.results import GROUND

MOST_WINDOWS = 8000
MOST_MARKS = 3000
MOST_STEPS = 2000
OUTCOMES = {
    "done": ("done", "circle", "#000000"),
    "resumed": ("resumed and done", "diamond", COLOURS[2]),
    "cut": ("cut", "x", COLOURS[1]),
}

RECORDED = {
    "windows used": "contacts used",
    "windows missed": "contacts missed",
    "transfers done": "transfers done",
    "transfers resumed": "transfers resumed",
    "transfers given up": "transfers given up",
}
"""What the table calls the constellation's records."""


def transfers_of(result: RunResult) -> pd.DataFrame:
    """The run's transfers with what became of each part: done, cut, or resumed, which ends one that was cut.

    What one station had to leave off another may go on with: all stations are one ground.
    """
    table = result.transfers.sort_values("start_s", kind="stable")
    satellites, transfer = result.plan.satellite_names, result.scenario.exchange.transfer
    sender, receiver = (table[end].where(table[end].isin(satellites), GROUND) for end in ("from", "to"))
    parts = zip(zip(sender, receiver, strict=True), table["start_s"], table["outcome"], strict=True)
    return table.assign(became=list(_fates(parts, transfer.keep_s if transfer.resume else -inf)))


def _fates(parts: Iterable[tuple[tuple[str, str], float, str]], keep_s: float) -> Iterator[str]:
    """Of parts in order, each with its direction, start and outcome. What is older than `keep_s` is written anew."""
    begun_s: dict[tuple[str, str], float] = {}
    for direction, start_s, outcome in parts:
        first_s = begun_s.pop(direction, -inf)
        goes_on = start_s - first_s <= keep_s
        if outcome == "cut":
            begun_s[direction] = first_s if goes_on else start_s
        yield "resumed" if goes_on and outcome == "done" else outcome


def pairs_of(result: RunResult) -> list[tuple[str, str]]:
    """Pairs of nodes that have windows, those that talk most before the rest, at most MOST_PAIRS."""
    weight: dict[tuple[str, str], tuple[float, float]] = {}
    for contact in result.plan:
        talked_byte, open_s = weight.get((contact.a, contact.b), (0.0, 0.0))
        weight[contact.a, contact.b] = talked_byte, open_s + contact.end_s - contact.start_s
    table = result.transfers
    for sender, receiver, byte in zip(table["from"], table["to"], table["byte"], strict=True):
        pair = (sender, receiver) if (sender, receiver) in weight else (receiver, sender)
        if pair in weight:
            weight[pair] = weight[pair][0] + byte, weight[pair][1]
    shown = sorted(weight, key=lambda pair: weight[pair], reverse=True)[:MOST_PAIRS]
    place = {node: number for number, node in enumerate(result.plan.nodes)}
    return sorted(shown, key=lambda pair: (place[pair[0]], place[pair[1]]))


def gantt(result: RunResult) -> Plot | None:
    """A bar per window, a row per pair of nodes, and a mark per transfer; None without windows."""
    if not len(result.plan):
        return None
    rows = rows_of(pairs_of(result))
    windows = thinned(placed(result.plan.to_frame(), rows), MOST_WINDOWS)
    traces = [*bars(windows), *_marks(transfers_of(result), rows)]
    return plot(traces, "", height_px=110 + 15 * max(len(rows), 4), yaxis=axis("", **row_axis(rows)))


def _marks(transfers: pd.DataFrame, rows: Rows) -> Iterator[Trace]:
    heights = [
        rows.get((sender, receiver), rows.get((receiver, sender)))
        for sender, receiver in zip(transfers["from"], transfers["to"], strict=True)
    ]
    placed = transfers.assign(row=heights).dropna(subset="row")
    for became, (name, symbol, colour) in OUTCOMES.items():
        shown = thinned(placed.loc[placed["became"] == became], MOST_MARKS)
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
    end_s = result.scenario.duration_s
    added = [_added_up(table.loc[table["became"] == became], became, end_s) for became in OUTCOMES]
    return None if table.empty else plot([trace for trace in added if trace is not None], "sent (MB)")


def _added_up(mine: pd.DataFrame, became: str, end_s: float) -> Trace | None:
    if mine.empty:
        return None
    name, _, colour = OUTCOMES[became]
    steps = thinned(pd.DataFrame({"t_s": mine["end_s"], "mb": mine["byte"].cumsum() / 1e6}), MOST_STEPS)
    heights_mb = rounded(steps["mb"], 3)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [0.0, *hours(steps["t_s"]), *hours([end_s])],
        "y": [0.0, *heights_mb, heights_mb[-1]],
        "line": {"color": colour, "width": 2, "shape": "hv", "dash": DASHES[list(OUTCOMES).index(became)]},
        "showlegend": True,
    }


def counted(result: RunResult) -> pd.DataFrame:
    """A row per strategy: windows used and missed, transfers, and the bytes of each kind."""
    return pd.DataFrame({name: _counts(run) for name, run in result.all_runs().items()}).T


def _counts(run: RunResult) -> dict[str, str]:
    table = transfers_of(run)
    byte_by_fate = {became: table.loc[table["became"] == became, "byte"].sum() for became in OUTCOMES}
    return {
        **{told: _last(run, kind) for told, kind in RECORDED.items()},
        "parts cut": str((table["outcome"] == "cut").sum()),
        "MB in one window": f"{byte_by_fate['done'] / 1e6:.1f}",
        "MB in last parts of resumed": f"{byte_by_fate['resumed'] / 1e6:.1f}",
        "MB in cut parts": f"{byte_by_fate['cut'] / 1e6:.1f}",
    }


def _last(run: RunResult, kind: str) -> str:
    found = run.records.loc[run.records["kind"] == kind, "value"].to_numpy()
    return f"{found[-1]:.0f}" if len(found) else "–"
