"""Numbers of the Earth and of light, each with its unit and source."""

EARTH_MU_KM3_S2 = 398_600.4418
"""Gravitational parameter, km³/s² (WGS84, NIMA TR8350.2, table 3.1)."""

EARTH_RADIUS_KM = 6378.137
"""Equatorial radius, km (WGS84, NIMA TR8350.2, table 3.1); altitudes of orbits are counted from it."""

EARTH_FLATTENING = 1 / 298.257_223_563
"""Flattening of the ellipsoid (WGS84, NIMA TR8350.2, table 3.1)."""

EARTH_J2 = 1.082_626_174e-3
"""Second zonal harmonic, unnormalised (EGM2008; Vallado, 4th ed., table D-1)."""

EARTH_SPIN_RAD_S = 7.292_115_146_706_979e-5
"""Rate of the Earth rotation angle, rad per second of UT1 (IERS Conventions 2010, TN 36, eq. 5.15)."""

LIGHT_M_S = 299_792_458.0
LIGHT_KM_S = LIGHT_M_S / 1e3
"""Speed of light, exact (SI Brochure, 9th ed., table 1)."""
