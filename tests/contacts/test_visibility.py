"""Forms of visibility against plain geometry and skyfield; windows against scans at one second."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.timelib import Time

from orbitfl.contacts.clearance import sampled_above
from orbitfl.contacts.ground import above_mask, places_of
from orbitfl.contacts.links import FixedRate
from orbitfl.contacts.rules import ContactRules, range_allowance_km2
from orbitfl.contacts.search import contact_plan
from orbitfl.contacts.visibility import past_sphere, within_range
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.clock import epoch_instant
from orbitfl.orbit.convention import PHYSICAL
from orbitfl.orbit.crossings import Curve, Windows, find_windows, intersection
from orbitfl.orbit.ephemeris import Ephemeris, Sampled, sampled
from orbitfl.orbit.frames import EarthRotation, earth_rotation
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.smooth import SmoothCurve
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
RADIUS_KM = 6378.137
SPAN_S = 43_200
STEPS_S = [30.0, 60.0, 100.0, 180.0, 300.0]


def clearance_km(first: Floats, second: Floats) -> Floats:
    """Distance (...) of the Earth's centre from the segment between two points (..., 3)."""
    along = second - first
    length2 = (along**2).sum(axis=-1)
    share = np.clip(-(first * along).sum(axis=-1) / np.where(length2 > 0, length2, 1), 0, 1)
    return np.linalg.norm(first + share[..., None] * along, axis=-1)


def all_pairs(propagator: Propagator) -> tuple[Ints, Ints]:
    return np.triu_indices(propagator.count, k=1)


def sight_windows(states: Sampled, a: Ints, b: Ints, radius_km: float = RADIUS_KM) -> Windows:
    return find_windows(past_sphere(part, a, b, radius_km) for part in states)


def scanned_edges_s(values: Floats) -> Floats:
    """When a scan (n_t,) at one second changes sign, by a straight line within the second."""
    second = np.flatnonzero((values[1:] > 0) != (values[:-1] > 0))
    return second + values[second] / (values[second] - values[second + 1])


def assert_edges_agree(windows: Windows, scans: Floats, edge_s: float) -> None:
    """The edges that the span did not cut are those of the scans (n_series, n_t)."""
    starts, ends = ~windows.cut_start, ~windows.cut_end
    series = np.concatenate([windows.series[starts], windows.series[ends]])
    edges_s = np.concatenate([windows.start_s[starts], windows.end_s[ends]])
    for number, scan in enumerate(scans):
        np.testing.assert_allclose(np.sort(edges_s[series == number]), scanned_edges_s(scan), atol=edge_s)
    assert set(windows.series) == set(np.flatnonzero((scans > 0).any(axis=1)))


def two_nodes(first: Floats, second: Floats) -> Ephemeris:
    """Points (n, 3) at two nodes, at rest; the first half of the satellites, then the other."""
    r_km = np.concatenate([first, second])
    states = np.zeros((2, len(r_km), 3, 3))
    states[:, :, 0] = r_km
    return Ephemeris(np.array([0.0, 1.0]), 1.0, states)


def random_points(count: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(4)
    points = random.normal(size=(2, count, 3))
    radii_km = random.uniform(6500, 12_000, size=(2, count, 1))
    first, second = points / np.linalg.norm(points, axis=-1, keepdims=True) * radii_km
    return first, second


def test_the_form_has_the_sign_of_the_clearance():
    first, second = random_points(100_000)
    a = np.arange(100_000)
    visible = past_sphere(two_nodes(first, second), a, a + 100_000, RADIUS_KM).positive(0)
    np.testing.assert_array_equal(visible, clearance_km(first, second) > RADIUS_KM)
    assert 0.2 < visible.mean() < 0.8


def test_the_other_form_has_the_sign_of_the_reserve_in_range():
    first, second = random_points(100_000)
    a = np.arange(100_000)
    near = within_range(two_nodes(first, second), a, a + 100_000, 12_000.0).positive(0)
    np.testing.assert_array_equal(near, np.linalg.norm(second - first, axis=-1) < 12_000)
    assert 0.2 < near.mean() < 0.8


@pytest.mark.parametrize("form", ["sphere", "range"])
def test_forms_carry_their_derivatives(form: str):
    """Against central differences of the form itself, 0.1 s apart, over eccentric orbits."""
    propagator = mixed(["leo", "molniya", "geo"])
    a, b = all_pairs(propagator)

    def products(t_s: Floats):
        r_km, v_km_s = propagator.states(t_s)
        shift_s = 1e-3
        acceleration = (propagator.states(t_s + shift_s)[1] - propagator.states(t_s - shift_s)[1]) / (2 * shift_s)
        states = np.stack([r_km, v_km_s, acceleration], axis=2).transpose(1, 0, 2, 3)
        part = Ephemeris(t_s, t_s[1] - t_s[0], states)
        return past_sphere(part, a, b, RADIUS_KM) if form == "sphere" else within_range(part, a, b, 20_000.0)

    step_s = 0.1
    around = products(np.arange(1000.0, 1000.0 + 3 * step_s, step_s)[:3])
    node, pair = np.ones(len(a), int), np.arange(len(a))
    before, now, after = (around.jet(node + shift, pair) for shift in (-1, 0, 1))
    np.testing.assert_allclose(now.slope, (after.value - before.value) / (2 * step_s), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(now.bend, (after.slope - before.slope) / (2 * step_s), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("range_km", [None, 4000.0])
def test_satellite_windows_are_those_of_a_scan_at_one_second(range_km: float | None):
    orbits = Walker(total=8, planes=4, phasing=1, altitude_km=786, inclination_deg=98.62).propagator()
    a, b = all_pairs(orbits)
    states = sampled(orbits, SPAN_S, 180.0)
    windows = sight_windows(states, a, b)
    r_km = orbits.positions(np.arange(SPAN_S + 1.0))
    first, second = r_km[a], r_km[b]
    margin_km = clearance_km(first, second) - RADIUS_KM
    if range_km is not None:
        windows = intersection(windows, find_windows(within_range(part, a, b, range_km) for part in states))
        margin_km = np.minimum(margin_km, range_km - np.linalg.norm(second - first, axis=-1))
    assert len(windows) > 50
    assert_edges_agree(windows, margin_km, 0.01)


# Semi-major axis in km, eccentricity, inclination and argument of perigee in degrees.
SORTS = {
    "leo": (6928.0, 0.001, 97.6, 0.0),
    "low": (6678.0, 0.0, 51.6, 0.0),
    "meo": (26_560.0, 0.01, 55.0, 0.0),
    "molniya": (26_554.0, 0.72, 63.4, 270.0),
    "geo": (42_164.0, 0.0002, 0.05, 0.0),
    "transfer": (24_400.0, 0.73, 7.0, 180.0),
    "heo": (60_000.0, 0.85, 28.5, 180.0),
}


def mixed(sorts: Sequence[str], seed: int = 1) -> Propagator:
    random = np.random.default_rng(seed)
    orbits = []
    for number, sort in enumerate(sorts):
        axis_km, eccentricity, inclination_deg, argp_deg = SORTS[sort]
        raan_deg, anomaly_deg = random.uniform(0, 360, 2).tolist()
        orbits.append(
            Elements(
                name=f"{sort}-{number}",
                semi_major_axis_km=axis_km,
                eccentricity=eccentricity,
                inclination_deg=inclination_deg,
                argp_deg=argp_deg,
                raan_deg=raan_deg,
                mean_anomaly_deg=anomaly_deg,
            )
        )
    return Keplerian(orbits=tuple(orbits)).satellites(EPOCH_UTC, SPAN_S).propagator


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(sorted(SORTS)), min_size=5, max_size=5), st.integers(0, 9999), st.sampled_from(STEPS_S))
def test_no_transition_of_a_scan_is_missed_in_any_mix_of_orbits(sorts: list[str], seed: int, step_s: float):
    """Edges within 0.15 s, whatever the eccentricities and the step; no window and no gap of seconds lost."""
    propagator = mixed(sorts, seed)
    a, b = all_pairs(propagator)
    windows = sight_windows(sampled(propagator, 14_400.0, step_s), a, b)
    r_km = propagator.positions(np.arange(14_401.0))
    margin_km = clearance_km(r_km[a], r_km[b]) - RADIUS_KM
    assert_scan_agrees(windows, margin_km, 0.15)


def assert_scan_agrees(windows: Windows, margins: Floats, edge_s: float) -> None:
    """At every second windows are open if and only if the margin is positive, but for `edge_s` about edges."""
    second = np.arange(margins.shape[1])
    for number, margin in enumerate(margins):
        mine = windows.where(windows.series == number)
        edges_s = np.sort(np.concatenate([mine.start_s, mine.end_s]))
        is_open = np.searchsorted(edges_s, second, "right") % 2 == 1
        is_open[-1] |= bool(mine.cut_end.any())
        wrong = second[is_open != (margin > 0)]
        if len(wrong):
            place = np.searchsorted(edges_s, wrong)
            ends = np.concatenate([[-np.inf], edges_s, [np.inf]])
            assert np.minimum(wrong - ends[place], ends[place + 1] - wrong).max() <= edge_s


def test_the_number_of_windows_does_not_depend_on_the_step():
    walker = Walker(total=24, planes=3, phasing=1, altitude_km=1200, inclination_deg=60).propagator()
    mix = mixed([*SORTS] * 2)
    for propagator in (walker, mix):
        a, b = all_pairs(propagator)
        found = [sight_windows(sampled(propagator, SPAN_S, step_s), a, b) for step_s in STEPS_S]
        assert len(found[0]) > 200
        for windows in found[1:]:
            np.testing.assert_array_equal(np.bincount(windows.series), np.bincount(found[0].series))


def test_windows_do_not_depend_on_how_many_pairs_share_a_search():
    propagator = mixed([*SORTS] * 2)
    a, b = all_pairs(propagator)
    states = sampled(propagator, SPAN_S, 180.0)
    together = sight_windows(states, a, b)
    for chosen in (slice(0, 1), slice(40, 60)):
        alone = sight_windows(states, a[chosen], b[chosen])
        mine = together.where(np.isin(together.series, np.arange(len(a))[chosen]))
        np.testing.assert_array_equal(alone.start_s, mine.start_s)
        np.testing.assert_array_equal(alone.end_s, mine.end_s)


@pytest.mark.parametrize(
    "clear_km",
    [100.0, 20.0, 5.0, 2.0],
)
def test_perigees_close_above_the_sphere_keep_their_edges(clear_km: float):
    """A transfer orbit's tangent shrinks to kilometres and grows again within a minute of perigee."""
    axis_km, sphere_km = 24_400.0, 6478.0
    orbits = [
        Elements(
            name=f"dipping-{number}",
            semi_major_axis_km=axis_km,
            eccentricity=1 - (sphere_km + clear_km) / axis_km,
            inclination_deg=15.0 * number,
            raan_deg=50.0 * number,
            mean_anomaly_deg=340.0 + 3 * number,
        )
        for number in range(5)
    ]
    high = [
        Elements(name=f"geo-{number}", semi_major_axis_km=42_164, inclination_deg=1, mean_anomaly_deg=40.0 * number)
        for number in range(9)
    ]
    satellites = Keplerian(orbits=(*orbits, *high)).satellites(EPOCH_UTC, 7200.0)
    propagator = satellites.propagator
    a, b = all_pairs(propagator)
    windows = sight_windows(sampled_above(satellites, 7200.0, 180.0, sphere_km), a, b, sphere_km)
    r_km = propagator.positions(np.arange(7201.0))
    assert_scan_agrees(windows, clearance_km(r_km[a], r_km[b]) - sphere_km, 0.15)


@pytest.mark.parametrize("step_s", STEPS_S)
def test_satellites_that_meet_for_seconds_over_the_limb_are_found(step_s: float):
    """A sphere as large as the best clearance of two satellites lets their sight through for a moment."""
    orbits = Walker(total=2, planes=2, phasing=1, altitude_km=786, inclination_deg=60).propagator()
    fine_s = np.arange(0, 6100, 0.01)
    clear_km = clearance_km(*orbits.positions(fine_s))
    best = clear_km.argmax()
    radius_km = clear_km[best] - 1e-3
    found = sight_windows(sampled(orbits, 6100.0, step_s), np.array([0]), np.array([1]), radius_km)
    edges_s = fine_s[:-1][(clear_km[1:] > radius_km) != (clear_km[:-1] > radius_km)]
    assert any(start <= fine_s[best] <= end for start, end in zip(found.start_s, found.end_s, strict=True))
    assert (found.end_s - found.start_s).max() < 5
    np.testing.assert_allclose(
        np.sort([*found.start_s[~found.cut_start], *found.end_s[~found.cut_end]]), edges_s, atol=0.15
    )


SITES = [
    GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474, mask_deg=5),
    GroundStation(name="quito", latitude_deg=-0.2, longitude_deg=-78.5, altitude_m=2850, mask_deg=0),
    GroundStation(name="hobart", latitude_deg=-42.9, longitude_deg=147.3, mask_deg=40),
    GroundStation(name="ice", latitude_deg=81.5, longitude_deg=-168.0, mask_deg=80),
]
# Revolutions a day, eccentricity and inclination.
FLOWN = [(14.3, 0.001, 98.6), (15.5, 0.0005, 51.6), (13.0, 0.02, 66.0), (15.1, 0.002, 97.6)]


def flown() -> list[MeanElements]:
    return [
        MeanElements(
            name=f"sat-{number}",
            catalogue_id=number + 1,
            epoch=epoch_instant(EPOCH_UTC),
            mean_motion_rev_day=rev_day,
            eccentricity=eccentricity,
            inclination_deg=inclination_deg,
            raan_deg=80.0 * number,
            argp_deg=40.0,
            mean_anomaly_deg=100.0 * number,
            bstar=1e-4,
        )
        for number, (rev_day, eccentricity, inclination_deg) in enumerate(FLOWN)
    ]


class Skyfield:
    """The same elements over the same sites, by skyfield alone."""

    def __init__(self) -> None:
        self.scale = load.timescale(builtin=True)
        self.satellites = [EarthSatellite.from_omm(self.scale, omm(each)) for each in flown()]
        self.sites = [wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m) for site in SITES]

    def margin_deg(self, series: int, times: Time) -> Floats:
        satellite, site = divmod(series, len(SITES))
        sight = (self.satellites[satellite] - self.sites[site]).at(times)
        return np.asarray(sight.altaz()[0].degrees) - SITES[site].mask_deg

    def times(self, t_s: Floats) -> Time:
        start = self.scale.from_datetime(EPOCH_UTC)
        return self.scale.tt_jd(start.whole, start.tt_fraction + t_s / 86_400)

    def bisected(self, series: int, near_s: Floats) -> Floats:
        low_s, high_s = near_s - 0.01, near_s + 0.01
        before = self.margin_deg(series, self.times(low_s)) > 0
        assert np.all(before != (self.margin_deg(series, self.times(high_s)) > 0))
        for _ in range(14):
            middle_s = (low_s + high_s) / 2
            same = (self.margin_deg(series, self.times(middle_s)) > 0) == before
            low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
        return (low_s + high_s) / 2


def omm(elements: MeanElements) -> dict:
    return {
        "OBJECT_NAME": elements.name, "OBJECT_ID": "2018-001A", "NORAD_CAT_ID": elements.catalogue_id,
        "EPOCH": "2018-05-18T03:21:00.000000", "MEAN_MOTION": elements.mean_motion_rev_day,
        "ECCENTRICITY": elements.eccentricity, "INCLINATION": elements.inclination_deg,
        "RA_OF_ASC_NODE": elements.raan_deg, "ARG_OF_PERICENTER": elements.argp_deg,
        "MEAN_ANOMALY": elements.mean_anomaly_deg, "BSTAR": elements.bstar, "MEAN_MOTION_DOT": 0,
        "MEAN_MOTION_DDOT": 0, "EPHEMERIS_TYPE": 0, "CLASSIFICATION_TYPE": "U", "ELEMENT_SET_NO": 1, "REV_AT_EPOCH": 1,
    }  # fmt: skip


def ground_windows(
    propagator: Propagator, sites: Sequence[GroundStation], rotation: EarthRotation, step_s: float = 180.0
) -> Windows:
    masks_deg = [site.mask_deg for site in sites]
    curves: list[Curve] = [
        SmoothCurve(above_mask(part.in_itrs(rotation), places_of(sites), masks_deg))
        for part in sampled(propagator, SPAN_S, step_s)
    ]
    return find_windows(curves)


@pytest.fixture(scope="module")
def passes() -> Windows:
    propagator = sgp4_satellites(flown(), EPOCH_UTC, SPAN_S, PHYSICAL).propagator
    return ground_windows(propagator, SITES, earth_rotation(EPOCH_UTC, SPAN_S))


def test_ground_windows_are_those_of_skyfield_at_one_second(passes: Windows):
    skyfield = Skyfield()
    times = skyfield.times(np.arange(SPAN_S + 1.0))  # one for all: it keeps its matrices
    margins = np.stack([skyfield.margin_deg(series, times) for series in range(len(FLOWN) * len(SITES))])
    assert len(passes) > 20
    assert_scan_agrees(passes, margins, 1e-3)


def test_edges_of_passes_are_skyfields_to_a_millisecond(passes: Windows):
    skyfield = Skyfield()
    for series in np.unique(passes.series).tolist():
        mine = passes.where(passes.series == series)
        edges_s = np.concatenate([mine.start_s[~mine.cut_start], mine.end_s[~mine.cut_end]])
        if len(edges_s):
            np.testing.assert_allclose(edges_s, skyfield.bisected(series, edges_s), rtol=0, atol=1e-3)
    masks_deg = {SITES[series % len(SITES)].mask_deg for series in passes.series.tolist()}
    assert masks_deg == {0, 5, 40, 80}


@pytest.mark.parametrize("step_s", STEPS_S)
def test_a_pass_that_only_grazes_the_mask_is_found(step_s: float):
    """With the mask just under a culmination the pass lasts some seconds, far less than the step."""
    orbits = Walker(total=1, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62).propagator()
    rotation, site = earth_rotation(EPOCH_UTC, SPAN_S), places_of(SITES[:1])
    fine_s = np.arange(0, SPAN_S, 0.1)
    sight_km = rotation.to_itrs(orbits.positions(fine_s)[0], fine_s) - site.position_km
    elevation_deg = np.rad2deg(np.arcsin(sight_km @ site.up[0] / np.linalg.norm(sight_km, axis=-1)))
    top = elevation_deg.argmax()
    mask_deg = float(elevation_deg[top]) - 1e-3
    found = ground_windows(orbits, [replace(SITES[0], mask_deg=mask_deg)], rotation, step_s)
    assert len(found) == 1
    assert found.start_s[0] < fine_s[top] < found.end_s[0]
    assert found.end_s[0] - found.start_s[0] < 5


def test_passes_of_eccentric_orbits_do_not_depend_on_the_step():
    propagator, rotation = mixed([*SORTS]), earth_rotation(EPOCH_UTC, SPAN_S)
    found = [ground_windows(propagator, SITES, rotation, step_s) for step_s in STEPS_S]
    assert len(found[0]) > 20
    for windows in found[1:]:
        np.testing.assert_array_equal(windows.series, found[0].series)
        np.testing.assert_allclose(windows.start_s, found[0].start_s, rtol=0, atol=0.01)
        np.testing.assert_allclose(windows.end_s, found[0].end_s, rtol=0, atol=0.01)


def crossing_orbits(random: np.random.Generator) -> list[Elements]:
    """Nearly round orbits of one height, in planes and places by lot: they pass each other at all distances."""
    return [
        Elements(
            name=f"sat-{number}",
            semi_major_axis_km=6878.0,
            eccentricity=0.001 * number / 40,
            inclination_deg=random.uniform(0, 180),
            raan_deg=random.uniform(0, 360),
            argp_deg=random.uniform(0, 360),
            mean_anomaly_deg=random.uniform(0, 360),
        )
        for number in range(40)
    ]


HEAD_ON = Walker(total=8, planes=8, phasing=0, altitude_km=500, inclination_deg=90)
CROSSING = Keplerian(orbits=tuple(crossing_orbits(np.random.default_rng(3))))


def closest_km(orbits: Propagator, a: Ints, b: Ints) -> Floats:
    """The least distances of all encounters within some 200 km: minima of |r₁ − r₂|² of the propagator itself."""
    coarse_s, found = np.arange(0.0, SPAN_S + 1.0, 20.0), []
    r_km = orbits.positions(coarse_s)
    for one, other in zip(a, b, strict=True):
        square = ((r_km[one] - r_km[other]) ** 2).sum(axis=-1)
        lowest = (square[1:-1] <= square[:-2]) & (square[1:-1] < square[2:]) & (square[1:-1] < 4e4)
        for at_s in coarse_s[1:-1][lowest]:
            near = orbits.positions(np.linspace(at_s - 20, at_s + 20, 401))
            square = ((near[one] - near[other]) ** 2).sum(axis=-1)
            place = np.clip(square.argmin(), 1, 399)
            before, now, after = square[place - 1 : place + 2]
            found.append(now - (after - before) ** 2 / (8 * (after - 2 * now + before)))
    return np.sqrt(np.maximum(found, 0))


@pytest.mark.parametrize("constellation", [HEAD_ON, CROSSING], ids=["head-on", "crossing"])
@pytest.mark.parametrize("range_km", [0.1, 1.0, 10.0, 60.0])
def test_the_shortest_ranges_lose_no_window(constellation: Walker | Keplerian, range_km: float):
    """A quintic per step of 150 s is off by more than a square kilometre: 588 windows of 840 were found within 1 km."""
    rules = ContactRules(max_isl_range_km=range_km)
    plan = contact_plan(
        constellation, isl=FixedRate(rate_bps=1.0), ground=None, epoch_utc=EPOCH_UTC, duration_s=SPAN_S, rules=rules
    )
    orbits = constellation.satellites(EPOCH_UTC, SPAN_S, PHYSICAL).propagator
    nearest_km = closest_km(orbits, *all_pairs(orbits))
    inner = ~plan.table["truncated"]
    assert (nearest_km < 0.99 * range_km).sum() <= inner.sum() <= (nearest_km < 1.01 * range_km).sum()
    assert inner.any() or (constellation is CROSSING and range_km <= 1)
    a, b = plan.table["a"][inner], plan.table["b"][inner]
    for edge in ("start_s", "end_s"):
        r_km = orbits.positions(plan.table[edge][inner])
        row = np.arange(len(a))
        distance_km = np.linalg.norm(r_km[a, row] - r_km[b, row], axis=-1)
        np.testing.assert_allclose(distance_km, range_km, rtol=0, atol=min(0.02, 0.01 * range_km))


def test_long_ranges_keep_their_step():
    orbits = HEAD_ON.propagator()
    for range_km in (100.0, 5000.0):
        allowed_km2 = range_allowance_km2(range_km)
        assert sampled(orbits, SPAN_S, 150.0, allowed_km2=allowed_km2).step_s == sampled(orbits, SPAN_S, 150.0).step_s


def test_ranges_towards_the_moon_and_beyond_lose_no_crossing():
    """r²/2 is 5e11 km² there, of which single precision loses 3e4 km²: four times what products of r₁ and r₂ allow."""
    random, span_s = np.random.default_rng(0), 28_800.0
    low = [circle(random, random.uniform(6900, 7800), 100) for _ in range(10)]
    high = [circle(random, 995_000.0, 60) for _ in range(10)]
    orbits = Keplerian(orbits=named([*low, *high])).satellites(EPOCH_UTC, span_s, PHYSICAL).propagator
    a, b = np.repeat(np.arange(10), 10), np.tile(np.arange(10, 20), 10)
    found = find_windows(within_range(part, a, b, 992_500.0) for part in sampled(orbits, span_s, 1.0))
    t_s = np.arange(10.0, span_s, 20.0)
    r_km = orbits.positions(t_s)
    near = np.linalg.norm(r_km[a] - r_km[b], axis=-1) < 992_500.0
    for pair in range(len(a)):
        mine = found.where(found.series == pair)
        open_ = np.searchsorted(mine.start_s, t_s) > np.searchsorted(mine.end_s, t_s)
        np.testing.assert_array_equal(open_, near[pair])
    assert len(found) > 200


def circle(random: np.random.Generator, axis_km: float, steepest_deg: float) -> Elements:
    angles = {"raan_deg": random.uniform(0, 360), "mean_anomaly_deg": random.uniform(0, 360)}
    return Elements(name="", semi_major_axis_km=axis_km, inclination_deg=random.uniform(0, steepest_deg), **angles)


def named(orbits: Sequence[Elements]) -> tuple[Elements, ...]:
    return tuple(replace(each, name=f"sat-{number}") for number, each in enumerate(orbits))
