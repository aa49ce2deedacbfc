"""Functions of time known with their first two derivatives, and the arithmetic that keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orbitfl.orbit.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Jet:
    """A quantity, its rate and the rate of its rate, in units of seconds; three arrays that broadcast.

    Sums, products, dot products and roots follow from the rules of differentiation (Griewank & Walther,
    Evaluating Derivatives, 2nd ed., chapter 13).
    """

    value: Floats
    slope: Floats
    bend: Floats

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.slope + other.slope, self.bend + other.bend)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.value - other.value, self.slope - other.slope, self.bend - other.bend)

    def __mul__(self, other: Jet) -> Jet:
        return Jet(
            self.value * other.value,
            self.slope * other.value + self.value * other.slope,
            self.bend * other.value + 2 * self.slope * other.slope + self.value * other.bend,
        )

    def scaled(self, factor: Floats | float) -> Jet:
        return Jet(self.value * factor, self.slope * factor, self.bend * factor)

    def plus(self, constant: Floats | float) -> Jet:
        return Jet(self.value + constant, self.slope, self.bend)

    def root(self) -> Jet:
        """The square root of a positive quantity."""
        value = np.sqrt(self.value)
        slope = self.slope / (2 * value)
        return Jet(value, slope, (self.bend / 2 - slope * slope) / value)

    def dot(self, other: Jet) -> Jet:
        """The scalar product of vectors (..., 3)."""
        return Jet(
            dot(self.value, other.value),
            dot(self.slope, other.value) + dot(self.value, other.slope),
            dot(self.bend, other.value) + 2 * dot(self.slope, other.slope) + dot(self.value, other.bend),
        )

    def along(self, axis: Floats) -> Jet:
        """The components of vectors (..., 3) along constant vectors."""
        return Jet(dot(self.value, axis), dot(self.slope, axis), dot(self.bend, axis))

    def length(self) -> Jet:
        return self.dot(self).root()


def dot(first: Floats, second: Floats) -> Floats:
    """The scalar products (...) of vectors (..., 3)."""
    # Written out: the order of additions is then the same everywhere, and so is every bit of the sum.
    return first[..., 0] * second[..., 0] + first[..., 1] * second[..., 1] + first[..., 2] * second[..., 2]
