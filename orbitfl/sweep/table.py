"""A sweep's runs in one table, and the planner's answer from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import Any

from orbitfl.results import Curve, Estimate
from orbitfl.scenario import yaml_text
from orbitfl.sweep.evidence import cost_or_inf
from orbitfl.sweep.grid import Trial

ENOUGH = 0.95
"""Of the best mIoU itself, not of what it gained since launch: what a planner would call as good as the best."""

Row = dict[str, Any]
Setting = tuple[tuple[str, Any], ...]


def rows_of(trials: Sequence[Trial], curves: Mapping[str, Curve], target: float | None = None) -> list[Row]:
    """A row per run that has a curve, by its name: run, the grid's keys, seed; scores and costs at the end, as in
    `results.curve_of`; target and the costs to it (to_target_s, _byte, _joule), inf where it was not reached.

    target: satellites' mean mIoU in percent; left out, `ENOUGH` of the best that any setting has at the end.
    """
    numeric = _numeric(trials)
    rows = [{**_known(trial, numeric), **_last(curves[trial.name])} for trial in trials if trial.name in curves]
    best = max((_mean(each, "mean") for each in by_setting(rows, trials).values()), default=0.0)
    goal = ENOUGH * best if target is None else target
    return [{**row, "target": goal, **_costs(curves[row["run"]], goal)} for row in rows]


def by_setting(rows: Sequence[Row], trials: Sequence[Trial]) -> dict[Setting, list[Row]]:
    """Rows of equal keys but the seed, in the grid's order."""
    keys, grouped = [key for key, _ in trials[0].setting], dict[Setting, list[Row]]()
    for row in rows:
        grouped.setdefault(tuple((key, row[key]) for key in keys), []).append(row)
    return grouped


@dataclass(frozen=True)
class Answer:
    """The cheapest setting, by bytes then joules, whose mean over seeds is `ENOUGH` of the best setting's.

    share, byte_share, joule_share: of the best's. score and best: satellites' mean mIoU in percent. margin: by how many
    points of mIoU it lies above `ENOUGH` of the best's with the same seed.
    """

    setting: Setting
    best_setting: Setting
    score: Estimate
    best: Estimate
    share: float
    byte_share: float
    joule_share: float
    margin: Estimate

    def sentence(self) -> str:
        best = _told(self.best_setting)
        if self.setting == self.best_setting:
            return f"Nothing cheaper than {best} reaches {ENOUGH:.0%} of its mIoU ({self.best})."
        return (
            f"{_told(self.setting)} reaches {self.share:.0%} of the best mIoU ({self.score} of {self.best}, at {best}) "
            f"with {self.byte_share:.0%} of its bytes and {self.joule_share:.0%} of its joules."
        )

    def caution(self) -> str | None:
        """What chance leaves open; None if nothing. That the best is the best of many is not weighed."""
        if isnan(self.margin.half):
            return "Runs of one seed do not tell chance from effect; give --seeds 3 or more before you rely on this."
        if self.margin.mean <= self.margin.half:
            return (
                f"This is not sure: by seed it lies {self.margin} points of mIoU above {ENOUGH:.0%} of the best's, "
                "and the 95 % confidence interval reaches below; more --seeds would tell."
            )
        return None


def answer_of(grouped: dict[Setting, list[Row]]) -> Answer:
    """What a planner wants to know."""
    score = {setting: _mean(rows, "mean") for setting, rows in grouped.items()}
    best = max(score, key=lambda setting: score[setting])
    enough = [setting for setting in grouped if score[setting] >= ENOUGH * score[best]]
    chosen = min(enough, key=lambda setting: (_mean(grouped[setting], "byte"), _mean(grouped[setting], "joule")))
    shares = {
        column: _mean(grouped[chosen], column) / (_mean(grouped[best], column) or 1.0)
        for column in ("mean", "byte", "joule")
    }
    return Answer(
        setting=chosen,
        best_setting=best,
        score=Estimate.of([row["mean"] for row in grouped[chosen]]),
        best=Estimate.of([row["mean"] for row in grouped[best]]),
        share=shares["mean"],
        byte_share=shares["byte"],
        joule_share=shares["joule"],
        margin=Estimate.of(_margins(grouped[chosen], grouped[best])),
    )


def _margins(chosen: Sequence[Row], best: Sequence[Row]) -> list[float]:
    """By seed, for those that both have: runs of equal seeds share their data and their luck."""
    of_best = {row["seed"]: row["mean"] for row in best}
    return [row["mean"] - ENOUGH * of_best[row["seed"]] for row in chosen if row["seed"] in of_best]


def _known(trial: Trial, numeric: set[str]) -> Row:
    setting = {key: _number(text) if key in numeric else text for key, text in trial.setting}
    return {"run": trial.name, **setting, "seed": trial.scenario.seed}


def _numeric(trials: Sequence[Trial]) -> set[str]:
    """The keys all of whose values are numbers: a column of a table is of one type, whatever has finished so far."""
    settings = [item for trial in trials for item in trial.setting]
    return {key for key, _ in settings} - {key for key, text in settings if _number(text) is None}


def _number(text: str) -> float | None:
    value = yaml_text.parse(text, "the grid")
    return float(value) if type(value) in (int, float) else None


def _last(curve: Curve) -> Row:
    return {name: float(values[-1]) for name, values in curve.items() if name != "t_s"}


def _costs(curve: Curve, target: float) -> Row:
    return {f"to_target_{unit}": cost for unit, cost in cost_or_inf(curve, target).items()}


def _mean(rows: Sequence[Row], column: str) -> float:
    return fmean(row[column] for row in rows)


def _told(setting: Setting) -> str:
    return ", ".join(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in setting)
