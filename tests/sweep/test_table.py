"""The planner's answer and the frontier against brute force; costs by hand."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from orbitfl.errors import ScenarioError
from orbitfl.results import RECORDS
from orbitfl.sweep import Axis, Outcome, Sweep, Trial, trials_of
from orbitfl.sweep.evidence import all_recorded, cost_or_inf
from orbitfl.sweep.figures import best_of
from orbitfl.sweep.folder import SweepFolder
from orbitfl.sweep.table import ENOUGH, Answer, Row, Setting, answer_of, rows_of

CURVE = {
    "t_s": np.array([0.0, 60.0, 120.0, 180.0]),
    "mean": np.array([30.0, 50.0, 45.0, 60.0]),
    "byte": np.array([0.0, 10.0, 20.0, 30.0]),
    "joule": np.array([0.0, 1.0, 2.0, 3.0]),
}
SCORES = st.tuples(st.floats(1, 100), st.integers(0, 5), st.integers(1, 5))


def setting(place: int) -> Setting:
    return (("exchange.min_interval_s", float(place)),)


@pytest.mark.parametrize(("target", "at"), [(30.0, 0), (50.0, 1), (51.0, 3), (60.0, 3)])
def test_a_target_costs_what_its_first_evaluation_cost(target: float, at: int):
    assert cost_or_inf(CURVE, target) == {
        "s": CURVE["t_s"][at],
        "byte": CURVE["byte"][at],
        "joule": CURVE["joule"][at],
    }


def test_a_target_that_is_missed_is_censored():
    assert set(cost_or_inf(CURVE, 60.1).values()) == {inf}


@given(st.lists(SCORES, min_size=1, max_size=8))
def test_the_answer_is_the_cheapest_that_is_good_enough(found: list[tuple[float, int, int]]):
    grouped = {
        setting(place): [{"seed": 7, "mean": mean, "byte": float(byte), "joule": float(joule)}]
        for place, (mean, byte, joule) in enumerate(found)
    }
    answer = answer_of(grouped)
    best = max(mean for mean, *_ in found)
    enough = [(byte, joule) for mean, byte, joule in found if mean >= ENOUGH * best]
    row = grouped[answer.setting][0]
    assert (row["byte"], row["joule"]) == min(enough)
    assert grouped[answer.best_setting][0]["mean"] == best
    assert answer.share == pytest.approx(row["mean"] / best)
    assert str(answer.best) in answer.sentence()


def test_the_answer_in_words():
    rows = {900: [(60.0, 12.0), (60.0, 12.0)], 300: [(62.0, 100.0), (64.0, 100.0)], 3600: [(50.0, 3.0), (50.0, 3.0)]}
    grouped = {
        setting(every_s): [
            {"seed": seed, "mean": mean, "byte": byte, "joule": 1.0} for seed, (mean, byte) in enumerate(found)
        ]
        for every_s, found in rows.items()
    }
    assert answer_of(grouped).sentence() == (
        "exchange.min_interval_s=900 reaches 95% of the best mIoU (60.0 of 63.0 ± 12.7, at "
        "exchange.min_interval_s=300) with 12% of its bytes and 100% of its joules."
    )


@pytest.mark.parametrize(
    ("byte", "joule", "said"),
    [
        (0.0, 4.0, "with 50% of its joules; neither of the two takes any bytes."),
        (8.0, 0.0, "with 25% of its bytes; neither of the two takes any joules."),
        (0.0, 0.0, "at exchange.min_interval_s=1); neither of the two takes any bytes or joules."),
    ],
)
def test_of_nothing_there_is_no_share(byte: float, joule: float, said: str):
    grouped = {
        setting(0): [{"seed": 7, "mean": 60.0, "byte": byte / 4, "joule": joule / 2}],
        setting(1): [{"seed": 7, "mean": 61.0, "byte": byte, "joule": joule}],
    }
    assert answer_of(grouped).sentence().endswith(said)


LUCK = st.dictionaries(st.integers(7, 12), st.floats(1, 100), min_size=1)


@given(st.lists(LUCK, min_size=2, max_size=4))
def test_settings_are_compared_over_the_seeds_that_all_have_and_others_are_named(found: list[dict[int, float]]):
    """The answer to runs that are missing is that to a sweep which never had those seeds."""
    common = set.intersection(*map(set, found))
    assume(common)
    left_out = sorted(set.union(*map(set, found)) - common)
    answer = answer_of(rows_by_setting(found))
    had = answer_of(rows_by_setting([{seed: luck[seed] for seed in common} for luck in found]))
    assert repr(replace(answer, left_out=())) == repr(had)
    assert (answer.sentence(), answer.seeds) == (had.sentence(), tuple(sorted(common)))
    if left_out:
        assert f"({', '.join(map(str, sorted(common)))}), not {', '.join(map(str, left_out))}." in str(answer.caution())
    else:
        assert answer.caution() == had.caution()


def rows_by_setting(found: list[dict[int, float]]) -> dict[Setting, list[Row]]:
    return {
        setting(place): [
            {"seed": seed, "mean": mean, "byte": float(place), "joule": 1.0} for seed, mean in sorted(luck.items())
        ]
        for place, luck in enumerate(found)
    }


def test_a_lucky_seed_that_the_other_setting_lacks_does_not_make_the_best():
    answer = answer_of(rows_by_setting([{7: 50.0, 8: 90.0}, {7: 60.0}]))
    assert answer.setting == answer.best_setting == setting(1)


def test_figures_show_the_seeds_that_are_compared(tmp_path: Path):
    sweep = Sweep(SweepFolder(tmp_path), [], rows_by_setting([{7: 50.0, 8: 90.0}, {7: 60.0}]), {})
    (line,) = sweep.plot().axes[0].lines
    (settings, _), _ = (axes.lines for axes in sweep.frontier().axes)
    for drawn in (line, settings):
        np.testing.assert_array_equal(drawn.get_ydata(), [50.0, 60.0])


def test_where_settings_share_no_seed_the_answer_says_so():
    caution = str(answer_of(rows_by_setting([{7: 50.0}, {8: 60.0}])).caution())
    assert caution.startswith("No seed has a run of every setting") and "--resume" in caution


def answered(cheap: list[float], dear: list[float]) -> Answer:
    """Of a cheap and a dear setting, scores by seed from 0 on."""
    rows = [
        [{"seed": seed, "mean": mean, "byte": cost, "joule": cost} for seed, mean in enumerate(found)]
        for cost, found in ((1.0, cheap), (9.0, dear))
    ]
    return answer_of({setting(place): each for place, each in enumerate(rows)})


SEEDS = st.lists(st.tuples(st.floats(50, 52), st.floats(51, 53)), min_size=2, max_size=6)


@given(SEEDS)
def test_an_answer_is_sure_where_a_paired_test_is(pairs: list[tuple[float, float]]):
    cheap, dear = map(list, zip(*pairs, strict=True))
    answer = answered(cheap, dear)
    assume(answer.setting == setting(0) and answer.best_setting == setting(1))
    goals = [ENOUGH * score for score in dear]
    assume(np.ptp(np.subtract(cheap, goals)) > 1e-6)
    p_value = stats.ttest_rel(cheap, goals).pvalue
    assume(abs(p_value - 0.05) > 1e-6)
    assert (answer.caution() is None) == (p_value < 0.05)


def test_an_answer_names_what_chance_leaves_open():
    assert answered([60.0, 60.2, 59.9], [61.0, 61.3, 60.8]).caution() is None
    assert "not sure" in str(answered([50.0, 70.0, 60.0], [61.0, 61.3, 60.8]).caution())
    assert "--seeds" in str(answered([60.0], [61.0]).caution())


@given(st.lists(st.tuples(st.integers(0, 5).map(float), st.integers(0, 5).map(float)), min_size=1, max_size=9))
def test_nothing_beats_what_is_on_the_frontier(places: list[tuple[float, float]]):
    named = {setting(place): each for place, each in enumerate(places)}
    beaten = [any(other[0] <= each[0] and other[1] >= each[1] and other != each for other in places) for each in places]
    assert set(best_of(named).values()) == {
        each for each, is_beaten in zip(places, beaten, strict=True) if not is_beaten
    }


@pytest.mark.parametrize(
    ("values", "column"),
    [
        (("2", "null"), ["2", "null"]),
        (("2", "8"), [2.0, 8.0]),
        (("1e1", "2.0e1"), [10.0, 20.0]),
    ],
)
def test_a_key_is_a_column_of_one_type_and_reads_numbers_as_scenarios_do(
    repository: Path, tmp_path: Path, values: tuple[str, ...], column: list[float | str]
):
    key = "training.learning_rate" if "1e1" in values else "training.most_tiles"
    trials = trials_of(repository / "constellations/first_light.yaml", [], [Axis(key, values)], 1)
    for trial in trials:
        finish(tmp_path / trial.name)
    pd.DataFrame(rows_in(tmp_path, trials)).to_parquet(tmp_path / "sweep.parquet")
    assert list(pd.read_parquet(tmp_path / "sweep.parquet")[key]) == column
    (tmp_path / trials[-1].name / "run.json").unlink()
    assert [row[key] for row in rows_in(tmp_path, trials)] == column[:1]


def rows_in(folder: Path, trials: list[Trial]) -> list[Row]:
    curves, problems = all_recorded(folder / trial.name for trial in trials)
    assert not problems
    return rows_of(trials, curves)


BROKEN = {
    "other columns": lambda records: records.drop(columns="value"),
    "no satellite": lambda records: records.loc[records["node"] == "average"],
    "no average model": lambda records: records.loc[records["node"] != "average"],
    "no bytes": lambda records: records.loc[records["kind"] != "sent_byte"],
    "words for numbers": lambda records: records.assign(value="much"),
    "not finite": lambda records: records.assign(value=inf),
    "beyond 100 percent": lambda records: records.assign(value=1e9),
    "all twice": lambda records: pd.concat([records, records]),
    "nodes that are lists": lambda records: records.assign(node=[["sat-0"]] * len(records)),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_records_that_say_nothing_are_told_beside_those_that_do(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]
):
    for name in ("good", "bad"):
        finish(tmp_path / name)
    path = tmp_path / "bad/records.parquet"
    change(pd.read_parquet(path)).to_parquet(path)
    curves, problems = all_recorded([tmp_path / "bad", tmp_path / "good", tmp_path / "unfinished"])
    assert curves.keys() == {"good"} and problems.keys() == {"bad"}
    assert "Delete that folder" in problems["bad"] and len(problems["bad"].splitlines()) == 1


def finish(folder: Path) -> None:
    """What a sweep reads of a run, of one satellite and one evaluation."""
    found = {"miou": 50.0, "iou_water": 40.0, "sent_byte": 1.0, "consumed_j": 1.0}
    rows = [(0.0, "sat-0", kind, value) for kind, value in found.items()] + [(0.0, "average", "miou", 50.0)]
    folder.mkdir()
    pd.DataFrame(rows, columns=list(RECORDS)).to_parquet(folder / "records.parquet")
    (folder / "run.json").write_text("{}")


def test_a_run_that_another_process_has_finished_meanwhile_has_not_failed(repository: Path, tmp_path: Path):
    trials = trials_of(repository / "constellations/first_light.yaml", [], [], 2)
    folder, (done, lost) = SweepFolder(tmp_path), [trial.name for trial in trials]
    folder.runs.mkdir()
    finish(folder.runs / done)
    rows, failed = folder.conclude(trials, [Outcome(done, "its worker was lost"), Outcome(lost, "it broke")], None)
    assert [row["run"] for row in rows] == [done] and failed == {lost: "it broke"}
    assert json.loads((tmp_path / "failed.json").read_text()) == failed


@pytest.mark.parametrize("changed", ["data", "evaluation", "base_sha256"])
def test_runs_of_what_has_changed_since_are_not_compared(repository: Path, tmp_path: Path, changed: str):
    """Who holds which tiles is the grid's; what lies at their place is not."""
    axes = [Axis("data.partition", ("{kind: iid}", "{kind: by_scene}"))]
    trials = trials_of(repository / "constellations/first_light.yaml", [], axes, 2)
    folder, (before, *since) = SweepFolder(tmp_path), [trial.name for trial in trials]
    folder.runs.mkdir()
    for place, name in enumerate([before, *since]):
        finish(folder.runs / name)
        told = {"input_sha256": {"data": "a", "evaluation": "b"}, "base_sha256": "c"}
        if name == before:
            (told if changed in told else told["input_sha256"])[changed] = "other"
        (folder.runs / name / "run.json").write_text(json.dumps(told))
        os.utime(folder.runs / name / "run.json", (place, place))
    rows, failed = folder.conclude(trials, [], None)
    assert [row["run"] for row in rows] == since and failed.keys() == {before}
    assert "other tiles or launch weights" in failed[before] and "--resume" in failed[before]


@pytest.mark.parametrize("grouped", [{}, {(): []}], ids=["no run", "no key"])
def test_a_sweep_with_nothing_to_compare_has_no_answer_and_says_that_it_cannot_be_drawn(grouped, tmp_path: Path):
    sweep = Sweep(SweepFolder(tmp_path), [], grouped, {})
    assert sweep.answer() is None and sweep.table().empty
    for draw in (sweep.plot, sweep.frontier):
        with pytest.raises(ScenarioError, match="nothing to draw"):
            draw()
