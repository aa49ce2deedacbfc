"""NoLoCo against its equations, written out anew in float64."""

import numpy as np
import pytest

from orbitfl.errors import ScenarioError
from orbitfl.federation.strategies import Member, NoLoCo
from orbitfl.federation.weights import line


def by_the_equations(theta, phi, m, lr, momentum):
    """Both sides of a pair, (2, n) each."""
    change, drift = (theta - phi).mean(axis=0), phi.mean(axis=0) - phi
    m = momentum * m + lr * change + lr * drift
    return phi + m, m


def test_exchanges_follow_the_equations(toys):
    rng = np.random.default_rng(2)
    strategy = NoLoCo(lr=0.6, momentum=0.4)
    sides = [strategy.start(5), strategy.start(5)]
    theta, phi, m = (np.zeros((2, 5)) for _ in range(3))
    for _ in range(4):
        steps = rng.normal(size=(2, 5))
        theta = theta + steps
        sides = [
            strategy.trained(own, (own.model + step).astype(np.float32)) for own, step in zip(sides, steps, strict=True)
        ]
        phi, m = by_the_equations(theta, phi, m, 0.6, 0.4)
        theta = phi
        sides = list(toys.exchange(strategy, *sides))
        for side, expected, momentum in zip(sides, phi, m, strict=True):
            np.testing.assert_allclose(side.model, expected, atol=1e-5)
            np.testing.assert_allclose(side.memory["anchor"], expected, atol=1e-5)
            np.testing.assert_allclose(side.memory["momentum"], momentum, atol=1e-5)


def test_anchors_that_drifted_apart_come_together(toys):
    strategy = NoLoCo(momentum=0)
    sides = [Member(toys.numbers(at), {"anchor": toys.numbers(at), "momentum": toys.numbers(0)}) for at in (-4, 6)]
    for _ in range(20):
        sides = list(toys.exchange(strategy, *sides))
    np.testing.assert_allclose([side.model[0] for side in sides], 1, atol=1e-5)


def test_steps_taken_while_an_exchange_ran_are_kept_once(toys):
    strategy = NoLoCo(lr=1, momentum=0)
    sent = {"model": toys.numbers(2), "anchor": toys.numbers(0)}
    own = strategy.trained(strategy.start(1), toys.numbers(2.5))
    letter = toys.letter(4, sent=sent)
    letter.parts["anchor"] = toys.numbers(0)
    merged = strategy.merge(own, [letter], 1, line(1))
    assert merged.memory["anchor"][0] == 3
    assert merged.model[0] == 3.5


@pytest.mark.parametrize("options", [{"lr": 0}, {"lr": float("nan")}, {"momentum": 1}, {"momentum": -0.1}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ScenarioError, match="it must be"):
        NoLoCo(**options)
