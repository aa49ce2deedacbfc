"""Which models an evaluation takes the trouble to score: all whose bits it has not met, and no others."""

from typing import Any

import numpy as np
import pytest

from orbitfl.experiment.evaluation import APART, Evaluator
from orbitfl.training.scores import Confusion

SIZE = 3 * APART


class Counting:
    """In place of a crew: the score of a model is its largest number, and every one asked for is noted."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score_all(self, weights: list[Any], lessons: Any) -> list[Confusion]:
        self.asked += [int(each.max()) for each in weights]
        return [Confusion(true_water=int(each.max())) for each in weights]


@pytest.fixture
def crew() -> Counting:
    return Counting()


@pytest.fixture
def evaluator(crew: Counting) -> Evaluator:
    exam: Any = None
    counting: Any = crew
    return Evaluator(counting, exam, np.zeros(SIZE, np.float32))


def filled(value: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.full(SIZE, value, np.float32)


def scores(evaluator: Evaluator, *models: Any) -> list[int]:
    return [each.true_water for each in evaluator.scores(models)]


def test_equal_models_are_scored_once_and_each_gets_its_own_score(crew: Counting, evaluator: Evaluator):
    assert scores(evaluator, filled(1), filled(2), filled(1)) == [1, 2, 1]
    assert crew.asked == [1, 2]


def test_what_a_satellite_still_has_is_not_scored_again(crew: Counting, evaluator: Evaluator):
    kept = filled(1)
    assert scores(evaluator, kept, filled(2)) == [1, 2]
    assert scores(evaluator, filled(3)) == [3]
    assert scores(evaluator, kept, kept.copy()) == [1, 1]
    assert crew.asked == [1, 2, 3]


def test_no_score_is_kept_of_a_model_that_is_gone(crew: Counting, evaluator: Evaluator):
    scores(evaluator, filled(1))
    assert scores(evaluator, filled(1)) == [1]
    assert crew.asked == [1, 1]


def test_one_number_of_many_makes_another_model(crew: Counting, evaluator: Evaluator):
    """Wherever it stands; and so does the sign of a zero."""
    plain = filled(1)
    others = [filled(1) for _ in range(3)]
    for place, other in zip((0, 1, SIZE - 1), others, strict=True):
        other[place] = 5 + place
    assert scores(evaluator, plain, *others) == [1, 5, 6, SIZE + 4]
    scores(evaluator, filled(0.0), filled(-0.0))
    assert crew.asked[4:] == [0, 0]
