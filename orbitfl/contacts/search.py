"""From orbits and stations to the contact plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce
from itertools import tee

import numpy as np

from orbitfl.contacts.cache import kept
from orbitfl.contacts.clearance import require_clear, sampled_above
from orbitfl.contacts.columns import GROUND, ISL, Column, SearchedColumns, columns_of, merged
from orbitfl.contacts.engine import WORTH_COMPILING, Engine, EngineName, engine_for
from orbitfl.contacts.ground import Elevation, Places, above_mask, places_of
from orbitfl.contacts.links import LONGEST_RANGE_KM, FixedRate, Link
from orbitfl.contacts.measure import Spans, mean_rate_bps, range_km
from orbitfl.contacts.pairs import Pairs, blocks, chosen_pairs, count_of_pairs
from orbitfl.contacts.paseos_convention import apparent
from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.planning import Planning
from orbitfl.contacts.rules import ContactRules, range_allowance_km2
from orbitfl.contacts.shell import Shell, nearer_than, past_blocking, shell_of, shell_ranges_km, shell_windows, swings
from orbitfl.contacts.terminals import served
from orbitfl.contacts.visibility import past_sphere, within_range
from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats, Ints, picked
from orbitfl.orbit.clock import DAY_S
from orbitfl.orbit.constellation import Constellation, Satellites
from orbitfl.orbit.crossings import Reached, Windows, intersection
from orbitfl.orbit.ephemeris import Ephemeris, Sampled, sampled
from orbitfl.orbit.frames import EarthRotation, earth_rotation
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.sun import sun
from orbitfl.progress import Notify, silent

PAIRS_AT_ONCE = 1 << 21
MOST_PAIR_DAYS = 20_000_000
BYTE_PER_PAIR_DAY = 800
"""Low satellites meet some eight times a day, and a window takes some 100 bytes while the plan is made."""
PASS_STEP = 10
"""In NumPy a step of a satellite over a station takes as long as so many of a pair of satellites."""

Columns = dict[str, Column]


def contact_plan(
    constellation: Constellation,
    stations: Sequence[GroundStation] = (),
    *,
    isl: Link | None,
    ground: Link | None,
    epoch_utc: datetime,
    duration_s: float,
    rules: ContactRules | None = None,
    engine: EngineName = "auto",
) -> ContactPlan:
    """All contacts within `duration_s` SI seconds from `epoch_utc`; see `found`."""
    rules = rules or ContactRules()
    options = {"isl": isl, "ground": ground, "epoch_utc": epoch_utc, "duration_s": duration_s, "rules": rules}
    return found(Planning(constellation=constellation, stations=tuple(stations), **options), engine)


def kept_plan(planning: Planning, notify: Notify = silent) -> ContactPlan:
    """The plan from the user's cache; computed, and kept there, if it was never asked for."""
    planning.satellites()  # warns of old elements, whether the plan is kept or not
    return kept(planning.provenance(), lambda: found(planning, notify=notify))


def found(planning: Planning, engine: EngineName = "auto", notify: Notify = silent) -> ContactPlan:
    """The whole contact plan; `notify` is told how many of its seconds have been searched.

    Edges are within 5 ms of the propagator's for low orbits, within 0.15 s where high and eccentric ones take part
    (docs/validation.md). `engine` changes the speed alone, but for edges that are exact in closed form: by a
    millisecond at most. "auto" takes it where `orbitfl.contacts.shell` has one and a search would be long.
    Raises ScenarioError for names that are not distinct, satellites within the blocking sphere and more pairs than
    memory holds, and what the constellation raises.
    """
    sky, tables = _roomy_sky(planning, engine), []
    if planning.isl is not None:
        tables.append(_between_satellites(sky, _pairs(sky), planning.isl, engine, notify))
    if planning.ground is not None and planning.stations:
        tables.append(_to_ground(sky, planning.ground, engine, notify))
    return sky.plan(tables)


def require_plannable(planning: Planning) -> Satellites:
    """The satellites of a plan that could be made. Raises and warns as `found` would before it searches."""
    sky = _roomy_sky(planning)
    if planning.isl is not None:
        _pairs(sky)
    return sky.satellites


def found_in_blocks(
    planning: Planning, engine: EngineName = "auto", pairs_at_once: int = PAIRS_AT_ONCE
) -> Iterator[ContactPlan]:
    """The contact plan of a mega-constellation as plans of some pairs each, so that memory stays bounded.

    Contacts with stations come last. Raises what `found` raises, and ScenarioError for rules that count terminals:
    which of its contacts a satellite can hold is known only when all are.
    """
    if planning.rules.terminals is not None:
        raise ScenarioError("terminals cannot be counted block by block; leave them out, or make one plan.")
    sky = _sky(planning, planning.satellites(), engine)
    if planning.isl is not None:
        for block in blocks(_pairs(sky), pairs_at_once):
            yield sky.plan([_between_satellites(sky, block, planning.isl, engine)])
    if planning.ground is not None and planning.stations:
        yield sky.plan([_to_ground(sky, planning.ground, engine)])


@dataclass(frozen=True, slots=True, eq=False)
class _Sky:
    """Everything a search looks at, sampled once: in ITRS axes at once where none looks from satellite to satellite.

    shell: what says when satellites see each other without a search.
    """

    asked: Planning
    satellites: Satellites
    sites: Places
    shell: Shell | None
    parts: Sampled
    rotation: EarthRotation

    def in_itrs(self) -> Iterator[Ephemeris]:
        """With the sites at rest."""
        if self.asked.isl is None or self.shell is not None:
            return iter(self.parts)
        return (part.in_itrs(self.rotation, self.sites.position_km) for part in self.parts)

    def told(self, what: str, notify: Notify) -> Reached:
        return lambda t_s: notify(what, round(t_s), round(self.asked.duration_s))

    def plan(self, tables: Sequence[Columns]) -> ContactPlan:
        columns = SearchedColumns(reduce(merged, tables) if tables else columns_of([]))
        nodes = (*self.satellites.names, *(station.name for station in self.asked.stations))
        made_from = self.asked.provenance()
        count = len(self.satellites.names)
        return ContactPlan(self.asked.epoch_utc, self.asked.duration_s, nodes, columns, made_from, satellites=count)


def _roomy_sky(planning: Planning, engine: EngineName = "auto") -> _Sky:
    """Of a plan that is made as a whole, for which there has to be room before anything is sampled."""
    satellites = planning.satellites()
    _require_room(planning, len(satellites.names))
    return _sky(planning, satellites, engine)


def _sky(planning: Planning, satellites: Satellites, engine: EngineName) -> _Sky:
    _require_distinct((*satellites.names, *(station.name for station in planning.stations)))
    sites, span = places_of(planning.stations), (planning.duration_s, planning.rules.step_s)
    rotation = earth_rotation(planning.epoch_utc, planning.duration_s, planning.convention)
    shell = _shell(planning, satellites, engine)
    if planning.isl is None or shell is not None:
        parts = sampled(satellites.propagator.over_ground(rotation), *span, sites.position_km)
    else:
        allowed_km2 = range_allowance_km2(planning.isl_reach_km)
        parts = sampled_above(satellites, *span, planning.blocking_radius_km, allowed_km2)
    return _Sky(planning, satellites, sites, shell, parts, rotation)


def _shell(planning: Planning, satellites: Satellites, engine: EngineName) -> Shell | None:
    """What needs no search, if satellites form it, and if `engine` takes it for so many pairs times steps."""
    if planning.isl is None or engine in ("numpy", "numba"):
        return None
    work = count_of_pairs(len(satellites.names), planning.rules) * planning.duration_s / planning.rules.step_s
    if engine == "auto" and work < WORTH_COMPILING:
        return None
    shell = shell_of(satellites.propagator)
    if engine == "closed_form" and shell is None:
        raise ScenarioError(
            "closed_form takes satellites on circular orbits of one size and tilt, as Walker's are, and these are "
            "others; take auto."
        )
    if shell is not None:
        require_clear(np.full(len(satellites.names), shell.radius_km), satellites, planning.blocking_radius_km)
    return shell


def _pairs(sky: _Sky) -> Pairs:
    return chosen_pairs(sky.satellites.names, sky.satellites.propagator, sky.asked.duration_s, sky.asked.rules)


def _between_satellites(sky: _Sky, pairs: Pairs, link: Link, engine: EngineName, notify: Notify = silent) -> Columns:
    if sky.shell is not None:
        return _within_shell(sky, sky.shell, pairs, link)
    chosen = engine_for(engine, len(pairs.a) * len(sky.parts.nodes_s))
    in_sight = (past_sphere(part, *pairs, sky.asked.blocking_radius_km) for part in sky.parts)
    windows = chosen.pair_windows(in_sight, sky.told("satellites in sight", notify))
    if (reach_km := sky.asked.isl_reach_km) <= LONGEST_RANGE_KM:
        in_range = (within_range(part, *pairs, reach_km) for part in sky.parts)
        near = chosen.pair_windows(in_range, sky.told("satellites in range", notify))
        windows = intersection(windows, near)
    windows = _held(windows, pairs, sky.asked.rules)
    a, b = _bodies(pairs, windows)
    return _columns(ISL, a, b, windows, sky.parts, link, chosen)


def _within_shell(sky: _Sky, shell: Shell, pairs: Pairs, link: Link) -> Columns:
    """As `_between_satellites`."""
    asked, seen = sky.asked, swings(shell, *pairs)
    least = max(past_blocking(shell, asked.blocking_radius_km), nearer_than(shell, asked.isl_reach_km))
    windows = _held(shell_windows(seen, least, asked.duration_s), pairs, asked.rules)
    a, b = _bodies(pairs, windows)
    nearest, farthest = shell_ranges_km(seen, windows, least)
    if isinstance(link, FixedRate):
        rate = np.full(len(windows), link.rate_bps)
    else:
        rate = mean_rate_bps(shell.range_km, Spans(a, b, windows.start_s, windows.end_s), link)
    return _table(ISL, a, b, windows, nearest, farthest, rate)


def _to_ground(sky: _Sky, link: Link, engine: EngineName, notify: Notify = silent) -> Columns:
    chosen = engine_for(engine, PASS_STEP * len(sky.satellites.names) * len(sky.sites) * len(sky.parts.nodes_s))
    # Parts are made anew each time, to bound memory; a single one is worth keeping.
    once, more, again = tee(sky.in_itrs(), 3) if sky.parts.only is not None else (sky.in_itrs() for _ in range(3))
    windows = chosen.pass_windows(_elevations(sky, once), sky.told("passes", notify))
    if link.reach_km <= LONGEST_RANGE_KM:
        in_range = (within_range(part, *_with_sites(sky), link.reach_km) for part in more)
        near = chosen.pair_windows(in_range, sky.told("passes in range", notify))
        windows = intersection(windows, near)
    windows = _long_enough(windows, sky.asked.rules.min_duration_s)
    a, b = _bodies(_with_sites(sky), windows)
    return _columns(GROUND, a, b, windows, again, link, chosen)


def _bodies(pairs: Pairs, windows: Windows) -> Pairs:
    """Of each window."""
    return Pairs(picked(pairs.a, windows.series), picked(pairs.b, windows.series))


def _with_sites(sky: _Sky) -> Pairs:
    """Every satellite with every site, numbered as by `pass_windows`."""
    count = len(sky.satellites.names)
    satellites, sites = np.arange(count, dtype=np.int32), np.arange(count, count + len(sky.sites), dtype=np.int32)
    return Pairs(np.repeat(satellites, len(sites)), np.tile(sites, count))


def _elevations(sky: _Sky, parts: Iterator[Ephemeris]) -> Iterator[Elevation]:
    masks_deg = [station.mask_deg for station in sky.asked.stations]
    elevations = (above_mask(part, sky.sites, masks_deg) for part in parts)
    if not sky.asked.convention.aberration:
        return elevations
    # The Earth's motion is the same to a part in a million 69 s earlier, so its instant needs no convention.
    return (apparent(each, sun(sky.asked.epoch_utc), sky.rotation) for each in elevations)


def _columns(
    kind: int, a: Ints, b: Ints, windows: Windows, bodies: Iterable[Ephemeris], link: Link, engine: Engine
) -> Columns:
    """The columns of windows between the bodies `a` and `b`, (n,)."""
    nearest, farthest = np.full(len(windows), np.inf, np.float32), np.zeros(len(windows), np.float32)
    rate = np.full(len(windows), link.rate_bps if isinstance(link, FixedRate) else 0.0)
    for part in bodies:
        rows, spans = _within(part, a, b, windows)
        low, high = engine.ranges_km(part, spans)
        nearest[rows] = np.minimum(low, nearest[rows], out=low)
        farthest[rows] = np.maximum(high, farthest[rows], out=high)
        if not isinstance(link, FixedRate):
            mean_bps = mean_rate_bps(partial(range_km, part), spans, link)
            share = (spans.end_s - spans.start_s) / (windows.end_s[rows] - windows.start_s[rows])
            rate[rows] += mean_bps * share
    return _table(kind, a, b, windows, nearest, farthest, rate)


def _table(kind: int, a: Ints, b: Ints, windows: Windows, nearest: Column, farthest: Column, rate: Floats) -> Columns:
    volume_bit = windows.end_s - windows.start_s
    volume_bit *= rate
    return {
        "kind": np.full(len(windows), kind, np.int8),
        "a": a.astype(np.int32, copy=False),
        "b": b.astype(np.int32, copy=False),
        "start_s": windows.start_s,
        "end_s": windows.end_s,
        "truncated": windows.cut_start | windows.cut_end,
        "range_min_km": nearest,
        "range_max_km": farthest,
        "rate_bps": rate,
        "volume_bit": volume_bit,
    }


def _within(part: Ephemeris, a: Ints, b: Ints, windows: Windows) -> tuple[Ints | slice, Spans]:
    """Which windows reach into this part of the ephemeris, and what of them lies there."""
    first_s, last_s = part.t_s[0], part.t_s[-1]
    if np.all(windows.start_s >= first_s) and np.all(windows.end_s <= last_s):
        return slice(None), Spans(a, b, windows.start_s, windows.end_s)
    overlaps = (windows.start_s < last_s) & (windows.end_s > first_s)
    rows = np.flatnonzero(overlaps)
    start_s, end_s = np.maximum(windows.start_s[rows], first_s), np.minimum(windows.end_s[rows], last_s)
    return rows, Spans(a[rows], b[rows], start_s, end_s)


def _held(windows: Windows, pairs: Pairs, rules: ContactRules) -> Windows:
    """What the rules leave of windows between satellites, before anything in them is measured."""
    windows = _long_enough(windows, rules.min_duration_s)
    if rules.terminals is None:
        return windows
    return served(windows, _bodies(pairs, windows), rules.terminals, rules.min_duration_s)


def _long_enough(windows: Windows, min_duration_s: float) -> Windows:
    return windows if min_duration_s == 0 else windows.where(windows.end_s - windows.start_s >= min_duration_s)


def _require_room(planning: Planning, satellites: int) -> None:
    pairs = 0 if planning.isl is None else count_of_pairs(satellites, planning.rules)
    with_sites = 0 if planning.ground is None else satellites * len(planning.stations)
    days = planning.duration_s / DAY_S
    pair_days = (pairs + with_sites) * max(days, 0.1)
    if pair_days > MOST_PAIR_DAYS:
        advice = "take fewer stations" if with_sites > pairs else "give contacts.neighbours or contacts.pairs"
        raise ScenarioError(
            f"{pairs} pairs of satellites and {with_sites} with stations over {days:.3g} days make a plan of some "
            f"{pair_days * BYTE_PER_PAIR_DAY / 1e9:.0f} GB; {advice}, shorten duration_s, or take found_in_blocks in "
            "Python."
        )


def _require_distinct(nodes: Sequence[str]) -> None:
    if len(set(nodes)) < len(nodes):
        twice = sorted({name for name in nodes if nodes.count(name) > 1})
        raise ScenarioError(f"Node names must differ, but these are given twice: {', '.join(twice)}. Rename them.")
