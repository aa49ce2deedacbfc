"""Kepler's equation, for whole arrays at once."""

import numpy as np

from orbitfl.orbit.arrays import Floats

MOST_ROUNDS = 30
# The correction converges in fourth order, so the error left after one this small is below rounding.
SMALL_RAD = 1e-5


def cosine_and_sine(mean_anomaly_rad: Floats, eccentricity: Floats) -> tuple[Floats, Floats]:
    """Cosine and sine of the eccentric anomaly E, where E - e sin E = M; arguments broadcast, 0 <= e < 1.

    Starter and quartic correction: Danby, Fundamentals of Celestial Mechanics, 2nd ed. (1988), section 6.6.
    """
    mean = mean_anomaly_rad - 2 * np.pi * np.round(mean_anomaly_rad / (2 * np.pi))
    anomaly = mean + 0.85 * eccentricity * np.sign(mean)
    cosine, sine = np.cos(anomaly), np.sin(anomaly)
    step = _correction(anomaly, mean, eccentricity * cosine, eccentricity * sine)
    for _ in range(MOST_ROUNDS):
        if np.max(np.abs(step), initial=0.0) < SMALL_RAD:
            break
        anomaly += step
        cosine, sine = np.cos(anomaly), np.sin(anomaly)
        step = _correction(anomaly, mean, eccentricity * cosine, eccentricity * sine)
    # Turning by the last small step saves another sine and cosine.
    across, along = step - step**3 / 6, 1 - step**2 / 2
    return cosine * along - sine * across, sine * along + cosine * across


def _correction(anomaly: Floats, mean: Floats, e_cosine: Floats, e_sine: Floats) -> Floats:
    excess, slope = anomaly - e_sine - mean, 1 - e_cosine
    step = -excess / slope
    step = -excess / (slope + step * e_sine / 2)
    return -excess / (slope + step * e_sine / 2 + step**2 * e_cosine / 6)
