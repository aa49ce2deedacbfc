"""The plan of a small scenario as a whole, and the corners of what may be asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from orbitfl.contacts import ContactPlan, FixedRate, Planning, contact_plan, found, found_in_blocks
from orbitfl.contacts.channel import Ranged, channel_of
from orbitfl.contacts.columns import COLUMNS, GROUND, ISL
from orbitfl.contacts.engine import EngineName
from orbitfl.contacts.links import LinkBudget
from orbitfl.contacts.pairs import Pairs
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.terminals import served
from orbitfl.errors import ScenarioError
from orbitfl.orbit import ephemeris
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.crossings import Windows
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
WALKER = Walker(total=8, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62)
CROSSED = Walker(total=24, planes=6, phasing=1, altitude_km=786, inclination_deg=98.62)
SVALBARD = GroundStation(name="svalbard", latitude_deg=78.9067, longitude_deg=11.8883, altitude_m=474)
POLE = GroundStation(name="pole", latitude_deg=-90, longitude_deg=0, mask_deg=10)
DURATION_S = 21_600.0
BUDGET = LinkBudget(eirp_dbw=16.0, g_over_t_db_k=4.0, frequency_ghz=26.0, required_eb_n0_db=4.2, max_rate_bps=1e8)


def options(**changes) -> dict:
    """Arguments of `contact_plan`; those of rules may stand among them."""
    rules = {name: changes.pop(name) for name in list(changes) if name in ContactRules.__dataclass_fields__}
    defaults = {
        "constellation": WALKER,
        "stations": (SVALBARD, POLE),
        "isl": FixedRate(rate_bps=1e8),
        "ground": FixedRate(rate_bps=1e6),
        "epoch_utc": EPOCH_UTC,
        "duration_s": DURATION_S,
        "rules": ContactRules(**rules),
    }
    return defaults | changes


def plan(**changes) -> ContactPlan:
    return contact_plan(**options(**changes))


@pytest.fixture(scope="module")
def whole() -> ContactPlan:
    return plan()


@pytest.fixture(scope="module")
def crossed() -> ContactPlan:
    return plan(constellation=CROSSED)


def contact_s(plan: ContactPlan) -> float:
    return float((plan.table["end_s"] - plan.table["start_s"]).sum())


def assert_same_contacts(found: ContactPlan, expected: ContactPlan, off_s: float) -> None:
    assert len(found) == len(expected)
    ours, theirs = ({(row.a, row.b, round(row.start_s, 1)): row for row in each} for each in (found, expected))
    assert {key[:2] for key in ours} == {key[:2] for key in theirs}
    for name in ("start_s", "end_s"):
        np.testing.assert_allclose(np.sort(found.table[name]), np.sort(expected.table[name]), rtol=0, atol=off_s)
    for name in ("range_min_km", "range_max_km"):
        np.testing.assert_allclose(np.sort(found.table[name]), np.sort(expected.table[name]), rtol=1e-5)


def test_a_ring_sees_its_neighbours_always_and_no_one_else(whole: ContactPlan):
    """Eight in one plane at 786 km: neighbours at 2 r sin 22.5°, the next ones behind the Earth."""
    isl = [contact for contact in whole if contact.kind == "isl"]
    side_km = 2 * (6378.137 + 786) * np.sin(np.pi / 8)
    ring = {frozenset((f"sat-{k}", f"sat-{(k + 1) % 8}")) for k in range(8)}
    assert {frozenset((contact.a, contact.b)) for contact in isl} == ring
    for contact in isl:
        assert (contact.start_s, contact.end_s, contact.truncated) == (0.0, DURATION_S, True)
        assert (contact.range_min_km, contact.range_max_km) == pytest.approx((side_km, side_km), rel=1e-7)
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


@pytest.mark.parametrize("step_s", [20.0, 77.0, 300.0])
def test_the_plan_does_not_depend_on_the_step(crossed: ContactPlan, step_s: float):
    assert_same_contacts(plan(constellation=CROSSED, step_s=step_s), crossed, 2e-3)


def test_the_plan_does_not_depend_on_the_parts_it_is_made_in(crossed: ContactPlan, monkeypatch: pytest.MonkeyPatch):
    """Windows over several parts included; mean rates are promised to 0.5 % of the true one, however they are cut."""
    with_budget = plan(constellation=CROSSED, isl=BUDGET)
    monkeypatch.setattr(ephemeris, "BYTES_AT_ONCE", 1)
    assert_same_contacts(plan(constellation=CROSSED, step_s=60.0), crossed, 2e-3)
    in_parts = plan(constellation=CROSSED, isl=BUDGET, step_s=60.0)
    assert np.any((in_parts.table["start_s"] < 7200) & (in_parts.table["end_s"] > 7200))  # where a part ends
    order, other = (np.lexsort((each.table["start_s"], each.table["b"], each.table["a"]))
                    for each in (in_parts, with_budget))  # fmt: skip
    np.testing.assert_allclose(in_parts.table["rate_bps"][order], with_budget.table["rate_bps"][other], rtol=1e-2)


def test_a_plan_of_a_part_is_the_part_of_the_plan(whole: ContactPlan):
    half = plan(duration_s=DURATION_S / 2)
    within = whole.where(whole.table["start_s"] < DURATION_S / 2).table
    for name in ("a", "b"):
        np.testing.assert_array_equal(half.table[name], within[name])
    np.testing.assert_allclose(half.table["end_s"], np.minimum(within["end_s"], DURATION_S / 2), atol=2e-3)
    np.testing.assert_array_equal(
        half.table["truncated"], within["truncated"] | (within["end_s"] > DURATION_S / 2 - 1e-6)
    )


def test_links_left_out_make_no_contacts():
    assert set(plan(isl=None).table["kind"]) == {GROUND}
    assert set(plan(ground=None).table["kind"]) == {ISL}
    assert set(plan(stations=[]).table["kind"]) == {ISL}
    empty = plan(isl=None, ground=None)
    assert len(empty) == 0 and empty.nodes == (*WALKER.names, "svalbard", "pole") and empty.satellite_count == 8


def test_rules_reach_the_search(crossed: ContactPlan):
    assert set(plan(max_isl_range_km=5000.0).table["kind"]) == {GROUND}
    assert set(plan(blocking_altitude_km=322.0).table["kind"]) == {GROUND}
    near = plan(constellation=CROSSED, max_isl_range_km=3000.0).of_kind("isl")
    assert len(near) > 0 and near.table["range_max_km"].max() <= 3000.1
    named = plan(constellation=CROSSED, pairs=(("sat-9", "sat-0"),)).of_kind("isl")
    assert_same_contacts(named, crossed.between("sat-0", "sat-9"), 1e-6)
    few = plan(constellation=CROSSED, neighbours=2).of_kind("isl")
    assert 0 < len(few) < len(crossed.of_kind("isl"))


@pytest.mark.parametrize("engine", ["numpy", "numba", "closed_form"])
def test_who_waits_for_a_terminal_is_measured_from_when_it_begins(engine: EngineName):
    """Served as windows of the plan without terminals are; volumes and ranges from positions every half second."""
    link = replace(BUDGET, max_rate_bps=1e7)  # within 340 km: mean rates are less sure where none is the fastest
    asked = Planning(**options(constellation=CROSSED, isl=link, ground=None, stations=()))
    whole, few = found(asked, engine), found(replace(asked, rules=ContactRules(terminals=1)), engine)
    bodies, expected = served_alone(whole)
    for name, column in (("a", bodies.a), ("b", bodies.b), ("start_s", expected.start_s), ("end_s", expected.end_s)):
        np.testing.assert_array_equal(few.table[name], column)
    assert len(few) < 0.6 * len(whole)
    late = np.flatnonzero(expected.cut_start)
    assert len(late) > 100 and few.table["truncated"][late].all()
    orbits = asked.satellites().propagator
    for contact in few.where(np.isin(np.arange(len(few)), late[::5])):
        t_s = np.linspace(contact.start_s, contact.end_s, 2 + int(2 * (contact.end_s - contact.start_s)))
        a, b = (CROSSED.names.index(name) for name in (contact.a, contact.b))
        r_km = orbits.positions(t_s)
        range_km = np.linalg.norm(r_km[a] - r_km[b], axis=-1)
        assert contact.volume_bit == pytest.approx(np.trapezoid(link.rate_at(range_km), t_s), rel=0.01)
        assert (contact.range_min_km, contact.range_max_km) == pytest.approx((range_km.min(), range_km.max()), rel=1e-4)


def served_alone(whole: ContactPlan) -> tuple[Pairs, Windows]:
    """What one terminal each leaves of a plan of contacts between satellites, by its times alone."""
    table, none = whole.table, np.zeros(len(whole), np.bool_)
    row = np.arange(len(whole))
    left = served(Windows(row, table["start_s"], table["end_s"], none, none), Pairs(table["a"], table["b"]), 1)
    left = left.where(np.lexsort((table["b"][left.series], table["a"][left.series], left.start_s)))
    return Pairs(table["a"][left.series], table["b"][left.series]), left


def test_terminals_count_under_paseoss_convention_too():
    asked = Planning(**options(constellation=CROSSED, isl=BUDGET, rules=ContactRules(convention="paseos")))
    whole, few = found(asked), found(replace(asked, rules=replace(asked.rules, terminals=1)))
    bodies, expected = served_alone(whole.of_kind("isl"))
    np.testing.assert_array_equal(few.of_kind("isl").table["start_s"], expected.start_s)
    np.testing.assert_array_equal(few.of_kind("isl").table["b"], bodies.b)
    assert few.of_kind("ground") == whole.of_kind("ground"), "the antennas of stations are others"


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_what_opens_as_the_span_ends_is_no_contact(crossed: ContactPlan, engine: EngineName):
    """Its mean rate would be 0/0. Every span ends where a pass opens, to the microsecond."""
    asked = Planning(**options(constellation=CROSSED, isl=BUDGET, ground=BUDGET))
    for start_s in crossed.of_kind("ground").table["start_s"][20:36].tolist():
        short = found(replace(asked, duration_s=start_s), engine)
        assert (short.table["end_s"] > short.table["start_s"]).all()
        assert np.isfinite(short.table["rate_bps"]).all()


def test_short_windows_are_left_out(crossed: ContactPlan):
    longest = plan(constellation=CROSSED, min_duration_s=500.0)
    duration_s = crossed.table["end_s"] - crossed.table["start_s"]
    assert_same_contacts(longest, crossed.where(duration_s >= 500), 1e-6)
    assert 0 < len(longest) < len(crossed)


def test_a_budgets_volume_is_the_mean_rate_times_the_duration():
    found = plan(constellation=CROSSED, isl=BUDGET, ground=BUDGET)
    duration_s = found.table["end_s"] - found.table["start_s"]
    np.testing.assert_allclose(found.table["volume_bit"], found.table["rate_bps"] * duration_s, rtol=1e-12)
    slowest, fastest = (BUDGET.rate_at(found.table[name]) for name in ("range_max_km", "range_min_km"))
    assert np.all(found.table["rate_bps"] >= 0.995 * slowest)
    assert np.all(found.table["rate_bps"] <= 1.005 * fastest)
    assert found.table["rate_bps"].std() > 0


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_there_is_contact_only_where_a_budget_carries_its_lowest_rate(crossed: ContactPlan, engine: EngineName):
    """Against ranges at every second of the windows that a link without such a limit has."""
    far_bps, near_bps = BUDGET.rate_at(np.array([2500.0, 1500.0])).tolist()
    lowest = replace(BUDGET, min_rate_bps=far_bps)
    stepped = replace(BUDGET, max_rate_bps=None, steps_bps=(near_bps, 1.3 * near_bps))
    asked = Planning(**options(constellation=CROSSED, isl=lowest, ground=stepped))
    cut, channel = found(asked, engine), channel_of(asked)
    assert isinstance(channel, Ranged)
    pairs_and_passes = [(each.of_kind("isl"), each.of_kind("ground")) for each in (crossed, cut)]
    for link, whole, left in zip((lowest, stepped), *pairs_and_passes, strict=True):
        audible_s = 0
        for contact in whole:
            t_s = np.arange(contact.start_s + 0.5, contact.end_s)
            audible_s += int((link.rate_at(channel.range_km(contact, t_s)) > 0).sum())
        assert contact_s(left) == pytest.approx(audible_s, abs=0.3 * len(left))
        assert 0 < audible_s < 0.9 * contact_s(whole)
        assert left.table["range_max_km"].max() == pytest.approx(link.reach_km, rel=1e-6)


def test_a_search_tells_how_far_it_has_come(crossed: ContactPlan, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ephemeris, "BYTES_AT_ONCE", 1)  # in parts of two hours
    told: dict[str, list[int]] = {}
    asked = Planning(**options(constellation=CROSSED, max_isl_range_km=4000.0, step_s=60.0))
    found(asked, notify=lambda what, done, total: told.setdefault(what, [total]).append(done))
    assert set(told) == {"satellites in sight", "satellites in range", "passes"}
    for total, *done in told.values():
        assert total == done[-1] == DURATION_S
        assert len(set(done)) >= 3
        assert done == sorted(done)


@pytest.mark.parametrize("pairs_at_once", [1, 50, 1000])
def test_blocks_together_are_the_plan(crossed: ContactPlan, pairs_at_once: int):
    found = list(found_in_blocks(Planning(**options(constellation=CROSSED)), pairs_at_once=pairs_at_once))
    assert len(found) == -(-276 // pairs_at_once) + 1
    assert all(block.nodes == crossed.nodes and block.satellite_count == 24 for block in found)
    joined = {name: np.concatenate([block.table[name] for block in found]) for name in COLUMNS}
    order = np.lexsort((joined["b"], joined["a"], joined["start_s"]))
    for name in COLUMNS:
        np.testing.assert_array_equal(joined[name][order], crossed.table[name], err_msg=name)


def test_blocks_refuse_terminals():
    with pytest.raises(ScenarioError, match=r"^terminals cannot be counted block by block"):
        next(found_in_blocks(Planning(**options(terminals=1))))


ONE = Walker(total=1, planes=1, phasing=0, altitude_km=786, inclination_deg=98.62)
TWO = Walker(total=2, planes=2, phasing=1, altitude_km=786, inclination_deg=60)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("duration_s", [1e-3, 1.0, 179.0, 180.0, 181.0, 5000.5])
@pytest.mark.parametrize("constellation", [ONE, TWO], ids=["one", "two"])
def test_spans_and_constellations_of_any_size(constellation: Walker, duration_s: float, engine: str):
    """What is open in a short span is what is open then in a long one, cut."""
    long = plan(constellation=constellation, duration_s=6000.0)
    short = plan(constellation=constellation, duration_s=duration_s, engine=engine)
    expected = long.where(long.table["start_s"] < duration_s).table
    for name in ("a", "b", "kind"):
        np.testing.assert_array_equal(short.table[name], expected[name])
    np.testing.assert_allclose(short.table["start_s"], expected["start_s"], rtol=0, atol=2e-3)
    np.testing.assert_allclose(short.table["end_s"], np.minimum(expected["end_s"], duration_s), rtol=0, atol=2e-3)


def test_two_satellites_without_stations():
    found = plan(constellation=TWO, stations=[], duration_s=43_200.0)
    assert found.nodes == ("sat-0", "sat-1")
    assert set(zip(found.table["a"].tolist(), found.table["b"].tolist(), strict=True)) <= {(0, 1)}
    assert len(plan(constellation=ONE, stations=[])) == 0


def test_stations_may_be_given_in_any_sequence(whole: ContactPlan):
    assert plan(stations=[SVALBARD, POLE]) == whole


@dataclass(frozen=True)
class Doubled:
    """A constellation that gives one name to two satellites."""

    kind: str = field(default="walker", init=False)

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        return Satellites(("one", "one"), TWO.propagator())


def at_perigee(altitude_km: float) -> Keplerian:
    """Two satellites, of which the second comes down so far an hour into the span."""
    axis_km = 26_554.0
    eccentricity = 1 - (6378.137 + altitude_km) / axis_km
    orbits = [
        Elements(name="high", semi_major_axis_km=8000, inclination_deg=50),
        Elements(
            name="dipping",
            semi_major_axis_km=axis_km,
            eccentricity=eccentricity,
            inclination_deg=63.4,
            mean_anomaly_deg=330.0,
        ),
    ]
    return Keplerian(orbits=tuple(orbits))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_s": 0.0}, "^duration_s is 0.0, but it must be 0.001 at least and at most 366 days"),
        ({"duration_s": -5.0}, "^duration_s is -5.0, but"),
        ({"duration_s": float("nan")}, "^duration_s is nan, but"),
        ({"duration_s": 367 * 86_400.0}, "^duration_s is 31708800.0, but"),
        ({"stations": [SVALBARD, SVALBARD]}, "given twice: svalbard. Rename them"),
        (
            {"stations": [GroundStation(name="sat-3", latitude_deg=0, longitude_deg=0)]},
            "given twice: sat-3. Rename them",
        ),
        ({"constellation": Doubled()}, "these come twice: one. Rename them"),
        ({"blocking_altitude_km": 790.0}, "^sat-[0-7] comes down to 7164.1 km from the Earth's centre, but the sphere"),
        (
            {"constellation": at_perigee(300.0), "blocking_altitude_km": 320.0},
            "^dipping comes down to 66.* lower blocking_altitude_km",
        ),
        ({"pairs": (("sat-0", "moon"),)}, "^pairs names moon, but"),
        ({"epoch_utc": datetime(2018, 5, 18)}, "^epoch_utc is .* without a time zone"),
        ({"epoch_utc": datetime(1900, 5, 18, tzinfo=UTC)}, "^epoch_utc is 1900"),
        ({"constellation": Keplerian(orbits=())}, "^The constellation is empty"),
    ],
)
def test_impossible_plans_are_refused(changes: dict, message: str):
    with pytest.raises(ScenarioError, match=message):
        plan(**changes)


def test_an_orbit_within_the_sphere_needs_no_sight_to_the_ground():
    """The sphere hides satellites from each other only."""
    found: Iterable = plan(isl=None, blocking_altitude_km=790.0)
    assert {contact.kind for contact in found} == {"ground"}


def test_passes_beyond_memory_are_refused_before_anything_is_sampled():
    crowd = Walker(total=60_000, planes=60, phasing=0, altitude_km=786, inclination_deg=60)
    said = (
        r"^0 pairs of satellites and 120000 with stations over 366 days make a plan of some 35 GB; take fewer stations"
    )
    with pytest.raises(ScenarioError, match=said):
        found(Planning(**options(constellation=crowd, isl=None, duration_s=366 * 86_400.0)))
