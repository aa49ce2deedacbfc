"""What contact benchmarks are given: shells of SGP4 satellites, and stations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from math import pi, sqrt
from typing import Literal

import numpy as np
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from orbitfl.contacts import ContactPlan, ContactRules, FixedRate, Planning
from orbitfl.contacts.engine import EngineName
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import DAY_S, epoch_instant
from orbitfl.orbit.constellation import Constellation, Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
ELEMENTS_UTC = EPOCH_UTC - timedelta(hours=12)
SGP4_COUNTS_DAYS_FROM = datetime(1949, 12, 31, tzinfo=UTC)
# WGS-72, which SGP4's mean motions belong to (AIAA 2006-6753).
MU_KM3_S2, RADIUS_KM = 398_600.8, 6378.135
ECCENTRICITY, PERIGEE_DEG = 0.001, 90.0

ISL, GROUND = FixedRate(rate_bps=1e8), FixedRate(rate_bps=1e6)
STATIONS = tuple(
    GroundStation(name=name, latitude_deg=latitude, longitude_deg=longitude, altitude_m=altitude, mask_deg=5.0)
    for name, latitude, longitude, altitude in [
        ("svalbard", 78.9067, 11.8883, 474.0),
        ("matera", 40.6486, 16.7046, 537.0),
        ("kourou", 5.1, -52.6, 15.0),
        ("perth", -31.8, 115.9, 22.0),
        ("inuvik", 68.3, -133.5, 50.0),
        ("maspalomas", 27.7629, -15.6338, 205.0),
        ("singapore", 1.35, 103.8, 20.0),
        ("hartebeesthoek", -25.9, 27.7, 1540.0),
        ("punta-arenas", -53.0, -70.9, 30.0),
        ("fairbanks", 64.86, -147.85, 180.0),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A Walker delta of SGP4 satellites: nearly circular, without drag, elements half a day before `EPOCH_UTC`.

    Mean elements are rounded to what two-line elements hold, so `elements` and `two_lines` say the same. Both are
    made when first asked for, which is not timed.
    """

    kind: Literal["tle"] = field(default="tle", init=False)
    total: int
    planes: int
    phasing: int
    altitude_km: float
    inclination_deg: float

    @property
    def title(self) -> str:
        return f"{self.total}/{self.planes}/{self.phasing}, {self.altitude_km:g} km, {self.inclination_deg:g}°"

    @property
    def walker(self) -> Walker:
        """The same on circles that precess as ours do, without SGP4."""
        return Walker(
            total=self.total,
            planes=self.planes,
            phasing=self.phasing,
            altitude_km=self.altitude_km,
            inclination_deg=self.inclination_deg,
        )

    @cached_property
    def elements(self) -> tuple[MeanElements, ...]:
        motion_rev_day = DAY_S / (2 * pi) * sqrt(MU_KM3_S2 / (RADIUS_KM + self.altitude_km) ** 3)
        return tuple(self._elements(number, round(motion_rev_day, 8)) for number in range(self.total))

    @cached_property
    def two_lines(self) -> tuple[tuple[str, str], ...]:
        return tuple(_two_lines(each) for each in self.elements)

    def record(self, number: int) -> Satrec:
        """sgp4's own object, read from the two lines; not kept, as it cannot go to another process."""
        return Satrec.twoline2rv(*self.two_lines[number], WGS72)

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        return sgp4_satellites(self.elements, epoch_utc, duration_s, convention)

    def _elements(self, number: int, motion_rev_day: float) -> MeanElements:
        plane, place = divmod(number, self.total // self.planes)
        turn_deg = (place * self.planes + plane * self.phasing) * 360 / self.total
        return MeanElements(
            name=f"sat-{number}",
            catalogue_id=10_000 + number,
            epoch=epoch_instant(ELEMENTS_UTC),
            mean_motion_rev_day=motion_rev_day,
            eccentricity=ECCENTRICITY,
            inclination_deg=self.inclination_deg,
            raan_deg=round(plane * 360 / self.planes, 4),
            argp_deg=PERIGEE_DEG,
            mean_anomaly_deg=round((turn_deg - PERIGEE_DEG) % 360, 4) % 360,
            bstar=0.0,
        )


def _two_lines(given: MeanElements) -> tuple[str, str]:
    angles_deg = (given.argp_deg, given.inclination_deg, given.mean_anomaly_deg, given.raan_deg)
    argp, inclination, anomaly, node = np.deg2rad(angles_deg).tolist()
    days = (ELEMENTS_UTC - SGP4_COUNTS_DAYS_FROM) / timedelta(days=1)
    motion_rad_min = given.mean_motion_rev_day * 2 * pi / 1440
    record = Satrec()
    shape = (given.eccentricity, argp, inclination, anomaly, motion_rad_min, node)
    record.sgp4init(WGS72, "i", given.catalogue_id, days, given.bstar, 0.0, 0.0, *shape)
    return export_tle(record)


def planning(
    constellation: Constellation, stations: Sequence[GroundStation], duration_s: float, rules: ContactRules
) -> Planning:
    """All contacts at fixed rates."""
    return Planning(
        constellation=constellation,
        epoch_utc=EPOCH_UTC,
        duration_s=duration_s,
        stations=tuple(stations),
        isl=ISL,
        ground=GROUND,
        rules=rules,
    )


def passes_of(plan: ContactPlan) -> dict[tuple[int, int], Floats]:
    """Openings and closings of ground contacts that the span did not make, in order, by satellite and station."""
    table = plan.of_kind("ground").table
    a, b = np.tile(table["a"], 2), np.tile(table["b"] - plan.satellite_count, 2)
    t_s = np.concatenate([table["start_s"], table["end_s"]])
    inner = np.flatnonzero((t_s > 0) & (t_s < plan.duration_s))
    order = inner[np.lexsort((t_s[inner], b[inner], a[inner]))]
    edges: dict[tuple[int, int], list[float]] = {}
    for satellite, station, at_s in zip(a[order].tolist(), b[order].tolist(), t_s[order].tolist(), strict=True):
        edges.setdefault((satellite, station), []).append(at_s)
    return {pair: np.array(edges_s) for pair, edges_s in edges.items()}


def best_engine() -> EngineName:
    return "numpy" if find_spec("numba") is None else "numba"
