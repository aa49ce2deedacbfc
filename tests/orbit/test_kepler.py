"""Kepler's equation, run backwards from known eccentric anomalies."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orbitfl.orbit.kepler import cosine_and_sine


@given(st.floats(-100, 100), st.floats(0, 0.9999))
def test_the_anomaly_comes_back(anomaly: float, eccentricity: float):
    mean = anomaly - eccentricity * np.sin(anomaly)
    cosine, sine = cosine_and_sine(np.array([mean]), np.array([eccentricity]))
    # Rounding of the mean anomaly grows by dE/dM = 1 / (1 - e cos E).
    within = 1e-13 / (1 - eccentricity * np.cos(anomaly))
    assert abs(cosine[0] - np.cos(anomaly)) < within
    assert abs(sine[0] - np.sin(anomaly)) < within


def test_a_whole_grid_of_orbits_at_once():
    eccentricity = np.array([0.0, 0.3, 0.74, 0.99])[:, None]
    anomaly = np.linspace(-np.pi, np.pi, 1001)
    cosine, sine = cosine_and_sine(anomaly - eccentricity * np.sin(anomaly), eccentricity)
    np.testing.assert_allclose(cosine, np.broadcast_to(np.cos(anomaly), (4, 1001)), atol=1e-11)
    np.testing.assert_allclose(sine, np.broadcast_to(np.sin(anomaly), (4, 1001)), atol=1e-11)
