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

    target: satellites' mean mIoU in percent; left out, `ENOUGH` of the best that any setting has at the end, over the
    seeds that are `comparable`.
    """
    numeric = _numeric(trials)
    rows = [{**_known(trial, numeric), **_last(curves[trial.name])} for trial in trials if trial.name in curves]
    best = max((_mean(each, "mean") for each in comparable(by_setting(rows, trials)).values()), default=0.0)
    goal = ENOUGH * best if target is None else target
    return [{**row, "target": goal, **_costs(curves[row["run"]], goal)} for row in rows]


def by_setting(rows: Sequence[Row], trials: Sequence[Trial]) -> dict[Setting, list[Row]]:
    """Rows of equal keys but the seed, in the grid's order."""
    keys, grouped = [key for key, _ in trials[0].setting], dict[Setting, list[Row]]()
    for row in rows:
        grouped.setdefault(tuple((key, row[key]) for key in keys), []).append(row)
    return grouped


def comparable(grouped: Mapping[Setting, Sequence[Row]]) -> dict[Setting, list[Row]]:
    """The rows of those seeds that every setting has a run of: equal seeds share their data and their luck.

    All rows where there is no such seed.
    """
    common = set[int]().union(*_seeds(grouped)).intersection(*_seeds(grouped))
    kept = {setting: [row for row in rows if row["seed"] in common] for setting, rows in grouped.items()}
    return kept if common else {setting: list(rows) for setting, rows in grouped.items()}


def _seeds(grouped: Mapping[Setting, Sequence[Row]]) -> list[set[int]]:
    """By setting."""
    return [{row["seed"] for row in rows} for rows in grouped.values()]


@dataclass(frozen=True)
class Answer:
    """The cheapest setting, by bytes then joules, whose mean over seeds is `ENOUGH` of the best setting's.

    share, byte_share, joule_share: of the best's; None where the best takes no bytes, or no joules, and so neither does
    the cheapest. score and best: satellites' mean mIoU in percent. margin: by how many points of mIoU it lies above
    `ENOUGH` of the best's with the same seed. seeds: that every setting has a run of, which alone are compared, unless
    there is none. left_out: that some settings have no run of.
    """

    setting: Setting
    best_setting: Setting
    score: Estimate
    best: Estimate
    share: float
    byte_share: float | None
    joule_share: float | None
    margin: Estimate
    seeds: tuple[int, ...]
    left_out: tuple[int, ...]

    def sentence(self) -> str:
        best = _told(self.best_setting)
        if self.setting == self.best_setting:
            return f"Nothing cheaper than {best} reaches {ENOUGH:.0%} of its mIoU ({self.best})."
        reached = f"{self.share:.0%} of the best mIoU ({self.score} of {self.best}, at {best})"
        return f"{_told(self.setting)} reaches {reached}{self._costs()}."

    def _costs(self) -> str:
        shares = {"bytes": self.byte_share, "joules": self.joule_share}
        some = " and ".join(f"{share:.0%} of its {what}" for what, share in shares.items() if share is not None)
        none = " or ".join(what for what, share in shares.items() if share is None)
        return (f" with {some}" if some else "") + (f"; neither of the two takes any {none}" if none else "")

    def caution(self) -> str | None:
        """What missing runs and chance leave open; None if nothing.

        That the best is the best of many is not weighed.
        """
        if self.left_out and not self.seeds:
            return (
                "No seed has a run of every setting, so different seeds are compared, and their luck with them; "
                "see why runs are missing, and go on by --resume before you rely on this."
            )
        return " ".join(said for said in (self._restriction(), self._chance()) if said is not None) or None

    def _restriction(self) -> str | None:
        if not self.left_out:
            return None
        compared, others = _listed(self.seeds), _listed(self.left_out)
        return f"Only seeds that every setting has a run of are compared ({compared}), not {others}."

    def _chance(self) -> str | None:
        if isnan(self.margin.half):
            return "Runs of one seed do not tell chance from effect; give --seeds 3 or more before you rely on this."
        if self.margin.mean <= self.margin.half:
            return (
                f"This is not sure: by seed it lies {self.margin} points of mIoU above {ENOUGH:.0%} of the best's, "
                "and the 95 % confidence interval reaches below; more --seeds would tell."
            )
        return None


def answer_of(grouped: Mapping[Setting, Sequence[Row]]) -> Answer:
    """What a planner wants to know."""
    rows, had = comparable(grouped), _seeds(grouped)
    score = {setting: _mean(each, "mean") for setting, each in rows.items()}
    best = max(score, key=lambda setting: score[setting])
    enough = [setting for setting in rows if score[setting] >= ENOUGH * score[best]]
    chosen = min(enough, key=lambda setting: (_mean(rows[setting], "byte"), _mean(rows[setting], "joule")))
    common = set.intersection(*had)
    return Answer(
        setting=chosen,
        best_setting=best,
        score=Estimate.of([row["mean"] for row in rows[chosen]]),
        best=Estimate.of([row["mean"] for row in rows[best]]),
        share=_share(rows[chosen], rows[best], "mean") or 1.0,
        byte_share=_share(rows[chosen], rows[best], "byte"),
        joule_share=_share(rows[chosen], rows[best], "joule"),
        margin=Estimate.of(_margins(rows[chosen], rows[best])),
        seeds=tuple(sorted(common)),
        left_out=tuple(sorted(set.union(*had) - common)),
    )


def _share(part: Sequence[Row], whole: Sequence[Row], column: str) -> float | None:
    """None of nothing."""
    total = _mean(whole, column)
    return _mean(part, column) / total if total else None


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


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


def _told(setting: Setting) -> str:
    return ", ".join(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in setting)
