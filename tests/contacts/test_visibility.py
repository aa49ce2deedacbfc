"""Margins against plain geometry and skyfield; windows against scans at one second."""

from datetime import UTC, datetime

import numpy as np
import pytest
from skyfield.api import load, wgs84
from skyfield.positionlib import Geocentric

from orbitfl.contacts.visibility import ground_pairs, line_of_sight_margin_km, satellite_pairs
from orbitfl.orbit.crossings import Windows, find_windows
from orbitfl.orbit.frames import earth_rotation
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
RADIUS_KM = 6378.137
SPAN_S = 43_200
EDGE_S = 0.01


def clearance_km(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance (...) of the Earth's centre from the segment between two points (..., 3)."""
    along = second - first
    length2 = (along**2).sum(axis=-1)
    share = np.clip(-(first * along).sum(axis=-1) / np.where(length2 > 0, length2, 1), 0, 1)
    return np.linalg.norm(first + share[..., None] * along, axis=-1)


def scanned_edges_s(values: np.ndarray) -> np.ndarray:
    """When a scan (n_t,) at one second changes sign, by a straight line within the second."""
    second = np.flatnonzero((values[1:] > 0) != (values[:-1] > 0))
    return second + values[second] / (values[second] - values[second + 1])


def assert_edges_agree(windows: Windows, scans: np.ndarray) -> None:
    """The edges that the span did not cut are those of the scans (n_series, n_t)."""
    starts, ends = ~windows.cut_start, ~windows.cut_end
    series = np.concatenate([windows.series[starts], windows.series[ends]])
    edges_s = np.concatenate([windows.start_s[starts], windows.end_s[ends]])
    for number, scan in enumerate(scans):
        np.testing.assert_allclose(np.sort(edges_s[series == number]), scanned_edges_s(scan), atol=EDGE_S)
    assert set(windows.series) == set(np.flatnonzero((scans > 0).any(axis=1)))


def test_the_margin_has_the_sign_of_the_clearance():
    generator = np.random.default_rng(4)
    points = generator.normal(size=(2, 100_000, 3))
    radii = generator.uniform(6500, 12_000, size=(2, 100_000, 1))
    first, second = points / np.linalg.norm(points, axis=-1, keepdims=True) * radii
    visible = line_of_sight_margin_km(first, second, RADIUS_KM) > 0
    np.testing.assert_array_equal(visible, clearance_km(first, second) > RADIUS_KM)
    assert 0.2 < visible.mean() < 0.8


@pytest.mark.parametrize("max_range_km", [np.inf, 4000.0])
def test_satellite_windows_are_those_of_a_scan_at_one_second(max_range_km: float):
    walker = Walker(total=8, planes=4, phasing=1, altitude_km=786, inclination_deg=98.62)
    orbits = walker.propagator()
    pairs = satellite_pairs(orbits, RADIUS_KM, max_range_km)
    windows = find_windows(pairs.margin_km, len(pairs.a), (0.0, SPAN_S), 60.0)
    positions = orbits.positions(np.arange(SPAN_S + 1.0))
    first, second = positions[pairs.a], positions[pairs.b]
    reserve_km = max_range_km - np.linalg.norm(second - first, axis=-1)
    assert_edges_agree(windows, np.minimum(clearance_km(first, second) - RADIUS_KM, reserve_km))


def test_ground_windows_are_those_of_skyfield_at_one_second():
    """The sight to a satellite of ours, turned into altitude by skyfield's own topocentre."""
    span_s = 21_600
    walker = Walker(total=4, planes=4, phasing=1, altitude_km=786, inclination_deg=98.62)
    orbits = walker.propagator()
    stations = [
        GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474, mask_deg=5),
        GroundStation(name="quito", latitude_deg=-0.2, longitude_deg=-78.5, altitude_m=2850, mask_deg=0),
        GroundStation(name="hobart", latitude_deg=-42.9, longitude_deg=147.3, mask_deg=40),
    ]
    pairs = ground_pairs(orbits, stations, earth_rotation(EPOCH_UTC, span_s))
    windows = find_windows(pairs.margin_km, len(pairs.a), (0.0, span_s), 60.0)
    elevations_deg = skyfield_elevations_deg(orbits.positions(np.arange(span_s + 1.0)), stations)
    masks_deg = np.tile([station.mask_deg for station in stations], walker.total)
    assert_edges_agree(windows, elevations_deg - masks_deg[:, None])


def skyfield_elevations_deg(positions: np.ndarray, stations: list[GroundStation]) -> np.ndarray:
    """(n_sat · n_station, n_t), satellite by satellite, from geometric positions (n_sat, n_t, 3) in km."""
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(EPOCH_UTC)
    times = timescale.tt_jd(epoch.whole, epoch.tt_fraction + np.arange(positions.shape[1]) / 86_400)
    places = [
        wgs84.latlon(station.latitude_deg, station.longitude_deg, station.altitude_m).at(times) for station in stations
    ]
    au_km = 149_597_870.7
    return np.stack(
        [
            np.asarray((Geocentric(path.T / au_km, t=times, center=399) - place).altaz()[0].degrees)
            for path in positions
            for place in places
        ]
    )


def crest(function, low_s: float, high_s: float) -> tuple[float, float]:
    """When and how high `function` is at most between two times, to 0.01 s."""
    t_s = np.arange(low_s, high_s, 0.01)
    values = function(t_s)
    return float(t_s[values.argmax()]), float(values.max())


@pytest.mark.parametrize("step_s", [30.0, 60.0, 120.0])
def test_a_pass_that_only_grazes_the_mask_is_found(step_s: float):
    """With the mask just under a culmination the pass lasts some seconds, far less than the step."""
    orbits = Walker(total=1, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62).propagator()
    site = {"name": "svalbard", "latitude_deg": 78.9067, "longitude_deg": 11.8883, "altitude_m": 474}
    rotation = earth_rotation(EPOCH_UTC, SPAN_S)
    station = GroundStation(**site, mask_deg=0)
    pairs, satellite = ground_pairs(orbits, [station], rotation), np.zeros(1, int)
    passes = find_windows(pairs.margin_km, 1, (0.0, SPAN_S), 60.0)

    def elevation_deg(t_s: np.ndarray) -> np.ndarray:
        sight = rotation.to_itrs(orbits.position_at(satellite, t_s), t_s) - pairs.station_km[0]
        return np.rad2deg(np.arcsin(sight @ pairs.up[0] / np.linalg.norm(sight, axis=-1)))

    crests = [crest(elevation_deg, *window) for window in zip(passes.start_s, passes.end_s, strict=True)]
    top_s, highest_deg = max(crests, key=lambda found: found[1])
    grazing = GroundStation(**site, mask_deg=highest_deg - 1e-3)
    found = find_windows(ground_pairs(orbits, [grazing], rotation).margin_km, 1, (0.0, SPAN_S), step_s)
    assert len(found.series) == 1
    assert found.start_s[0] < top_s < found.end_s[0]
    assert found.end_s[0] - found.start_s[0] < 5


@pytest.mark.parametrize("step_s", [30.0, 60.0, 120.0])
def test_satellites_that_meet_for_seconds_over_the_limb_are_found(step_s: float):
    """A sphere as large as the best clearance of two satellites lets their sight through for a moment."""
    orbits = Walker(total=2, planes=2, phasing=1, altitude_km=786, inclination_deg=60).propagator()

    def clear_km(t_s: np.ndarray) -> np.ndarray:
        return clearance_km(*orbits.positions(t_s))

    orbit_s = 2 * np.pi / orbits.arglat_rate_rad_s
    top_s, best_km = crest(clear_km, 0, orbit_s)
    pairs = satellite_pairs(orbits, best_km - 1e-3, np.inf)
    found = find_windows(pairs.margin_km, 1, (0.0, orbit_s), step_s)
    fine_s = np.arange(0, orbit_s, 0.01)
    scan = clear_km(fine_s) > best_km - 1e-3
    edges_s = fine_s[:-1][scan[1:] != scan[:-1]]
    assert any(start <= top_s <= end for start, end in zip(found.start_s, found.end_s, strict=True))
    assert (found.end_s - found.start_s).max() < 5
    np.testing.assert_allclose(
        np.sort([*found.start_s[~found.cut_start], *found.end_s[~found.cut_end]]), edges_s, atol=0.02
    )
