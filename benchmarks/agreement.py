"""How far contact plans are from sgp4 and skyfield: python benchmarks/agreement.py

Each case is one day at the default step. Edges between satellites are compared with the zero, bisected to a
microsecond, of the clearance of the sight from sgp4's own positions, and windows with a scan of it at one second.
Passes are compared with skyfield: edges with bisected `altaz`, windows with a scan of it at one second and, by
number, with `find_events`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from sgp4.api import WGS72, Satrec, SatrecArray
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.timelib import Time

from orbitfl.contacts.columns import KINDS, Columns
from orbitfl.contacts.links import FixedRate
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.clock import epoch_instant
from orbitfl.orbit.constellation import Satellites
from orbitfl.orbit.convention import PHYSICAL, Convention
from orbitfl.orbit.mean_elements import MeanElements
from orbitfl.orbit.sgp4_orbits import sgp4_satellites
from orbitfl.orbit.station import GroundStation

EPOCH_UTC = datetime(2026, 3, 1, tzinfo=UTC)
ELEMENTS_UTC = EPOCH_UTC - timedelta(hours=12)
SCALE = load.timescale(builtin=True)
DAY_S = 86_400
EARTH_RADIUS_KM = 6378.137
EDGES = 4000
SCANNED_PAIRS = 1000
SCANNED_AT_ONCE_S = 600
PASSING_PAIRS = 150
MASKS_DEG = (0.0, 5.0, 10.0, 40.0, 80.0)
COLUMNS = "edges | off by s: median | 99 % | max | allowed | scanned changes | missed | extra"
LINK = FixedRate(rate_bps=1e6)
SITES = [(78.9, 11.9), (68.3, -133.5), (51.5, 0.0), (40.6, 16.7), (5.1, -52.6), (-0.2, 36.8), (-31.8, 115.9)]
STATIONS = [
    GroundStation(name=f"{latitude}/{longitude}/{mask}", latitude_deg=latitude, longitude_deg=longitude, mask_deg=mask)
    for (latitude, longitude), mask in product(SITES, MASKS_DEG)
]


@dataclass(frozen=True)
class Given:
    """Element sets made here; SGP4 flies them on our side, and sgp4 or skyfield alone on the other."""

    title: str
    allowed_s: float
    elements: tuple[MeanElements, ...]
    max_isl_range_km: float | None = None
    kind: str = field(default="omm", init=False)

    def satellites(self, epoch_utc: datetime, duration_s: float, convention: Convention = PHYSICAL) -> Satellites:
        return sgp4_satellites(self.elements, epoch_utc, duration_s, convention)

    @cached_property
    def records(self) -> list[Any]:
        return [_record(each) for each in self.elements]

    def margin_km(self, a: Ints, b: Ints, t_s: Floats) -> Floats:
        """How far (n,) the sight clears the sphere or the greatest range, whichever is less, at one time each."""
        first, second = self._positions(a, t_s), self._positions(b, t_s)
        return self._margin(first, second)

    def scan_km(self, a: Ints, b: Ints, t_s: Floats) -> Floats:
        """The same for pairs (n_pairs,) at all times (n_t,): (n_pairs, n_t)."""
        errors, r_km, _ = SatrecArray(self.records).sgp4(np.full(len(t_s), _start()), t_s / DAY_S)
        assert not errors.any()
        return np.stack([self._margin(r_km[i], r_km[j]) for i, j in zip(a, b, strict=True)])

    def _positions(self, satellite: Ints, t_s: Floats) -> Floats:
        places = [
            self.records[number].sgp4(_start(), at_s / DAY_S)[1]
            for number, at_s in zip(satellite.tolist(), t_s.tolist(), strict=True)
        ]
        return np.array(places)

    def _margin(self, first: Floats, second: Floats) -> Floats:
        along = second - first
        share = np.clip(-_dot(first, along) / _dot(along, along), 0, 1)
        nearest = first + share[..., None] * along
        clearance_km = np.sqrt(_dot(nearest, nearest)) - EARTH_RADIUS_KM
        if self.max_isl_range_km is None:
            return clearance_km
        return np.minimum(clearance_km, self.max_isl_range_km - np.sqrt(_dot(along, along)))


def walker(shape: tuple[int, int, int], altitude_km: float, inclination_deg: float, eccentricity: float = 1e-5):
    """Element sets of a Walker delta; eccentricities are the same, and perigees on the planes' northern ends."""
    total, planes, phasing = shape
    for number in range(total):
        plane, place = divmod(number, total // planes)
        anomaly_deg = (place * planes + plane * phasing) * 360 / total
        raan_deg = plane * 360 / planes
        yield elements(number, 6378.135 + altitude_km, eccentricity, inclination_deg, raan_deg, 90.0, anomaly_deg)


def mix() -> Iterator[MeanElements]:
    """LEO, MEO, Molniya, GEO and an HEO of two days' return, ten of each."""
    sorts = [
        (6978.0, 0.001, 97.8, 90.0),
        (26_560.0, 0.01, 55.0, 0.0),
        (26_554.0, 0.72, 63.4, 270.0),
        (42_164.0, 0.0005, 0.05, 0.0),
        (55_000.0, 0.85, 28.5, 180.0),
    ]
    for number, (sort, place) in enumerate(product(range(len(sorts)), range(10))):
        axis_km, eccentricity, inclination_deg, argp_deg = sorts[sort]
        yield elements(
            number, axis_km, eccentricity, inclination_deg, 36.0 * place + 7 * sort, argp_deg, 83.0 * place % 360
        )


def elements(number: int, axis_km: float, eccentricity: float, *angles_deg: float) -> MeanElements:
    inclination_deg, raan_deg, argp_deg, anomaly_deg = angles_deg
    return MeanElements(
        name=f"sat-{number}",
        catalogue_id=number,
        epoch=epoch_instant(ELEMENTS_UTC),
        mean_motion_rev_day=DAY_S / (2 * np.pi) * float(np.sqrt(398_600.8 / axis_km**3)),
        eccentricity=eccentricity,
        inclination_deg=inclination_deg,
        raan_deg=raan_deg % 360,
        argp_deg=argp_deg,
        mean_anomaly_deg=anomaly_deg % 360,
        bstar=0.0,
    )


def main() -> None:
    low, mixed = ((72, 6, 1), 600, 97.8), tuple(mix())
    circles, ellipses = tuple(walker(*low)), tuple(walker(*low, eccentricity=1e-3))
    print(f"between satellites | {COLUMNS}")
    for given in (
        Given("72/6/1, 600 km, 97.8°", 0.005, circles),
        Given("the same within 3000 km", 0.005, circles, 3000.0),
        Given("the same, eccentricity 0.001", 0.005, ellipses),
        Given("720/36/1, 1200 km, 87.9°", 0.005, tuple(walker((720, 36, 1), 1200, 87.9))),
        Given("50 of LEO, MEO, Molniya, GEO, HEO", 0.15, mixed),
        Given("the same within 40 000 km", 0.15, mixed, 40_000.0),
    ):
        print(between_satellites(given), flush=True)
    print(f"to the ground | {COLUMNS} | other number in find_events")
    for given in (
        Given("72/6/1, 600 km, 97.8°", 0.001, circles),
        Given("the same, eccentricity 0.001", 0.001, ellipses),
        Given("50 of LEO, MEO, Molniya, GEO, HEO", 0.15, mixed),
    ):
        print(to_ground(given), flush=True)


def between_satellites(given: Given) -> str:
    rules = ContactRules(max_isl_range_km=given.max_isl_range_km)
    plan = contact_plan(given, isl=LINK, ground=None, epoch_utc=EPOCH_UTC, duration_s=DAY_S, rules=rules)
    edges = inner_edges(plan.table)
    chosen = np.random.default_rng(3).permutation(len(edges.t_s))[:EDGES]
    a, b, t_s = edges.a[chosen], edges.b[chosen], edges.t_s[chosen]
    off_s = np.abs(t_s - bisected(lambda at_s: given.margin_km(a, b, at_s), t_s, given.allowed_s))
    return line(given, off_s, against_scan(given, edges))


def line(given: Given, off_s: Floats, counts: Iterable[int]) -> str:
    quantiles = (f"{value:.1e}" for value in np.quantile(off_s, [0.5, 0.99, 1.0], method="lower"))
    return " | ".join([given.title, str(len(off_s)), *quantiles, str(given.allowed_s), *map(str, counts)])


@dataclass(frozen=True)
class Edges:
    """Openings and closings that the span did not make: all (n,)."""

    a: Ints
    b: Ints
    t_s: Floats

    def where(self, chosen: Ints) -> "Edges":
        return Edges(self.a[chosen], self.b[chosen], self.t_s[chosen])


def inner_edges(table: Columns) -> Edges:
    a, b = np.tile(table["a"], 2).astype(np.intp), np.tile(table["b"], 2).astype(np.intp)
    t_s = np.concatenate([table["start_s"], table["end_s"]])
    return Edges(a, b, t_s).where(np.flatnonzero((t_s > 0) & (t_s < DAY_S)))


def bisected(margin: Callable[[Floats], Floats], near_s: Floats, allowed_s: float) -> Floats:
    """The change of sign (n,) of margins within twice what is allowed of times (n,); infinity where there is none."""
    low_s, high_s = near_s - 2 * allowed_s, near_s + 2 * allowed_s
    before = margin(low_s) > 0
    changes = before != (margin(high_s) > 0)
    for _ in range(20):
        middle_s = (low_s + high_s) / 2
        same = (margin(middle_s) > 0) == before
        low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
    return np.where(changes, (low_s + high_s) / 2, np.inf)


def against_scan(given: Given, edges: Edges) -> tuple[int, int, int]:
    """Changes in a scan at one second of some pairs; how many the plan lacks, and how many it has beyond them.

    Windows and gaps of less than a second, which a scan may or may not see, are counted neither way.
    """
    a, b = np.triu_indices(len(given.elements), k=1)
    chosen = np.sort(np.random.default_rng(4).permutation(len(a))[:SCANNED_PAIRS])
    a, b = a[chosen], b[chosen]
    pair, second = scanned(given, a, b)
    row = np.full((len(given.elements),) * 2, -1)
    row[a, b] = np.arange(len(a))
    edges = edges.where(np.flatnonzero(row[edges.a, edges.b] >= 0))
    return compared(DAY_S * 2.0 * pair + second, DAY_S * 2.0 * row[edges.a, edges.b] + edges.t_s, given.allowed_s)


def compared(scan: Any, edges: Any, allowed_s: float) -> tuple[int, int, int]:
    """As `against_scan`, of the seconds before changes and of edges, both made distinct for every pair."""
    scan, edges = np.sort(scan), np.sort(edges)
    missed = between(edges, scan - allowed_s, scan + 1 + allowed_s) == 0
    lone = between(scan, edges - 1 - allowed_s, edges + allowed_s) == 0
    close = np.diff(edges) < 1
    brief = np.append(close, False) | np.append(False, close)
    return len(scan), int(missed.sum()), int((lone & ~brief).sum())


def scanned(given: Given, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Which pair changed between which second and the next."""
    found = []
    for first_s in range(0, DAY_S, SCANNED_AT_ONCE_S):
        positive = given.scan_km(a, b, np.arange(first_s, first_s + SCANNED_AT_ONCE_S + 1.0)) > 0
        pair, second = np.nonzero(positive[:, 1:] != positive[:, :-1])
        found.append((pair, first_s + second))
    pair, second = (np.concatenate(column) for column in zip(*found, strict=True))
    return pair, second


def between(ordered: Floats, low: Floats, high: Floats) -> Ints:
    """How many of the ordered values lie from low to high, (n,)."""
    return np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left")


def to_ground(given: Given) -> str:
    plan = contact_plan(given, STATIONS, isl=None, ground=LINK, epoch_utc=EPOCH_UTC, duration_s=DAY_S)
    assert set(plan.table["kind"].tolist()) == {KINDS.index("ground")}
    edges = inner_edges(plan.table)
    pairs = list(product(range(len(given.elements)), range(len(STATIONS))))
    off_s, counts, differ = [np.empty(0)], np.zeros(3, int), 0
    second_s = skyfield_times(np.arange(DAY_S + 1.0))  # one for all: it keeps its matrices
    for place in np.random.default_rng(5).permutation(len(pairs))[:PASSING_PAIRS]:
        satellite, station = pairs[place]
        sight = Sight(given.records[satellite], STATIONS[station])
        mine_s = edges.t_s[(edges.a == satellite) & (edges.b == len(given.elements) + station)]
        if len(mine_s):
            margin = lambda t_s, sight=sight: sight.margin_deg(skyfield_times(t_s))  # noqa: E731
            off_s.append(np.abs(mine_s - bisected(margin, mine_s, given.allowed_s)))
        above = sight.margin_deg(second_s) > 0
        changes = np.flatnonzero(above[1:] != above[:-1])
        counts += compared(changes.astype(np.float64), mine_s, given.allowed_s)
        differ += sight.event_count() != len(mine_s)
    return line(given, np.concatenate(off_s), counts.tolist()) + f" | {differ} of {PASSING_PAIRS} pairs"


class Sight:
    """One satellite over one station, by skyfield alone."""

    def __init__(self, record: Any, station: GroundStation) -> None:
        self.satellite = EarthSatellite.from_satrec(record, SCALE)
        self.place = wgs84.latlon(station.latitude_deg, station.longitude_deg, station.altitude_m)
        self.mask_deg = station.mask_deg

    def margin_deg(self, times: Time) -> Floats:
        return np.asarray((self.satellite - self.place).at(times).altaz()[0].degrees) - self.mask_deg

    def event_count(self) -> int:
        """Rises and sets."""
        first, last = skyfield_times(0.0), skyfield_times(float(DAY_S))
        _, events = self.satellite.find_events(self.place, first, last, altitude_degrees=self.mask_deg)
        return int(np.count_nonzero(np.asarray(events) != 1))


def skyfield_times(t_s: Any) -> Time:
    start = SCALE.from_datetime(EPOCH_UTC)
    return SCALE.tt_jd(start.whole, start.tt_fraction + t_s / DAY_S)


def _record(given: MeanElements) -> Any:
    angles_deg = (given.argp_deg, given.inclination_deg, given.mean_anomaly_deg)
    argp, inclination, anomaly = np.deg2rad(angles_deg).tolist()
    days = (ELEMENTS_UTC - datetime(1949, 12, 31, tzinfo=UTC)) / timedelta(days=1)
    motion = given.mean_motion_rev_day * 2 * np.pi / 1440
    record = Satrec()
    record.sgp4init(
        WGS72, "i", given.catalogue_id, days, given.bstar, 0.0, 0.0,
        given.eccentricity, argp, inclination, anomaly, motion, float(np.deg2rad(given.raan_deg)),
    )  # fmt: skip
    return record


def _start() -> float:
    return EPOCH_UTC.toordinal() + 1_721_424.5


def _dot(first: Floats, second: Floats) -> Floats:
    return np.einsum("...i,...i->...", first, second)


if __name__ == "__main__":
    main()
