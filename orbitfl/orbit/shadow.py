"""Where the Earth hides the Sun: as a function of time for the crossing finder, and the windows in which it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.crossings import Windows, find_windows, steps_at_once
from orbitfl.orbit.ephemeris import BETWEEN_NODES, Ephemeris, Positions, ephemeris
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.sampling import Sampling
from orbitfl.orbit.smooth import SmoothCurve

AU_KM = 149_597_870.7
SUN_RADIUS_KM = 695_700.0
"""Nominal solar radius, IAU 2015 resolution B3."""
FARTHEST_KM = 1_000_000.0
"""The umbra's tip lies 1.36 to 1.41 million km away; beyond, the Earth never hides the whole Sun."""


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """−(r·d + s √(D² − ρ²) − R ρ) of every satellite over an astronomical unit, in km: positive in the shadow.

    r: the satellite from the Earth's centre, d: the Sun from the satellite, D = |d|, R: radius of the Earth,
    s = √(|r|² − R²), ρ: radius of the Sun. Seen from the satellite the Earth has the angular radius β with
    sin β = R/|r| and cos β = s/|r|, the Sun α with sin α = ρ/D; their centres are θ apart, cos θ = −r·d/(|r| D).
    The discs overlap if θ < β + α and the Sun is wholly hidden if θ < β − α, so long as it looks the smaller one:
    cos θ > cos β cos α ∓ sin β sin α, times |r| D. Hence ρ > 0 gives the penumbra with what lies in it, ρ < 0 the
    umbra, and ρ = 0 the shadow of the Sun's centre.

    ephemeris, sun: in the same axes at the same nodes, the Sun as one body.
    """

    ephemeris: Ephemeris
    sun: Ephemeris
    earth_radius_km: float
    sun_radius_km: float

    @property
    def count(self) -> int:
        return self.ephemeris.count

    @property
    def t_s(self) -> Floats:
        return self.ephemeris.t_s

    @property
    def steps_at_once(self) -> int:
        return steps_at_once(self.count)

    @property
    def bend_limit(self) -> Floats:
        """By Cauchy and Schwarz at every node: |(r·d)″| ≤ |r″||d| + 2 |r′||d′| + |r||d″|, and so with s √…"""
        largest = np.zeros(self.count)
        for first in range(0, len(self.t_s), self.steps_at_once):
            r, d = self._nodes(slice(first, first + self.steps_at_once))
            s, c = self._tangents(r, d)
            bound = _sizes(r) * _sizes(d) + _magnitudes(s) * _magnitudes(c)
            largest = np.maximum(largest, bound.bend.max(axis=0))
        return BETWEEN_NODES / AU_KM * largest

    def at_nodes(self, first: int, last: int) -> Floats:
        return self._depth(*self._nodes(slice(first, last + 1))).value

    def jet(self, series: Ints, t_s: Floats) -> Jet:
        r = self.ephemeris.at(series, t_s)
        return self._depth(r, self.sun.at(np.zeros_like(series), t_s) - r)

    def _nodes(self, chosen: slice) -> tuple[Jet, Jet]:
        """r and d at some nodes, (n_nodes, n_sat, 3)."""
        r, there = (_jet(body.states[chosen]) for body in (self.ephemeris, self.sun))
        return r, there - r

    def _depth(self, r: Jet, d: Jet) -> Jet:
        s, c = self._tangents(r, d)
        lit = (r.dot(d) + s * c).plus(-self.earth_radius_km * self.sun_radius_km)
        return lit.scaled(-1 / AU_KM)

    def _tangents(self, r: Jet, d: Jet) -> tuple[Jet, Jet]:
        return r.dot(r).plus(-(self.earth_radius_km**2)).root(), d.dot(d).plus(-(self.sun_radius_km**2)).root()


def shadows(satellites: Sampling, light: Positions, sun_radius_km: float = 0.0) -> Windows:
    """When the sphere of `satellites.radius_km` hides the Sun; see `Shadow` for the signs of `sun_radius_km`.

    light: the Sun as one body, in the axes of the satellites.
    Raises ScenarioError for satellites within 20 km of the sphere or more than a million km away.
    """

    def curves() -> Iterator[SmoothCurve]:
        for part in satellites:
            _require_near(part, satellites.names)
            there = ephemeris(part.t_s, light.positions(part.t_s))
            yield SmoothCurve(Shadow(part, there, satellites.radius_km, sun_radius_km))

    return find_windows(curves())


def _require_near(part: Ephemeris, names: Sequence[str]) -> None:
    farthest_km = part.largest(part.position_km)
    if farthest_km.max() > FARTHEST_KM:
        raise ScenarioError(
            f"{names[int(farthest_km.argmax())]} goes out to {farthest_km.max():.0f} km from the Earth's centre, but "
            f"shadows are known to {FARTHEST_KM:.0f} km, short of the umbra's tip; leave it out."
        )


def _jet(states: Floats) -> Jet:
    return Jet(states[..., 0, :], states[..., 1, :], states[..., 2, :])


def _sizes(vectors: Jet) -> Jet:
    """The lengths of vectors (..., 3) and of their derivatives, so that products bound products."""
    parts = (vectors.value, vectors.slope, vectors.bend)
    return Jet(*(np.sqrt(np.einsum("...i,...i->...", part, part)) for part in parts))


def _magnitudes(numbers: Jet) -> Jet:
    return Jet(np.abs(numbers.value), np.abs(numbers.slope), np.abs(numbers.bend))
