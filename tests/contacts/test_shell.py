"""Closed forms of circular orbits of one size and tilt, against the general search and plain geometry."""

from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts import ContactPlan, ContactRules, FixedRate, Link, LinkBudget, Planning, found, found_in_blocks
from orbitfl.contacts.engine import WORTH_COMPILING
from orbitfl.contacts.shell import shell_of
from orbitfl.errors import ScenarioError
from orbitfl.orbit.constellation import Constellation
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.walker import Walker

EPOCH_UTC, SPAN_S = datetime(2026, 3, 1, tzinfo=UTC), 20_000.0
STEADY = FixedRate(rate_bps=1e8)
BUDGET = LinkBudget(eirp_dbw=16.0, g_over_t_db_k=4.0, frequency_ghz=26.0, required_eb_n0_db=4.2, max_rate_bps=1e8)
WALKERS = {
    "delta": Walker(total=72, planes=6, phasing=1, altitude_km=600, inclination_deg=53, raan_deg=-77, arglat_deg=500),
    "star": Walker(total=66, planes=6, phasing=2, altitude_km=780, inclination_deg=86.4, pattern="star"),
    "retrograde": Walker(total=40, planes=8, phasing=3, altitude_km=700, inclination_deg=98),
    "equatorial": Walker(total=12, planes=3, phasing=1, altitude_km=20_000, inclination_deg=0),
    "one plane": Walker(total=11, planes=1, phasing=0, altitude_km=1400, inclination_deg=60),
}


def asked(constellation: Constellation, link: Link = STEADY, span_s: float = SPAN_S, **rules) -> Planning:
    return Planning(
        constellation=constellation, epoch_utc=EPOCH_UTC, duration_s=span_s, isl=link, rules=ContactRules(**rules)
    )


def assert_alike(closed: ContactPlan, searched: ContactPlan) -> None:
    ours, theirs = (each.table for each in (closed, searched))
    order = [np.lexsort((np.round(table["start_s"]), table["b"], table["a"])) for table in (ours, theirs)]
    for name in ("a", "b", "truncated"):
        np.testing.assert_array_equal(ours[name][order[0]], theirs[name][order[1]])
    for name, off in (("start_s", 1e-3), ("end_s", 1e-3), ("range_min_km", 0.02), ("range_max_km", 0.02)):
        np.testing.assert_allclose(ours[name][order[0]], theirs[name][order[1]], rtol=0, atol=off, err_msg=name)
    np.testing.assert_allclose(ours["volume_bit"][order[0]], theirs["volume_bit"][order[1]], rtol=1e-3, atol=1e6)


@pytest.mark.parametrize("link", [STEADY, BUDGET], ids=["steady", "budget"])
@pytest.mark.parametrize("name", WALKERS)
def test_windows_are_those_of_the_search(name: str, link: Link):
    for rules in ({}, {"max_isl_range_km": 2500.0}, {"blocking_altitude_km": 80.0, "min_duration_s": 200.0}):
        planning = asked(WALKERS[name], link, **rules)
        assert_alike(found(planning, "closed_form"), found(planning, "numpy"))


@settings(max_examples=60, deadline=None)
@given(
    planes=st.integers(1, 5),
    each=st.integers(1, 5),
    altitude_km=st.floats(300, 40_000),
    inclination_deg=st.floats(0, 180),
    pattern=st.sampled_from(["delta", "star"]),
    raan_deg=st.floats(-720, 720),
    arglat_deg=st.floats(-720, 720),
    span_s=st.floats(10, 60_000),
    reach=st.none() | st.floats(0.05, 2),
)
def test_two_are_in_contact_where_geometry_says_so(
    planes: int,
    each: int,
    altitude_km: float,
    inclination_deg: float,
    pattern: Literal["delta", "star"],
    raan_deg: float,
    arglat_deg: float,
    span_s: float,
    reach: float | None,
):
    """At 200 instants: the segment between two clears the sphere by its distance from the Earth's centre."""
    walker = Walker(
        total=planes * each, planes=planes, phasing=planes - 1, altitude_km=altitude_km, pattern=pattern,
        inclination_deg=inclination_deg, raan_deg=raan_deg, arglat_deg=arglat_deg,
    )  # fmt: skip
    reach_km = None if reach is None else reach * (6378.137 + altitude_km)
    planning = asked(walker, span_s=span_s, max_isl_range_km=reach_km)
    plan = found(planning, "closed_form")
    t_s = np.linspace(0, span_s, 202)[1:-1]
    r_km = walker.propagator().positions(t_s)
    for a in range(walker.total):
        for b in range(a + 1, walker.total):
            windows = plan.between(walker.names[a], walker.names[b]).table
            is_open = ((t_s > windows["start_s"][:, None]) & (t_s < windows["end_s"][:, None])).sum(axis=0)
            along = r_km[b] - r_km[a]
            apart_km = np.linalg.norm(along, axis=1)
            share = np.clip(-np.vecdot(r_km[a], along) / np.maximum(apart_km**2, 1e-9), 0, 1)
            above_km = np.linalg.norm(r_km[a] + share[:, None] * along, axis=1) - planning.blocking_radius_km
            margin_km = above_km if reach_km is None else np.minimum(above_km, reach_km - apart_km)
            clear = np.abs(margin_km) > 1e-3
            np.testing.assert_array_equal(is_open[clear], (margin_km > 0)[clear])
            for row in range(len(windows["start_s"])):
                within = (t_s > windows["start_s"][row]) & (t_s < windows["end_s"][row])
                assert (apart_km[within] >= windows["range_min_km"][row] - 1e-2).all()
                assert (apart_km[within] <= windows["range_max_km"][row] + 1e-2).all()


def test_long_searches_are_spared_and_short_ones_are_not():
    crowd = Walker(total=720, planes=36, phasing=1, altitude_km=1200, inclination_deg=60)
    span_s = 150.0 * WORTH_COMPILING / (720 * 719 / 2)
    planning = asked(crowd, span_s=span_s, step_s=100.0)
    assert found(planning) == found(planning, "closed_form")
    assert found(asked(WALKERS["delta"])) == found(asked(WALKERS["delta"]), "numpy")
    closed = found(asked(WALKERS["delta"]), "closed_form")
    (block,) = found_in_blocks(asked(WALKERS["delta"]), "closed_form")
    assert closed == block != found(asked(WALKERS["delta"]))


def orbit(name: str, **changes: float) -> Elements:
    return Elements(name=name, **{"semi_major_axis_km": 7000.0, "inclination_deg": 60.0} | changes)


def test_only_alike_circles_are_a_shell():
    alike = Keplerian(orbits=(orbit("a"), orbit("b", raan_deg=40.0, mean_anomaly_deg=10.0, argp_deg=70.0)))
    shell = shell_of(alike.satellites(EPOCH_UTC, SPAN_S).propagator)
    assert shell is not None and shell.radius_km == 7000.0
    assert_alike(found(asked(alike), "closed_form"), found(asked(alike), "numpy"))
    for other in ({"semi_major_axis_km": 7001.0}, {"inclination_deg": 60.1}, {"eccentricity": 1e-4}):
        mixed = Keplerian(orbits=(orbit("a"), orbit("b", raan_deg=40.0, **other)))
        assert shell_of(mixed.satellites(EPOCH_UTC, SPAN_S).propagator) is None
        with pytest.raises(ScenarioError, match=r"^closed_form takes satellites on circular orbits of one size"):
            found(asked(mixed), "closed_form")
