"""The twin against PASEOS, against brute force, and against its own books."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.contacts.shadow import eclipses
from orbitfl.environment import Activity, Battery, Environment, Limits, Paseos, Radiation, Reason, Spell, ThermalNode
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.sun import sun
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
DAY_S = 86_400.0
WALKER = Walker(total=4, planes=2, phasing=1, altitude_km=786.0, inclination_deg=98.62)
ECCENTRIC = Keplerian(
    orbits=tuple(
        Elements(
            name=f"ellipse-{number}",
            semi_major_axis_km=7000.0 + 400.0 * number,
            inclination_deg=30.0 + 25.0 * number,
            eccentricity=0.01 + 0.04 * number,
            raan_deg=80.0 * number,
            argp_deg=50.0 * number,
        )
        for number in range(3)
    )
)
KINDS: dict[str, type[Paseos] | type[Battery]] = {"paseos": Paseos, "battery": Battery}


def fly(bus: Paseos | Battery, constellation: Walker | Keplerian = WALKER, **options: Any) -> Any:
    """The fleet of a constellation at launch."""
    satellites = constellation.satellites(EPOCH_UTC, 2 * DAY_S)
    return bus.start(satellites.propagator, satellites.names, EPOCH_UTC, **options)


WORK: Sequence[tuple[Activity, float, float]] = (
    (Activity.TRAINING, 30.0, 611.7),
    (Activity.STANDBY, 5.0, 1500.0),
    (Activity.EXCHANGE, 10.0, 7.76),
    (Activity.INFERENCE, 25.0, 333.3),
    (Activity.DOWNLINK, 60.0, 180.0),
)


def work(fleet: Environment, node: int, until_s: float, start_s: float = 0.0) -> Iterator[Spell]:
    """All sorts of activity by turns; what ends early, is waited for in standby."""
    at_s = start_s
    while at_s < until_s:
        for activity, power_w, span_s in WORK:
            at_s = min(at_s + span_s + node, until_s)
            spell = fleet.advance(node, at_s, activity, power_w)
            yield spell
            if spell.end_s < at_s:
                yield fleet.advance(node, at_s, Activity.STANDBY, 5.0)


@pytest.mark.parametrize("constellation", [WALKER, ECCENTRIC], ids=["circles", "ellipses"])
@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        ({"charging_w": 30.0}, {None}),
        ({"initial_charge": 0.14, "charging_w": 12.0}, {None, Reason.LOW_CHARGE}),
        ({"charging_w": 30.0, "limits": Limits(stop_max_c=12.0)}, {None, Reason.TOO_HOT}),
        ({"battery_j": 9000.0, "limits": Limits(stop_min_charge=0.0)}, {None, Reason.EMPTY}),
    ],
    ids=["roomy", "low", "hot", "small"],
)
def test_steps_end_where_those_of_paseos_do(
    constellation: Walker | Keplerian, options: dict[str, Any], reasons: set[Reason | None]
):
    seen = set()
    theirs, ours = (fly(kind(convention="paseos", **options), constellation) for kind in (Paseos, Battery))
    for node in range(len(theirs.states())):
        expected, found = (list(work(fleet, node, DAY_S)) for fleet in (theirs, ours))
        assert [(spell.end_s, spell.reason) for spell in found] == [(spell.end_s, spell.reason) for spell in expected]
        for name in ("charge_end", "temperature_end_k", "consumed_j", "charged_j", "clipped_j", "eclipse_s", "off_s"):
            theirs_mine = [[getattr(spell, name) for spell in spells] for spells in (expected, found)]
            np.testing.assert_allclose(*theirs_mine, rtol=1e-9, atol=1e-6, err_msg=name)
        seen |= {spell.reason for spell in found}
    assert seen == reasons


def test_radiation_strikes_the_stepped_twin_as_it_strikes_paseos():
    radiation = Radiation(restarts_per_s=1e-3, failures_per_s=3e-5)
    fleets = [fly(kind(convention="paseos", radiation=radiation), WALKER, seed=5) for kind in (Paseos, Battery)]
    reasons = set()
    for node in range(4):
        expected, found = (list(work(fleet, node, DAY_S)) for fleet in fleets)
        assert [(each.end_s, each.reason) for each in found] == [(each.end_s, each.reason) for each in expected]
        reasons |= {spell.reason for spell in found}
    assert {Reason.RESTARTED, Reason.FAILED, None} <= reasons
    states = [fleet.states() for fleet in fleets]
    assert [state.draws for state in states[0]] == [state.draws for state in states[1]]
    assert [state.failed_s for state in states[0]] == [state.failed_s for state in states[1]]


@pytest.mark.parametrize("constellation", [WALKER, ECCENTRIC], ids=["circles", "ellipses"])
def test_closed_forms_end_where_tiny_steps_do(constellation: Walker | Keplerian):
    """Half a second each, with a shadow of their own: the cone from the Sun's centre."""
    bus, until_s, step_s = Battery(charging_w=30.0, initial_charge=0.9), 12_000.0, 0.5
    fleet, satellites = fly(bus, constellation), constellation.satellites(EPOCH_UTC, DAY_S)
    t_s = np.arange(0.0, until_s, step_s) + step_s / 2
    thermal, power_w, clipped_j = bus.thermal, {Activity.TRAINING: 30.0, Activity.STANDBY: 5.0}, 0.0
    for node, r_km in enumerate(satellites.propagator.positions(t_s)):
        lit = is_lit(r_km, sun(EPOCH_UTC).positions(t_s)[0], bus.sphere_km)
        view = bus.sphere_km**2 / np.sum(r_km**2, axis=-1)
        stored_j, heat_k = bus.initial_charge * bus.battery_j, thermal.initial_temperature_k
        for number, activity in enumerate([Activity.TRAINING, Activity.STANDBY] * 3):
            spell = fleet.advance(node, 2000.0 * (number + 1), activity, power_w[activity])
            for k in range(4000 * number, 4000 * (number + 1)):
                offered_j = stored_j + (bus.charging_w * lit[k] - power_w[activity]) * step_s
                stored_j = min(offered_j, bus.battery_j)
                clipped_j += offered_j - stored_j
                received_w = thermal.sunlit_w * lit[k] + thermal.infrared_w * view[k] + 0.5 * power_w[activity]
                heat_k += (received_w - thermal.emission_w_k4 * heat_k**4) * step_s / thermal.capacity_j_k
            assert spell.charge_end * bus.battery_j == pytest.approx(stored_j, abs=60.0)
            assert spell.temperature_end_k == pytest.approx(heat_k, abs=3e-3)
    assert clipped_j > 1000


def is_lit(r_km: np.ndarray, sun_km: np.ndarray, radius_km: float) -> np.ndarray:
    to_sun = sun_km - r_km
    along = -np.sum(r_km * to_sun, axis=-1) / np.linalg.norm(to_sun, axis=-1)
    across_km = np.sqrt(np.sum(r_km**2, axis=-1) - along**2)
    return (along < 0) | (across_km > radius_km)


def test_dark_time_is_that_of_the_table_of_eclipses():
    fleet, until_s = fly(Battery()), 30_000.0
    table = eclipses(WALKER, epoch_utc=EPOCH_UTC, duration_s=until_s, kinds=["centre"]).table
    for node in range(WALKER.total):
        spells = list(work(fleet, node, until_s))
        mine = table["satellite"] == node
        expected_s = float(np.sum(table["end_s"][mine] - table["start_s"][mine]))
        assert sum(spell.eclipse_s for spell in spells) == pytest.approx(expected_s, abs=1e-3)
        assert sum(spell.charged_j for spell in spells) == pytest.approx(20.0 * (until_s - expected_s), abs=0.05)


def test_work_stops_at_the_very_instant():
    bus = Battery(initial_charge=0.3, charging_w=1e-9)
    spell = fly(bus).advance(0, DAY_S, Activity.TRAINING, 30.0)
    assert spell.reason is Reason.LOW_CHARGE
    assert spell.end_s == pytest.approx(0.2 * bus.battery_j / 30.0, rel=1e-9)
    assert spell.charge_end == pytest.approx(0.1, rel=1e-12)


def test_work_stops_at_the_very_temperature():
    fleet = fly(Battery(initial_charge=1.0, thermal=ThermalNode(mass_kg=0.1)))
    spell = fleet.advance(0, DAY_S, Activity.TRAINING, 80.0)
    assert (spell.reason, spell.temperature_end_k) == (Reason.TOO_HOT, 65.0 + 273.15)
    assert fleet.allows(0, Activity.TRAINING) is Reason.TOO_HOT
    fleet.advance(0, spell.end_s + 3600.0, Activity.STANDBY, 5.0)
    assert fleet.allows(0, Activity.EXCHANGE) is None


def test_an_empty_satellite_works_for_as_long_as_its_panels_feed_it():
    fleet = fly(Battery(initial_charge=0.0, charging_w=1.0))
    spell = fleet.advance(0, 21_600.0, Activity.STANDBY, 5.0)
    assert (spell.end_s, spell.reason, spell.charge_end) == (21_600.0, None, 0.0)
    lit_s = 21_600.0 - spell.eclipse_s
    assert spell.consumed_j == spell.charged_j == pytest.approx(lit_s)
    assert spell.off_s == pytest.approx(spell.eclipse_s + 0.8 * lit_s)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["physical", "paseos"])
def test_a_satellite_that_runs_empty_is_a_recorded_event_and_the_others_go_on(kind: str, convention: Any):
    bus = KINDS[kind](convention=convention, battery_j=3000.0, limits=Limits(stop_min_charge=0.0))
    fleet = fly(bus)
    spell = fleet.advance(0, 3600.0, Activity.TRAINING, 90.0)
    assert spell.reason is Reason.EMPTY and 0 < spell.end_s < 100
    assert fleet.allows(0, Activity.TRAINING) is Reason.LOW_CHARGE
    assert fleet.advance(0, 3600.0, Activity.STANDBY, 5.0).end_s == 3600.0
    assert fleet.advance(1, 3600.0, Activity.STANDBY, 5.0).reason is None


ACTIONS = st.lists(
    st.tuples(st.sampled_from(list(Activity)), st.sampled_from([0.0, 5.0, 21.0, 90.0]), st.floats(0, 2500)),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["physical", "paseos"])
@settings(max_examples=12, deadline=None)
@given(actions=ACTIONS, battery_j=st.sampled_from([3000.0, 40_000.0, 277_200.0]), charge=st.floats(0, 1))
def test_every_joule_of_every_activity_is_in_the_books(
    kind: str, convention: Any, actions: list[tuple[Activity, float, float]], battery_j: float, charge: float
):
    bus = KINDS[kind](convention=convention, battery_j=battery_j, initial_charge=charge)
    fleet, spells, at_s = fly(bus), list[Spell](), 0.0
    before_j = fleet.states()[0].stored_j
    for activity, power_w, span_s in actions:
        start_s, at_s = fleet.states()[0].now_s, max(at_s, fleet.states()[0].now_s) + span_s
        stored_j = fleet.states()[0].stored_j
        spell = fleet.advance(0, at_s, activity, power_w)
        spells.append(spell)
        assert spell.start_s == start_s and start_s <= spell.end_s <= at_s
        assert (spell.end_s == at_s) or spell.reason is not None
        after_j = stored_j + spell.charged_j - spell.clipped_j - spell.consumed_j
        assert fleet.states()[0].stored_j == pytest.approx(after_j, rel=1e-9, abs=1e-6)
        assert spell.charge_end == fleet.states()[0].stored_j / battery_j
        assert 0 <= fleet.states()[0].stored_j <= battery_j
        assert 0 <= spell.clipped_j <= spell.charged_j + 1e-9
        assert 0 <= spell.eclipse_s <= spell.end_s - start_s + 1e-9
        # PASEOS's clock resolves 0.1 µs.
        fed_s = spell.end_s - start_s - spell.off_s
        assert spell.consumed_j == pytest.approx(power_w * fed_s, rel=1e-9, abs=1e-4)
    by_activity = {activity: [spell for spell in spells if spell.activity is activity] for activity in Activity}
    gained_j = {
        activity: sum(spell.charged_j - spell.clipped_j - spell.consumed_j for spell in mine)
        for activity, mine in by_activity.items()
    }
    assert fleet.states()[0].stored_j == pytest.approx(before_j + sum(gained_j.values()), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("convention", ["physical", "paseos"])
@pytest.mark.parametrize("radiation", [Radiation(), Radiation(restarts_per_s=3e-4, failures_per_s=2e-5)])
def test_a_fleet_at_once_is_its_satellites_one_by_one(convention: Any, radiation: Radiation):
    bus = Battery(convention=convention, charging_w=9.0, initial_charge=0.3, radiation=radiation)
    alone, together = fly(bus, ECCENTRIC), fly(bus, ECCENTRIC)
    for hour in range(1, 13):
        for activity, power_w in ((Activity.TRAINING, np.array([30.0, 20.0, 2.0])), (Activity.STANDBY, 5.0)):
            until_s = 3600.0 * hour - (0.0 if activity is Activity.STANDBY else 1800.0)
            watts = np.broadcast_to(power_w, 3).tolist()
            expected = [alone.advance(node, until_s, activity, watts[node]) for node in range(3)]
            found = together.advance_all(until_s, activity, power_w)
            assert [spell.reason for spell in found] == [spell.reason for spell in expected]
            for one, other in zip(expected, found, strict=True):
                for name in ("end_s", "consumed_j", "charged_j", "charge_end", "temperature_end_k", "eclipse_s"):
                    assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-10, abs=1e-6), name


@pytest.mark.parametrize("convention", ["physical", "paseos"])
def test_a_run_repeats_and_resumes_bit_by_bit(convention: Any):
    bus = Battery(convention=convention, radiation=Radiation(restarts_per_s=3e-4, failures_per_s=1e-5))
    whole, broken = (fly(bus, seed=3, duration_s=DAY_S) for _ in range(2))
    for node in range(4):
        assert list(work(whole, node, 20_000.3)) == list(work(broken, node, 20_000.3))
    resumed = fly(bus, seed=3, duration_s=DAY_S, states=broken.states())
    assert resumed.states() == whole.states()
    for node in range(4):
        assert list(work(resumed, node, 60_000.0, 20_000.3)) == list(work(whole, node, 60_000.0, 20_000.3))
    assert resumed.states() == whole.states()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["physical", "paseos"])
def test_a_failed_satellite_is_off_for_good_and_the_others_go_on(kind: str, convention: Any):
    radiation = Radiation(failures_per_s=1e-4)
    fleet = fly(KINDS[kind](convention=convention, radiation=radiation), seed=1, duration_s=DAY_S)
    before = [fleet.advance(node, 9000.0, Activity.STANDBY, 5.0) for node in range(4)]
    dead = [node for node in range(4) if before[node].reason is Reason.FAILED]
    assert 0 < len(dead) < 4
    for node in range(4):
        assert before[node].end_s == 9000.0
        failed_s = fleet.states()[node].failed_s
        assert (failed_s is not None) == (node in dead)
        assert fleet.allows(node, Activity.STANDBY) is None
        assert fleet.allows(node, Activity.TRAINING) is (Reason.FAILED if node in dead else None)
        if failed_s is not None:
            assert 0 <= failed_s < 9000.0
            assert before[node].consumed_j == pytest.approx(5.0 * failed_s, abs=1e-3)
            later = fleet.advance(node, 9100.0, Activity.STANDBY, 5.0)
            assert (later.end_s, later.reason, later.consumed_j, later.charged_j) == (9100.0, Reason.FAILED, 0.0, 0.0)
            assert later.charge_end == before[node].charge_end
            refused = fleet.advance(node, 9200.0, Activity.TRAINING, 30.0)
            assert (refused.end_s, refused.reason) == (9100.0, Reason.FAILED)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convention", ["physical", "paseos"])
def test_restarts_end_work_and_come_as_often_as_they_should(kind: str, convention: Any):
    rate_per_s = 1 / 200
    bus = KINDS[kind](convention=convention, radiation=Radiation(restarts_per_s=rate_per_s), initial_charge=1.0)
    fleet, restarts, worked_s, at_s = fly(bus, duration_s=DAY_S), 0, 0.0, 0.0
    while at_s < 40_000.0:
        spell = fleet.advance(0, at_s + 500.0, Activity.INFERENCE, 5.0)
        assert spell.reason in (None, Reason.RESTARTED)
        restarts, worked_s = restarts + (spell.reason is not None), worked_s + spell.end_s - at_s
        at_s = max(spell.end_s, at_s + 1.0)
        fleet.advance(0, at_s, Activity.STANDBY, 5.0)
    expected = rate_per_s * worked_s
    assert abs(restarts - expected) < 4 * expected**0.5 + ceil(expected * 10 * rate_per_s / 2)


def test_seeds_and_satellites_have_fates_of_their_own():
    bus = Battery(radiation=Radiation(failures_per_s=1e-4))
    failed_s = []
    for seed in (0, 1):
        fleet = fly(bus, seed=seed, duration_s=DAY_S)
        fleet.advance_all(DAY_S, Activity.STANDBY, 1.0)
        failed_s += [state.failed_s for state in fleet.states()]
    assert len(set(failed_s)) == 8


def test_blocks_of_an_hour_are_as_good_as_the_whole_mission():
    hourly, whole = fly(Battery(), ECCENTRIC), fly(Battery(), ECCENTRIC, duration_s=DAY_S)
    for node in range(3):
        for one, other in zip(work(hourly, node, DAY_S), work(whole, node, DAY_S), strict=True):
            assert one.charge_end == pytest.approx(other.charge_end, abs=1e-8)
            assert one.temperature_end_k == pytest.approx(other.temperature_end_k, abs=1e-3)


def test_clocks_move_alone_and_never_back():
    fleet = fly(Battery())
    fleet.advance(0, 100.0, Activity.STANDBY, 5.0)
    assert [state.now_s for state in fleet.states()] == [100.0, 0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="cannot go back"):
        fleet.advance(0, 99.0, Activity.STANDBY, 5.0)
    with pytest.raises(ValueError, match="cannot go back"):
        fleet.advance_all(99.0, Activity.STANDBY, 5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_vitals_are_known_at_launch(kind: str):
    ring = replace(WALKER, total=6)
    found = [fly(KINDS[kind](), ring).vitals(node).in_eclipse for node in range(6)]
    r_km = ring.propagator().positions([0.0])[:, 0]
    expected = ~is_lit(r_km, sun(EPOCH_UTC).positions([0.0])[0], Battery().sphere_km)
    assert found == expected.tolist() and any(found)


def test_vitals_see_the_shadow():
    fleet, t_s = fly(Battery()), np.arange(1.0, 7000.0, 10.0)
    satellites = WALKER.satellites(EPOCH_UTC, DAY_S)
    lit = is_lit(satellites.propagator.positions(t_s)[0], sun(EPOCH_UTC).positions(t_s)[0], Battery().sphere_km)
    dark = np.empty(len(t_s), np.bool_)
    for sample, at_s in enumerate(t_s.tolist()):
        fleet.advance(0, at_s, Activity.STANDBY, 5.0)
        dark[sample] = fleet.vitals(0).in_eclipse
    assert 0.1 < dark.mean() < 0.5
    np.testing.assert_array_equal(dark, ~lit)


def test_the_conventions_differ_by_the_ecliptic_sun():
    summer = datetime(2018, 6, 21, tzinfo=UTC)
    walker = replace(WALKER, altitude_km=550.0, inclination_deg=53.0)
    shares = []
    for convention in ("physical", "paseos"):
        fleet = Battery(convention=convention).start(walker.propagator(), walker.names, summer, duration_s=DAY_S)
        spells = fleet.advance_all(DAY_S, Activity.STANDBY, 5.0)
        shares.append(np.array([spell.eclipse_s for spell in spells]) / DAY_S)
    assert np.abs(shares[0] - shares[1]).max() > 0.02
