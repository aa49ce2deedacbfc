"""PASEOS actors as its plain user builds them, without orbitfl's adapter, to compare with.

Epochs are UTC days since 2000-01-01 00:00, as users count them; what PASEOS makes of that is in
`orbitfl.orbit.convention`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from orbitfl.environment.paseos import Paseos, _epoch, _import_paseos, _set_thermal_model
from orbitfl.environment.trajectory import Trajectories, Trajectory
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.station import GroundStation

START_OF_MJD2000 = datetime(2000, 1, 1, tzinfo=UTC)
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class PlainActors:
    """PASEOS's satellites and stations, numbered from 0; t = 0 at `start_mjd2000` days. `plain_actors` makes it."""

    satellites: tuple[Any, ...]
    stations: tuple[Any, ...]
    start_mjd2000: float

    def satellites_see(self, first: int, second: int, t_s: float) -> bool:
        """PASEOS's `is_in_line_of_sight` of two satellites."""
        return bool(self.satellites[first].is_in_line_of_sight(self.satellites[second], self._instant(t_s)))

    def station_sees(self, station: int, satellite: int, t_s: float) -> bool:
        """PASEOS's `is_in_line_of_sight` of a station and a satellite."""
        return bool(self.stations[station].is_in_line_of_sight(self.satellites[satellite], self._instant(t_s)))

    def _instant(self, t_s: float) -> Any:
        return _epoch(self.start_mjd2000 + t_s / DAY_S)


def plain_actors(
    two_lines: Sequence[tuple[str, str]], stations: Sequence[GroundStation], epoch_utc: datetime
) -> PlainActors:
    """A satellite for each two-line element set, by `set_TLE`, and the stations.

    PASEOS refuses masks of 0°. Raises OrbitflError if PASEOS is not installed.
    """
    paseos = _import_paseos()
    start_mjd2000 = (epoch_utc - START_OF_MJD2000) / timedelta(days=1)
    return PlainActors(
        tuple(_satellite(paseos, f"sat-{number}", lines, start_mjd2000) for number, lines in enumerate(two_lines)),
        tuple(_station(paseos, station, start_mjd2000) for station in stations),
        start_mjd2000,
    )


def plain_simulations(bus: Paseos, propagator: Propagator, names: Sequence[str], epoch_utc: datetime) -> list[Any]:
    """A PASEOS instance for each satellite, with battery, panels and heat, as `init_sim` returns it.

    Positions are the propagator's, so that nothing but PASEOS's own ways differs from `Paseos`. It knows no limits, so
    `bus.limits` are not used. Raises OrbitflError if PASEOS is not installed.
    """
    paseos = _import_paseos()
    start_mjd2000 = (epoch_utc - START_OF_MJD2000) / timedelta(days=1)
    return [
        _simulation(paseos, bus, name, trajectory, start_mjd2000)
        for name, trajectory in zip(names, Trajectories(propagator), strict=True)
    ]


def _simulation(paseos: ModuleType, bus: Paseos, name: str, trajectory: Trajectory, mjd2000: float) -> Any:
    builder, epoch = paseos.ActorBuilder, _epoch(mjd2000)
    actor = builder.get_actor_scaffold(name, paseos.SpacecraftActor, epoch)
    earth = sys.modules["pykep"].planet.jpl_lp("earth")
    builder.set_custom_orbit(actor, lambda t: trajectory((t.mjd2000 - mjd2000) * DAY_S), epoch)
    builder.set_central_body(actor, earth, radius=earth.radius)
    builder.set_power_devices(actor, bus.initial_charge * bus.battery_j, bus.battery_j, bus.charging_w)
    _set_thermal_model(builder, actor, bus.thermal, bus.thermal.initial_temperature_k)
    cfg = paseos.load_default_cfg()
    cfg.sim.start_time, cfg.sim.dt = mjd2000 * DAY_S, float(bus.step_s)
    return paseos.init_sim(actor, cfg)


def _satellite(paseos: ModuleType, name: str, lines: tuple[str, str], mjd2000: float) -> Any:
    actor = paseos.ActorBuilder.get_actor_scaffold(name, paseos.SpacecraftActor, _epoch(mjd2000))
    paseos.ActorBuilder.set_TLE(actor, *lines)
    return actor


def _station(paseos: ModuleType, station: GroundStation, mjd2000: float) -> Any:
    actor = paseos.ActorBuilder.get_actor_scaffold(station.name, paseos.GroundstationActor, _epoch(mjd2000))
    paseos.ActorBuilder.set_ground_station_location(
        actor, station.latitude_deg, station.longitude_deg, station.altitude_m, station.mask_deg
    )
    return actor
