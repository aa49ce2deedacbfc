"""Figures from a run's tables (matplotlib). Colours: Okabe and Ito's, told apart by colour-blind readers."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", ":")
HOUR_S = 3600
MOST_NAMED = 10


def mission_figure(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    contacts: pd.DataFrame,
    transfers: pd.DataFrame,
    energy: pd.DataFrame,
) -> Figure:
    """Three panels over one mission clock: scores, contacts with the exchanges in them, state of charge.

    curves: per strategy, mIoU in percent with a row per time in s and a column per satellite. The tables are those
    of a run's folder.
    """
    rows = contacts[["a", "b"]].drop_duplicates().shape[0]
    rows_in = 0.11 * min(rows, 80)
    figure = Figure(figsize=(9, 7 + rows_in), layout="constrained")
    scores, timeline, charge = figure.subplots(3, 1, sharex=True, height_ratios=(3.5, 1 + rows_in, 1.5))
    figure.suptitle(title)
    draw_scores(scores, curves)
    draw_contacts(timeline, contacts, transfers)
    draw_charge(charge, energy)
    charge.set_xlabel("mission time (h)")
    return figure


def draw_scores(axes: Axes, curves: Mapping[str, pd.DataFrame]) -> None:
    """The mean over satellites as a line, the range from worst to best as a band."""
    for place, (strategy, table) in enumerate(curves.items()):
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)]
        hours = table.index.to_numpy() / HOUR_S
        axes.fill_between(hours, table.min(axis=1), table.max(axis=1), color=colour, alpha=0.15, linewidth=0)
        axes.plot(hours, table.mean(axis=1), style, color=colour, label=strategy, marker=".")
    axes.set_ylabel("mIoU on held-out tiles (%)")
    axes.legend(loc="best", title="mean; band: worst to best satellite")
    axes.grid(alpha=0.3)


def draw_contacts(axes: Axes, contacts: pd.DataFrame, transfers: pd.DataFrame) -> None:
    """A bar per window and pair of nodes; dots where a transfer was completed, crosses where it was cut."""
    pairs = list(dict.fromkeys(zip(contacts["a"], contacts["b"], strict=True)))
    rows = {pair: place for place, pair in enumerate(sorted(pairs))}
    for kind, colour in (("isl", COLOURS[5]), ("ground", COLOURS[4])):
        chosen = contacts[contacts["kind"] == kind]
        heights = [rows[pair] for pair in zip(chosen["a"], chosen["b"], strict=True)]
        lengths_h = (chosen["end_s"] - chosen["start_s"]) / HOUR_S
        axes.barh(heights, lengths_h, left=chosen["start_s"] / HOUR_S, height=0.7, color=colour, label=kind)
    for outcome, marker, colour in (("done", ".", "black"), ("cut", "x", COLOURS[1])):
        chosen = transfers[(transfers["outcome"] == outcome)]
        met = zip(chosen["from"], chosen["to"], chosen["start_s"], strict=True)
        points = [
            (start_s / HOUR_S, rows[sender, receiver])
            for sender, receiver, start_s in met
            if (sender, receiver) in rows
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=colour, markersize=3, label=f"transfer {outcome}")
    axes.set_yticks(list(rows.values()), [" – ".join(pair) for pair in rows], fontsize=6 if len(rows) > 12 else 8)
    axes.set_ylabel("contacts")
    _legend_above(axes)


def draw_charge(axes: Axes, energy: pd.DataFrame) -> None:
    """State of charge of every satellite at the end of each of its activities."""
    for place, (node, spells) in enumerate(energy.groupby("node", sort=False)):
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place // len(COLOURS) % len(STYLES)]
        axes.plot(
            spells["end_s"] / HOUR_S,
            100 * spells["charge_end"],
            style,
            color=colour,
            linewidth=0.9,
            label=str(node),
        )
    axes.set_ylabel("state of charge (%)")
    axes.grid(alpha=0.3)
    if len(set(energy["node"])) <= MOST_NAMED:
        _legend_above(axes)


def _legend_above(axes: Axes) -> None:
    """Outside of the data, whatever the data are."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=7, ncols=10, frameon=False)
