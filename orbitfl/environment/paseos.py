"""PASEOS 0.2.1, unmodified, as the environment of a constellation.

One PASEOS instance per satellite advances battery and temperature, by PASEOS's own rules and steps. This
module decides which steps it is asked for, so that it never meets a battery that cannot feed one, and keeps
the account of the energy. PASEOS is imported when a fleet starts, not before: it takes seconds and brings
matplotlib.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from math import inf, sqrt
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from skyfield.api import load

from orbitfl.environment import pykep as stand_in
from orbitfl.environment.base import KELVIN_AT_0_C, Activity, NodeState, Reason, Spell, Vitals
from orbitfl.environment.options import Gate, Limits, ThermalNode, require, require_positive
from orbitfl.environment.pykep.planet import EquatorialEarth
from orbitfl.environment.trajectory import Trajectory, trajectories
from orbitfl.errors import OrbitflError, ScenarioError
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.propagator import Propagator

if TYPE_CHECKING:
    from orbitfl.environment.pykep import Epoch


@dataclass(frozen=True, slots=True)
class Paseos:
    """Battery, panels and heat as PASEOS models them; the same for every satellite.

    charging_w: flows in steps (of step_s at most) that begin and end in sunlight.
    earth_radius_km: radius of the sphere that casts the shadow.
    Raises ScenarioError for impossible values.
    """

    kind: Literal["paseos"] = "paseos"
    battery_j: float = 277_200.0
    initial_charge: float = 0.5
    charging_w: float = 20.0
    step_s: float = 10.0
    earth_radius_km: float = EARTH_RADIUS_KM
    limits: Limits = field(default_factory=Limits)
    thermal: ThermalNode = field(default_factory=ThermalNode)

    def __post_init__(self) -> None:
        for name in ("battery_j", "charging_w"):
            require_positive(self, name)
        require(self, "initial_charge", 0.0, 1.0)
        require(self, "step_s", 0.1, 600.0)
        require(self, "earth_radius_km", 6300.0, 6500.0)
        longest_s = self.thermal.longest_step_s(self.limits.stop_max_c + KELVIN_AT_0_C)
        if self.step_s > longest_s:
            raise ScenarioError(
                f"step_s is {self.step_s}; a satellite this light cools within {longest_s:.3g} s. "
                "Choose a shorter step or a greater thermal.mass_kg."
            )

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

        duration_s: how long the mission is going to last, if known; its shadows are then found at once.
        seed: of the mission, for what radiation does.

        Raises OrbitflError if PASEOS is not installed.
        """
        fresh = NodeState(0.0, self.initial_charge * self.battery_j, self.thermal.initial_temperature_k)
        states = [fresh] * len(names) if states is None else states
        paseos, epoch_s = _import_paseos(), _tt_s(epoch_utc)
        crafts = zip(names, trajectories(propagator), states, strict=True)
        return PaseosFleet(self, [_craft(paseos, self, epoch_s, *each) for each in crafts])


class PaseosFleet:
    """The evolving state of a constellation in PASEOS; an `Environment`. Made by `Paseos.start`."""

    def __init__(self, options: Paseos, crafts: list["_Craft"]) -> None:
        self._options, self._crafts = options, crafts
        self._to_begin, self._to_go_on = options.limits.to_begin(), options.limits.to_go_on()

    def advance(self, node: int, until_s: float, activity: Activity, power_w: float) -> Spell:
        """See `Environment.advance`."""
        craft = self._crafts[node]
        if until_s < craft.now_s:
            raise ValueError(f"satellite {node} stands at {craft.now_s} s and cannot go back to {until_s} s.")
        start_s, reason, steps = craft.now_s, None, list[_Step]()
        while craft.now_s < until_s:
            step = craft.foresee(until_s, power_w)
            if activity is Activity.STANDBY and not step.is_fed:
                step = craft.foresee(until_s, 0.0)
            reason = craft.refused_by(self._to_go_on[activity])
            if reason is None and not step.is_fed:
                reason = Reason.EMPTY
            if reason is not None:
                break
            craft.take(step)
            steps.append(step)
        vitals = craft.vitals()
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
        )

    def allows(self, node: int, activity: Activity) -> Reason | None:
        """See `Environment.allows`."""
        return self._crafts[node].refused_by(self._to_begin[activity])

    def vitals(self, node: int) -> Vitals:
        """See `Environment.vitals`."""
        return self._crafts[node].vitals()

    def states(self) -> tuple[NodeState, ...]:
        """What `Paseos.start` needs to go on from here."""
        return tuple(craft.state() for craft in self._crafts)


@dataclass(frozen=True, slots=True)
class _Step:
    """One PASEOS step, foreseen: until when (mission seconds, PASEOS's clock) and what it moves."""

    end_s: float
    end_clock_s: float
    power_w: float
    consumed_j: float
    charged_j: float
    clipped_j: float
    is_fed: bool


@dataclass(slots=True)
class _Craft:
    """One satellite: its PASEOS instance, and its clock in mission seconds.

    PASEOS's own clock counts seconds since 2000 and resolves 0.1 µs, so the two may differ by that.
    """

    simulation: Any
    epoch_s: float
    step_s: float
    now_s: float

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
            power_w=power_w,
            consumed_j=power_w * duration_s,
            charged_j=charged_j,
            clipped_j=max(offered_j - capacity_j, 0.0),
            is_fed=min(offered_j, capacity_j) >= power_w * duration_s,
        )

    def take(self, step: _Step) -> None:
        self.simulation.advance_time(step.end_clock_s - self.simulation.simulation_time, step.power_w)
        self.now_s = step.end_s

    def vitals(self) -> Vitals:
        actor = self.actor
        # PASEOS's temperature turns into a numpy scalar on the way.
        return Vitals(actor.state_of_charge, float(actor.temperature_in_K), actor.is_in_eclipse())

    def refused_by(self, gate: Gate) -> Reason | None:
        return gate.refusal(self.actor.state_of_charge, float(self.actor.temperature_in_K))

    def state(self) -> NodeState:
        return NodeState(self.now_s, self.actor.battery_level_in_Ws, float(self.actor.temperature_in_K))

    def _is_sunlit_for(self, duration_s: float) -> bool:
        later = _epoch(self.actor.local_time.mjd2000 + duration_s * stand_in.SEC2DAY)
        return not (self.actor.is_in_eclipse() or self.actor.is_in_eclipse(later))


def _craft(
    paseos: ModuleType, options: Paseos, epoch_s: float, name: str, trajectory: Trajectory, state: NodeState
) -> _Craft:
    """Build one satellite: orbit and shadow first, since power and heat ask for them."""
    clock_s = epoch_s + state.now_s
    epoch, builder = _epoch(clock_s * stand_in.SEC2DAY), paseos.ActorBuilder
    actor = builder.get_actor_scaffold(name, paseos.SpacecraftActor, epoch)
    _unshare_properties(actor)
    earth, mjd2000 = EquatorialEarth(1000.0 * options.earth_radius_km), epoch_s * stand_in.SEC2DAY
    builder.set_custom_orbit(actor, lambda t: trajectory((t.mjd2000 - mjd2000) * stand_in.DAY2SEC), epoch)
    builder.set_central_body(actor, earth, radius=earth.radius)
    actor._central_body.blocks_sun = _shadow_test(actor, earth)
    builder.set_power_devices(actor, options.battery_j, options.battery_j, options.charging_w)
    # The builder accepts no empty battery, but a mission may begin or resume with one.
    actor._battery_level_in_Ws = state.stored_j
    _set_thermal_model(builder, actor, options.thermal, state.temperature_k)
    return _Craft(_simulation(paseos, actor, clock_s, options.step_s), epoch_s, options.step_s, state.now_s)


def _unshare_properties(actor: Any) -> None:
    """PASEOS keeps custom properties on the class: those of any other actor would be updated here too."""
    actor._custom_properties = type(actor._custom_properties)(_dynamic=False)
    actor._custom_properties_update_function = type(actor._custom_properties)(_dynamic=False)


def _shadow_test(actor: Any, earth: EquatorialEarth) -> Callable[..., bool]:
    """PASEOS's `CentralBody.blocks_sun` in plain floats: does the sphere cut the Sun off?

    With s = √(|r|² − R²), the segment between two points outside a sphere of radius R misses it if and only
    if r₁·r₂ + s₁s₂ > R². PASEOS asks for the same two instants several times a step, hence the memory.
    """
    square = earth.radius**2

    @lru_cache(maxsize=4)
    def blocked(mjd2000: float) -> bool:
        t = _epoch(mjd2000)
        p, e = actor.get_position(t), earth.eph(t)[0]
        along = -(p[0] * e[0] + p[1] * e[1] + p[2] * e[2])
        above = max(p[0] ** 2 + p[1] ** 2 + p[2] ** 2 - square, 0.0)
        sun_above = e[0] ** 2 + e[1] ** 2 + e[2] ** 2 - square
        return along + sqrt(above * sun_above) <= square

    return lambda _actor, t, plot=False: blocked(t.mjd2000)


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
    return paseos.PASEOS(local_actor=actor, cfg=cfg)


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
