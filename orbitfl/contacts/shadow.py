"""When the Earth hides the Sun from satellites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import numpy as np

from orbitfl.contacts.intervals import Intervals, intervals
from orbitfl.contacts.sampling import LONGEST_STEP_S, Sampling, sampling
from orbitfl.contacts.visibility import BETWEEN_NODES
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.crossings import Windows, find_windows, steps_at_once
from orbitfl.orbit.ephemeris import Ephemeris, ephemeris
from orbitfl.orbit.jets import Jet
from orbitfl.orbit.smooth import SmoothCurve
from orbitfl.orbit.sun import Sun, paseos_sun, sun

AU_KM = 149_597_870.7
SUN_RADIUS_KM = 695_700.0
"""Nominal solar radius, IAU 2015 resolution B3."""
FARTHEST_KM = 1_000_000.0
"""The umbra's tip lies 1.36 to 1.41 million km away; beyond, the Earth never hides the whole Sun."""

Kind = Literal["umbra", "penumbra", "centre"]

HIDDEN_RADIUS_KM = MappingProxyType({"umbra": -SUN_RADIUS_KM, "penumbra": SUN_RADIUS_KM, "centre": 0.0})


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


def eclipses(
    constellation: Constellation,
    *,
    epoch_utc: datetime,
    duration_s: float,
    kinds: Sequence[Kind] = ("umbra", "penumbra"),
    convention: Convention = PHYSICAL,
    step_s: float = LONGEST_STEP_S,
) -> Intervals:
    """When the Earth, a sphere without air, hides the Sun: columns kind, satellite, start_s, end_s, truncated.

    Kinds: the Sun is hidden wholly ("umbra"), at least in part ("penumbra", which spans its umbra), or its centre
    is ("centre", what skyfield's `is_sunlit` and PASEOS tell). truncated: cut by the span's start or end.
    The sphere and the Sun's place are the convention's. step_s: the longest step between sampled states; it does
    not change which eclipses are found.
    Raises ScenarioError for other kinds, a span of nothing or too long, an epoch without time zone, and satellites
    within 20 km of the sphere or more than a million km away.
    """
    if not kinds or not set(kinds) <= set(HIDDEN_RADIUS_KM) or len(set(kinds)) < len(kinds):
        raise ScenarioError(f"kinds is {list(kinds)}, but it must name, once each, some of umbra, penumbra, centre.")
    radius_km = convention.shadow_radius_km(constellation.kind)
    satellites = sampling(constellation, epoch_utc, duration_s, convention, radius_km, step_s)
    light = paseos_sun(epoch_utc) if convention.ecliptic_sun else sun(epoch_utc)
    found = [_hidden(satellites, light, radius_km, HIDDEN_RADIUS_KM[kind]) for kind in kinds]
    columns = {
        "kind": np.repeat(np.arange(len(kinds), dtype=np.int8), [len(windows) for windows in found]),
        "satellite": np.concatenate([windows.series for windows in found]).astype(np.int32),
        "start_s": np.concatenate([windows.start_s for windows in found]),
        "end_s": np.concatenate([windows.end_s for windows in found]),
        "truncated": np.concatenate([windows.cut_start | windows.cut_end for windows in found]),
    }
    names = {"kind": kinds, "satellite": satellites.names}
    return intervals("eclipses", epoch_utc, duration_s, names, columns)


def _hidden(satellites: Sampling, light: Sun, earth_radius_km: float, sun_radius_km: float) -> Windows:
    def curves() -> Iterator[SmoothCurve]:
        for part in satellites:
            _require_near(part, satellites.names)
            there = ephemeris(part.t_s, light.positions(part.t_s))
            yield SmoothCurve(Shadow(part, there, earth_radius_km, sun_radius_km))

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
