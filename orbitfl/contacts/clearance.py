"""Sampling finely enough for the tangents from satellites to the sphere that blocks their sight."""

from __future__ import annotations

from math import inf

import numpy as np

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.ephemeris import Ephemeris, Sampled, sampled
from orbitfl.orbit.jets import Jet

LEAST_CLEARANCE_KM = 1.0
FINEST_STEP_S = 5.0


def sampled_above(
    satellites: Satellites, duration_s: float, step_s: float, radius_km: float, allowed_km2: float = inf
) -> Sampled:
    """As `sampled`, and with steps that a perigee close above a sphere needs.

    There a satellite clears the sphere by c + r″t²/2, and its tangent √(r² − R²) bends within √(2c/r″) of it.
    Raises ScenarioError for satellites that do not stay a kilometre above the sphere.
    """
    while True:
        parts = sampled(satellites.propagator, duration_s, step_s, allowed_km2=allowed_km2)
        limit_s = max(min(_steady_s(part, satellites, radius_km) for part in parts), FINEST_STEP_S)
        if parts.step_s <= 1.001 * limit_s:
            return parts
        step_s = limit_s


def _steady_s(part: Ephemeris, satellites: Satellites, radius_km: float) -> float:
    """The least √(2c/r″) at any node."""
    r = Jet(part.position_km, part.velocity_km_s, part.acceleration_km_s2).length()
    require_clear(r.value.min(axis=0), satellites, radius_km)
    rises = np.maximum(r.bend, 1e-12)
    return float(np.sqrt(2 * (r.value - radius_km) / rises).min())


def require_clear(lowest_km: Floats, satellites: Satellites, radius_km: float) -> None:
    """Raises ScenarioError unless all satellites, of lowest points (n_sat,), stay a kilometre above the sphere."""
    if lowest_km.min() < radius_km + LEAST_CLEARANCE_KM:
        raise ScenarioError(
            f"{satellites.names[lowest_km.argmin()]} comes down to {lowest_km.min():.1f} km from the Earth's centre, "
            f"but the sphere that blocks sight has {radius_km:.1f} km; raise the orbit or lower blocking_altitude_km."
        )
