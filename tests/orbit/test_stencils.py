"""States from samples against the derivatives of the functions that were sampled."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.ephemeris import LARGEST_TURN
from orbitfl.orbit.stencils import LONGEST_STRIDE, POINTS_OF_ALL, POINTS_OF_SOME, Stencil, sparsest, stencil

STRIDES = range(1, LONGEST_STRIDE + 1)
STEP_S = 150.0


def filled(chosen: Stencil, steps: int, function: Any) -> Floats:
    """States (n_nodes, 3, 3) of a function of times (n,) with values (n, 3)."""
    samples = function(STEP_S * chosen.samples(steps))
    states = np.empty((steps + 1, 2, 3, 3))
    chosen.fill(states, np.stack([samples, 2 * samples]), STEP_S)
    for order in range(3):
        # Products of matrices may round each column in its own way.
        off = states[:, 1, order] - 2 * states[:, 0, order]
        assert np.abs(off).max() <= 1e-8 * np.abs(samples).max() / STEP_S**order
    return states[:, 0]


def wave(t_s: Floats, pace: float, order: int) -> Floats:
    """A derivative of a circle of 1000 km, its orders in units of the step."""
    turn = pace / STEP_S
    phase = turn * t_s + order * np.pi / 2
    return 1000 * turn**order * np.stack([np.cos(phase), np.sin(phase), 0 * phase], axis=-1)


@given(st.sampled_from(STRIDES), st.integers(0, 40), st.integers(0, POINTS_OF_ALL - 1))
def test_powers_are_met_with_their_derivatives(stride: int, more: int, power: int):
    """Whatever the number of steps: up to the degree of the polynomials, in units of the span."""
    steps = (33 + more) * stride
    span_s = steps * STEP_S
    states = filled(stencil(stride), steps, lambda t_s: np.repeat((t_s[:, None] / span_s) ** power, 3, axis=1))
    share = np.arange(steps + 1) / steps
    polynomial = np.polynomial.Polynomial([0] * power + [1])
    for order in range(3):
        exact = (polynomial.deriv(order) if order else polynomial)(share)
        np.testing.assert_allclose(states[:, order, 0] * span_s**order, exact, rtol=0, atol=1e-6 * 10**order)


@pytest.mark.parametrize("stride", STRIDES)
def test_samples_are_kept_to_the_bit(stride: int):
    """So that parts of an ephemeris meet in the same place."""
    values = np.random.default_rng(1).normal(size=(50 * stride + 1, 3)) * 7000
    chosen = stencil(stride)
    places = chosen.samples(50 * stride)
    states = filled(chosen, 50 * stride, lambda t_s: values[np.rint(t_s / STEP_S).astype(int)])
    np.testing.assert_array_equal(states[places, 0], values[places])
    assert {0, 50 * stride} <= set(places.tolist())
    assert len(places) < 75 if stride > 1 else len(places) == 51


@pytest.mark.parametrize("stride", STRIDES[1:])
def test_the_third_harmonic_is_followed_up_to_both_ends(stride: int):
    """A wave that turns by 1.5 rad between samples, and thrice `LARGEST_TURN` between nodes; SGP4's are 1.5 km high."""
    steps, pace = 60 * stride, min(1.5 / stride, 3 * LARGEST_TURN)
    t_s = STEP_S * np.arange(steps + 1.0)
    states = filled(stencil(stride), steps, lambda t_s: wave(t_s, pace, 0))
    for order, off_km in enumerate((0.01, 0.01, 0.02)):
        off = np.abs(states[:, order] - wave(t_s, pace, order)) * STEP_S**order
        assert off.max() < off_km


def test_few_steps_and_short_strides_take_every_node():
    fewest = 2 * 3 + POINTS_OF_SOME
    assert sparsest(3, 3 * fewest).stride == 3
    assert sparsest(3, 3 * fewest - 1).stride == 1
    assert sparsest(0, 1000).stride == sparsest(1, 1000).stride == 1
    assert sparsest(10**9, 1000).stride == LONGEST_STRIDE
    assert stencil(1).samples(8).tolist() == list(range(9))
