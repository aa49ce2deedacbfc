"""Fleets in real PASEOS: its numbers, its limits, its energy, and its manners."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from skyfield.api import load
from skyfield.jpllib import SpiceKernel
from skyfield.positionlib import Geocentric

from orbitfl.environment import Activity, Limits, Paseos, Radiation, Reason, Spell, ThermalNode
from orbitfl.environment.paseos import PaseosFleet
from orbitfl.environment.plain_paseos import plain_simulations
from orbitfl.errors import ScenarioError
from orbitfl.orbit.keplerian import Elements, Keplerian
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
SIX_HOURS_S = 21600.0
STANDBY_W, TRAINING_W = 5.0, 30.0


def start(options: Paseos, total: int = 1) -> PaseosFleet:
    """`total` satellites of the paper's first scenario."""
    walker = Walker(total=total, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
    return options.start(walker.propagator(), walker.names, EPOCH_UTC)


def work(fleet: PaseosFleet, total: int, until_s: float) -> list[Spell]:
    """Training and standby by turns, at odd times, each satellite on its own."""
    spells = []
    for node in range(total):
        at_s = fleet.states()[node].now_s
        while at_s < until_s:
            for activity, power_w in ((Activity.TRAINING, TRAINING_W), (Activity.STANDBY, STANDBY_W)):
                at_s = min(at_s + 611.7 + node, until_s)
                spells.append(fleet.advance(node, at_s, activity, power_w))
    return spells


@pytest.mark.parametrize(("total", "initial_charge"), [(8, 0.5), (2, 0.98), (2, 0.0)])
def test_every_joule_is_accounted_for(total: int, initial_charge: float):
    options = Paseos(initial_charge=initial_charge)
    fleet = start(options, total)
    spells = work(fleet, total, SIX_HOURS_S)
    for node, state in enumerate(fleet.states()):
        mine = [spell for spell in spells if spell.node == node]
        gained_j = sum(spell.charged_j - spell.clipped_j - spell.consumed_j for spell in mine)
        assert state.now_s == SIX_HOURS_S
        assert state.stored_j == pytest.approx(initial_charge * options.battery_j + gained_j, rel=1e-6)
        assert mine[-1].charge_end == state.stored_j / options.battery_j
        assert all(0 <= spell.clipped_j <= spell.charged_j for spell in mine)
    assert any(spell.clipped_j > 0 for spell in spells) == (initial_charge == 0.98)
    assert any(spell.reason is Reason.LOW_CHARGE for spell in spells) == (initial_charge == 0.0)


def test_power_drawn_is_power_consumed_and_panels_give_what_they_can():
    fleet = start(Paseos())
    spell = fleet.advance(0, 1234.5, Activity.TRAINING, TRAINING_W)
    assert (spell.start_s, spell.end_s, spell.reason) == (0.0, 1234.5, None)
    assert spell.consumed_j == pytest.approx(TRAINING_W * 1234.5, rel=1e-9)
    assert 0 <= spell.charged_j <= 20.0 * 1234.5


def test_battery_and_temperature_are_bit_identical_to_plain_paseos():
    ours, unrepaired = start(Paseos()), start(Paseos())
    spell = ours.advance(0, 5400.0, Activity.TRAINING, TRAINING_W)
    simulation = unrepaired._crafts[0].simulation
    del simulation.local_actor._central_body.blocks_sun  # PASEOS's own method comes back
    assert simulation.advance_time(5400.0, TRAINING_W) == 0
    assert 0 < spell.charged_j < 0.9 * 20.0 * 5400.0, "the span must hold sunlight and shadow"
    assert ours.states()[0].stored_j == simulation.local_actor.battery_level_in_Ws
    assert ours.states()[0].temperature_k == simulation.local_actor.temperature_in_K
    assert ours._crafts[0].simulation.simulation_time == simulation.simulation_time


def test_shadows_are_those_of_plain_paseos():
    craft = start(Paseos())._crafts[0]
    body, epoch = craft.actor._central_body, sys.modules["pykep"].epoch
    instants = [epoch((craft.epoch_s + t_s) / 86400.0) for t_s in np.linspace(0, 86400, 1000).tolist()]
    ours = [body.blocks_sun(craft.actor, at) for at in instants]
    theirs = [type(body).blocks_sun(body, craft.actor, at) for at in instants]
    assert ours == theirs and 0.2 < np.mean(ours) < 0.5


def plain(options: Paseos, epoch_utc: datetime = EPOCH_UTC) -> Any:
    """The PASEOS instance of a user without orbitfl, on the orbit of `start`."""
    walker = Walker(total=1, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
    return plain_simulations(options, walker.propagator(), walker.names, epoch_utc)[0]


def test_under_its_own_convention_everything_is_that_of_plain_paseos():
    options = Paseos(convention="paseos")
    simulation, fleet = plain(options), start(options)
    spells = []
    for until_s, power_w in ((2500.0, TRAINING_W), (4000.0, STANDBY_W), (5433.3, TRAINING_W)):
        assert simulation.advance_time(until_s - fleet.states()[0].now_s, power_w) == 0
        spells.append(fleet.advance(0, until_s, Activity.TRAINING, power_w))
        assert spells[-1].charge_end == simulation.local_actor.state_of_charge
        assert spells[-1].temperature_end_k == simulation.local_actor.temperature_in_K
        assert fleet._crafts[0].simulation.simulation_time == simulation.simulation_time
    assert 0 < sum(spell.charged_j for spell in spells) < 0.9 * 20.0 * 5433.3, "there must be sunlight and shadow"


def test_the_ecliptic_sun_is_repaired_and_reproduced_on_demand():
    """At solstice the two Suns part: plain PASEOS sees eclipses where the sky has none, and the other way round."""
    solstice, walker = (
        datetime(2018, 6, 21, tzinfo=UTC),
        Walker(total=1, planes=1, phasing=0, altitude_km=550.0, inclination_deg=53.0, raan_deg=30.0),
    )
    theirs = plain_simulations(Paseos(), walker.propagator(), walker.names, solstice)[0].local_actor
    dark, epoch = {}, sys.modules["pykep"].epoch
    for convention in ("physical", "paseos"):
        fleet = Paseos(convention=convention).start(walker.propagator(), walker.names, solstice)
        t_s, dark[convention] = np.arange(5.0, 6000.0, 15.0), []
        for at_s in t_s.tolist():
            fleet.advance(0, at_s, Activity.STANDBY, STANDBY_W)
            dark[convention].append(fleet.vitals(0).in_eclipse)
    start_s = (solstice - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds()
    plainly = [theirs.is_in_eclipse(epoch((start_s + at_s) / 86400.0)) for at_s in t_s.tolist()]
    assert dark["paseos"] == plainly
    assert np.mean(np.array(dark["physical"]) != plainly) > 0.05


def test_under_its_own_convention_the_label_of_the_epoch_counts_as_its_time():
    since_2000_s = (EPOCH_UTC - datetime(2000, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    assert plain(Paseos()).simulation_time == since_2000_s
    assert start(Paseos(convention="paseos"))._crafts[0].simulation.simulation_time == since_2000_s
    repaired_s = start(Paseos())._crafts[0].simulation.simulation_time
    assert repaired_s - since_2000_s == pytest.approx(69.184, abs=1e-6)


def test_its_own_sphere_is_used_under_its_own_convention():
    planet = start(Paseos(convention="paseos"))._crafts[0].actor._central_body._planet
    assert planet.radius == plain(Paseos()).local_actor._central_body._planet.radius == 6_378_000.0
    assert start(Paseos())._crafts[0].actor._central_body._planet.radius == pytest.approx(6_378_136.6)


def test_an_altitude_is_never_stale_unless_paseos_is_asked_for():
    orbit = Keplerian(orbits=(Elements(name="e", semi_major_axis_km=10_000.0, eccentricity=0.3, inclination_deg=20),))
    fresh = {}
    for convention in ("physical", "paseos"):
        fleet = Paseos(convention=convention).start(orbit.satellites(EPOCH_UTC, 7200.0).propagator, ["e"], EPOCH_UTC)
        actor, epoch = fleet._crafts[0].actor, sys.modules["pykep"].epoch
        actor.get_altitude()
        later = epoch(actor.local_time.mjd2000 + 1500.0 / 86400.0)
        there_m = float(np.linalg.norm(actor.get_position_velocity(later)[0]))
        fresh[convention] = actor.get_altitude(later) == pytest.approx(there_m, rel=1e-12)
    assert fresh == {"physical": True, "paseos": False}


def test_radiation_leaves_numpys_own_generator_alone():
    before = global_random_state()
    fleet = start(Paseos(radiation=Radiation(restarts_per_s=0.01, failures_per_s=1e-3)), total=2)
    reasons = {fleet.advance(0, 500.0 * n, Activity.TRAINING, TRAINING_W).reason for n in range(1, 20)}
    assert Reason.FAILED in reasons
    assert global_random_state() == before


def test_a_restart_is_over_when_it_is_over():
    fleet = start(Paseos(radiation=Radiation(restarts_per_s=0.01)))
    ends_s, at_s = [], 0.0
    for _ in range(30):
        spell = fleet.advance(0, at_s + 1000.0, Activity.TRAINING, 5.0)
        if spell.reason is Reason.RESTARTED:
            ends_s.append(spell.end_s)
        assert not fleet._crafts[0].actor.was_interrupted
        at_s = spell.end_s + 10.0
        assert fleet.advance(0, at_s, Activity.STANDBY, STANDBY_W).reason is None
        assert fleet._crafts[0].simulation.simulation_time == pytest.approx(fleet._crafts[0].epoch_s + at_s, abs=1e-6)
    assert len(ends_s) > 20


def test_no_clock_on_the_wall_is_asked(monkeypatch: pytest.MonkeyPatch):
    fleet = start(Paseos())

    def forbidden(*_args: object) -> float:
        raise AssertionError("PASEOS asked for the time on the wall")

    for name in ("time", "monotonic", "perf_counter", "sleep"):
        monkeypatch.setattr(f"time.{name}", forbidden)
    spell = fleet.advance(0, 600.0, Activity.TRAINING, TRAINING_W)
    monkeypatch.undo()
    simulation = fleet._crafts[0].simulation
    assert spell.end_s == 600.0
    assert not simulation.is_running_activity and not simulation._activity_manager._activities


def test_what_the_operations_monitor_would_log_is_in_our_records():
    fleet = start(Paseos())
    simulation = fleet._crafts[0].simulation
    for at_s in np.arange(600.0, 7200.0, 600.0).tolist():
        spell, vitals = fleet.advance(0, at_s, Activity.TRAINING, 15.0), fleet.vitals(0)
        simulation.log_status()
        seconds = simulation.monitor["timesteps"][-1] - fleet._crafts[0].epoch_s
        assert spell.end_s == pytest.approx(seconds, abs=1e-6)
        assert spell.charge_end == vitals.charge == simulation.monitor["state_of_charge"][-1]
        assert spell.temperature_end_k == vitals.temperature_k == simulation.monitor["temperature"][-1]
        assert vitals.in_eclipse == fleet._crafts[0].actor.is_in_eclipse()
    assert len(simulation.monitor["timesteps"]) == 11, "PASEOS itself kept nothing"


def test_training_stops_when_the_battery_runs_low():
    fleet = start(Paseos(initial_charge=0.3))
    assert fleet.allows(0, Activity.TRAINING) is None
    spell = fleet.advance(0, SIX_HOURS_S, Activity.TRAINING, TRAINING_W)
    assert spell.reason is Reason.LOW_CHARGE
    assert 0 < spell.end_s < SIX_HOURS_S
    assert spell.charge_end == pytest.approx(0.1, abs=0.002)
    assert fleet.allows(0, Activity.TRAINING) is Reason.LOW_CHARGE
    assert fleet.allows(0, Activity.STANDBY) is None
    refused = fleet.advance(0, SIX_HOURS_S, Activity.TRAINING, TRAINING_W)
    assert refused == spell._replace(start_s=spell.end_s, consumed_j=0, charged_j=0, clipped_j=0, eclipse_s=0)


def test_training_stops_when_the_satellite_is_too_hot_and_cools_in_standby():
    fleet = start(Paseos(initial_charge=1.0, thermal=ThermalNode(mass_kg=0.1)))
    spell = fleet.advance(0, SIX_HOURS_S, Activity.TRAINING, 80.0)
    assert spell.reason is Reason.TOO_HOT
    assert 273.15 + 65 < spell.temperature_end_k < 273.15 + 66
    assert fleet.allows(0, Activity.EXCHANGE) is Reason.TOO_HOT
    fleet.advance(0, spell.end_s + 3600.0, Activity.STANDBY, STANDBY_W)
    assert fleet.allows(0, Activity.EXCHANGE) is None


def test_an_empty_battery_ends_work_but_never_the_run():
    options = Paseos(battery_j=3000.0, limits=Limits(stop_min_charge=0.0))
    fleet, random, at_s = start(options), np.random.default_rng(7), 0.0
    ended = set[Reason | None]()
    for _ in range(300):
        at_s += random.uniform(0, 90)
        spell = fleet.advance(0, at_s, Activity.EXCHANGE, random.choice([0.0, 21.0, 90.0]))
        ended.add(spell.reason)
        standby = fleet.advance(0, at_s, Activity.STANDBY, STANDBY_W)
        assert standby.end_s == at_s and standby.reason is None
        assert 0 <= fleet.states()[0].stored_j <= options.battery_j
    assert ended == {None, Reason.EMPTY}


def test_an_empty_satellite_in_standby_draws_nothing_until_the_sun_is_back():
    fleet = start(Paseos(initial_charge=0.0, charging_w=1.0))
    spell = fleet.advance(0, SIX_HOURS_S, Activity.STANDBY, STANDBY_W)
    assert spell.end_s == SIX_HOURS_S
    assert 0 < spell.consumed_j <= spell.charged_j < 0.5 * STANDBY_W * SIX_HOURS_S


def test_clocks_move_alone_and_never_back():
    fleet = start(Paseos(), total=2)
    fleet.advance(0, 100.0, Activity.STANDBY, STANDBY_W)
    assert [state.now_s for state in fleet.states()] == [100.0, 0.0]
    still = fleet.advance(0, 100.0, Activity.TRAINING, TRAINING_W)
    assert (still.start_s, still.end_s, still.consumed_j) == (100.0, 100.0, 0.0)
    with pytest.raises(ValueError, match="cannot go back"):
        fleet.advance(0, 99.0, Activity.STANDBY, STANDBY_W)


def test_a_run_repeats_and_resumes_bit_by_bit():
    whole, broken = start(Paseos(), total=2), start(Paseos(), total=2)
    first, again = work(whole, 2, 4000.3), work(broken, 2, 4000.3)
    assert first == again
    walker = Walker(total=2, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
    resumed = Paseos().start(walker.propagator(), walker.names, EPOCH_UTC, broken.states())
    assert resumed.states() == whole.states()
    assert work(resumed, 2, 7000.0) == work(whole, 2, 7000.0)
    assert resumed.states() == whole.states()


def test_fleets_in_one_process_leave_each_other_and_numpy_alone():
    expected = work(start(Paseos()), 1, 1500.0)
    before = global_random_state()
    stranger, fleet = start(Paseos()), start(Paseos())
    import paseos

    actor = paseos.ActorBuilder.get_actor_scaffold("stranger", paseos.SpacecraftActor, sys.modules["pykep"].epoch(0.0))
    paseos.ActorBuilder.add_custom_property(actor, "orbitfl_probe", 0.0, lambda _actor, dt, _power: float(dt))
    try:
        stranger.advance(0, 900.0, Activity.EXCHANGE, 60.0)
        assert work(fleet, 1, 1500.0) == expected
        assert fleet._crafts[0].actor.custom_properties == {}
    finally:
        del paseos.BaseActor._custom_properties["orbitfl_probe"]
        del paseos.BaseActor._custom_properties_update_function["orbitfl_probe"]
    assert global_random_state() == before


def global_random_state() -> str:
    """Of the generator that PASEOS would draw from."""
    with np.printoptions(threshold=sys.maxsize):
        return str(np.random.get_state())  # noqa: NPY002


@pytest.mark.parametrize("season", [datetime(2018, 6, 21, tzinfo=UTC), datetime(2018, 3, 20, tzinfo=UTC)])
def test_eclipses_are_those_of_skyfield(de421: SpiceKernel, season: datetime):
    propagator = Walker(
        total=1, planes=1, phasing=0, altitude_km=550.0, inclination_deg=53.0, raan_deg=30.0
    ).propagator()
    fleet = Paseos().start(propagator, ["satellite"], season)
    times_s = np.arange(1.0, 4 * 5739.0, 10.0)
    dark = np.empty(len(times_s), dtype=bool)
    for sample, at_s in enumerate(times_s):
        fleet.advance(0, at_s, Activity.STANDBY, STANDBY_W)
        dark[sample] = fleet.vitals(0).in_eclipse
    timescale = load.timescale(builtin=True)
    zero = timescale.from_datetime(season)
    times = timescale.tt_jd(zero.whole, zero.tt_fraction + times_s / 86400.0)
    position_au = propagator.positions(times_s)[0].T / 149597870.7
    theirs = ~Geocentric(position_au, t=times, center=399).is_sunlit(de421)
    edges = np.count_nonzero(np.diff(theirs))
    assert edges >= 7 and 0.3 < theirs.mean() < 0.4
    # A Sun within 0.009 degrees puts an edge within a fraction of a second: no more than a stray sample.
    assert np.count_nonzero(dark != theirs) <= 1


def test_paseos_reads_the_epoch_as_terrestrial_time():
    since_2000 = EPOCH_UTC - datetime(2000, 1, 1, tzinfo=UTC)
    # 37 leap seconds, and 32.184 s between atomic and terrestrial time.
    expected_s = since_2000 / timedelta(seconds=1) + 37 + 32.184
    assert start(Paseos())._crafts[0].simulation.simulation_time == pytest.approx(expected_s, abs=1e-6)


def test_an_epoch_without_a_time_zone_is_refused():
    walker = Walker(total=1, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
    with pytest.raises(ScenarioError, match=r"^epoch_utc is .* without a time zone"):
        Paseos().start(walker.propagator(), walker.names, EPOCH_UTC.replace(tzinfo=None))


def run_program(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_importing_the_environment_loads_neither_paseos_nor_matplotlib_nor_torch():
    program = """
import sys, orbitfl.environment
print(sorted({"paseos", "pykep", "matplotlib", "torch", "loguru"} & set(sys.modules)))
"""
    assert run_program(program).strip() == "[]"


def test_the_programs_loguru_sinks_survive_and_paseos_stays_out_of_them():
    program = """
from datetime import UTC, datetime
from loguru import logger
from orbitfl.environment import Activity, Paseos
from orbitfl.orbit.walker import Walker
heard = []
logger.remove()
logger.add(heard.append, level="TRACE", format="{message}")
walker = Walker(total=1, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
fleet = Paseos().start(walker.propagator(), walker.names, datetime(2018, 5, 18, tzinfo=UTC))
fleet.advance(0, 30.0, Activity.STANDBY, 5.0)
logger.info("still here")
kept = logger.add(heard.append, level="TRACE", format="{message}")
logger.remove(kept)
print(*heard)
"""
    assert run_program(program).strip() == "still here"


def test_without_paseos_the_user_is_told_what_to_install():
    program = """
import sys
from datetime import UTC, datetime
sys.modules["paseos"] = None
from orbitfl.environment import Paseos
from orbitfl.errors import OrbitflError
from orbitfl.orbit.walker import Walker
walker = Walker(total=1, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62)
try:
    Paseos().start(walker.propagator(), walker.names, datetime(2018, 5, 18, tzinfo=UTC))
except OrbitflError as error:
    print(error)
"""
    assert "pip install --no-deps paseos==0.2.1" in run_program(program)
