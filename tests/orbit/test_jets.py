"""Derivatives that jets carry, against polynomials' own."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from orbitfl.orbit.jets import Jet

AT = 0.7
small = st.floats(-3, 3)
cubics = st.lists(small, min_size=4, max_size=4).map(Polynomial)
vectors = st.lists(cubics, min_size=3, max_size=3)


def jet_of(functions: Polynomial | list[Polynomial]) -> Jet:
    """The jet at `AT` of a polynomial, or of a vector of three."""
    return Jet(*(values(functions, order) for order in range(3)))


def values(functions: Polynomial | list[Polynomial], order: int) -> np.ndarray:
    if isinstance(functions, list):
        return np.array([values(each, order) for each in functions])
    return np.asarray((functions.deriv(order) if order else functions)(AT))


def dot(first: list[Polynomial], second: list[Polynomial]) -> Polynomial:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def assert_same(found: Jet, expected: Jet) -> None:
    for part in ("value", "slope", "bend"):
        np.testing.assert_allclose(getattr(found, part), getattr(expected, part), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "combine",
    [lambda f, g: f + g, lambda f, g: f - g, lambda f, g: f * g],
    ids=["sum", "difference", "product"],
)
@given(first=cubics, second=cubics)
def test_arithmetic_of_jets_is_that_of_functions(combine: Callable, first: Polynomial, second: Polynomial):
    assert_same(combine(jet_of(first), jet_of(second)), jet_of(combine(first, second)))


@given(cubics, small)
def test_constants_scale_and_shift(function: Polynomial, constant: float):
    assert_same(jet_of(function).scaled(constant), jet_of(function * constant))
    assert_same(jet_of(function).plus(constant), jet_of(function + constant))


@given(cubics)
def test_the_root_of_a_square_is_the_function(function: Polynomial):
    """√(f²) = |f|, whose derivatives are those of f but for the sign."""
    if abs(value := values(function, 0)) > 0.1:
        assert_same(jet_of(function * function).root(), jet_of(function * float(np.sign(value))))


@given(vectors, vectors)
def test_products_of_vectors_are_those_of_functions(first: list[Polynomial], second: list[Polynomial]):
    assert_same(jet_of(first).dot(jet_of(second)), jet_of(dot(first, second)))
    axis = values(second, 0)
    assert_same(jet_of(first).along(axis), jet_of(dot(first, [Polynomial([part]) for part in axis.tolist()])))


def test_the_length_of_a_point_in_uniform_motion_is_a_hyperbola():
    """d = √(b² + v²t²): d′ = v²t/d, d″ = v²b²/d³; a thousand points at once."""
    t_s, miss_km, speed_km_s = np.linspace(-100, 100, 1000), 30.0, 7.5
    still = np.zeros_like(t_s)
    path = Jet(
        np.stack([speed_km_s * t_s, still + miss_km, still], axis=-1),
        np.stack([still + speed_km_s, still, still], axis=-1),
        np.zeros((1000, 3)),
    )
    d_km = np.hypot(miss_km, speed_km_s * t_s)
    assert_same(path.length(), Jet(d_km, speed_km_s**2 * t_s / d_km, speed_km_s**2 * miss_km**2 / d_km**3))
