"""Grids from their texts, and the runs they make."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.errors import ScenarioError
from orbitfl.sweep import Axis, trials_of

WORDS = st.text("abcdef.0123456789", min_size=1, max_size=8)
VALUES = st.one_of(
    WORDS,
    st.lists(WORDS, min_size=1, max_size=3).map(lambda words: f"[{', '.join(words)}]"),
    st.dictionaries(WORDS, WORDS, min_size=1, max_size=2).map(
        lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
    ),
)


@given(st.lists(VALUES, min_size=1, max_size=5, unique=True))
def test_a_grid_comes_back_from_its_text(values: list[str]):
    assert Axis.from_text("exchange.key=" + ",".join(values)) == Axis("exchange.key", tuple(values))


@pytest.mark.parametrize("text", ["", "seed", "=1,2", "key=", "key=1,,2", "key=1,1"])
def test_what_is_no_grid_is_refused(text: str):
    with pytest.raises(ScenarioError, match="grid"):
        Axis.from_text(text)


def test_every_combination_with_every_seed_and_no_name_twice(repository: Path):
    axes = [Axis("exchange.min_interval_s", ("300", "900")), Axis("exchange.strategy.kind", ("gossip", "isolated"))]
    trials = trials_of(repository / "constellations/first_light.yaml", ["seed=5"], axes, 3)
    made = {
        (trial.scenario.exchange.min_interval_s, trial.scenario.exchange.strategy.kind, trial.scenario.seed)
        for trial in trials
    }
    assert made == set(product((300.0, 900.0), ("gossip", "isolated"), (5, 6, 7)))
    assert len({trial.name for trial in trials}) == len(trials) == 12
    assert all(trial.scenario.exchange.controls == () for trial in trials)


def test_names_stay_when_a_grid_grows(repository: Path):
    path = repository / "constellations/first_light.yaml"
    few, many = (
        {trial.name for trial in trials_of(path, [], [Axis("exchange.min_interval_s", values)], seeds)}
        for values, seeds in ((("300", "900"), 1), (("60", "900", "300"), 2))
    )
    assert few < many


@pytest.mark.parametrize(
    ("axes", "seeds"),
    [
        ([Axis("seed", ("1", "2"))], 1),
        ([Axis("exchange.min_interval_s", ("600", "900", "600.0"))], 1),
        ([Axis("exchange.strategy", ("{kind: gossip}", "{'kind': gossip}"))], 2),
        ([Axis("exchange.min_interval_s", ("1",)), Axis("exchange.min_interval_s", ("2",))], 1),
        ([Axis("exchange.min_interval", ("1",))], 1),
        ([Axis("training.batch_size", ("4", "many"))], 1),
        ([Axis("exchange.min_interval_s", tuple(map(str, range(1, 1001))))], 101),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused_before_anything_is(repository: Path, axes: list[Axis], seeds: int):
    with pytest.raises(ScenarioError):
        trials_of(repository / "constellations/first_light.yaml", [], axes, seeds)
