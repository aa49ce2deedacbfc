"""Step sizes over a mission, against torch's own schedule."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.errors import ScenarioError
from orbitfl.models.trainable import trained_keys
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.schedules import Constant, Cosine

OWN = np.arange(12)


@pytest.mark.parametrize("least", [0.0, 0.1, 1.0])
def test_cosine_is_torchs(least: float):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=24, eta_min=least)
    for session in range(25):
        assert Cosine(least=least).factor(session / 24) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_cosine_falls_from_one_to_the_least(least: float, first: float, second: float):
    cosine, (early, late) = Cosine(least=least), sorted((first, second))
    assert cosine.factor(0.0) == 1 and cosine.factor(1.0) == pytest.approx(least)
    assert 1 >= cosine.factor(early) >= cosine.factor(late) >= least - 1e-15


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_least_is_a_part(least: float):
    with pytest.raises(ScenarioError, match="from 0 to 1"):
        Cosine(least=least)


def test_a_session_steps_by_what_is_left_of_the_rate(model, lessons: Lessons):
    """At half time half a cosine leaves half of the step size, to the bit."""
    keys = trained_keys(model)
    falling = DecoderLearner(model, keys, Training(learning_rate=2e-3, schedule=Cosine(least=0.0)))
    launch = falling.start()
    late, _ = falling.train(launch, lessons, OWN, 3, (0,), elapsed=0.5)
    early, _ = falling.train(launch, lessons, OWN, 3, (0,))
    half = DecoderLearner(model, keys, Training(learning_rate=1e-3, schedule=Constant()))
    halved, _ = half.train(launch, lessons, OWN, 3, (0,), elapsed=0.5)
    assert np.array_equal(late.weights, halved.weights)
    assert not np.array_equal(late.weights, early.weights)
