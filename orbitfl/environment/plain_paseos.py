"""PASEOS actors as its plain user builds them, without orbitfl's adapter, to compare with.

Epochs are UTC days since 2000-01-01 00:00, as users count them; what PASEOS makes of that is in
`orbitfl.orbit.convention`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from orbitfl.environment.paseos import _epoch, _import_paseos
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
