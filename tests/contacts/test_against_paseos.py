"""Plans under both conventions, sample by sample, against PASEOS's own `is_in_line_of_sight`.

`test_paseos_convention` proves the closed forms; here it is the plans that must say what PASEOS says.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pytest
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from orbitfl.contacts.links import FixedRate
from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan
from orbitfl.environment.paseos import _import_paseos
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.tle import Tle

EPOCH_UTC = datetime(2026, 6, 21, 4, 30, tzinfo=UTC)
SPAN_S = 43_200.0
MJD2000 = (EPOCH_UTC - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(days=1)
LINK = FixedRate(rate_bps=1.0)
STATIONS = [
    GroundStation(name="maspalomas", latitude_deg=27.7629, longitude_deg=-15.6338, altitude_m=205.1),
    GroundStation(name="matera", latitude_deg=40.6486, longitude_deg=16.7046, altitude_m=536.9, mask_deg=20),
    GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474.0),
]
# Altitude in km, eccentricity, inclination, node and mean anomaly in degrees.
ORBITS = [
    (400, 0.001, 51.6, 10, 0),
    (550, 0.0005, 97.6, 80, 200),
    (560, 0.01, 53.0, 150, 320),
    (800, 0.002, 98.6, 220, 100),
    (1400, 0.02, 66.0, 300, 50),
    (10_000, 0.1, 63.4, 30, 150),
]


def lines(number: int) -> tuple[str, str]:
    altitude_km, eccentricity, *angles_deg = ORBITS[number]
    inclination, node, anomaly = np.deg2rad(angles_deg).tolist()
    motion_rad_min = 60 * (398_600.8 / (6378.135 + altitude_km) ** 3) ** 0.5
    days_since_1949 = (EPOCH_UTC - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1) - 0.3
    record = Satrec()
    shape = (eccentricity, 0.7, inclination, anomaly, motion_rad_min, node)
    record.sgp4init(WGS72, "i", 90_000 + number, days_since_1949, 1e-4, 0.0, 0.0, *shape)
    return export_tle(record)


@pytest.fixture(scope="module")
def constellation(tmp_path_factory: pytest.TempPathFactory) -> Tle:
    path = tmp_path_factory.mktemp("orbits") / "six.tle"
    path.write_text("\n".join(line for number in range(len(ORBITS)) for line in lines(number)), encoding="ascii")
    return Tle(path=str(path))


@dataclass(frozen=True)
class Actors:
    """PASEOS's own satellites and stations, in the order of a plan's nodes."""

    nodes: list[Any]

    def see(self, a: int, b: int, t_s: float) -> bool:
        """The station looks, where there is one; between satellites either may."""
        viewer, seen = (b, a) if b >= len(ORBITS) else (a, b)
        instant = sys.modules["pykep"].epoch(MJD2000 + t_s / 86_400)
        return bool(self.nodes[viewer].is_in_line_of_sight(self.nodes[seen], instant))


@pytest.fixture(scope="module")
def actors() -> Actors:
    paseos = _import_paseos()
    builder, start = paseos.ActorBuilder, sys.modules["pykep"].epoch(MJD2000)
    nodes = []
    for number in range(len(ORBITS)):
        actor = builder.get_actor_scaffold(f"sat-{number}", paseos.SpacecraftActor, start)
        builder.set_TLE(actor, *lines(number))
        nodes.append(actor)
    for site in STATIONS:
        actor = builder.get_actor_scaffold(site.name, paseos.GroundstationActor, start)
        builder.set_ground_station_location(
            actor, site.latitude_deg, site.longitude_deg, site.altitude_m, site.mask_deg
        )
        nodes.append(actor)
    return Actors(nodes)


def plan(constellation: Constellation, convention: Any) -> ContactPlan:
    return contact_plan(
        constellation,
        STATIONS,
        isl=LINK,
        ground=LINK,
        epoch_utc=EPOCH_UTC,
        duration_s=SPAN_S,
        rules=ContactRules(convention=convention),
    )


def samples(contacts: ContactPlan, count: int, aside_s: float) -> tuple[Ints, Ints, Floats]:
    """Nodes and times: `aside_s` or a little more beside edges, on both sides of them."""
    random = np.random.default_rng(7)
    table = contacts.table
    row = random.integers(len(contacts), size=count)
    edge_s = np.where(random.random(count) < 0.5, table["start_s"][row], table["end_s"][row])
    t_s = edge_s + random.choice([-1, 1], count) * aside_s * 10 ** random.uniform(0, 1, count)
    inside = (t_s > 0) & (t_s < SPAN_S)
    return table["a"][row][inside], table["b"][row][inside], t_s[inside]


def is_open(contacts: ContactPlan, a: Ints, b: Ints, t_s: Floats) -> list[bool]:
    table = contacts.table
    return [
        bool(np.any((table["a"] == i) & (table["b"] == j) & (table["start_s"] <= at_s) & (at_s < table["end_s"])))
        for i, j, at_s in zip(a, b, t_s.tolist(), strict=True)
    ]


@pytest.mark.parametrize("kind", ["isl", "ground"])
def test_a_plan_by_the_convention_of_paseos_is_what_paseos_sees(
    constellation: Tle, actors: Actors, kind: Literal["isl", "ground"]
):
    """On both sides of edges, from a hundredth of a second on."""
    contacts = plan(constellation, "paseos").of_kind(kind)
    a, b, t_s = samples(contacts, 1500, 0.01)
    theirs = [actors.see(*each) for each in zip(a.tolist(), b.tolist(), t_s.tolist(), strict=True)]
    assert len(contacts) > 40 and 0.3 < np.mean(theirs) < 0.7
    assert np.count_nonzero(np.array(is_open(contacts, a, b, t_s)) != theirs) == 0


def test_scattered_samples_agree_too(constellation: Tle, actors: Actors):
    """Windows that the plan lacks would show here."""
    contacts = plan(constellation, "paseos")
    random = np.random.default_rng(3)
    a = random.integers(0, len(ORBITS), 2000)
    b = a + 1 + random.integers(0, 1 << 20, 2000) % (len(ORBITS) + len(STATIONS) - 1 - a)
    t_s = random.uniform(0, SPAN_S, 2000)
    theirs = [actors.see(*each) for each in zip(a.tolist(), b.tolist(), t_s.tolist(), strict=True)]
    assert 0.02 < np.mean(theirs) < 0.9
    assert np.count_nonzero(np.array(is_open(contacts, a, b, t_s)) != theirs) == 0


def test_a_plan_of_the_sky_is_not_what_paseos_sees(constellation: Tle, actors: Actors):
    """Its passes are off by seconds, and its sphere is larger by 7 km."""
    contacts = plan(constellation, "physical")
    a, b, t_s = samples(contacts, 600, 0.01)
    theirs = [actors.see(*each) for each in zip(a.tolist(), b.tolist(), t_s.tolist(), strict=True)]
    assert np.count_nonzero(np.array(is_open(contacts, a, b, t_s)) != theirs) > 100
