"""SGP4 through our readers, clock and frames, against Vallado's vectors and skyfield."""

import warnings
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skyfield.api import EarthSatellite, load
from skyfield.framelib import itrs

from orbitfl.errors import DataError, OrbitflWarning, ScenarioError
from orbitfl.orbit.clock import Instant
from orbitfl.orbit.convention import PASEOS, PHYSICAL, Convention
from orbitfl.orbit.frames import earth_rotation
from orbitfl.orbit.mean_elements import MeanElements, distinct_names
from orbitfl.orbit.sgp4_orbits import Sgp4, sgp4_satellites
from orbitfl.orbit.tle import Tle, read_tle

EPOCH_UTC = datetime(2026, 10, 2, 3, 4, 5, 678_000, tzinfo=UTC)
DAY_S = 86_400.0
NO_POSITION = "33334"  # its vector is that of the satellite before; its mean motion is 1e-5 a day


def elements(**changes) -> MeanElements:
    return MeanElements(
        **{
            "name": "A",
            "catalogue_id": 5,
            "epoch": Instant(date(2026, 10, 1).toordinal(), 1234.5),
            "mean_motion_rev_day": 14.3,
            "eccentricity": 0.001,
            "inclination_deg": 98.6,
            "raan_deg": 10.0,
            "argp_deg": 20.0,
            "mean_anomaly_deg": 30.0,
            "bstar": 1e-5,
        }
        | changes
    )


def vallado_lines() -> list[tuple[str, str]]:
    """The 33 element sets of AIAA 2006-6753, without the spans behind them.

    Three were made from others without mending their checksums, which is done here.
    """
    lines = files("sgp4").joinpath("SGP4-VER.TLE").read_text("ascii").splitlines()
    lines = [line[:68] + str(checksum(line[:68])) for line in lines if line.startswith(("1 ", "2 "))]
    return list(zip(lines[::2], lines[1::2], strict=True))


def checksum(line: str) -> int:
    return sum({"-": 1}.get(letter, int(letter) if letter.isdigit() else 0) for letter in line) % 10


def vallado_vectors() -> list[np.ndarray]:
    """Minutes since epoch, position and velocity (n, 7) for each of the sets."""
    blocks: list[list[list[float]]] = []
    for line in files("sgp4").joinpath("tcppver.out").read_text("ascii").splitlines():
        if line.strip().endswith("xx"):
            blocks.append([])
        else:
            blocks[-1].append([float(text) for text in line.split()[:7]])
    return [np.array(block) for block in blocks]


def vallado_cases() -> list:
    cases = zip(vallado_lines(), vallado_vectors(), strict=True)
    return [
        pytest.param(lines, vectors, id=f"{number}-{lines[0][2:7].strip()}")
        for number, (lines, vectors) in enumerate(cases)
        if lines[0][2:7] != NO_POSITION
    ]


def test_all_vectors_are_there():
    assert len(vallado_cases()) == 32
    assert sum(len(case.values[1]) for case in vallado_cases()) == 666


@pytest.mark.parametrize(("lines", "vectors"), vallado_cases())
def test_vallados_vectors(tmp_path: Path, lines: tuple[str, str], vectors: np.ndarray):
    """Within 2e-7 km and km/s, as sgp4's own tests; vectors are printed to 1e-8 km and 1e-9 km/s."""
    path = tmp_path / "one.tle"
    path.write_text("\n".join(lines))
    ((day, second),) = (each.epoch for each in read_tle(path))
    epoch_utc = datetime.fromordinal(day).replace(tzinfo=UTC) + timedelta(seconds=int(second))
    native = Tle(path=str(path)).satellites(epoch_utc, 0.0, PASEOS).propagator
    r, v = native.states(60 * vectors[:, 0] + second % 1)
    np.testing.assert_allclose(r[0], vectors[:, 1:4], rtol=0, atol=2e-7)
    np.testing.assert_allclose(v[0], vectors[:, 4:7], rtol=0, atol=2e-7)


def test_a_mean_motion_of_nothing_is_refused(tmp_path: Path):
    (lines,) = (each for each in vallado_lines() if each[0][2:7] == NO_POSITION)
    path = tmp_path / "one.tle"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"line 2: object 33334: mean_motion_rev_day is 1e-05"):
        read_tle(path)


def test_positions_in_gcrs_are_those_of_skyfield(repository: Path):
    """A week of three satellites, within a millimetre."""
    path = repository / "constellations/sentinel_2.tle"
    satellites = Tle(path=str(path)).satellites(EPOCH_UTC, 7 * DAY_S)
    t_s = np.random.default_rng(5).uniform(0, 7 * DAY_S, 500)
    r, v = satellites.propagator.states(t_s)
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(EPOCH_UTC)
    times = timescale.tt_jd(epoch.whole, epoch.tt_fraction + t_s / DAY_S)
    lines = [line for line in path.read_text().splitlines() if line.startswith(("1 ", "2 "))]
    for row, name in enumerate(satellites.names):
        theirs: Any = EarthSatellite(lines[2 * row], lines[2 * row + 1], name, timescale).at(times)
        np.testing.assert_allclose(r[row], theirs.position.km.T, rtol=0, atol=1e-6)
        np.testing.assert_allclose(v[row], theirs.velocity.km_per_s.T, rtol=0, atol=1e-9)


def test_positions_over_the_ground_are_those_of_skyfield(repository: Path):
    """Within a millimetre over a week, without the nutation that skyfield goes through."""
    path = repository / "constellations/sentinel_2.tle"
    satellites = Tle(path=str(path)).satellites(EPOCH_UTC, 7 * DAY_S)
    t_s = np.random.default_rng(6).uniform(0, 7 * DAY_S, 500)
    over_ground = satellites.propagator.over_ground(earth_rotation(EPOCH_UTC, 7 * DAY_S))
    timescale = load.timescale(builtin=True)
    epoch = timescale.from_datetime(EPOCH_UTC)
    times = timescale.tt_jd(epoch.whole, epoch.tt_fraction + t_s / DAY_S)
    lines = [line for line in path.read_text().splitlines() if line.startswith(("1 ", "2 "))]
    assert over_ground.count == len(satellites.names)
    for row, ours_km in enumerate(over_ground.positions(t_s)):
        theirs: Any = EarthSatellite(lines[2 * row], lines[2 * row + 1], ts=timescale).at(times)
        np.testing.assert_allclose(ours_km, theirs.frame_xyz(itrs).km.T, rtol=0, atol=1e-6)


@pytest.mark.parametrize("convention", [PHYSICAL, PASEOS], ids=lambda each: each.name)
def test_the_ground_turns_below_satellites_as_their_convention_has_it(convention: Convention):
    propagator = sgp4_satellites([elements()], EPOCH_UTC, DAY_S, convention).propagator
    rotation, t_s = earth_rotation(EPOCH_UTC, DAY_S, convention), np.linspace(0.0, DAY_S, 50)
    expected_km = rotation.to_itrs(propagator.positions(t_s), t_s)
    np.testing.assert_allclose(propagator.over_ground(rotation).positions(t_s), expected_km, rtol=0, atol=1e-6)


def test_seconds_since_epoch_are_si_seconds_across_a_leap_second():
    """Two sets of one orbit, dated 2016-12-31 12:00:00 and, two SI hours and a leap second later by the clock."""
    old = elements(epoch=Instant(date(2016, 12, 31).toordinal(), 43_200.0))
    new = elements(name="B", catalogue_id=6, epoch=Instant(date(2017, 1, 1).toordinal(), 43_199.0))
    epoch_utc = datetime(2016, 12, 31, 12, tzinfo=UTC)
    propagator = sgp4_satellites([old, new], epoch_utc, 2 * DAY_S, PASEOS).propagator
    # SGP4 without drag, node or perigee drift differs only by the date that near-Earth theory does not use.
    t_s = np.array([0.0, 4000.0])
    first, second = propagator.positions(t_s)[0], propagator.positions(t_s + DAY_S)[1]
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-6)


def test_conventions_differ_by_the_turn_from_teme():
    physical, paseos = (sgp4_satellites([elements()], EPOCH_UTC, DAY_S, each) for each in (PHYSICAL, PASEOS))
    turned_by_km = np.linalg.norm(physical.propagator.positions([0.0]) - paseos.propagator.positions([0.0]), axis=-1)
    # 26.75 years of precession, 50.3″ each, are 0.374°: at a radius of 7170 km up to 47 km.
    assert 10 < turned_by_km[0, 0] < 48


def test_satellites_of_different_years_keep_their_order():
    """On either side of a leap second satellites are propagated in two batches."""
    old, new = Instant(date(2016, 12, 31).toordinal(), 0.0), Instant(date(2017, 1, 2).toordinal(), 0.0)
    mixed = [
        elements(name=f"S{number}", catalogue_id=number, epoch=(old, new)[number % 2], raan_deg=30.0 * number)
        for number in range(6)
    ]
    epoch_utc = datetime(2017, 1, 3, tzinfo=UTC)
    together = sgp4_satellites(mixed, epoch_utc, 3600.0, PHYSICAL)
    assert isinstance(together.propagator, Sgp4)
    assert len(together.propagator.batches) == 2
    for row, each in enumerate(mixed):
        alone = sgp4_satellites([each], epoch_utc, 3600.0, PHYSICAL).propagator.states([60.0, 3600.0])
        both = together.propagator.states([60.0, 3600.0])
        np.testing.assert_allclose([part[0] for part in alone], [part[row] for part in both], rtol=1e-14)


def test_a_decayed_satellite_is_named_with_its_time():
    falling = elements(name="FALLING", mean_motion_rev_day=16.4, bstar=0.01)
    with pytest.raises(
        DataError, match=r"^SGP4 cannot propagate FALLING to 2026-10-\d\dT\d\d:\d\d.*Leave the satellite"
    ):
        sgp4_satellites([elements(), elements(**vars_of(falling), catalogue_id=6)], EPOCH_UTC, 10 * DAY_S, PHYSICAL)


def vars_of(given: MeanElements) -> dict:
    return {"name": given.name, "mean_motion_rev_day": given.mean_motion_rev_day, "bstar": given.bstar}


def test_a_satellite_that_decays_later_is_refused_when_asked_for():
    falling = [elements(mean_motion_rev_day=16.2, bstar=0.001)]
    propagator = sgp4_satellites(falling, EPOCH_UTC, 0.0, PHYSICAL).propagator
    with pytest.raises(DataError, match="cannot propagate A to"):
        propagator.positions(np.linspace(0, 60 * DAY_S, 20))


@pytest.mark.parametrize(
    ("starts_day", "lasts_day", "age_day"),
    [
        (12.9, 1, None),
        (13.1, 1, 14),
        (-13.9, 1, None),
        (-14.1, 1, 14),
        (-13.9, 27.8, None),
        (0.0, 60, 60),
        (-40.0, 60, 40),
        (-60.0, 60, 60),
    ],
)
def test_a_span_that_reaches_far_from_the_elements_warns_with_the_days(
    starts_day: float, lasts_day: float, age_day: int | None
):
    """Counted from the epoch of the elements to the farther end of the span."""
    epoch_utc = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=starts_day, seconds=1234.5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sgp4_satellites([elements()], epoch_utc, lasts_day * DAY_S, PHYSICAL)
    assert [each.category for each in caught] == [OrbitflWarning] * (age_day is not None)
    assert all(f"A by {age_day} days" in str(each.message) for each in caught)


def test_the_warning_asks_for_elements_from_the_middle_of_the_span():
    with pytest.warns(OrbitflWarning, match=r"nearer to 2026-10-31, or shorten the span\.$"):
        sgp4_satellites([elements()], datetime(2026, 10, 1, tzinfo=UTC), 60 * DAY_S, PHYSICAL)


def test_one_warning_names_the_worst():
    many = [elements(name=f"S{number}", catalogue_id=number) for number in range(1, 9)]
    many[4] = elements(name="WORST", catalogue_id=5, epoch=Instant(date(2026, 8, 1).toordinal(), 0.0))
    with pytest.warns(
        OrbitflWarning, match=r"element sets: WORST by 93 days, S\d by 32 days, S\d by 32 days and 5 more"
    ) as caught:
        sgp4_satellites(many, datetime(2026, 11, 1, tzinfo=UTC), DAY_S, PHYSICAL)
    assert len(caught) == 1


def test_shared_names_take_their_ids():
    objects = [elements(name="OBJECT A", catalogue_id=number) for number in (270_000_001, 270_000_002)]
    names = distinct_names([*objects, elements(name="", catalogue_id=7), elements(name="B", catalogue_id=8)])
    assert names == ("OBJECT A 270000001", "OBJECT A 270000002", "7", "B")


def test_two_sets_of_one_object_are_refused():
    with pytest.raises(DataError, match=r"come more than once: A \(5\), A \(5\)\. Keep one"):
        distinct_names([elements(), elements()])


def test_no_elements_are_refused():
    with pytest.raises(DataError, match="no element sets"):
        sgp4_satellites([], EPOCH_UTC, DAY_S, PHYSICAL)


def test_a_span_of_a_century_is_refused():
    with pytest.raises(ScenarioError, match="duration_s"):
        sgp4_satellites([elements()], EPOCH_UTC, 100 * 365 * DAY_S, PHYSICAL)


@pytest.mark.parametrize(
    "changes",
    [
        {"catalogue_id": 1_000_000_000},
        {"catalogue_id": -1},
        {"mean_motion_rev_day": 0.0},
        {"mean_motion_rev_day": 18.5},
        {"mean_motion_rev_day": float("nan")},
        {"eccentricity": 1.0},
        {"eccentricity": -0.1},
        {"inclination_deg": 180.1},
        {"raan_deg": float("inf")},
        {"bstar": 11.0},
    ],
)
def test_elements_of_no_orbit_are_refused(changes: dict):
    (field,) = changes
    with pytest.raises(DataError, match=rf"^A \(.*\): {field} is .*, but it must be from"):
        elements(**changes)


def test_elements_of_another_century_are_refused():
    with pytest.raises(DataError, match="its epoch lies in the year 1900"):
        elements(epoch=Instant(date(1900, 1, 1).toordinal(), 0.0))
