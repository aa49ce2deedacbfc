"""The Earth around the Sun by JPL's low-precision table, in plain floats and SI units.

PASEOS takes its Earth from pykep, which takes it from this table; both our stand-in for pykep and the Sun of
PASEOS's convention are made of it.
"""

from math import ceil, cos, radians, sin, sqrt, tau
from typing import NamedTuple

# As pykep 2 has them.
AU_M = 149597870691.0
MU_SUN = 1.32712440018e20

Vector = tuple[float, float, float]


class _Elements(NamedTuple):
    semi_major_au: float
    eccentricity: float
    inclination_deg: float
    longitude_deg: float
    perihelion_deg: float


# Standish & Williams, *Approximate Positions of the Planets* (JPL SSD), table 1, row EM Bary, valid 1800 to
# 2050: values at J2000.0, and change per Julian century. The node stands at 0 and stays there.
_EARTH_J2000 = _Elements(1.00000261, 0.01671123, -0.00001531, 100.46457166, 102.93768193)
_EARTH_RATE = _Elements(0.00000562, -0.00004392, -0.01294668, 35999.37244981, 0.32327364)


def earth_ecliptic(mjd2000: float) -> tuple[Vector, Vector]:
    """The Earth-Moon barycentre from the Sun: position (m) and velocity (m/s), mean ecliptic and equinox J2000.

    mjd2000: days since 2000-01-01 00:00 TT. The direction is within 0.01 degrees of JPL's ephemeris.
    """
    centuries = (mjd2000 - 0.5) / 36525.0
    now = _Elements(*(value + rate * centuries for value, rate in zip(_EARTH_J2000, _EARTH_RATE, strict=True)))
    a, e = now.semi_major_au * AU_M, now.eccentricity
    anomaly = anomaly_difference(radians(now.longitude_deg - now.perihelion_deg), e, 0.0)
    b, n_a = a * sqrt(1.0 - e * e), sqrt(MU_SUN / a) / (1.0 - e * cos(anomaly))
    r = (a * (cos(anomaly) - e), b * sin(anomaly))
    v = (-n_a * sin(anomaly), n_a * b / a * cos(anomaly))
    perihelion, inclination = radians(now.perihelion_deg), radians(now.inclination_deg)
    return _out_of_plane(r, perihelion, inclination), _out_of_plane(v, perihelion, inclination)


def anomaly_difference(mean: float, c: float, s: float) -> float:
    """Solve mean = x − c sin x + s (1 − cos x) for x by Newton's method; mean is first reduced to (−π, π].

    From perihelion (c = e, s = 0) this is Kepler's equation; else x is the change of eccentric anomaly from a
    state with c = e cos E₀, s = e sin E₀ (Battin, *An Introduction to the Mathematics and Methods of
    Astrodynamics*, 1999, chapter 4).
    """
    mean -= tau * ceil(mean / tau - 0.5)
    x = mean
    for _ in range(50):
        change = (x - c * sin(x) + s * (1.0 - cos(x)) - mean) / (1.0 - c * cos(x) + s * sin(x))
        x -= change
        if abs(change) < 1e-14:
            break
    return x


def _out_of_plane(p: tuple[float, float], perihelion: float, inclination: float) -> Vector:
    x = p[0] * cos(perihelion) - p[1] * sin(perihelion)
    y = p[0] * sin(perihelion) + p[1] * cos(perihelion)
    return x, y * cos(inclination), y * sin(inclination)
