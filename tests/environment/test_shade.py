"""Shadows told from eclipses found ahead are those of PASEOS's own test, edge by edge."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from orbitfl.environment.pykep.planet import earth_equatorial
from orbitfl.environment.shade import Shade
from orbitfl.orbit.earth_orbit import Vector, earth_ecliptic
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.sun import label_s

SOLSTICE = datetime(2026, 6, 21, 8, 24, tzinfo=UTC)
DAY_S, RADIUS_KM = 86_400.0, 6378.0
ORBITS = Keplerian(
    orbits=(
        Elements(name="low", semi_major_axis_km=6800, inclination_deg=51.6),
        Elements(name="grazing", semi_major_axis_km=6978, inclination_deg=97.8, raan_deg=170),
        Elements(name="skimmer", semi_major_axis_km=7000, inclination_deg=51.6, eccentricity=0.07, raan_deg=80),
        Elements(name="gto", semi_major_axis_km=24_400, inclination_deg=7, eccentricity=0.73, argp_deg=178),
        Elements(name="molniya", semi_major_axis_km=26_560, inclination_deg=63.4, eccentricity=0.74, argp_deg=270),
        Elements(name="geo", semi_major_axis_km=42_164, inclination_deg=0.1, mean_anomaly_deg=50),
    )
)
Earth = Callable[[float], tuple[Vector, Vector]]


def shade(earth: Earth, duration_s: float | None = DAY_S) -> Shade:
    satellites = ORBITS.satellites(SOLSTICE, DAY_S)
    return Shade(satellites.names, satellites.propagator, earth, label_s(SOLSTICE), RADIUS_KM, duration_s)


def instants_s(table: Shade, node: int) -> np.ndarray:
    """All over the day, and beside every edge, from a microsecond to a second away."""
    assert table.dark(node, DAY_S) in (True, False)
    edges_s = np.array(table._inner.edges_s[node] + table._outer.edges_s[node])
    aside_s = np.array([0.0, 1e-6, 1e-4, 1e-3, 3e-3, 1e-2, 0.1, 1.0])
    beside_s = (edges_s[:, None] + np.concatenate([aside_s, -aside_s])).ravel()
    t_s = np.concatenate([np.random.default_rng(node).uniform(0, DAY_S, 2000), beside_s])
    return np.sort(t_s.clip(0, DAY_S))


@pytest.mark.parametrize("earth", [earth_equatorial, earth_ecliptic])
@pytest.mark.parametrize("node", range(6))
def test_it_is_dark_where_the_segment_to_the_sun_is_cut(earth: Earth, node: int):
    table = shade(earth)
    t_s = instants_s(table, node)
    exact = np.array([table.blocked(node, at_s) for at_s in t_s.tolist()])
    np.testing.assert_array_equal(table.dark_at(node, t_s), exact)
    np.testing.assert_array_equal([table.dark(node, at_s) for at_s in t_s.tolist()], exact)


def test_the_margin_holds_both_sides_of_every_edge_and_little_more():
    """The true edge lies well inside what is left to the exact test, on either side."""
    table = shade(earth_equatorial)
    widths_s, insides = [], []
    for node in range(3):
        table.dark(node, DAY_S)
        inner, outer = table._inner.edges_s[node], table._outer.edges_s[node]
        if len(inner) != len(outer):
            continue
        for one, other in zip(inner, outer, strict=True):
            low_s, high_s = sorted((one, other))
            if low_s == high_s:
                continue
            before, whole_s = table.blocked(node, low_s), high_s - low_s
            assert before != table.blocked(node, high_s)
            while high_s - low_s > 1e-6:
                middle_s = (low_s + high_s) / 2
                low_s, high_s = (middle_s, high_s) if table.blocked(node, middle_s) == before else (low_s, middle_s)
            widths_s.append(whole_s)
            insides.append(abs((low_s - (one + other) / 2) / whole_s))
    assert len(widths_s) > 50
    assert np.median(widths_s) < 0.02
    # The middle of the two edges is the exact one to a tenth of what was allowed for.
    assert max(insides) < 0.1


def test_blocks_of_an_hour_tell_the_same():
    hourly, whole = shade(earth_equatorial, None), shade(earth_equatorial)
    for node in range(6):
        t_s = instants_s(whole, node)
        np.testing.assert_array_equal(hourly.dark_at(node, t_s), whole.dark_at(node, t_s))
        assert hourly.dark_s(node, 0.0, DAY_S) == pytest.approx(whole.dark_s(node, 0.0, DAY_S), abs=1e-3)


def test_dark_time_adds_up():
    table, t_s = shade(earth_equatorial), np.linspace(0, DAY_S, 500)
    parts_s = [table.dark_s(0, *span) for span in zip(t_s[:-1].tolist(), t_s[1:].tolist(), strict=True)]
    assert sum(parts_s) == pytest.approx(table.dark_s(0, 0.0, DAY_S))
    seconds = np.arange(0.0, DAY_S) + 0.5
    assert np.count_nonzero(table.dark_at(0, seconds)) == pytest.approx(table.dark_s(0, 0.0, DAY_S), abs=35)
