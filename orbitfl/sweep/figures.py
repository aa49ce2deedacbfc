"""A sweep's figures. Bands and bars are 95 % confidence intervals over the seeds that are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from orbitfl.figures import COLOURS, STYLES
from orbitfl.files import replacing
from orbitfl.orbit.clock import HOUR_S
from orbitfl.results import Estimate
from orbitfl.sweep.table import Row, Setting

SCORE = "satellites' mean mIoU (%)"
MOST_NAMED = 12

Grouped = Mapping[Setting, Sequence[Row]]


def draw_all(grouped: Grouped, folder: Path) -> None:
    """Write scores.png and frontier.png, and time_to_target.png where there are two keys or more.

    What there is nothing to draw of is taken away: it would be an earlier grid's.
    """
    keys = len(next(iter(grouped), ()))
    for draw, needed in ((scores, 1), (frontier, 1), (time_to_target, 2)):
        path = folder / f"{draw.__name__}.png"
        if keys < needed:
            path.unlink(missing_ok=True)
            continue
        with replacing(path) as beside:
            draw(grouped).savefig(beside, dpi=110, format="png")


def scores(grouped: Grouped) -> Figure:
    """The score against the first key, a line for each setting of the others."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes, lines = figure.subplots(), dict[Setting, dict[float | str, Estimate]]()
    for setting, rows in grouped.items():
        lines.setdefault(setting[1:], {})[setting[0][1]] = Estimate.of([row["mean"] for row in rows])
    for place, (others, line) in enumerate(list(lines.items())[:MOST_NAMED]):
        _draw_line(axes, line, named(others), place)
    axes.set(xlabel=next(iter(grouped))[0][0], ylabel=SCORE)
    axes.grid(alpha=0.3)
    if len(lines) > 1:
        axes.legend(title=None if len(lines) <= MOST_NAMED else f"the first {MOST_NAMED} of {len(lines)}")
    return figure


def _draw_line(axes: Axes, line: Mapping[float | str, Estimate], label: str, place: int) -> None:
    colour = COLOURS[place % len(COLOURS)]
    if not all(isinstance(value, float) for value in line):
        half = [0.0 if np.isnan(each.half) else each.half for each in line.values()]
        means = [each.mean for each in line.values()]
        axes.errorbar([str(value) for value in line], means, half, color=colour, fmt="o", capsize=4, label=label)
        return
    where = sorted(float(value) for value in line)
    mean, half = (np.array([getattr(line[value], name) for value in where]) for name in ("mean", "half"))
    axes.fill_between(where, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
    axes.plot(where, mean, STYLES[place % len(STYLES)], color=colour, marker="o", label=label)
    if 0 < where[0] < where[-1] / 20:
        axes.set_xscale("log")


def frontier(grouped: Grouped) -> Figure:
    """The score against bytes and joules; the line joins settings that none beats at their cost."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    costs = {"byte": ("sent by all satellites (MB)", 1e6), "joule": ("spent by all satellites (kJ)", 1e3)}
    for axes, (cost, (label, unit)) in zip(figure.subplots(1, 2, sharey=True), costs.items(), strict=True):
        places = {
            setting: (fmean(row[cost] for row in rows) / unit, fmean(row["mean"] for row in rows))
            for setting, rows in grouped.items()
        }
        axes.plot(*zip(*places.values(), strict=True), "o", color=COLOURS[0])
        best = best_of(places)
        axes.plot(*zip(*best.values(), strict=True), "-", color=COLOURS[1], drawstyle="steps-post", label="frontier")
        for setting, place in list(best.items())[:MOST_NAMED]:
            axes.annotate(named(setting), place, (5, 4), textcoords="offset points", fontsize=8)
        axes.set_xlabel(label)
        axes.margins(x=0.4)
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel(SCORE)
    figure.axes[0].legend()
    return figure


def best_of(places: Mapping[Setting, tuple[float, float]]) -> dict[Setting, tuple[float, float]]:
    """Of settings with (cost, score), those that none of less or equal cost comes up to; cheapest first."""
    best: dict[Setting, tuple[float, float]] = {}
    for setting, (cost, score) in sorted(places.items(), key=lambda item: (item[1][0], -item[1][1])):
        if all(score > other for _, other in best.values()):
            best[setting] = (cost, score)
    return best


def time_to_target(grouped: Grouped) -> Figure:
    """Hours to the target over the first two keys, medians over all else; empty where the median run misses it."""
    found: dict[tuple[float | str, float | str], list[float]] = {}
    for setting, rows in grouped.items():
        found.setdefault((setting[1][1], setting[0][1]), []).extend(row["to_target_s"] / HOUR_S for row in rows)
    down, along = (list(dict.fromkeys(pair[place] for pair in found)) for place in (0, 1))
    hours = np.array([[median(found.get((row, column), [np.inf])) for column in along] for row in down])
    figure = Figure(figsize=(1.2 * len(along) + 3, 0.7 * len(down) + 2.5), layout="constrained")
    axes, shown = figure.subplots(), np.ma.masked_invalid(hours)
    image = axes.imshow(shown, cmap="cividis_r", aspect="auto")
    for (row, column), value in np.ndenumerate(hours):
        told = f"{value:.1f}" if np.isfinite(value) else "not reached"
        axes.text(column, row, told, ha="center", va="center", bbox={"fc": "white", "ec": "none", "alpha": 0.7})
    axes.set_xticks(range(len(along)), [_short(value) for value in along])
    axes.set_yticks(range(len(down)), [_short(value) for value in down])
    first, second = next(iter(grouped))[:2]
    axes.set(xlabel=first[0], ylabel=second[0])
    if shown.count():
        target = next(iter(grouped.values()))[0]["target"]
        figure.colorbar(image, label=f"hours to {target:.1f} % mIoU")
    return figure


def named(setting: Setting) -> str:
    """The values, with the ends of their keys."""
    return ", ".join(f"{key.rpartition('.')[2]}={_short(value)}" for key, value in setting)


def _short(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
