"""The Sun as one more body about the Earth, so that daylight and eclipse are found as contacts are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import erfa
import numpy as np
from numpy.typing import ArrayLike

from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import DAY_S, JULIAN_DATE_OF_DAY_0, TAI_MINUS, epoch_instant, in_tai, require_span
from orbitfl.orbit.earth_orbit import Vector, earth_ecliptic

# The Earth swings about its barycentre with the Moon in a month and goes round the Sun in a year, so a cubic
# through states six hours apart strays by less than a metre; by half a kilometre (2e-7 degrees) with the table,
# whose velocities are not quite the rates of its positions.
NODE_STEP_S = 21_600.0

Track = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True, eq=False)
class Sun:
    """The Sun's centre from the Earth's, without light time or aberration; a `Propagator` of one body.

    track: position in km and velocity in km/s, each (n, 3), at SI seconds (n,) from the epoch. It is asked only
    every six hours about the times wanted; between them positions are cubic and velocities their exact
    derivatives. `sun` and `paseos_sun` make it and say what the axes are.
    """

    track: Track

    @property
    def count(self) -> int:
        return 1

    @property
    def smooth_s(self) -> float:
        """Daily polynomials are pieced together."""
        return 0.0

    def positions(self, t_s: ArrayLike) -> Floats:
        """Positions (1, n_t, 3) in km at the times t_s (n_t,)."""
        return self.states(t_s)[0]

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """Positions in km and velocities in km/s, each (1, n_t, 3), at the times t_s (n_t,)."""
        place = np.asarray(t_s, dtype=np.float64) / NODE_STEP_S
        start = np.floor(place)
        nodes, index = np.unique([start, start + 1], return_inverse=True)
        before, after = index.reshape(2, -1)
        r_km, v_km_s = self.track(nodes * NODE_STEP_S)
        share = (place - start)[:, None]
        position_km, velocity_km_s = _hermite(
            share, r_km[before], NODE_STEP_S * v_km_s[before], r_km[after], NODE_STEP_S * v_km_s[after]
        )
        return position_km[None], velocity_km_s[None] / NODE_STEP_S


def sun(epoch_utc: datetime) -> Sun:
    """The Sun in GCRS axes, t = 0 at `epoch_utc`; within 1e-5 degrees of JPL's DE421.

    Source: `eraEpv00` of ERFA, after Moisson & Bretagnon (2001) and Simon et al. (2000); TT stands for TDB.
    Raises ScenarioError for an epoch without a time zone or outside the years of `require_span`.
    """
    require_span(epoch_utc, 0.0)
    day, second = in_tai(epoch_instant(epoch_utc), "UTC")
    return Sun(partial(_sun_gcrs, day + JULIAN_DATE_OF_DAY_0, float(second) - TAI_MINUS["TT"]))


def paseos_sun(epoch_utc: datetime) -> Sun:
    """The Sun where PASEOS's eclipses have it: JPL's low-precision table, read with two slips.

    Its axes are those of the ecliptic, yet PASEOS adds satellites to it as if they were the satellites', so the
    Sun stands up to 23.4 degrees off. Days are counted from the label of `epoch_utc` as if it were TT.
    Raises ScenarioError as `sun` does.
    """
    require_span(epoch_utc, 0.0)
    return sun_opposite(earth_ecliptic, label_s(epoch_utc))


def label_s(epoch_utc: datetime) -> float:
    """Seconds from 2000-01-01 00:00 to the label of an epoch, without leap seconds, as PASEOS's user counts them."""
    day, second = epoch_instant(epoch_utc)
    return (day - date(2000, 1, 1).toordinal()) * DAY_S + second


def sun_opposite(earth: Callable[[float], tuple[Vector, Vector]], epoch_s: float) -> Sun:
    """The Sun from where `earth` says the Earth is, m and m/s, at days since 2000; t = 0 at `epoch_s` after 2000."""
    return Sun(partial(_opposite, earth, epoch_s))


def _sun_gcrs(day_jd: float, second_tt: float, t_s: Floats) -> tuple[Floats, Floats]:
    heliocentric, _ = erfa.epv00(day_jd, (second_tt + t_s) / DAY_S)
    au_km = erfa.DAU / 1000
    return -au_km * heliocentric["p"], -au_km / DAY_S * heliocentric["v"]


def _opposite(earth: Callable[[float], tuple[Vector, Vector]], epoch_s: float, t_s: Floats) -> tuple[Floats, Floats]:
    states_m = np.reshape([earth((epoch_s + at_s) / DAY_S) for at_s in t_s.tolist()], (-1, 2, 3))
    return -states_m[:, 0] / 1000, -states_m[:, 1] / 1000


def _hermite(x: Floats, p0: Floats, d0: Floats, p1: Floats, d1: Floats) -> tuple[Floats, Floats]:
    """The cubic with values p and slopes d at x = 0 and 1, and its slope, at `x`; all broadcast."""
    rise = p1 - p0
    square, cube = 3 * rise - 2 * d0 - d1, d0 + d1 - 2 * rise
    return p0 + x * (d0 + x * (square + x * cube)), d0 + x * (2 * square + 3 * x * cube)
