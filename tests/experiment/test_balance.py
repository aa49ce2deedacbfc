"""Merges that keep the sum are let pass, and those that do not are told of."""

import numpy as np
import pytest

from orbitfl.errors import OrbitflError
from orbitfl.experiment.balance import Balance
from orbitfl.federation.strategies import Member
from orbitfl.federation.weights import Vector, scaled

SIZE = 1000


def _merged(first: Vector, second: Vector, sent: Vector) -> list[list[Member]]:
    """Before and after a pair moved by half of what `second` had sent to `first`, which had sent zeros."""
    moved = scaled(0.5, sent)
    return [[Member(model, {}) for model in pair] for pair in ((first, second), (first + moved, second - moved))]


@pytest.mark.parametrize("order", [1, -1])
def test_one_that_has_not_trained_may_merge_with_one_that_went_on_training(order: int):
    rng, untrained = np.random.default_rng(0), np.zeros(SIZE, np.float32)
    sent, since = (rng.standard_normal(SIZE).astype(np.float32) for _ in range(2))
    before, after = _merged(untrained, sent + since, sent)
    sums = [np.add(*(member.model.astype(np.float64) for member in pair)) for pair in (before, after)]
    assert 0 < np.abs(sums[1] - sums[0]).max() < 4 * np.finfo(np.float32).eps, "single precision rounds, no more"
    Balance(True, np.zeros(SIZE)).check(before[::order], after[::order])


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_lost_is_told(order: int):
    untrained, trained = np.zeros(SIZE, np.float32), np.full(SIZE, 1e-3, np.float32)
    before, after = _merged(untrained, trained, trained)
    after[0] = Member(scaled(0.999, after[0].model), {})
    with pytest.raises(OrbitflError, match=r"changed the sum of two models by 5e-07 of 0\.001"):
        Balance(True, np.zeros(SIZE)).check(before[::order], after[::order])
