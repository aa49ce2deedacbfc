"""Edges of passes against the propagator itself, bisected: steep passes of low orbits, and those about a manoeuvre."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from orbitfl.contacts.engine import EngineName
from orbitfl.contacts.ground import Places, places_of
from orbitfl.contacts.links import FixedRate
from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan
from orbitfl.errors import OrbitflWarning
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.constants import EARTH_MU_KM3_S2
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.frames import EarthRotation, earth_rotation
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.oem import Oem
from orbitfl.orbit.oem_file import write_oem
from orbitfl.orbit.propagator import Positions
from orbitfl.orbit.station import GroundStation

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
SPAN_S = 86_400.0
HALF_PASS_S = 90.0
"""Within so long of its culmination a satellite 400 km high is below 60° again."""

LOW = tuple(
    Elements(
        name=f"low-{number}",
        semi_major_axis_km=6378.137 + (200.0, 300.0, 400.0)[number % 3],
        inclination_deg=53.0,
        raan_deg=15.0 * number,
        mean_anomaly_deg=37.0 * number,
    )
    for number in range(24)
)
TRANSFER = Elements(name="transfer", semi_major_axis_km=24_500.0, eccentricity=0.73, inclination_deg=7.0)


def stations(count: int, masks_deg: Sequence[float]) -> list[GroundStation]:
    random = np.random.default_rng(6)
    return [
        GroundStation(
            name=f"site-{number}",
            latitude_deg=random.uniform(-53, 53),
            longitude_deg=random.uniform(-180, 180),
            mask_deg=masks_deg[number % len(masks_deg)],
        )
        for number in range(count)
    ]


@dataclass(frozen=True)
class Exact:
    """How high satellites really stand over sites, without an ephemeris between."""

    propagator: Positions
    rotation: EarthRotation
    sites: list[GroundStation]

    @cached_property
    def places(self) -> Places:
        return places_of(self.sites)

    @cached_property
    def sine(self) -> Floats:
        return np.sin(np.deg2rad([site.mask_deg for site in self.sites]))

    def margin(self, satellite: Ints, site: Ints, t_s: Floats) -> Floats:
        """Sine of the elevation less that of the mask, of one satellite over one site at one time each, (n,)."""
        r_km = self.propagator.positions(t_s)[satellite, np.arange(len(t_s))]
        sight_km = self.rotation.to_itrs(r_km, t_s) - self.places.position_km[site]
        height_km = np.einsum("ni,ni->n", sight_km, self.places.up[site])
        return height_km / np.linalg.norm(sight_km, axis=-1) - self.sine[site]

    def bisected(self, satellite: Ints, site: Ints, low_s: Floats, high_s: Floats) -> Floats:
        """Where the margin changes sign; it does, once, between the bounds (n,)."""
        before = self.margin(satellite, site, low_s) > 0
        assert np.all(before != (self.margin(satellite, site, high_s) > 0))
        for _ in range(34):
            middle_s = (low_s + high_s) / 2
            same = (self.margin(satellite, site, middle_s) > 0) == before
            low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
        return (low_s + high_s) / 2

    def culminations(self, span_s: float) -> tuple[Ints, Ints, Floats]:
        """The highest points of all passes that may rise above their mask: satellite, site, time."""
        t_s = np.arange(0.0, span_s + 1, 10.0)
        r_km, found = self.rotation.to_itrs(self.propagator.positions(t_s), t_s), []
        for site, (place_km, up) in enumerate(zip(self.places.position_km, self.places.up, strict=True)):
            sight_km = r_km - place_km
            sine = sight_km @ up / np.linalg.norm(sight_km, axis=-1)
            top = (sine[:, 1:-1] > sine[:, :-2]) & (sine[:, 1:-1] >= sine[:, 2:])
            satellite, step = np.nonzero(top & (sine[:, 1:-1] > self.sine[site] - 0.1))
            found += [(each, site, t_s[1 + at]) for each, at in zip(satellite, step, strict=True)]
        satellite, site, about_s = (np.array(column) for column in zip(*found, strict=True))
        return satellite, site, self._highest(satellite, site, about_s - 10, about_s + 10)

    def _highest(self, satellite: Ints, site: Ints, low_s: Floats, high_s: Floats) -> Floats:
        for _ in range(40):
            left_s, right_s = (2 * low_s + high_s) / 3, (low_s + 2 * high_s) / 3
            rises = self.margin(satellite, site, left_s) < self.margin(satellite, site, right_s)
            low_s, high_s = np.where(rises, left_s, low_s), np.where(rises, high_s, right_s)
        return (low_s + high_s) / 2

    def passes(self, span_s: float) -> Floats:
        """Satellite, site, start and end (n, 4) of every pass, ordered; none of those at the ends of the span."""
        satellite, site, top_s = self.culminations(span_s)
        seen = (self.margin(satellite, site, top_s) > 0) & _inner(top_s, span_s)
        satellite, site, top_s = satellite[seen], site[seen], top_s[seen]
        start_s = self.bisected(satellite, site, top_s - HALF_PASS_S, top_s)
        end_s = self.bisected(satellite, site, top_s, top_s + HALF_PASS_S)
        return _ordered(np.column_stack([satellite, site, start_s, end_s]).astype(float))


def _inner(t_s: Floats, span_s: float) -> NDArray[np.bool_]:
    return (t_s > 2 * HALF_PASS_S) & (t_s < span_s - 2 * HALF_PASS_S)


def _ordered(rows: Floats) -> Floats:
    return rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]


def planned(
    constellation: Constellation, sites: list[GroundStation], engine: EngineName, span_s: float, step_s: float
) -> ContactPlan:
    return contact_plan(
        constellation,
        sites,
        isl=None,
        ground=FixedRate(rate_bps=1.0),
        epoch_utc=EPOCH_UTC,
        duration_s=span_s,
        rules=ContactRules(step_s=step_s),
        engine=engine,
    )


STEEP = stations(40, (60.0, 70.0, 80.0, 85.0))


@pytest.fixture(scope="module")
def steep_passes() -> Floats:
    propagator = Keplerian(orbits=LOW).satellites(EPOCH_UTC, SPAN_S).propagator
    return Exact(propagator, earth_rotation(EPOCH_UTC, SPAN_S), STEEP).passes(SPAN_S)


@pytest.mark.parametrize("orbits", [LOW, (*LOW, TRANSFER)], ids=["low", "with a transfer orbit"])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("step_s", [30.0, 60.0, 120.0, 150.0])
def test_steep_passes_of_low_orbits_are_the_propagators_at_any_step(
    steep_passes: Floats, step_s: float, engine: EngineName, orbits: tuple[Elements, ...]
):
    """200 to 400 km high the range bends within seconds; a satellite of high perigee speed shortens the step of all."""
    plan = planned(Keplerian(orbits=orbits), STEEP, engine, SPAN_S, step_s)
    table = plan.where(_inner((plan.table["start_s"] + plan.table["end_s"]) / 2, SPAN_S)).table
    rows = np.column_stack([table["a"], table["b"] - len(orbits), table["start_s"], table["end_s"]])
    found = _ordered(rows[table["a"] < len(LOW)])
    assert len(steep_passes) > 250 and (steep_passes[:, 3] - steep_passes[:, 2]).min() < 2
    np.testing.assert_array_equal(found[:, :2], steep_passes[:, :2])
    np.testing.assert_allclose(found[:, 2:], steep_passes[:, 2:], rtol=0, atol=1e-3)


KICK_S, KICK_M_S = 4000.0, 10.0


def kicked(path: Path) -> Path:
    """Six satellites 622 km high whose speed changes by 10 m/s, each in a file of two segments."""
    radius_km, texts = 7000.0, []
    speed_km_s = np.sqrt(EARTH_MU_KM3_S2 / radius_km)
    across = np.array([0.0, 0.5, np.sqrt(0.75)])
    for number in range(6):
        along, ahead = np.cos(number / 2), np.sin(number / 2)
        first = radius_km * (along * np.eye(3)[0] + ahead * across)
        state = np.concatenate([first, speed_km_s * (along * across - ahead * np.eye(3)[0])])
        for t_s in (np.append(np.arange(-600.0, KICK_S, 60.0), KICK_S), np.arange(KICK_S, 20_000.0, 60.0)):
            states = fallen(state, t_s)
            write_oem(path, f"sat-{number}", EPOCH_UTC, t_s, states[:, :3], states[:, 3:], created_utc=EPOCH_UTC)
            texts.append(path.read_text())
            state = states[-1]
            state[3:] *= 1 + (-1) ** number * KICK_M_S / 1000 / speed_km_s
    path.write_text("".join(texts))
    return path


def fallen(state: Floats, t_s: Floats) -> Floats:
    """States (n, 6) at t_s (n,) of a body that only the Earth's centre pulls, from its first."""

    def rate(_: float, now: Floats) -> Floats:
        return np.concatenate([now[3:], -EARTH_MU_KM3_S2 * now[:3] / np.linalg.norm(now[:3]) ** 3])

    return solve_ivp(rate, (t_s[0], t_s[-1]), state, "DOP853", t_eval=t_s, rtol=1e-11, atol=1e-11).y.T


def test_edges_about_a_manoeuvre_are_off_by_milliseconds_and_told_so(tmp_path: Path):
    constellation, sites, span_s = Oem(path=str(kicked(tmp_path / "kicked.oem"))), stations(40, (5.0,)), 9000.0
    with pytest.warns(OrbitflWarning, match=r"sat-\d change velocity by 10 m/s at 4000.000 s .* within ten minutes"):
        table = planned(constellation, sites, "numpy", span_s, 150.0).table
        propagator = constellation.satellites(EPOCH_UTC, span_s).propagator
    exact, near_off_s, far_off_s = Exact(propagator, earth_rotation(EPOCH_UTC, span_s), sites), [], []
    for name, cut_s in (("start_s", 0.0), ("end_s", span_s)):
        rows = np.flatnonzero(table[name] != cut_s)
        edge_s, satellite, site = table[name][rows], table["a"][rows], table["b"][rows] - 6
        off_s = np.abs(exact.bisected(satellite, site, edge_s - 2, edge_s + 2) - edge_s)
        near = np.abs(edge_s - KICK_S) < 600
        near_off_s.append(off_s[near])
        far_off_s.append(off_s[~near])
    assert min(map(len, near_off_s)) > 10 and min(map(len, far_off_s)) > 30
    assert 0.001 < np.concatenate(near_off_s).max() / KICK_M_S < 0.005
    assert np.concatenate(far_off_s).max() < 1e-4
