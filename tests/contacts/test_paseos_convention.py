"""What PASEOS 0.2.1 computes for its plain user, from closed forms: 0 disagreements, to a millisecond of edges.

Every ingredient that the closed forms need is shown to be needed: without it the same samples disagree.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sgp4.api import WGS72, Satrec, SatrecArray
from sgp4.exporter import export_tle

from orbitfl.contacts.paseos_convention import aberration, apparent_mask
from orbitfl.environment.paseos import _import_paseos
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.convention import PASEOS, PHYSICAL
from orbitfl.orbit.frames import earth_rotation, geodetic_position, geodetic_up
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.sun import paseos_sun, sun

EPOCH_UTC = datetime(2026, 6, 21, 4, 30, tzinfo=UTC)
SPAN_S = 43_200.0
MJD2000 = (EPOCH_UTC - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1)
SAMPLES = 2400
STATIONS = [
    GroundStation(name="inuvik", latitude_deg=68.3, longitude_deg=-133.5, altitude_m=50),
    GroundStation(name="kourou", latitude_deg=5.1, longitude_deg=-52.6, altitude_m=15, mask_deg=10),
    GroundStation(name="perth", latitude_deg=-31.8, longitude_deg=115.9, altitude_m=22, mask_deg=30),
]
# Altitude in km, eccentricity, inclination, node, perigee and mean anomaly in degrees.
ORBITS = [
    (400, 0.001, 51.6, 10, 40, 0),
    (550, 0.0005, 97.6, 80, 100, 200),
    (560, 0.01, 53.0, 150, 0, 320),
    (800, 0.002, 98.6, 220, 90, 100),
    (1400, 0.02, 66.0, 300, 270, 50),
    (10_000, 0.1, 63.4, 30, 270, 150),
]


@pytest.fixture(scope="module")
def paseos() -> ModuleType:
    return _import_paseos()


def instant(t_s: float) -> Any:
    return sys.modules["pykep"].epoch(MJD2000 + t_s / 86_400.0)


def satrec(number: int) -> Satrec:
    altitude_km, eccentricity, *angles_deg = ORBITS[number]
    inclination, node, perigee, anomaly = np.deg2rad(angles_deg).tolist()
    motion_rad_min = 60 * (398_600.8 / (6378.135 + altitude_km) ** 3) ** 0.5
    record = Satrec()
    days_since_1949 = (EPOCH_UTC - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1) - 0.3
    elements = (eccentricity, perigee, inclination, anomaly, motion_rad_min, node)
    record.sgp4init(WGS72, "i", 90_000 + number, days_since_1949, 1e-4, 0.0, 0.0, *elements)
    return Satrec.twoline2rv(*export_tle(record), WGS72)


RECORDS = [satrec(number) for number in range(len(ORBITS))]
# Circles for `set_orbit`: radius, node and inclination, and the phase at the epoch.
CIRCLES = [(6778.0, 0.2, 0.9, 0.0), (6928.0, 1.5, 1.7, 1.0), (7000.0, 2.6, 0.9, 2.0), (7578.0, 4.0, 1.4, 5.0)]


def teme_km(t_s: Floats) -> Floats:
    days = np.divmod(MJD2000 + t_s / 86_400.0, 1.0)
    errors, r_km, _ = SatrecArray(RECORDS).sgp4(2_451_544.5 + days[0], days[1])
    assert not errors.any()
    return r_km


def circles_km(t_s: Floats) -> Floats:
    return np.array([circle_state(circle, t_s)[0] for circle in CIRCLES])


def circle_state(circle: tuple[float, ...], t_s: Floats) -> tuple[Floats, Floats]:
    """Two-body motion with pykep's gravitational parameter."""
    radius_km, node, inclination, phase = circle
    spin_rad_s = (398_600.4418 / radius_km**3) ** 0.5
    east = np.array([np.cos(node), np.sin(node), 0])
    north = np.array([-np.sin(node) * np.cos(inclination), np.cos(node) * np.cos(inclination), np.sin(inclination)])
    angle = np.asarray(phase + spin_rad_s * t_s)[..., None]
    r_km = radius_km * (np.cos(angle) * east + np.sin(angle) * north)
    return r_km, radius_km * spin_rad_s * (np.cos(angle) * north - np.sin(angle) * east)


@dataclass(frozen=True)
class Scene:
    """Positions of satellites at times t_s (n,), (n_sat, n, 3) in km, and PASEOS's actors there."""

    positions: Callable[[Floats], Floats]
    actors: list[Any]
    radius_km: float


@pytest.fixture(scope="module")
def from_tle(paseos: ModuleType) -> Scene:
    actors = [spacecraft(paseos, f"tle{number}") for number in range(len(RECORDS))]
    for actor, record in zip(actors, RECORDS, strict=True):
        paseos.ActorBuilder.set_TLE(actor, *export_tle(record))
    return Scene(teme_km, actors, 6371.0)


@pytest.fixture(scope="module")
def from_orbit(paseos: ModuleType) -> Scene:
    earth = sys.modules["pykep"].planet.jpl_lp("earth")
    actors = [spacecraft(paseos, f"orbit{number}") for number in range(len(CIRCLES))]
    for actor, circle in zip(actors, CIRCLES, strict=True):
        r_m, v_m_s = ((1000 * part).tolist() for part in circle_state(circle, np.zeros(())))
        paseos.ActorBuilder.set_orbit(actor, r_m, v_m_s, instant(0.0), earth)
    return Scene(circles_km, actors, 6378.0)


def spacecraft(paseos: ModuleType, name: str) -> Any:
    return paseos.ActorBuilder.get_actor_scaffold(name, paseos.SpacecraftActor, instant(0.0))


Margin = Callable[[Floats], Floats]


def samples(margin: Margin) -> tuple[Ints, Floats]:
    """Series and times: half anywhere, half a millisecond to a tenth of a second beside edges."""
    random = np.random.default_rng(5)
    grid_s = np.arange(0, SPAN_S, 30.0)
    seen = margin(grid_s) > 0
    series, step = np.nonzero(seen[:, 1:] != seen[:, :-1])
    low_s, high_s, before = grid_s[step], grid_s[step + 1], seen[series, step]
    for _ in range(30):
        middle_s = (low_s + high_s) / 2
        same = (margin(middle_s)[series, np.arange(len(series))] > 0) == before
        low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
    chosen = random.integers(len(series), size=SAMPLES // 2)
    aside_s = random.choice([-1, 1], SAMPLES // 2) * 10 ** random.uniform(-3, -1, SAMPLES // 2)
    anywhere = random.integers(len(seen), size=SAMPLES // 2), random.uniform(0, SPAN_S, size=SAMPLES // 2)
    return np.concatenate([anywhere[0], series[chosen]]), np.concatenate([anywhere[1], low_s[chosen] + aside_s])


def verdicts(margin: Margin, series: Ints, t_s: Floats) -> NDArray[np.bool_]:
    return margin(t_s)[series, np.arange(len(t_s))] > 0


def sight_margin(scene: Scene) -> Margin:
    """How much shorter the sight is than both tangents to the sphere, km, (n_pairs, n)."""
    a, b = np.triu_indices(len(scene.actors), k=1)

    def margin(t_s: Floats) -> Floats:
        r_km = scene.positions(t_s)
        tangent_km = tangents_km(r_km, scene.radius_km)
        return tangent_km[a] + tangent_km[b] - np.linalg.norm(r_km[a] - r_km[b], axis=-1)

    return margin


def light_margin(scene: Scene, sun_km: Callable[[Floats], Floats]) -> Margin:
    """The same to the Sun's centre, (n_sat, n)."""

    def margin(t_s: Floats) -> Floats:
        r_km, s_km = scene.positions(t_s), sun_km(t_s)
        tangent_km = tangents_km(r_km, scene.radius_km) + tangents_km(s_km, scene.radius_km)
        return tangent_km - np.linalg.norm(s_km - r_km, axis=-1)

    return margin


def tangents_km(r_km: Floats, radius_km: float) -> Floats:
    return np.sqrt(np.sum(r_km**2, axis=-1) - radius_km**2)


@dataclass(frozen=True)
class Ground:
    """How stations see satellites; the defaults are PASEOS's."""

    rotation_as: Any = PASEOS
    annual: float = 1.0
    diurnal: float = 1.0

    def margin(self, positions: Callable[[Floats], Floats]) -> Margin:
        """Sine of elevation above that of the mask, (n_sat × n_stations, n)."""
        rotation = earth_rotation(EPOCH_UTC, SPAN_S, self.rotation_as)
        place_km = np.array([geodetic_position(s.latitude_deg, s.longitude_deg, s.altitude_m / 1e3) for s in STATIONS])
        up = np.array([geodetic_up(s.latitude_deg, s.longitude_deg) for s in STATIONS])
        lowest = np.sin(np.deg2rad([s.mask_deg for s in STATIONS]))
        body = sun(EPOCH_UTC)

        def margin(t_s: Floats) -> Floats:
            sight_km = (
                rotation.to_itrs(positions(t_s), np.broadcast_to(t_s, (1, len(t_s))))[:, None] - place_km[:, None]
            )
            orbital = aberration(body, rotation, np.zeros((len(STATIONS), 3)), t_s)
            spin = aberration(body, rotation, place_km, t_s) - orbital
            normal, sine = apparent_mask(up[:, None], lowest[:, None], self.annual * orbital + self.diurnal * spin)
            above = np.einsum("abni,bni->abn", sight_km, normal) / np.linalg.norm(sight_km, axis=-1)
            return (above - sine).reshape(-1, len(t_s))

        return margin


def test_satellites_of_elements_see_each_other_past_6371_km(from_tle: Scene):
    assert_sights_agree(from_tle, wrong_radius_km=6378.0)


def test_satellites_of_states_see_each_other_past_6378_km(from_orbit: Scene):
    assert_sights_agree(from_orbit, wrong_radius_km=6378.137)


def assert_sights_agree(scene: Scene, wrong_radius_km: float) -> None:
    margin = sight_margin(scene)
    series, t_s = samples(margin)
    a, b = np.triu_indices(len(scene.actors), k=1)
    theirs = [
        scene.actors[a[pair]].is_in_line_of_sight(scene.actors[b[pair]], instant(at_s))
        for pair, at_s in zip(series, t_s.tolist(), strict=True)
    ]
    assert np.count_nonzero(verdicts(margin, series, t_s) != theirs) == 0
    other = sight_margin(replace(scene, radius_km=wrong_radius_km))
    assert np.count_nonzero(verdicts(other, series, t_s) != theirs) > 20


def test_satellites_of_elements_are_eclipsed_under_the_ecliptic_sun(from_tle: Scene):
    assert_eclipses_agree(from_tle)


def test_satellites_of_states_are_eclipsed_under_the_ecliptic_sun(from_orbit: Scene):
    assert_eclipses_agree(from_orbit)


def assert_eclipses_agree(scene: Scene) -> None:
    margin = light_margin(scene, lambda t_s: paseos_sun(EPOCH_UTC).positions(t_s)[0])
    series, t_s = samples(margin)
    theirs = [
        not scene.actors[number].is_in_eclipse(instant(at_s)) for number, at_s in zip(series, t_s.tolist(), strict=True)
    ]
    assert np.count_nonzero(verdicts(margin, series, t_s) != theirs) == 0
    # The Sun where it is: the solstice shows the slip most.
    true_sun = light_margin(scene, lambda t_s: sun(EPOCH_UTC).positions(t_s)[0])
    assert np.count_nonzero(verdicts(true_sun, series, t_s) != theirs) > 200


def test_stations_see_apparent_places_of_satellites_in_teme(paseos: ModuleType, from_tle: Scene):
    margin = Ground().margin(from_tle.positions)
    series, t_s = samples(margin)
    satellite, site = np.divmod(series, len(STATIONS))
    stations = [ground_station(paseos, station) for station in STATIONS]
    theirs = np.array(
        [
            bool(stations[b].is_in_line_of_sight(from_tle.actors[a], instant(at_s)))
            for a, b, at_s in zip(satellite, site, t_s.tolist(), strict=True)
        ]
    )

    def disagreements(ground: Ground) -> int:
        return int(np.count_nonzero(verdicts(ground.margin(from_tle.positions), series, t_s) != theirs))

    assert 0.1 < theirs.mean() < 0.9
    assert disagreements(Ground()) == 0
    assert disagreements(Ground(annual=0.0, diurnal=0.0)) > 20
    assert disagreements(Ground(rotation_as=PHYSICAL)) > 200


def ground_station(paseos: ModuleType, station: GroundStation) -> Any:
    actor = paseos.ActorBuilder.get_actor_scaffold(station.name, paseos.GroundstationActor, instant(0.0))
    paseos.ActorBuilder.set_ground_station_location(
        actor, station.latitude_deg, station.longitude_deg, station.altitude_m, station.mask_deg
    )
    return actor
