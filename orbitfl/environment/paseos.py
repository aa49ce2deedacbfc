"""PASEOS 0.2.1, unmodified, as the environment of a constellation.

One PASEOS instance per satellite advances battery and temperature, by PASEOS's own rules and steps. This
module decides which steps it is asked for, so that it never meets a battery that cannot feed one, and keeps
the account of the energy. PASEOS is imported when a fleet starts, not before: it takes seconds and brings
matplotlib.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import inf, sqrt
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from skyfield.api import load

from orbitfl.environment import pykep as stand_in
from orbitfl.environment.base import Activity, NodeState, Reason, Spell, Vitals
from orbitfl.environment.books import launch_states, require_forward
from orbitfl.environment.options import Bus, Gate, Radiation, ThermalNode, require_steady_steps
from orbitfl.environment.pykep.planet import Earth, EquatorialEarth, earth_equatorial
from orbitfl.environment.radiation import Stream
from orbitfl.environment.shade import Shade
from orbitfl.environment.trajectory import BLOCK_S
from orbitfl.errors import OrbitflError, ScenarioError
from orbitfl.orbit.earth_orbit import earth_ecliptic
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.sun import label_s

if TYPE_CHECKING:
    from orbitfl.environment.pykep import Epoch


@dataclass(frozen=True, slots=True)
class Paseos(Bus):
    """Battery, panels and heat as PASEOS models them; the same for every satellite.

    The panels charge in steps (of step_s at most) that begin and end in sunlight. Under `physical`, the default, the
    Earth stands on the axes of the satellites, epochs are TT and the altitude is never stale; under `paseos` they
    are what PASEOS's user gets: an ecliptic Earth, UTC read off the label, and PASEOS's own altitude. Orbits from a
    table have to reach an hour beyond the mission's end.
    Raises ScenarioError for impossible values.
    """

    kind: Literal["paseos"] = "paseos"

    def __post_init__(self) -> None:
        Bus.__post_init__(self)
        require_steady_steps(self)

    @property
    def looks_ahead_s(self) -> float:
        """How far beyond a mission's end the satellites' positions have to be known: trajectories come in blocks."""
        return BLOCK_S

    def start(
        self,
        propagator: Propagator,
        names: Sequence[str],
        epoch_utc: datetime,
        states: Sequence[NodeState] | None = None,
        *,
        duration_s: float | None = None,
        seed: int = 0,
    ) -> "PaseosFleet":
        """The fleet at mission second 0, or as `PaseosFleet.states` recorded it in an earlier process.

        duration_s: how long the mission is going to last, if known; its eclipses are then found at once.
        seed: of the mission, for what radiation does.
        Raises OrbitflError if PASEOS is not installed.
        """
        begun, paseos = launch_states(self, states, len(names)), _import_paseos()
        physical = self.convention == "physical"
        epoch_s = _tt_s(epoch_utc) if physical else label_s(epoch_utc)
        earth = earth_equatorial if physical else earth_ecliptic
        shade = Shade(names, propagator, earth, epoch_s, self.sphere_km, duration_s)
        crafts = [
            _craft(paseos, self, shade, _Place(node, name, epoch_s), state, Stream(seed, node, state.draws))
            for node, (name, state) in enumerate(zip(names, begun, strict=True))
        ]
        return PaseosFleet(self, shade, crafts)


class PaseosFleet:
    """The evolving state of a constellation in PASEOS; an `Environment`. Made by `Paseos.start`."""

    def __init__(self, options: Paseos, shade: Shade, crafts: list["_Craft"]) -> None:
        self._shade, self._crafts = shade, crafts
        self._to_begin, self._to_go_on = options.limits.to_begin(), options.limits.to_go_on()

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """See `Environment.advance`."""
        craft = self._crafts[node]
        require_forward(node, craft.now_s, until_s)
        start_s, steps = craft.now_s, list[_Step]()
        reason = self._work(craft, until_s, activity, power_w, steps)
        end_s = craft.now_s
        if reason is Reason.FAILED and activity is Activity.STANDBY:
            craft.now_s = until_s
        vitals = self.vitals(node)
        return Spell(
            node,
            activity,
            start_s,
            craft.now_s,
            consumed_j=sum(step.consumed_j for step in steps),
            charged_j=sum(step.charged_j for step in steps),
            clipped_j=sum(step.clipped_j for step in steps),
            charge_end=vitals.charge,
            temperature_end_k=vitals.temperature_k,
            reason=reason,
            eclipse_s=self._shade.dark_s(node, start_s, end_s),
            off_s=sum(step.duration_s for step in steps if step.power_w < power_w),
        )

    def _work(
        self, craft: "_Craft", until_s: float, activity: Activity, power_w: float, steps: list["_Step"]
    ) -> Reason | None:
        """Take steps until `until_s`, or until something forbids it, and say what."""
        standby, gate = activity is Activity.STANDBY, self._to_go_on[activity]
        while craft.now_s < until_s:
            if craft.failed_s is not None:
                return Reason.FAILED
            step = craft.foresee(until_s, power_w)
            if standby and not step.is_fed:
                step = craft.foresee(until_s, 0.0)
            refused = craft.refused_by(gate) or (None if step.is_fed else Reason.EMPTY)
            if refused is not None:
                return refused
            struck = craft.take(step)
            if struck is None:
                steps.append(step)
            elif not standby:
                return struck
        return None

    def allows(self, node: int, activity: Activity) -> Reason | None:
        """See `Environment.allows`."""
        craft = self._crafts[node]
        if craft.failed_s is not None and activity is not Activity.STANDBY:
            return Reason.FAILED
        return craft.refused_by(self._to_begin[activity])

    def vitals(self, node: int) -> Vitals:
        """See `Environment.vitals`."""
        craft = self._crafts[node]
        return Vitals(craft.actor.state_of_charge, craft.temperature_k, self._shade.dark(node, craft.now_s))

    def states(self) -> tuple[NodeState, ...]:
        """What `Paseos.start` needs to go on from here."""
        return tuple(craft.state() for craft in self._crafts)


@dataclass(frozen=True, slots=True)
class _Step:
    """One PASEOS step, foreseen: until when (mission seconds, PASEOS's clock) and what it moves."""

    end_s: float
    end_clock_s: float
    duration_s: float
    power_w: float
    consumed_j: float
    charged_j: float
    clipped_j: float
    is_fed: bool


class _Place(NamedTuple):
    """Which satellite, and where mission second 0 lies on PASEOS's clock."""

    node: int
    name: str
    epoch_s: float


@dataclass(slots=True)
class _Craft:
    """One satellite: its PASEOS instance, and its clock in mission seconds.

    PASEOS's own clock counts seconds since 2000 and resolves 0.1 µs, so the two may differ by that; it stands still
    from `failed_s` on.
    """

    simulation: Any
    epoch_s: float
    step_s: float
    stream: Stream
    now_s: float
    failed_s: float | None

    @property
    def actor(self) -> Any:
        return self.simulation.local_actor

    def foresee(self, until_s: float, power_w: float) -> _Step:
        """The next step towards `until_s`, by PASEOS's rules: charge, clip, then discharge or fail.

        The expressions are PASEOS's own, so that a step foreseen as fed cannot fail by a rounding error.
        """
        clock_s, target_clock_s = self.simulation.simulation_time, self.epoch_s + until_s
        end_clock_s = min(clock_s + self.step_s, target_clock_s)
        duration_s = end_clock_s - clock_s
        charged_j = self.actor.charging_rate_in_W * duration_s if self._is_sunlit_for(duration_s) else 0.0
        offered_j = self.actor.battery_level_in_Ws + charged_j
        capacity_j = self.actor._max_battery_level_in_Ws
        return _Step(
            end_s=until_s if end_clock_s == target_clock_s else end_clock_s - self.epoch_s,
            end_clock_s=end_clock_s,
            duration_s=duration_s,
            power_w=power_w,
            consumed_j=power_w * duration_s,
            charged_j=charged_j,
            clipped_j=max(offered_j - capacity_j, 0.0),
            is_fed=min(offered_j, capacity_j) >= power_w * duration_s,
        )

    def take(self, step: _Step) -> Reason | None:
        """Let PASEOS take it; radiation strikes before anything of a step has happened."""
        self.simulation.advance_time(step.end_clock_s - self.simulation.simulation_time, step.power_w)
        if self.actor.is_dead:
            self.failed_s = self.now_s
            return Reason.FAILED
        if self.actor.was_interrupted:
            # PASEOS itself clears this nowhere.
            self.actor._was_interrupted = False
            return Reason.RESTARTED
        self.now_s = step.end_s
        return None

    @property
    def temperature_k(self) -> float:
        # PASEOS's temperature turns into a numpy scalar on the way.
        return float(self.actor.temperature_in_K)

    def refused_by(self, gate: Gate) -> Reason | None:
        return gate.refusal(self.actor.state_of_charge, self.temperature_k)

    def state(self) -> NodeState:
        stored_j = self.actor.battery_level_in_Ws
        return NodeState(self.now_s, stored_j, self.temperature_k, self.stream.draws, self.failed_s)

    def _is_sunlit_for(self, duration_s: float) -> bool:
        later = _epoch(self.actor.local_time.mjd2000 + duration_s * stand_in.SEC2DAY)
        return not (self.actor.is_in_eclipse() or self.actor.is_in_eclipse(later))


def _craft(
    paseos: ModuleType, options: Paseos, shade: Shade, place: _Place, state: NodeState, stream: Stream
) -> _Craft:
    """Build one satellite: orbit and shadow first, since power and heat ask for them."""
    node, name, epoch_s = place
    # A failed satellite's clock in PASEOS stands where it failed.
    clock_s = epoch_s + (state.now_s if state.failed_s is None else state.failed_s)
    epoch, builder, to_s = _epoch(clock_s * stand_in.SEC2DAY), paseos.ActorBuilder, _mission_second(epoch_s)
    actor = builder.get_actor_scaffold(name, paseos.SpacecraftActor, epoch)
    _unshare_properties(actor)
    physical, radius_m = options.convention == "physical", 1000.0 * options.sphere_km
    trajectory = shade.trajectory[node]
    builder.set_custom_orbit(actor, lambda t: trajectory(to_s(t)), epoch)
    builder.set_central_body(actor, EquatorialEarth(radius_m) if physical else Earth(radius_m), radius=radius_m)
    actor._central_body.blocks_sun = _remembered(lambda mjd2000: shade.dark(node, to_s(_epoch(mjd2000))))
    if physical:
        _keep_altitude_fresh(actor)
    builder.set_power_devices(actor, options.battery_j, options.battery_j, options.charging_w)
    # The builder accepts no empty battery, but a mission may begin or resume with one.
    actor._battery_level_in_Ws = state.stored_j
    _set_thermal_model(builder, actor, options.thermal, state.temperature_k)
    if options.radiation.strikes:
        _set_radiation_model(builder, actor, options.radiation, stream)
    simulation = _simulation(paseos, actor, clock_s, options.step_s)
    return _Craft(simulation, epoch_s, options.step_s, stream, state.now_s, state.failed_s)


def _mission_second(epoch_s: float) -> Callable[[Any], float]:
    mjd2000 = epoch_s * stand_in.SEC2DAY
    return lambda t: (t.mjd2000 - mjd2000) * stand_in.DAY2SEC


def _unshare_properties(actor: Any) -> None:
    """PASEOS keeps custom properties on the class: those of any other actor would be updated here too."""
    actor._custom_properties = type(actor._custom_properties)(_dynamic=False)
    actor._custom_properties_update_function = type(actor._custom_properties)(_dynamic=False)


def _remembered(dark: Callable[[float], bool]) -> Callable[..., bool]:
    """PASEOS's `CentralBody.blocks_sun`; it asks for the same two instants several times a step."""
    known = lru_cache(maxsize=4)(dark)
    return lambda _actor, t, plot=False: known(t.mjd2000)


def _keep_altitude_fresh(actor: Any) -> None:
    """PASEOS's own `get_altitude` keeps an old value once it was asked for position and velocity at an instant."""

    @lru_cache(maxsize=2)
    def altitude_m(mjd2000: float) -> float:
        p = actor.get_position(_epoch(mjd2000))
        return sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2)

    actor.get_altitude = lambda t0=None: altitude_m((t0 or actor.local_time).mjd2000)


def _set_radiation_model(builder: Any, actor: Any, radiation: Radiation, stream: Stream) -> None:
    """PASEOS's rates and probabilities, drawn from the satellite's own stream and not from numpy's global one."""
    builder.set_radiation_model(actor, 0.0, radiation.restarts_per_s, radiation.failures_per_s)
    model = actor._radiation_model
    chance = model._compute_poisson_nonzero_event_probability
    model.did_device_restart = lambda span_s: stream() < chance(radiation.restarts_per_s, span_s)
    model.did_device_experience_failure = lambda span_s: stream() < chance(radiation.failures_per_s, span_s)


def _set_thermal_model(builder: Any, actor: Any, thermal: ThermalNode, temperature_k: float) -> None:
    builder.set_thermal_model(
        actor,
        actor_mass=thermal.mass_kg,
        actor_initial_temperature_in_K=temperature_k,
        actor_sun_absorptance=thermal.sun_absorptance,
        actor_infrared_absorptance=thermal.infrared_absorptance,
        actor_sun_facing_area=thermal.sun_facing_area_m2,
        actor_central_body_facing_area=thermal.earth_facing_area_m2,
        actor_emissive_area=thermal.emissive_area_m2,
        actor_thermal_capacity=thermal.heat_capacity_j_kg_k,
        power_consumption_to_heat_ratio=thermal.work_to_heat,
    )


def _simulation(paseos: ModuleType, actor: Any, clock_s: float, step_s: float) -> Any:
    cfg = paseos.load_default_cfg()
    cfg.sim.start_time, cfg.sim.dt = clock_s, float(step_s)
    # PASEOS would keep every step of the mission in memory.
    cfg.io.logging_interval = inf
    # Not init_sim: it takes the start in days, which would round the clock.
    simulation = paseos.PASEOS(local_actor=actor, cfg=cfg)
    # PASEOS reads these fifteen times a step, from a map that takes a microsecond each time.
    simulation._cfg = SimpleNamespace(sim=SimpleNamespace(**cfg.sim), io=SimpleNamespace(**cfg.io))
    simulation._state = SimpleNamespace(**simulation._state)
    return simulation


def _tt_s(epoch_utc: datetime) -> float:
    """Seconds of Terrestrial Time since 2000-01-01 00:00, as PASEOS and skyfield read an epoch."""
    if epoch_utc.tzinfo is None:
        raise ScenarioError(f"epoch_utc is {epoch_utc}, without a time zone; end it with Z or +00:00.")
    time = load.timescale(builtin=True).from_datetime(epoch_utc)
    return float((time.whole - 2451544.5) + time.tt_fraction) * stand_in.DAY2SEC


def _epoch(mjd2000: float) -> "Epoch":
    """An epoch of the pykep that PASEOS sees: ours, unless the program had imported another before."""
    return sys.modules["pykep"].epoch(mjd2000)


def _import_paseos() -> ModuleType:
    """The paseos package; on its first import with our pykep beneath, and quietly."""
    stand_in.stand_in()
    try:
        if "paseos" not in sys.modules:
            with _sinks_kept():
                import paseos
        import paseos
    except ImportError as error:
        raise OrbitflError(
            f"PASEOS cannot be imported ({error}). With Python 3.11, run pip install --no-deps paseos==0.2.1 "
            "and pip install 'orbitfl[paseos]'."
        ) from error
    return paseos


@contextmanager
def _sinks_kept() -> Iterator[None]:
    """Keep the program's loguru sinks while PASEOS, on import, replaces them all by its own.

    PASEOS is then silent; `loguru.logger.enable("paseos")` lets it speak to the program's sinks.
    """
    from loguru import logger

    logger.disable("paseos")
    vars(logger).update(add=lambda *_args, **_options: 0, remove=lambda *_args: None)
    try:
        yield
    finally:
        del vars(logger)["add"], vars(logger)["remove"]
