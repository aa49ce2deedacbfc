"""Images of areas against skyfield, brute force at every second, and closed forms."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.framelib import itrs
from skyfield.jpllib import SpiceKernel
from skyfield.positionlib import ICRF
from skyfield.timelib import Time

from orbitfl.contacts.areas import Area, point
from orbitfl.contacts.imaging import imaging_windows
from orbitfl.contacts.instruments import InCone, NearNadir, NearTrack, OffNadir, Swath, off_nadir_deg
from orbitfl.contacts.intervals import Intervals
from orbitfl.contacts.joining import joined, least, repeated
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.crossings import Windows
from orbitfl.orbit.ephemeris import ephemeris
from orbitfl.orbit.frames import earth_rotation, geodetic_position
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 10, 2, 3, 21, tzinfo=UTC)
DAY_S = 86_400.0
SENTINEL_KM = 290.0
MEAN_RADIUS_KM = 6371.0088
# Sentinel-2's orbit with a descending node at about half past ten, as seen in October 2026.
SENTINEL = Walker(total=2, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62, raan_deg=347.6)
LOW = Walker(total=1, planes=1, phasing=0, altitude_km=400, inclination_deg=51.6)
# A scene of the Earth Surface Water set, S2A_L2A_20190206_N0211_R067_S1.
PARANA = Area(name="parana", south_deg=-31.8163, west_deg=-60.60877, north_deg=-31.72932, east_deg=-60.50355)
WIDE = Area(name="wide", south_deg=40.0, west_deg=8.0, north_deg=44.0, east_deg=13.0)
FIJI = Area(name="fiji", south_deg=-18.5, west_deg=176.8, north_deg=-16.0, east_deg=-179.5)
AREAS = [PARANA, WIDE, FIJI, point("pole", 81.0, 20.0)]


def times(t_s: Floats) -> Time:
    timescale = load.timescale(builtin=True)
    start = timescale.from_datetime(EPOCH_UTC)
    return timescale.tt_jd(start.whole, start.tt_fraction + t_s / DAY_S)


def images(**changes: Any) -> Intervals:
    options: Any = {
        "constellation": SENTINEL,
        "areas": AREAS,
        "instrument": Swath(width_km=SENTINEL_KM),
        "epoch_utc": EPOCH_UTC,
        "duration_s": 3 * DAY_S,
    }
    given = {**options, **changes}
    return imaging_windows(given.pop("constellation"), given.pop("areas"), given.pop("instrument"), **given)


def edges(table: Intervals) -> tuple[NDArray[Any], NDArray[Any], Floats]:
    """Satellites, areas and times of all edges that are not the span's own."""
    satellite, area = (np.tile(table.table[name], 2) for name in ("satellite", "area"))
    t_s = np.append(table.table["start_s"], table.table["end_s"])
    inside = (t_s > 0) & (t_s < table.duration_s)
    return satellite[inside], area[inside], t_s[inside]


def bisected(value: Callable[[Floats], NDArray[np.bool_]], near_s: Floats, aside_s: float) -> Floats:
    """Where booleans change within ± aside_s of times (n,), to a microsecond; they must change there."""
    low_s, high_s = near_s - aside_s, near_s + aside_s
    before = value(low_s)
    assert (before != value(high_s)).all()
    while np.any(high_s - low_s > 1e-6):
        middle_s = (low_s + high_s) / 2
        same = value(middle_s) == before
        low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
    return (low_s + high_s) / 2


def places_km(area: Area, spacing_km: float) -> Floats:
    return np.array([geodetic_position(place[0], place[1], 0.0) for place in area.points_deg(spacing_km).tolist()])


def angle_deg(a: Floats, b: Floats) -> Floats:
    return np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def below(satellite_km: Floats, place_km: Floats) -> NDArray[np.bool_]:
    """Whether a place lies in the swath: by the angle at the Earth's centre."""
    return np.arccos(cosines(satellite_km, place_km)) * MEAN_RADIUS_KM < SENTINEL_KM / 2


def within_20_deg(satellite_km: Floats, place_km: Floats) -> NDArray[np.bool_]:
    """Whether a place is seen within 20 degrees of the nadir, on the near side."""
    return (cosines(satellite_km, satellite_km - place_km) > np.cos(np.deg2rad(20))) & (satellite_km @ place_km > 0)


def cosines(a: Floats, b: Floats) -> Floats:
    return np.sum(a * b, axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize(
    ("instrument", "sees", "reach_km"),
    [
        (Swath(width_km=SENTINEL_KM), below, SENTINEL_KM / 2),
        (OffNadir(limit_deg=20), within_20_deg, OffNadir(limit_deg=20).reach_km(6378.137 + 786)),
    ],
    ids=["swath", "off nadir"],
)
def test_windows_are_those_of_brute_force_at_every_second(
    instrument: Swath | OffNadir, sees: Callable[[Floats, Floats], NDArray[np.bool_]], reach_km: float
):
    duration_s = 3 * DAY_S
    table = images(instrument=instrument, duration_s=duration_s).table
    t_s = np.arange(0.0, duration_s) + 0.41
    r_km = earth_rotation(EPOCH_UTC, duration_s).to_itrs(SENTINEL.propagator().positions(t_s), t_s[None])
    for satellite, number in np.ndindex(2, len(AREAS)):
        seen = np.array([sees(r_km[satellite], place) for place in places_km(AREAS[number], reach_km / 2.0001)])
        rows = np.flatnonzero((table["satellite"] == satellite) & (table["area"] == number))
        started = np.searchsorted(table["start_s"][rows], t_s, side="right")
        assert (started > np.searchsorted(table["end_s"][rows], t_s, side="right")).tolist() == seen.any(
            axis=0
        ).tolist()
        assert len(rows) == np.count_nonzero(np.diff(seen.any(axis=0).astype(int)) == 1)
        for row in rows:
            during = seen[:, (t_s > table["start_s"][row]) & (t_s < table["end_s"][row])]
            assert table["whole"][row] == during.any(axis=1).all()
    assert table["whole"].any() and not table["whole"].all()
    assert set(table["area"]) == set(range(len(AREAS)))


def test_edges_and_angles_are_those_of_skyfield_alone(repository: Path):
    path = repository / "constellations/sentinel_2.tle"
    areas = [point("canoas", -29.92, -51.18), point("svalbard", 78.9, 11.9), point("lagos", 6.45, 3.39)]
    table = images(constellation=Tle(path=str(path)), areas=areas, instrument=OffNadir(limit_deg=35), duration_s=DAY_S)
    satellite, area, t_s = edges(table)
    assert len(t_s) > 30
    lines = [line for line in path.read_text().splitlines() if line.startswith(("1 ", "2 "))]
    for row, number in np.ndindex(3, len(areas)):
        place = wgs84.latlon(areas[number].south_deg, areas[number].west_deg)
        theirs = EarthSatellite(*lines[2 * row : 2 * row + 2])

        def off_nadir(at_s: Floats, theirs: Any = theirs, place: Any = place) -> Floats:
            satellite_km = theirs.at(times(at_s)).position.km.T
            return angle_deg(-satellite_km, place.at(times(at_s)).position.km.T - satellite_km)

        mine_s = t_s[(satellite == row) & (area == number)]
        exact_s = bisected(lambda at_s, off_nadir=off_nadir: off_nadir(at_s) < 35, mine_s, 0.1)
        np.testing.assert_allclose(mine_s, exact_s, rtol=0, atol=0.01)
        rows = np.flatnonzero((table.table["satellite"] == row) & (table.table["area"] == number))
        for each in rows[:2]:
            start_s, end_s = float(table.table["start_s"][each]), float(table.table["end_s"][each])
            fine_s = np.arange(start_s, end_s, 0.1)
            least_deg = off_nadir(fine_s).min()
            assert table.table["off_nadir_min_deg"][each] == pytest.approx(least_deg, abs=0.01)


def sun_elevation_deg(de421: SpiceKernel, area: Area, t_s: Floats) -> Floats:
    """Of the Sun where it is, not where its light comes from, by skyfield."""
    latitude_deg, longitude_deg = area.centre_deg
    site: Any = de421["earth"] + wgs84.latlon(latitude_deg, longitude_deg)
    at, body = times(t_s), cast(Any, de421["sun"])
    sight = ICRF(body.at(at).position.au - site.at(at).position.au, t=at).frame_xyz(itrs).au
    latitude, longitude = np.deg2rad([latitude_deg, longitude_deg])
    up = [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    return 90 - angle_deg(np.asarray(sight).T, np.array(up))


def test_daylight_is_that_of_skyfield(de421: SpiceKernel):
    table = images(instrument=OffNadir(limit_deg=30)).table
    middle_s = (table["start_s"] + table["end_s"]) / 2
    for number, area in enumerate(AREAS):
        rows = table["area"] == number
        theirs_deg = sun_elevation_deg(de421, area, middle_s[rows])
        np.testing.assert_allclose(table["sun_elevation_deg"][rows], theirs_deg, rtol=0, atol=1e-4)
        np.testing.assert_array_equal(table["daylight"][rows], theirs_deg > 0)
        site: Any = de421["earth"] + wgs84.latlon(*area.centre_deg)
        apparent_deg = site.at(times(middle_s[rows])).observe(de421["sun"]).apparent().altaz()[0].degrees
        np.testing.assert_allclose(table["sun_elevation_deg"][rows], apparent_deg, rtol=0, atol=0.006)
    assert table["daylight"].any() and not table["daylight"].all()


def test_windows_end_where_daylight_does(de421: SpiceKernel):
    """A satellite 20 200 km high sees a place for hours: some of its windows begin or end with the day."""
    high = Walker(total=4, planes=4, phasing=1, altitude_km=20_200, inclination_deg=55)
    options: Any = {"constellation": high, "areas": [PARANA, FIJI], "instrument": OffNadir(limit_deg=14)}
    everything, lit = images(**options), images(**options, min_sun_elevation_deg=12.0)
    assert 0 < len(lit) < len(everything)
    areas, t_s = edges(lit)[1:]
    by_day = np.zeros(len(t_s), bool)
    for number, area in enumerate((PARANA, FIJI)):
        rows = np.flatnonzero((areas == number) & ~np.isin(t_s, edges(everything)[2]))
        by_day[rows] = True
        exact_s = bisected(lambda at_s, area=area: sun_elevation_deg(de421, area, at_s) > 12, t_s[rows], 0.1)
        np.testing.assert_allclose(t_s[rows], exact_s, rtol=0, atol=0.02)
        middle_s = (lit.table["start_s"] + lit.table["end_s"])[lit.table["area"] == number] / 2
        assert (sun_elevation_deg(de421, area, middle_s) > 12).all()
    assert by_day.sum() > 4 and not by_day.all()


def test_a_narrow_swath_that_passes_between_the_corners_is_not_missed():
    table = images(areas=[WIDE], instrument=Swath(width_km=30), duration_s=6 * DAY_S).table
    t_s = np.arange(0.0, 6 * DAY_S, 2.0)
    r_km = earth_rotation(EPOCH_UTC, 6 * DAY_S).to_itrs(SENTINEL.propagator().positions(t_s), t_s[None])
    longitude_deg = np.rad2deg(np.arctan2(r_km[..., 1], r_km[..., 0]))
    # Geocentric latitudes are up to 0.19 degrees less than those on the ellipsoid.
    latitude_deg = np.rad2deg(np.arcsin(r_km[..., 2] / np.linalg.norm(r_km, axis=-1)))
    over = (np.abs(latitude_deg - 41.81) < 2) & (np.abs(longitude_deg - 10.5) < 2.5)
    assert over.any(axis=1).all()
    for satellite in range(2):
        rows = table["satellite"] == satellite
        started = np.searchsorted(table["start_s"][rows], t_s, side="right")
        seen = started > np.searchsorted(table["end_s"][rows], t_s, side="right")
        assert seen[over[satellite]].all()


def test_windows_go_on_from_part_to_part_of_an_ephemeris(monkeypatch: pytest.MonkeyPatch):
    def table() -> Intervals:
        return images(instrument=OffNadir(limit_deg=40), duration_s=DAY_S, step_s=20.0, min_sun_elevation_deg=-60.0)

    whole = table()
    monkeypatch.setattr("orbitfl.orbit.ephemeris.BYTES_AT_ONCE", 1)
    parts = table()
    assert len(parts) == len(whole) > 10
    for name, column in whole.table.items():
        np.testing.assert_allclose(parts.table[name], column, rtol=0, atol=1e-3)


@pytest.mark.parametrize("instrument", [Swath(width_km=20), OffNadir(limit_deg=0.5), OffNadir(limit_deg=60)])
def test_no_window_is_lost_to_the_step(instrument: Swath | OffNadir):
    places = [point(f"{number}", 5.0 * (number % 30 - 15), 7.0 * number) for number in range(50)]
    options: Any = {"areas": places, "instrument": instrument, "duration_s": 5 * DAY_S}
    fine = images(**options, step_s=20.0)
    for step_s in (100.0, 300.0):
        coarse = images(**options, step_s=step_s)
        assert len(coarse) == len(fine) > 5
        np.testing.assert_array_equal(coarse.table["satellite"], fine.table["satellite"])
        np.testing.assert_allclose(coarse.table["start_s"], fine.table["start_s"], rtol=0, atol=0.05)


def test_the_bounds_on_the_bend_hold_between_nodes():
    orbits = Keplerian(
        orbits=(
            Elements(name="low", semi_major_axis_km=6600, inclination_deg=70),
            Elements(name="high", semi_major_axis_km=26_560, inclination_deg=63.4, eccentricity=0.74, argp_deg=270),
        )
    )
    t_s = np.arange(0.0, DAY_S + 1, 60.0)
    r_km = orbits.satellites(EPOCH_UTC, DAY_S).propagator.positions(t_s)
    fixed = ephemeris(t_s, r_km).in_itrs(earth_rotation(EPOCH_UTC, DAY_S))
    at_s = np.random.default_rng(4).uniform(0, DAY_S, 20_000)
    nearest = np.argmin(np.linalg.norm(fixed.position_km[:, 0] - fixed.position_km[:1, 0], axis=-1)[30:]) + 30
    over_km = fixed.position_km[[0, 5, nearest], 0]
    below_km = 6371 * over_km / np.linalg.norm(over_km, axis=-1, keepdims=True)
    for sight in (
        NearTrack(fixed, below_km / 6371, 0.99),
        NearNadir(fixed, below_km, 0.9),
        InCone(fixed, below_km, 0.12),
    ):
        for series, limit in enumerate(sight.bend_limit):
            assert np.abs(sight.jet(np.full(len(at_s), series), at_s).bend).max() < limit


def test_both_ways_to_search_a_cone_give_the_same_windows():
    """A satellite so high that the limit lies beyond its horizon makes the search take the general way."""
    low = Elements(name="low", semi_major_axis_km=7100, inclination_deg=98, eccentricity=0.05, raan_deg=40)
    high = Elements(name="high", semi_major_axis_km=42_164, inclination_deg=5)
    options: Any = {"instrument": OffNadir(limit_deg=30), "duration_s": 4 * DAY_S}
    alone, along = (images(constellation=Keplerian(orbits=orbits), **options) for orbits in ((low,), (low, high)))
    rows = along.table["satellite"] == 0
    assert len(alone) == np.count_nonzero(rows) > 10
    for name, column in alone.table.items():
        np.testing.assert_allclose(column, along.table[name][rows], rtol=0, atol=1e-3)


@pytest.mark.parametrize("instrument", [Swath(width_km=20), OffNadir(limit_deg=60)])
def test_an_area_that_is_never_reached_has_no_images(instrument: Swath | OffNadir):
    table = images(constellation=LOW, areas=[point("pole", 89.0, 0.0)], instrument=instrument)
    assert len(table) == 0 and table.to_frame().empty
    assert len(images(areas=[PARANA], instrument=instrument, min_sun_elevation_deg=90.0)) == 0


def test_a_geostationary_satellite_sees_its_area_all_the_time():
    geo = Keplerian(orbits=(Elements(name="geo", semi_major_axis_km=42_164.0, inclination_deg=0.0),))
    first_km = earth_rotation(EPOCH_UTC, 10).to_itrs(
        geo.satellites(EPOCH_UTC, 10).propagator.positions([0.0]), np.zeros(1)
    )
    longitude_deg = float(np.rad2deg(np.arctan2(first_km[0, 0, 1], first_km[0, 0, 0])))
    options: Any = {"constellation": geo, "areas": [point("below", 0.0, longitude_deg)], "duration_s": DAY_S}
    (row,) = images(**options, instrument=OffNadir(limit_deg=2)).to_frame().to_dict("records")
    assert (row["satellite"], row["area"], row["start_s"], row["end_s"]) == ("geo", "below", 0.0, DAY_S)
    assert row["truncated"] and row["whole"] and row["off_nadir_min_deg"] < 0.2


@pytest.mark.parametrize(
    ("limit_deg", "altitude_km", "reach_km"),
    # Wertz, SMAD: on a sphere, at the limit of 90° − λ off nadir the place stands at the horizon.
    [(80.0, 786.0, 6378.137 * np.arccos(6378.137 / 7164.137)), (1e-3, 786.0, 786 * np.deg2rad(1e-3))],
)
def test_reach(limit_deg: float, altitude_km: float, reach_km: float):
    assert OffNadir(limit_deg=limit_deg).reach_km(6378.137 + altitude_km) == pytest.approx(reach_km, rel=1e-6)


def test_off_nadir_angles():
    satellite = np.array([[7000.0, 0, 0], [7000.0, 0, 0]])
    place = np.array([[6000.0, 0, 0], [6000.0, 1000.0, 0]])
    np.testing.assert_allclose(off_nadir_deg(satellite, place), [0, 45], atol=1e-9)


WINDOW_LISTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(1, 10)), max_size=12)


def windows_of(rows: list[tuple[int, int, int]]) -> Windows:
    series, start, length = np.array(rows, dtype=np.intp).reshape(-1, 3).T
    end = start + length
    return Windows(series, start.astype(float), end.astype(float), start == 0, end == 40)


@given(WINDOW_LISTS)
def test_joined_windows_are_unions(rows: list[tuple[int, int, int]]):
    windows = windows_of(rows)
    unions, holder = joined(windows, windows.series % 2)
    ticks = np.arange(41) + 0.5
    for group in (0, 1):
        mine = windows.where(windows.series % 2 == group)
        expected = ((ticks > mine.start_s[:, None]) & (ticks < mine.end_s[:, None])).sum(axis=0) > 0
        chosen = unions.where(unions.series == group)
        found = ((ticks > chosen.start_s[:, None]) & (ticks < chosen.end_s[:, None])).sum(axis=0)
        assert found.tolist() == expected.astype(int).tolist()
        assert (chosen.start_s[1:] > chosen.end_s[:-1]).all()
    assert (unions.start_s[holder] <= windows.start_s).all() and (windows.end_s <= unions.end_s[holder]).all()
    assert (unions.series[holder] == windows.series % 2).all()
    assert (np.diff(unions.start_s) >= 0).all()
    assert (unions.cut_start == (unions.start_s == 0)).all() and (unions.cut_end == (unions.end_s == 40)).all()


@given(WINDOW_LISTS, st.lists(st.integers(0, 4), max_size=6))
def test_windows_of_groups_are_repeated_for_their_members(rows: list[tuple[int, int, int]], groups: list[int]):
    windows = windows_of(rows)
    series = np.arange(len(groups)) + 10
    found = repeated(windows, series, np.array(groups, dtype=np.intp))
    expected = [(10 + n, float(s), float(s + d)) for n, group in enumerate(groups) for g, s, d in rows if g == group]
    assert sorted(zip(found.series, found.start_s, found.end_s, strict=True)) == sorted(expected)


def test_the_least_value_is_found_inside_and_at_ends():
    phase = np.linspace(0, 6, 50)
    start_s, end_s = np.linspace(-3, 2, 50), np.linspace(-2, 22, 50)
    found = least(lambda row, t_s: np.sin(t_s + phase[row]), start_s, end_s, 1.0)
    dense = [np.sin(np.linspace(a, b, 20_001) + p).min() for a, b, p in zip(start_s, end_s, phase, strict=True)]
    np.testing.assert_allclose(found, dense, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"areas": []}, "No areas are given"),
        ({"areas": [PARANA, WIDE, PARANA]}, "2 are called parana"),
        ({"duration_s": 0.0}, "duration_s is 0"),
        ({"duration_s": float("inf")}, "duration_s is inf"),
        ({"epoch_utc": datetime(2026, 1, 1)}, "without a time zone"),
        ({"min_sun_elevation_deg": 91.0}, "min_sun_elevation_deg is 91"),
        ({"min_sun_elevation_deg": float("nan")}, "min_sun_elevation_deg is nan"),
        ({"instrument": Swath(width_km=5999), "constellation": LOW}, "400 km altitude the horizon leaves 4399 km"),
        ({"instrument": Swath(width_km=0.1), "areas": [WIDE]}, r"wide takes \d+ points .* divide it"),
        ({"step_s": 1e9}, "step_s is"),
    ],
)
def test_impossible_searches_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(ScenarioError, match=message):
        images(**changes)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e9, float("nan"), float("inf")])
def test_impossible_instruments_are_refused(value: float):
    with pytest.raises(ScenarioError, match=r"width_km of the swath is"):
        Swath(width_km=value)
    with pytest.raises(ScenarioError, match=r"limit_deg is"):
        OffNadir(limit_deg=value)


def test_the_scenes_beside_the_project_are_boxes_that_can_be_seen(repository: Path):
    index = repository.parent / "shared/data/esw/val/index.json"
    if not index.exists():
        pytest.skip("the scenes are not beside this checkout")
    scenes = {entry["id"]: entry["bbox_wgs84"] for entry in json.loads(index.read_text())}
    west, south, east, north = scenes["S2A_L2A_20190206_N0211_R067_S1"]
    assert (west, south, east, north) == (PARANA.west_deg, PARANA.south_deg, PARANA.east_deg, PARANA.north_deg)
    areas = [
        Area(name=name, south_deg=box[1], west_deg=box[0], north_deg=box[3], east_deg=box[2])
        for name, box in scenes.items()
    ]
    table = images(areas=areas, duration_s=10 * DAY_S).table
    # Two satellites with Sentinel-2's swath and orbit see every place within five days.
    assert set(table["area"]) == set(range(len(areas)))
