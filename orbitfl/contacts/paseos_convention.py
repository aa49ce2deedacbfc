"""What PASEOS's stations see: apparent places, displaced by the observer's own motion.

A station moves about the Sun together with its satellites, so nothing of that displacement is real. PASEOS keeps
it because it gives skyfield a satellite that stands still among the stars (its `is_in_line_of_sight.py`).
"""

from dataclasses import replace

import numpy as np

from orbitfl.contacts.ground import Elevation
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constants import EARTH_SPIN_RAD_S, LIGHT_KM_S
from orbitfl.orbit.frames import EarthRotation
from orbitfl.orbit.sun import Sun


def aberration(sun: Sun, rotation: EarthRotation, station_km: Floats, t_s: Floats) -> Floats:
    """Velocities (n_stations, n_t, 3) of stations about the Sun over that of light, in ITRS axes.

    station_km: (n_stations, 3), ITRS. t_s: (n_t,). A sight of direction u is seen along u + aberration, 20.8
    arcseconds off at most (Explanatory Supplement to the Astronomical Almanac, 3rd ed., section 7.2.3). skyfield's
    velocities are about the barycentre of the solar system, from which the Sun's differ by 0.01 arcseconds.
    """
    orbital_km_s = rotation.to_itrs(-sun.states(t_s)[1][0], t_s)
    spin_km_s = np.cross([0.0, 0.0, EARTH_SPIN_RAD_S], station_km)
    return (spin_km_s[:, None] + orbital_km_s) / LIGHT_KM_S


def apparent_mask(up: Floats, sine: Floats, aberration: Floats) -> tuple[Floats, Floats]:
    """The normal (..., 3) and sine (...) of a mask that true sights ρ pass as apparent ones pass the given mask.

    With aberration β, ρ + |ρ|β stands above a mask of sine s about the normal n where
    (ρ + |ρ|β)·n > s |ρ + |ρ|β|, which is ρ·(n − sβ) > (s − β·n) |ρ| to first order in β: to 0.002 arcseconds.
    """
    return up - sine[..., None] * aberration, sine - np.einsum("...i,...i->...", aberration, up)


def apparent(elevation: Elevation, sun: Sun, rotation: EarthRotation) -> Elevation:
    """The same places with masks that hold for apparent places, at every node."""
    beta = aberration(sun, rotation, elevation.place_km, elevation.t_s).transpose(1, 0, 2)
    up, sine = apparent_mask(elevation.up, elevation.sine, beta)
    return replace(elevation, up=up, sine=sine)
