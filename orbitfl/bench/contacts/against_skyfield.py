"""Against skyfield: `find_events` over the same passes, and edges against its own bisected `altaz`."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sgp4.api import Satrec
from skyfield.api import EarthSatellite, wgs84

from orbitfl.bench.contacts.given import EPOCH_UTC, GROUND, STATIONS, Shell, best_engine, passes_of
from orbitfl.bench.timing import fastest, timed
from orbitfl.contacts import ContactPlan, ContactRules, contact_plan
from orbitfl.contacts.engine import EngineName
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.clock import DAY_S, timescale
from orbitfl.orbit.station import GroundStation

SEED = 12
BRACKET_S = 0.05
HALVINGS = 20
CULMINATION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstPasses:
    """Passes of `shell` over `stations`. We find those of all satellites, the others those of `asked` of them, drawn
    by chance, from which their time is extrapolated; edges of `bisected_pairs` of satellite and station are bisected.
    """

    shell: Shell
    asked: int
    stations: int = 10
    duration_s: float = DAY_S
    bisected_pairs: int = 60
    repeats: int = 3

    @property
    def title(self) -> str:
        return f"{self.shell.title}, {self.stations} stations, {self.duration_s / 3600:g} h"

    @property
    def share(self) -> float:
        """The part of all satellites that the others are asked for."""
        return self.asked / self.shell.total

    def drawn(self) -> list[int]:
        """Which satellites the others are asked for."""
        return sorted(np.random.default_rng(SEED).permutation(self.shell.total)[: self.asked].tolist())

    def plan(self) -> tuple[float, ContactPlan]:
        """CPU seconds of our plan, propagation included, and the plan; by numba, already loaded, if it is there."""
        engine = best_engine()
        self._plan(engine)
        return fastest(lambda: self._plan(engine), self.repeats)

    def _plan(self, engine: EngineName) -> ContactPlan:
        return contact_plan(
            self.shell,
            STATIONS[: self.stations],
            isl=None,
            ground=GROUND,
            epoch_utc=EPOCH_UTC,
            duration_s=self.duration_s,
            rules=ContactRules(),
            engine=engine,
        )


def against_skyfield(options: AgainstPasses) -> dict[str, Any]:
    """CPU seconds of both, their ratio, and how events and edges of the satellites asked for compare.

    skyfield's satellites and places are made beforehand, as our elements are.
    """
    sights = {
        (satellite, station): _Sight.of(options.shell.record(satellite), STATIONS[station], options.duration_s)
        for satellite, station in product(options.drawn(), range(options.stations))
    }
    ours_s, plan = options.plan()
    mine = {pair: edges_s for pair, edges_s in passes_of(plan).items() if pair in sights}
    asked_s, theirs = timed(lambda: {pair: sight.events_s() for pair, sight in sights.items()})
    exact = [np.abs(mine[pair] - sights[pair].bisected_s(mine[pair])) for pair in _chosen(mine, options.bisected_pairs)]
    error_s = np.concatenate([np.empty(0), *exact])
    return {
        **timings(options, "skyfield_s", asked_s, ours_s),
        **compared(mine, theirs),
        "bisected_edges": len(error_s),
        "edges_not_confirmed": int(np.isnan(error_s).sum()),
        **spread("edge_error", error_s[~np.isnan(error_s)]),
    }


def timings(options: AgainstPasses, name: str, asked_s: float, ours_s: float) -> dict[str, Any]:
    """CPU seconds for all satellites, theirs extrapolated from `asked_s`, and their ratio."""
    theirs_s = asked_s / options.share
    return {
        "case": options.title,
        "satellites_asked": options.asked,
        "asked_s": asked_s,
        name: theirs_s,
        "ours_s": ours_s,
        "ratio": theirs_s / ours_s,
    }


def compared(mine: dict[tuple[int, int], Floats], theirs: dict[tuple[int, int], Floats]) -> dict[str, Any]:
    """How many edges each has, of how many pairs the numbers differ, and how far edges of the others lie apart."""
    none = np.empty(0)
    both = [(mine.get(pair, none), theirs.get(pair, none)) for pair in sorted({*mine, *theirs})]
    apart_s = np.concatenate([none, *(np.abs(ours - other) for ours, other in both if len(ours) == len(other))])
    return {
        "edges": sum(map(len, mine.values())),
        "their_edges": sum(map(len, theirs.values())),
        "pairs_that_differ": sum(len(ours) != len(other) for ours, other in both),
        **spread("apart", apart_s),
    }


def spread(name: str, values_s: Floats) -> dict[str, float | None]:
    """Median and greatest; None of nothing, which JSON can carry and nan cannot."""
    if not len(values_s):
        return {f"{name}_median_s": None, f"{name}_max_s": None}
    return {f"{name}_median_s": float(np.median(values_s)), f"{name}_max_s": float(values_s.max())}


def _chosen(mine: dict[tuple[int, int], Floats], count: int) -> list[tuple[int, int]]:
    pairs = sorted(mine)
    return [pairs[place] for place in np.random.default_rng(SEED).permutation(len(pairs))[:count]]


@dataclass(frozen=True, slots=True)
class _Sight:
    """One satellite over one station, by skyfield alone."""

    satellite: EarthSatellite
    place: Any
    mask_deg: float
    duration_s: float

    @classmethod
    def of(cls, record: Satrec, station: GroundStation, duration_s: float) -> "_Sight":
        place = wgs84.latlon(station.latitude_deg, station.longitude_deg, station.altitude_m)
        return cls(EarthSatellite.from_satrec(record, timescale()), place, station.mask_deg, duration_s)

    def events_s(self) -> Floats:
        """Rises and sets, in order."""
        first, last = _times(0.0), _times(self.duration_s)
        times, events = self.satellite.find_events(self.place, first, last, altitude_degrees=self.mask_deg)
        edges = np.asarray(events) != CULMINATION
        start = _times(0.0)
        return DAY_S * ((times.whole - start.whole) + (times.tt_fraction - start.tt_fraction))[edges]

    def bisected_s(self, near_s: Floats) -> Floats:
        """The crossing (n,) of the mask within `BRACKET_S` of each instant; nan where there is none."""
        low_s, high_s = near_s - BRACKET_S, near_s + BRACKET_S
        before = self._margin_deg(low_s) > 0
        crosses = before != (self._margin_deg(high_s) > 0)
        for _ in range(HALVINGS):
            middle_s = (low_s + high_s) / 2
            same = (self._margin_deg(middle_s) > 0) == before
            low_s, high_s = np.where(same, middle_s, low_s), np.where(same, high_s, middle_s)
        return np.where(crosses, (low_s + high_s) / 2, np.nan)

    def _margin_deg(self, t_s: Floats) -> Floats:
        return (self.satellite - self.place).at(_times(t_s)).altaz()[0].degrees - self.mask_deg


def _times(t_s: Floats | float) -> Any:
    start = timescale().from_datetime(EPOCH_UTC)
    return timescale().tt_jd(start.whole, start.tt_fraction + t_s / DAY_S)
