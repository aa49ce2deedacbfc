"""Satellites by name, and the conventions by name."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from orbitfl.errors import ScenarioError
from orbitfl.orbit.constellation import Constellation, Satellites
from orbitfl.orbit.convention import CONVENTIONS, PASEOS, PHYSICAL
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.omm import Omm
from orbitfl.orbit.tle import Tle
from orbitfl.orbit.walker import Walker

WALKER = Walker(total=2, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "constellation is empty"),
        (("a",), "1 satellites are named, but 2 are propagated"),
        (("a", "a"), "come twice: a"),
        (("a", " "), "empty name"),
    ],
)
def test_names_that_do_not_fit_are_refused(names: tuple[str, ...], said: str):
    with pytest.raises(ScenarioError, match=said):
        Satellites(names, WALKER.propagator())


@pytest.mark.parametrize("name", ["physical", "paseos"])
def test_every_kind_of_constellation_takes_every_convention(repository: Path, name: str):
    kinds: list[Constellation] = [
        WALKER,
        Keplerian(orbits=(Elements(name="a", semi_major_axis_km=7000, inclination_deg=98),)),
        Omm(path=str(repository / "constellations/earth_observation.json")),
        Tle(path=str(repository / "constellations/sentinel_2.tle")),
    ]
    for kind in kinds:
        satellites = kind.satellites(datetime(2026, 10, 5, tzinfo=UTC), 3600.0, CONVENTIONS[name])
        positions = satellites.propagator.positions(np.linspace(0, 3600, 5))
        assert positions.shape == (len(satellites.names), 5, 3)
        assert np.all(np.linalg.norm(positions, axis=-1) < 7300)


def test_spheres_are_those_of_paseos_and_of_the_ellipsoid():
    """PASEOS 0.2.1: `set_orbit` takes pykep's 6378 km, `set_TLE` 6371 km."""
    kinds = ("walker", "keplerian", "omm", "tle", "oem")
    assert [PASEOS.blocking_radius_km(kind) for kind in kinds] == [6378, 6378, 6371, 6371, 6378]
    assert [PASEOS.shadow_radius_km(kind) for kind in kinds] == [6378, 6378, 6371, 6371, 6378]
    assert {PHYSICAL.blocking_radius_km(kind) for kind in kinds} == {6378.137}
    assert {PHYSICAL.shadow_radius_km(kind) for kind in kinds} == {6378.1366}
