"""Bodies that know where they are: Keplerian orbits, SGP4 from a TLE, and the Earth around the Sun.

Each has `eph(epoch) -> ((x, y, z) m, (vx, vy, vz) m/s)` in plain floats. An epoch is anything with `mjd2000`.
The name of this module matters: PASEOS accepts as a planet only a type with "pykep.planet" in its name.
"""

from dataclasses import dataclass
from math import cos, radians, sin, sqrt
from typing import ClassVar, Protocol

from sgp4.api import SGP4_ERRORS, WGS72, Satrec

from orbitfl.errors import OrbitflError
from orbitfl.orbit.earth_orbit import AU_M as AU_M
from orbitfl.orbit.earth_orbit import MU_SUN, Vector, anomaly_difference, earth_ecliptic

# As pykep 2 has them.
MU_EARTH = 3.986004418e14
EARTH_RADIUS_M = 6378000.0

# IAU 2006 obliquity of the ecliptic at J2000.0: 84381.406 arcseconds.
_OBLIQUITY_RAD = radians(84381.406 / 3600.0)


class Instant(Protocol):
    @property
    def mjd2000(self) -> float: ...


class TleError(OrbitflError, RuntimeError):
    """A two-line element set cannot be read or propagated; PASEOS catches this only as a RuntimeError."""


class Keplerian:
    """Two-body orbit through r (m) and v (m/s) at an epoch; elliptic orbits only.

    Raises ValueError for a parabola or hyperbola.
    """

    def __init__(  # the argument order is pykep's
        self,
        epoch: Instant,
        r: Vector,
        v: Vector,
        mu_central_body: float,
        mu_self: float,
        radius: float,
        safe_radius: float,
        name: str,
    ) -> None:
        self.mu_central_body, self.mu_self, self.radius, self.safe_radius = (
            mu_central_body,
            mu_self,
            radius,
            safe_radius,
        )
        self.name = name
        self._epoch, self._r, self._v = epoch, r, v
        self._semi_major_m = 1.0 / (2.0 / sqrt(_dot(r, r)) - _dot(v, v) / mu_central_body)
        if self._semi_major_m <= 0.0:
            raise ValueError(f"the orbit of {name} is not elliptic; only ellipses are supported.")

    def eph(self, epoch: Instant) -> tuple[Vector, Vector]:
        """Position (m) and velocity (m/s) at `epoch`, in the axes of the initial state.

        Lagrange's f and g in the difference of eccentric anomaly: Battin, *An Introduction to the Mathematics
        and Methods of Astrodynamics* (1999), chapter 4.
        """
        a, mu = self._semi_major_m, self.mu_central_body
        r0 = sqrt(_dot(self._r, self._r))
        sigma0 = _dot(self._r, self._v) / sqrt(mu)
        elapsed_s = (epoch.mjd2000 - self._epoch.mjd2000) * 86400.0
        de = anomaly_difference(sqrt(mu / a**3) * elapsed_s, 1.0 - r0 / a, sigma0 / sqrt(a))
        f = 1.0 - a / r0 * (1.0 - cos(de))
        g = (a * sigma0 * (1.0 - cos(de)) + r0 * sqrt(a) * sin(de)) / sqrt(mu)
        r1 = a + (r0 - a) * cos(de) + sigma0 * sqrt(a) * sin(de)
        f_dot = -sqrt(mu * a) / (r1 * r0) * sin(de)
        g_dot = 1.0 - a / r1 * (1.0 - cos(de))
        return _combine(f, self._r, g, self._v), _combine(f_dot, self._r, g_dot, self._v)


class Tle:
    """SGP4 in TEME axes, with WGS-72 constants; epochs are read as UTC.

    Raises TleError when the lines cannot be read, and from `eph` when the orbit has decayed.
    """

    mu_central_body = MU_EARTH
    mu_self = 0.0
    radius = 0.0

    def __init__(self, line1: str, line2: str) -> None:
        if len(line1.rstrip()) < 68 or len(line2.rstrip()) < 68:
            raise TleError(f"{line1!r} and {line2!r} are not a two-line element set: each line has 69 characters.")
        try:
            self._satellite = Satrec.twoline2rv(line1, line2, WGS72)
        except ValueError as error:
            raise TleError(f"the two-line element set cannot be read: {error}") from error
        self.name = str(self._satellite.satnum)
        _refuse(self._satellite.error)

    def eph(self, epoch: Instant) -> tuple[Vector, Vector]:
        # The date goes in two parts: as one double it would be up to 0.15 m off.
        code, r_km, v_km_s = self._satellite.sgp4(2451544.5, epoch.mjd2000)
        _refuse(code)
        return _scaled(r_km, 1000.0), _scaled(v_km_s, 1000.0)


@dataclass(frozen=True, slots=True)
class Earth:
    """Earth (in truth the Earth-Moon barycentre) seen from the Sun, mean ecliptic and equinox J2000."""

    radius: float = EARTH_RADIUS_M
    mu_central_body: ClassVar[float] = MU_SUN
    mu_self: ClassVar[float] = MU_EARTH
    name: ClassVar[str] = "earth"

    def eph(self, epoch: Instant) -> tuple[Vector, Vector]:
        return earth_ecliptic(epoch.mjd2000)


@dataclass(frozen=True, slots=True)
class EquatorialEarth:
    """The same Earth on the axes of satellites: mean equator and equinox J2000.

    PASEOS adds satellite positions to the Earth's without rotating either; with the ecliptic Earth its Sun
    stands up to 23.4 degrees off.
    """

    radius: float = EARTH_RADIUS_M
    mu_central_body: ClassVar[float] = MU_SUN
    mu_self: ClassVar[float] = MU_EARTH
    name: ClassVar[str] = "earth"

    def eph(self, epoch: Instant) -> tuple[Vector, Vector]:
        return earth_equatorial(epoch.mjd2000)


def earth_equatorial(mjd2000: float) -> tuple[Vector, Vector]:
    """The Earth from the Sun, m and m/s, mean equator and equinox J2000; `mjd2000` in days of Terrestrial Time."""
    r, v = earth_ecliptic(mjd2000)
    return _to_equator(r), _to_equator(v)


def jpl_lp(name: str) -> Earth:
    """The low-precision planet called `name`; only the Earth is here. Raises ValueError for others."""
    if name.lower() != "earth":
        raise ValueError(f"jpl_lp knows only 'earth', not {name!r}.")
    return Earth()


keplerian, tle = Keplerian, Tle


def _to_equator(p: Vector) -> Vector:
    """Turn ecliptic axes onto the equator: about x by the obliquity."""
    c, s = cos(_OBLIQUITY_RAD), sin(_OBLIQUITY_RAD)
    return p[0], p[1] * c - p[2] * s, p[1] * s + p[2] * c


def _dot(p: Vector, q: Vector) -> float:
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


def _combine(f: float, p: Vector, g: float, q: Vector) -> Vector:
    return f * p[0] + g * q[0], f * p[1] + g * q[1], f * p[2] + g * q[2]


def _scaled(p: Vector, factor: float) -> Vector:
    return p[0] * factor, p[1] * factor, p[2] * factor


def _refuse(code: int) -> None:
    if code:
        raise TleError(f"SGP4 cannot propagate this element set: {SGP4_ERRORS[code]}")
