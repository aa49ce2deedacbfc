"""The plan of a small scenario as a whole."""

from datetime import UTC, datetime

import numpy as np
import pytest

from orbitfl.contacts import ContactPlan, FixedRate, contact_plan
from orbitfl.errors import ScenarioError
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

WALKER = Walker(total=8, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62)
SVALBARD = GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474)
POLE = GroundStation(name="pole", latitude_deg=-90, longitude_deg=0, mask_deg=10)
DURATION_S = 21_600.0


def plan(**changes) -> ContactPlan:
    options = {
        "propagator": WALKER.propagator(),
        "satellites": WALKER.names,
        "stations": [SVALBARD, POLE],
        "isl": FixedRate(rate_bps=1e8),
        "ground": FixedRate(rate_bps=1e6),
        "epoch_utc": datetime(2018, 5, 18, 3, 21, tzinfo=UTC),
        "duration_s": DURATION_S,
    }
    return contact_plan(**options | changes)


@pytest.fixture(scope="module")
def whole() -> ContactPlan:
    return plan()


def test_a_ring_sees_its_neighbours_always_and_no_one_else(whole: ContactPlan):
    """Eight in one plane at 786 km: neighbours at 2 r sin 22.5°, the next ones behind the Earth."""
    isl = [contact for contact in whole if contact.kind == "isl"]
    side_km = 2 * (6378.137 + 786) * np.sin(np.pi / 8)
    ring = {frozenset((f"sat-{k}", f"sat-{(k + 1) % 8}")) for k in range(8)}
    assert {frozenset((contact.a, contact.b)) for contact in isl} == ring
    for contact in isl:
        assert (contact.start_s, contact.end_s, contact.truncated) == (0.0, DURATION_S, True)
        assert (contact.range_min_km, contact.range_max_km) == pytest.approx((side_km, side_km), rel=1e-9)
        assert (contact.rate_bps, contact.volume_bit) == (1e8, 1e8 * DURATION_S)


def test_ground_contacts_join_every_satellite_and_station(whole: ContactPlan):
    ground = [contact for contact in whole if contact.kind == "ground"]
    assert {(contact.a, contact.b) for contact in ground} == {
        (satellite, station) for satellite in WALKER.names for station in ("svalbard", "pole")
    }
    for contact in ground:
        assert contact.volume_bit == 1e6 * (contact.end_s - contact.start_s)
        assert 786 - 25 < contact.range_min_km < contact.range_max_km < 3000
        assert contact.truncated == (contact.start_s == 0 or contact.end_s == DURATION_S)


def test_a_pass_is_farthest_where_it_meets_the_mask(whole: ContactPlan):
    """Over the pole the ellipsoid is 21.4 km lower, and range follows from the law of cosines alone."""
    below_km, radius_km, mask = 6356.752, 6378.137 + 786, np.deg2rad(10)
    farthest_km = np.sqrt(radius_km**2 - (below_km * np.cos(mask)) ** 2) - below_km * np.sin(mask)
    passes = [contact for contact in whole if contact.b == "pole" and not contact.truncated]
    assert passes
    for contact in passes:
        assert contact.range_max_km == pytest.approx(farthest_km, abs=0.1)


def test_the_plan_does_not_depend_on_the_step(whole: ContactPlan):
    finer = plan(step_s=20.0)
    assert len(finer) == len(whole)
    for column in ("start_s", "end_s", "range_min_km", "range_max_km"):
        np.testing.assert_allclose(finer.table[column], whole.table[column], rtol=1e-6, atol=2e-3)


def test_a_plan_of_a_part_is_the_part_of_the_plan(whole: ContactPlan):
    half = plan(duration_s=DURATION_S / 2)
    within = whole.table[whole.table["start_s"] < DURATION_S / 2]
    np.testing.assert_array_equal(half.table[["a", "b"]], within[["a", "b"]])
    np.testing.assert_allclose(half.table["end_s"], np.minimum(within["end_s"], DURATION_S / 2), atol=2e-3)


def test_links_left_out_make_no_contacts():
    assert {contact.kind for contact in plan(isl=None)} == {"ground"}
    assert {contact.kind for contact in plan(ground=None)} == {"isl"}
    assert {contact.kind for contact in plan(stations=[])} == {"isl"}
    assert len(plan(isl=None, ground=None)) == 0


def test_options_of_visibility_reach_the_search():
    assert {contact.kind for contact in plan(max_isl_range_km=5000.0)} == {"ground"}
    assert {contact.kind for contact in plan(blocking_radius_km=6700.0)} == {"ground"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_s": 0.0}, "^duration_s is 0.0, but"),
        ({"step_s": -1.0}, "^step_s is -1.0, but"),
        ({"max_isl_range_km": float("nan")}, "^max_isl_range_km is nan, but"),
        ({"stations": [SVALBARD, SVALBARD]}, "given twice: svalbard"),
        ({"satellites": ["one"]}, "^1 satellites are named, but 8 are propagated"),
        (
            {"blocking_radius_km": 7200.0},
            "^blocking_radius_km is 7200.0, but sat-[0-7] comes down to 7164.1 km",
        ),
        ({"epoch_utc": datetime(2018, 5, 18)}, "^epoch_utc is .* without a time zone"),
    ],
)
def test_impossible_plans_are_refused(changes: dict, message: str):
    with pytest.raises(ScenarioError, match=message):
        plan(**changes)
