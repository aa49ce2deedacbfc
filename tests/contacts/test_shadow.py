"""Eclipses against skyfield, a disc-overlap test at every second, PASEOS itself, and closed forms."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle
from skyfield.api import EarthSatellite, load
from skyfield.constants import AU_KM
from skyfield.jpllib import SpiceKernel
from skyfield.positionlib import Geocentric
from skyfield.timelib import Time

from orbitfl.contacts.intervals import Intervals
from orbitfl.contacts.shadow import eclipses
from orbitfl.environment.paseos import _import_paseos
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.convention import IERS_EARTH_RADIUS_KM, PASEOS
from orbitfl.orbit.ephemeris import ephemeris
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.shadow import SUN_RADIUS_KM, Shadow
from orbitfl.orbit.sun import sun
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker

SOLSTICE = datetime(2026, 6, 21, 8, 24, tzinfo=UTC)
EQUINOX = datetime(2026, 3, 20, 14, 46, tzinfo=UTC)
# Planes all around a polar constellation: whatever the season, the Sun grazes some of them.
GRAZING = Walker(total=720, planes=720, phasing=1, altitude_km=600, inclination_deg=97.8)
HIGH = Keplerian(
    orbits=(
        Elements(name="molniya", semi_major_axis_km=26_560, inclination_deg=63.4, eccentricity=0.74, argp_deg=270),
        Elements(name="geo", semi_major_axis_km=42_164, inclination_deg=0.1, mean_anomaly_deg=50),
        Elements(name="gto", semi_major_axis_km=24_400, inclination_deg=7, eccentricity=0.73, argp_deg=178),
        Elements(name="skimmer", semi_major_axis_km=7000, inclination_deg=51.6, eccentricity=0.07, raan_deg=80),
        Elements(name="far", semi_major_axis_km=300_000, inclination_deg=20, eccentricity=0.3, raan_deg=20),
    )
)


def times(epoch_utc: datetime, t_s: Floats) -> Time:
    timescale = load.timescale(builtin=True)
    start = timescale.from_datetime(epoch_utc)
    return timescale.tt_jd(start.whole, start.tt_fraction + t_s / 86400.0)


def edges(table: Intervals, kind: str) -> tuple[NDArray[Any], Floats]:
    """Satellites and times of all edges that are not the span's own."""
    rows = table.table["kind"] == table.names["kind"].index(kind)
    satellite = np.tile(table.table["satellite"][rows], 2)
    t_s = np.concatenate([table.table["start_s"][rows], table.table["end_s"][rows]])
    inside = (t_s > 0) & (t_s < table.duration_s)
    return satellite[inside], t_s[inside]


def hidden_at(table: Intervals, kind: str, satellite: int, t_s: Floats) -> NDArray[np.bool_]:
    code = table.names["kind"].index(kind)
    rows = (table.table["kind"] == code) & (table.table["satellite"] == satellite)
    starts, ends = table.table["start_s"][rows], table.table["end_s"][rows]
    return np.searchsorted(starts, t_s, side="right") > np.searchsorted(ends, t_s, side="right")


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


@pytest.mark.parametrize("epoch_utc", [SOLSTICE, EQUINOX], ids=["solstice", "equinox"])
def test_edges_are_those_of_skyfield(de421: SpiceKernel, epoch_utc: datetime):
    """Of eclipses of half a minute and more: the two Suns, half a metre apart in the shadow, graze differently."""
    table = eclipses(GRAZING, epoch_utc=epoch_utc, duration_s=12_000, kinds=["centre"]).table
    length_s = table["end_s"] - table["start_s"]
    rows = np.flatnonzero((length_s > 30) & ~table["truncated"])
    rows = rows[np.argsort(length_s[rows])]
    rows = np.union1d(rows[:60], np.random.default_rng(1).choice(rows, 100))
    assert length_s[rows].min() < 75
    satellite, t_s = np.tile(table["satellite"][rows], 2), np.append(table["start_s"][rows], table["end_s"][rows])
    propagator = GRAZING.propagator()

    def lit(at_s: Floats) -> NDArray[np.bool_]:
        r_km = propagator.positions(at_s)[satellite, np.arange(len(at_s))]
        return Geocentric(r_km.T / AU_KM, t=times(epoch_utc, at_s)).is_sunlit(de421)

    np.testing.assert_allclose(t_s, bisected(lit, t_s, 0.05), rtol=0, atol=5e-3)


def test_edges_of_sgp4_orbits_are_those_of_skyfield_alone(de421: SpiceKernel, repository: Path):
    path, epoch_utc = repository / "constellations/sentinel_2.tle", datetime(2026, 10, 2, tzinfo=UTC)
    table = eclipses(Tle(path=str(path)), epoch_utc=epoch_utc, duration_s=86_400, kinds=["centre"])
    lines = [line for line in path.read_text().splitlines() if line.startswith(("1 ", "2 "))]
    satellite, t_s = edges(table, "centre")
    assert len(t_s) > 80
    for row in range(3):
        theirs = EarthSatellite(*lines[2 * row : 2 * row + 2])
        mine_s = t_s[satellite == row]
        exact_s = bisected(lambda at_s, sat=theirs: sat.at(times(epoch_utc, at_s)).is_sunlit(de421), mine_s, 0.05)
        np.testing.assert_allclose(mine_s, exact_s, rtol=0, atol=5e-3)


def discs(r_km: Floats, sun_km: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the Earth's disc covers the Sun's wholly, and at least in part: by angles."""
    d_km = sun_km - r_km
    between = np.arctan2(np.linalg.norm(np.cross(-r_km, d_km), axis=-1), -np.sum(r_km * d_km, axis=-1))
    earth = np.arcsin(IERS_EARTH_RADIUS_KM / np.linalg.norm(r_km, axis=-1))
    disc = np.arcsin(SUN_RADIUS_KM / np.linalg.norm(d_km, axis=-1))
    return between < earth - disc, between < earth + disc


@pytest.mark.parametrize(
    ("constellation", "count"),
    [(Walker(total=8, planes=8, phasing=1, altitude_km=550, inclination_deg=53, raan_deg=20), 8), (HIGH, 5)],
    ids=["walker", "high"],
)
def test_umbra_and_penumbra_are_overlaps_of_discs_at_every_second(constellation: Walker | Keplerian, count: int):
    duration_s = 90_000.0
    table = eclipses(constellation, epoch_utc=EQUINOX, duration_s=duration_s)
    t_s = np.arange(0.0, duration_s, 1.0) + 0.37
    propagator = constellation.satellites(EQUINOX, duration_s).propagator
    sun_km, seen = sun(EQUINOX).positions(t_s)[0], 0
    for satellite, r_km in enumerate(propagator.positions(t_s)):
        for kind, expected in zip(("umbra", "penumbra"), discs(r_km, sun_km), strict=True):
            wrong = np.flatnonzero(hidden_at(table, kind, satellite, t_s) != expected)
            assert len(wrong) == 0, (table.names["satellite"][satellite], kind, t_s[wrong])
            seen += np.count_nonzero(expected[1:] != expected[:-1])
    assert count == propagator.count
    assert seen == sum(len(edges(table, kind)[1]) for kind in ("umbra", "penumbra")) > 2 * count


def test_no_grazing_eclipse_is_lost_to_the_step():
    def counted(step_s: float) -> list[int]:
        kinds = ("umbra", "penumbra", "centre")
        table = eclipses(GRAZING, epoch_utc=SOLSTICE, duration_s=12_000, kinds=kinds, step_s=step_s)
        return np.bincount(table.table["kind"], minlength=3).tolist()

    fine = counted(20.0)
    assert [counted(step_s) for step_s in (60.0, 180.0, 300.0)] == [fine] * 3
    table = eclipses(GRAZING, epoch_utc=SOLSTICE, duration_s=12_000)
    lengths_s = (table.table["end_s"] - table.table["start_s"])[~table.table["truncated"]]
    assert np.count_nonzero(lengths_s < 240) > 3


@settings(max_examples=15, deadline=None)
@given(altitude_km=st.floats(200, 36_000), node_deg=st.floats(0, 360), step_s=st.sampled_from([30.0, 120.0, 300.0]))
@example(altitude_km=200.0, node_deg=344.59566465994686, step_s=300.0)
def test_an_eclipse_of_a_moment_is_found(altitude_km: float, node_deg: float, step_s: float):
    """Circles are tilted until one revolution just dips a metre into the shadow, then until it misses it by one.

    By depth, not by a step of angle: where the circle's pole all but points at the Sun, tilting hardly lifts it.
    """
    light, span_s = sun(SOLSTICE), 6.3 * ((6378 + altitude_km) ** 3 / 398_600) ** 0.5

    def deepest_km(inclination_deg: float) -> float:
        orbit = circle(altitude_km, inclination_deg, node_deg).propagator()
        t_s, deepest = np.linspace(0, span_s, 2001), -np.inf
        for _ in range(3):
            depth_km = depths_km(orbit.positions(t_s)[0], light.positions(t_s)[0])
            deepest = max(deepest, float(depth_km.max()))
            best = int(np.clip(depth_km.argmax(), 1, len(t_s) - 2))
            t_s = np.linspace(t_s[best - 1], t_s[best + 1], 101)
        return deepest

    def around(depth_km: float) -> tuple[float, float]:
        """Two inclinations as near as can be, the first less deep than that and the second deeper."""
        less_deg, more_deg = pole_towards_the_sun(node_deg)
        assume(deepest_km(less_deg) < -1e-3 and deepest_km(more_deg) > 1e-3)
        for _ in range(45):
            middle_deg = (less_deg + more_deg) / 2
            less_deg, more_deg = (less_deg, middle_deg) if deepest_km(middle_deg) > depth_km else (middle_deg, more_deg)
        return less_deg, more_deg

    for inclination_deg, expected in ((around(1e-3)[1], 1), (around(-1e-3)[0], 0)):
        constellation = circle(altitude_km, inclination_deg, node_deg)
        options: Any = {"epoch_utc": SOLSTICE, "duration_s": span_s, "kinds": ["centre"], "step_s": step_s}
        table = eclipses(constellation, **options).table
        assert ((table["end_s"] - table["start_s"]) < 60).all()
        assert len(table["start_s"]) in (expected, 2 * expected)


def circle(altitude_km: float, inclination_deg: float, node_deg: float) -> Walker:
    inclination_deg = float(np.clip(inclination_deg, 0, 180))
    return Walker(
        total=1, planes=1, phasing=0, altitude_km=altitude_km, inclination_deg=inclination_deg, raan_deg=node_deg
    )


def pole_towards_the_sun(node_deg: float) -> tuple[float, float]:
    """Of circles with a node, the inclination whose pole is nearest to the Sun or its opposite, and farthest."""
    direction = sun(SOLSTICE).positions([0.0])[0, 0]
    direction /= np.linalg.norm(direction)
    inclination = np.linspace(0, 180, 1801)
    tilt, node = np.deg2rad(inclination), np.deg2rad(node_deg)
    poles = np.stack([np.sin(tilt) * np.sin(node), -np.sin(tilt) * np.cos(node), np.cos(tilt)], axis=-1)
    facing = np.abs(poles @ direction)
    return float(inclination[facing.argmax()]), float(inclination[facing.argmin()])


def depths_km(r_km: Floats, sun_km: Floats) -> Floats:
    """How far the line to the Sun's centre passes beneath the sphere; negative on the Sun's side."""
    to_sun = (sun_km - r_km) / np.linalg.norm(sun_km - r_km, axis=-1, keepdims=True)
    along_km = np.sum(r_km * to_sun, axis=-1)
    across_km = np.linalg.norm(r_km - along_km[:, None] * to_sun, axis=-1)
    return np.where(along_km < 0, IERS_EARTH_RADIUS_KM - across_km, -np.inf)


def test_paseos_is_agreed_with_to_the_millisecond(tmp_path: Path):
    paseos = _import_paseos()
    start = (SOLSTICE - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1)
    records = [near_earth(number) for number in range(4)]
    path = tmp_path / "orbits.tle"
    path.write_text("\n".join(line for record in records for line in export_tle(record)))
    options: Any = {"epoch_utc": SOLSTICE, "duration_s": 43_200.0, "kinds": ["centre"]}
    table = eclipses(Tle(path=str(path)), convention=PASEOS, **options)
    physical = eclipses(Tle(path=str(path)), **options)
    wrong = differing = 0
    random = np.random.default_rng(2)
    for number, record in enumerate(records):
        actor = paseos.ActorBuilder.get_actor_scaffold(f"sat{number}", paseos.SpacecraftActor, pykep_epoch(start))
        paseos.ActorBuilder.set_TLE(actor, *export_tle(record))
        edges_s = edges(table, "centre")[1][edges(table, "centre")[0] == number]
        t_s = np.concatenate([random.uniform(0, 43_200, 150), edges_s - 1e-3, edges_s + 1e-3])
        theirs = np.array([actor.is_in_eclipse(pykep_epoch(start + at_s / 86_400)) for at_s in t_s.tolist()])
        wrong += np.count_nonzero(hidden_at(table, "centre", number, t_s) != theirs)
        differing += np.count_nonzero(hidden_at(physical, "centre", number, t_s) != theirs)
    assert wrong == 0
    assert differing > 50


def pykep_epoch(mjd2000: float) -> Any:
    return sys.modules["pykep"].epoch(mjd2000)


def near_earth(number: int) -> Satrec:
    record, day = Satrec(), (SOLSTICE - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1)
    motion_rad_min = 60 * (398_600.8 / (6900.0 + 300 * number) ** 3) ** 0.5
    elements = (0.001, 1.0, np.deg2rad(97.6 - 15 * number), 0.5 * number, motion_rad_min, 1.5 * number)
    record.sgp4init(WGS72, "i", 90_000 + number, day, 1e-5, 0.0, 0.0, *elements)
    return Satrec.twoline2rv(*export_tle(record), WGS72)


def test_eclipses_go_on_from_part_to_part_of_an_ephemeris(monkeypatch: pytest.MonkeyPatch):
    whole = eclipses(HIGH, epoch_utc=EQUINOX, duration_s=90_000, step_s=20.0)
    monkeypatch.setattr("orbitfl.orbit.ephemeris.BYTES_AT_ONCE", 1)
    parts = eclipses(HIGH, epoch_utc=EQUINOX, duration_s=90_000, step_s=20.0)
    assert len(parts) == len(whole) > 20
    for name, column in whole.table.items():
        np.testing.assert_allclose(parts.table[name], column, rtol=0, atol=1e-3)


def test_the_bound_on_the_bend_holds_between_nodes():
    t_s = np.arange(0.0, 86_400.1, 60.0)
    fine = ephemeris(t_s, HIGH.satellites(EQUINOX, 86_400).propagator.positions(t_s))
    light = ephemeris(t_s, sun(EQUINOX).positions(t_s))
    for radius_km in (-SUN_RADIUS_KM, 0.0, SUN_RADIUS_KM):
        shadow = Shadow(fine, light, IERS_EARTH_RADIUS_KM, radius_km)
        at_s = np.random.default_rng(4).uniform(0, 86_400, 5000)
        for satellite, limit in enumerate(shadow.bend_limit):
            bend = np.abs(shadow.jet(np.full(5000, satellite), at_s).bend)
            assert bend.max() < limit < 30 * bend.max()


def test_an_eclipse_of_a_geostationary_satellite_at_equinox_lasts_an_hour():
    geo = Keplerian(orbits=(Elements(name="geo", semi_major_axis_km=42_164, inclination_deg=0.0),))
    table = eclipses(geo, epoch_utc=EQUINOX, duration_s=86_164)
    assert [table.names["kind"][code] for code in table.table["kind"]] == ["penumbra", "umbra"]
    penumbra_min, umbra_min = ((table.table["end_s"] - table.table["start_s"]) / 60).tolist()
    # The Sun crosses the Earth's disc along a diameter, 360 degrees in a mean solar day.
    earth, disc = np.arcsin(IERS_EARTH_RADIUS_KM / 42_164), np.arcsin(SUN_RADIUS_KM / (0.996 * AU_KM))
    assert umbra_min == pytest.approx(1440 * (earth - disc) / np.pi, abs=0.3)
    assert penumbra_min == pytest.approx(1440 * (earth + disc) / np.pi, abs=0.3)


def test_a_span_that_starts_or_ends_in_the_dark_says_so():
    walker = Walker(total=1, planes=1, phasing=0, altitude_km=500, inclination_deg=51.6)
    whole = eclipses(walker, epoch_utc=EQUINOX, duration_s=12_000, kinds=["umbra"]).table
    middle = (whole["start_s"] + whole["end_s"])[~whole["truncated"]][0] / 2
    cut = eclipses(walker, epoch_utc=EQUINOX, duration_s=float(middle), kinds=["umbra"])
    assert cut.table["truncated"][-1] and cut.table["end_s"][-1] == middle
    later = eclipses(walker, epoch_utc=EQUINOX, duration_s=float(middle) + 3000, kinds=["umbra"])
    assert not later.table["truncated"][-1]


def test_the_table_is_read_only_sorted_and_says_what_it_is():
    table = eclipses(GRAZING, epoch_utc=EQUINOX, duration_s=6000)
    assert (np.diff(table.table["start_s"]) >= 0).all()
    assert repr(table) == f"<Intervals: {len(table)} eclipses, 6000 s from 2026-03-20T14:46:00+00:00>"
    frame = table.to_frame()
    assert list(frame) == ["kind", "satellite", "start_s", "end_s", "truncated"]
    assert len(frame) == len(table) and set(frame["kind"]) == {"umbra", "penumbra"}
    assert frame.attrs == {"epoch_utc": EQUINOX.isoformat(), "duration_s": 6000}
    with pytest.raises(ValueError, match="read-only"):
        table.table["start_s"][0] = 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_s": 0.0}, "duration_s is 0"),
        ({"duration_s": float("nan")}, "duration_s is nan"),
        ({"duration_s": 1e12}, "duration_s is 1"),
        ({"epoch_utc": datetime(2026, 1, 1)}, "without a time zone"),
        ({"kinds": []}, r"kinds is \[\]"),
        ({"kinds": ["dusk"]}, "umbra, penumbra, centre"),
        ({"kinds": ["umbra", "umbra"]}, "once each"),
        ({"step_s": 0.0}, "step_s is 0.0"),
        ({"step_s": float("inf")}, "step_s is inf"),
    ],
)
def test_impossible_options_are_refused(changes: dict[str, Any], message: str):
    options = {"epoch_utc": EQUINOX, "duration_s": 6000.0, **changes}
    with pytest.raises(ScenarioError, match=message):
        eclipses(GRAZING, **options)


def test_orbits_that_have_no_shadow_are_refused():
    far = Keplerian(orbits=(Elements(name="away", semi_major_axis_km=9e5, inclination_deg=5, eccentricity=0.4),))
    with pytest.raises(ScenarioError, match=r"away goes out to .* km .* 1000000 km"):
        eclipses(far, epoch_utc=EQUINOX, duration_s=30 * 86_400)
    with pytest.raises(ScenarioError, match=r"sat-0 comes down to 6478.2 km .* sphere of 6500.0 km"):
        low = Walker(total=1, planes=1, phasing=0, altitude_km=100.1, inclination_deg=51.6)
        eclipses(low, epoch_utc=EQUINOX, duration_s=6000, convention=replace(PASEOS, orbit_shadow_km=6500.0))
