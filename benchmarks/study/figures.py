"""The figures of docs/study.md. Bands and bars are 95 % confidence intervals over seeds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from evidence import at_end
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from reading import of
from tables import CONSTANT, GOSSIP
from variants import HELD, variants

from orbitfl.figures import COLOURS, STYLES
from orbitfl.results import Estimate

SHOWN = ("base", "isolated", "gossip", "neighbourhood", "fedavg", "centralised")
EVERY = {"5": ("interval", "5 min"), "15": GOSSIP, "60": ("interval", "60 min"), "240": ("interval", "240 min")}
NEVER = ("strategies", "isolated")
SCORE = "satellites' mean mIoU on held-out scenes (%)"


def draw_all(curves: pd.DataFrame, folder: Path) -> None:
    """Write every figure into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in _figures(curves):
        figure.savefig(folder / f"{name}.png", dpi=120)


def _figures(curves: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    yield "strategies", _strategies(curves)
    yield "steps", _steps(curves)
    yield "interval", _interval(curves)
    yield "bytes", _bytes(curves)
    yield "robustness", _robustness(curves)


def _strategies(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for axes, group, title in zip(
        figure.subplots(1, 2, sharey=True),
        ("strategies", "overflight"),
        ("by scene: data on board at launch", "overflight: data as scenes are passed"),
        strict=True,
    ):
        for place, variant in enumerate(SHOWN):
            _draw_curve(
                axes, of(curves, (group, variant)), "mean", variant, COLOURS[place], STYLES[place % len(STYLES)]
            )
        axes.set(title=title, xlabel="mission time (h)")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel(SCORE)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(SHOWN))
    return figure


def _steps(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    panels = {"mean": "satellites' mean", "worst": "worst satellite"}
    for axes, (column, title) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        for name, colour in zip(HELD, COLOURS, strict=False):
            _draw_curve(axes, of(curves, ("strategies", name)), column, name, colour, "-")
            _draw_curve(axes, of(curves, CONSTANT[name]), column, f"{name}, constant", colour, "--")
        axes.set(title=title, xlabel="mission time (h)")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("mIoU on held-out scenes (%)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(HELD))
    return figure


def _draw_curve(axes: Axes, chosen: pd.DataFrame, column: str, label: str, colour: str, style: str) -> None:
    estimates = {at_s: Estimate.of(scores.tolist()) for at_s, scores in chosen.groupby("t_s")[column]}
    hours = np.array(list(estimates)) / 3600
    mean, half = (np.array([getattr(each, name) for each in estimates.values()]) for name in ("mean", "half"))
    axes.fill_between(hours, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
    axes.plot(hours, mean, style, color=colour, marker=".", label=label)


def _interval(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for column, label, colour, style in (
        ("average", "average model", COLOURS[2], "--"),
        ("mean", "satellites' mean", COLOURS[0], "-"),
        ("worst", "worst satellite", COLOURS[1], "-."),
    ):
        found = [at_end(curves, place, column) for place in [*EVERY.values(), NEVER]]
        axes.errorbar(
            range(len(found)),
            [each.mean for each in found],
            [each.half for each in found],
            color=colour,
            linestyle=style,
            marker="o",
            capsize=4,
            label=label,
        )
    axes.set_xticks(range(len(EVERY) + 1), [*EVERY, "never"])
    axes.set(xlabel="a pair exchanges at most every (min)", ylabel="mIoU on held-out scenes (%)")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _bytes(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.subplots()
    groups = {"strategies": "strategy", "wire": "what travels", "interval": "interval"}
    named: dict[str, tuple[float, float]] = {}
    for (group, label), colour, marker in zip(groups.items(), COLOURS, "os^", strict=False):
        for variant in variants()[group]:
            sent, score = at_end(curves, (group, variant), "byte", 1e6), at_end(curves, (group, variant))
            if not sent.mean:
                continue
            axes.errorbar(sent.mean, score.mean, score.half, color=colour, marker=marker, capsize=3, label=label)
            named[variant] = (sent.mean, score.mean)
            label = "_"
    _name_points(axes, named)
    axes.set(xscale="log", xlabel="sent by all satellites (MB)", ylabel=SCORE)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def _name_points(axes: Axes, named: dict[str, tuple[float, float]]) -> None:
    """Points that lie together share a label; those at the top, of which there are many, have it above them."""
    best = max(score for _, score in named.values())
    labels: dict[tuple[float, float], list[str]] = {}
    for name, (sent, score) in sorted(named.items(), key=lambda item: -item[1][1]):
        near = [at for at in labels if max(at[0], sent) < 1.15 * min(at[0], sent) and abs(at[1] - score) < 2]
        labels.setdefault(near[0] if near else (sent, score), []).append(name)
    for at, names in labels.items():
        above = {"rotation": 90, "xytext": (0, 12), "ha": "center", "va": "bottom"}
        beside = {"xytext": (8, 0), "va": "center"}
        chosen = above if at[1] > best - 2 else beside
        axes.annotate(", ".join(names), at, textcoords="offset points", fontsize=8, **chosen)
    axes.set_ylim(top=best + 22)


def _robustness(curves: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    places = {"gossip, no trouble": GOSSIP, **{name: ("faults", name) for name in variants()["faults"]}}
    for column, marker, colour, shift in (("mean", "o", COLOURS[0], -0.12), ("worst", "x", COLOURS[1], 0.12)):
        found = [at_end(curves, place, column) for place in places.values()]
        axes.errorbar(
            [each.mean for each in found],
            np.arange(len(found)) + shift,
            xerr=[each.half for each in found],
            fmt=marker,
            color=colour,
            capsize=3,
            label={"mean": "satellites' mean", "worst": "worst satellite"}[column],
        )
    axes.set_yticks(range(len(places)), list(places))
    axes.invert_yaxis()
    axes.set_xlabel("mIoU on held-out scenes (%)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper right", ncols=2)
    return figure
