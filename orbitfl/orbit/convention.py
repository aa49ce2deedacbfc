"""Two ways to read the same sky: as physics has it, and as PASEOS 0.2.1 computes it."""

from dataclasses import dataclass

from orbitfl.orbit.constants import EARTH_RADIUS_KM

KINDS_OF_SGP4 = ("omm", "tle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """What a contact plan takes for granted about frames, time and the Earth's size.

    teme_read_as_gcrs: positions from SGP4 are used without the turn from TEME to GCRS.
    utc_read_as_tt: the Earth is turned as if `epoch_utc` were Terrestrial Time, 69 s earlier.
    aberration: stations see satellites at their apparent places, displaced by the Earth's velocity.
    ecliptic_sun: the Sun's ecliptic coordinates are used as if they were equatorial.
    The radii, km, are of the spheres that hide satellites from each other and from the Sun; orbits from SGP4
    elements have spheres of their own, as in PASEOS.
    """

    name: str
    teme_read_as_gcrs: bool
    utc_read_as_tt: bool
    aberration: bool
    ecliptic_sun: bool
    orbit_blocking_km: float
    orbit_shadow_km: float
    sgp4_blocking_km: float
    sgp4_shadow_km: float

    def blocking_radius_km(self, kind: str) -> float:
        """The sphere that sight must clear, for a constellation of this `kind`."""
        return self.sgp4_blocking_km if kind in KINDS_OF_SGP4 else self.orbit_blocking_km

    def shadow_radius_km(self, kind: str) -> float:
        """The sphere that casts the Earth's shadow, for a constellation of this `kind`."""
        return self.sgp4_shadow_km if kind in KINDS_OF_SGP4 else self.orbit_shadow_km


# skyfield's `is_sunlit` takes the equatorial radius of IERS 2010, so the physical shadow does too.
IERS_EARTH_RADIUS_KM = 6378.1366

PHYSICAL = Convention(
    name="physical",
    teme_read_as_gcrs=False,
    utc_read_as_tt=False,
    aberration=False,
    ecliptic_sun=False,
    orbit_blocking_km=EARTH_RADIUS_KM,
    orbit_shadow_km=IERS_EARTH_RADIUS_KM,
    sgp4_blocking_km=EARTH_RADIUS_KM,
    sgp4_shadow_km=IERS_EARTH_RADIUS_KM,
)

# PASEOS 0.2.1: `set_orbit` takes the radius of pykep's Earth, `set_TLE` a mean one; both also cast the shadow.
PASEOS = Convention(
    name="paseos",
    teme_read_as_gcrs=True,
    utc_read_as_tt=True,
    aberration=True,
    ecliptic_sun=True,
    orbit_blocking_km=6378.0,
    orbit_shadow_km=6378.0,
    sgp4_blocking_km=6371.0,
    sgp4_shadow_km=6371.0,
)

CONVENTIONS = {convention.name: convention for convention in (PHYSICAL, PASEOS)}
