"""Visibility, sample by sample, against PASEOS's own `is_in_line_of_sight`."""

import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from orbitfl.contacts.visibility import GroundPairs, SatellitePairs, ground_pairs, satellite_pairs
from orbitfl.environment import Paseos
from orbitfl.environment.paseos import PaseosFleet
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.frames import earth_rotation
from orbitfl.orbit.propagator import Floats, Ints
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
DAY_S = 86400.0
WALKER = Walker(total=24, planes=4, phasing=1, altitude_km=1200.0, inclination_deg=98.62)
# PASEOS works with apparent places and so keeps 20.5 arcseconds of aberration: up to 0.09 s of an edge.
ABERRATION_S = 0.1
STATIONS = [
    GroundStation(name="maspalomas", latitude_deg=27.7629, longitude_deg=-15.6338, altitude_m=205.1),
    GroundStation(name="matera", latitude_deg=40.6486, longitude_deg=16.7046, altitude_m=536.9),
    GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474.0),
]


@pytest.fixture(scope="module")
def fleet() -> PaseosFleet:
    return Paseos().start(WALKER.propagator(), WALKER.names, EPOCH_UTC)


def epoch(fleet: PaseosFleet, t_s: float) -> Any:
    return sys.modules["pykep"].epoch((fleet._crafts[0].epoch_s + t_s) / DAY_S)


def samples(pairs: SatellitePairs | GroundPairs, count: int) -> tuple[Ints, Floats]:
    """Pairs and times, a third each: anywhere, visible, and where the margin is smallest."""
    random = np.random.default_rng(7)
    pair, t_s = random.integers(len(pairs.a), size=30 * count), random.uniform(0, DAY_S, size=30 * count)
    margin_km = pairs.margin_km(pair, t_s)
    visible, close = np.flatnonzero(margin_km > 0), np.argsort(np.abs(margin_km))
    third = count // 3 + 1
    chosen = np.concatenate([np.arange(third), visible[:third], close[:third]])
    return pair[chosen], t_s[chosen]


def test_satellites_see_each_other_as_in_paseos(fleet: PaseosFleet):
    pairs = satellite_pairs(WALKER.propagator(), EARTH_RADIUS_KM, np.inf)
    pair, t_s = samples(pairs, 10_000)
    ours = pairs.margin_km(pair, t_s) > 0
    actors = [craft.actor for craft in fleet._crafts]
    theirs = [
        actors[a].is_in_line_of_sight(actors[b], epoch(fleet, at_s))
        for a, b, at_s in zip(pairs.a[pair], pairs.b[pair], t_s.tolist(), strict=True)
    ]
    assert len(ours) >= 10_000 and 0.3 < ours.mean() < 0.8
    assert np.count_nonzero(ours != theirs) == 0


def test_stations_see_satellites_as_in_paseos(fleet: PaseosFleet):
    pairs = ground_pairs(WALKER.propagator(), STATIONS, earth_rotation(EPOCH_UTC, DAY_S))
    pair, t_s = samples(pairs, 1500)
    ours, before, after = (pairs.margin_km(pair, t_s + shift_s) > 0 for shift_s in (0, -ABERRATION_S, ABERRATION_S))
    compared = np.flatnonzero((ours == before) & (ours == after))
    stations = [_paseos_station(station, epoch(fleet, 0.0)) for station in STATIONS]
    actors = [craft.actor for craft in fleet._crafts]
    theirs = [
        bool(stations[b].is_in_line_of_sight(actors[a], epoch(fleet, at_s)))
        for a, b, at_s in zip(pairs.a[pair[compared]], pairs.b[pair[compared]], t_s[compared].tolist(), strict=True)
    ]
    assert len(compared) > 0.9 * len(ours), f"{len(ours) - len(compared)} of {len(ours)} samples lie on an edge"
    assert 0.3 < np.mean(theirs) < 0.8
    assert np.count_nonzero(ours[compared] != theirs) == 0


def _paseos_station(station: GroundStation, at: Any) -> Any:
    import paseos

    actor = paseos.ActorBuilder.get_actor_scaffold(station.name, paseos.GroundstationActor, at)
    paseos.ActorBuilder.set_ground_station_location(
        actor, station.latitude_deg, station.longitude_deg, station.altitude_m, station.mask_deg
    )
    return actor
