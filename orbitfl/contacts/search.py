"""From orbits and stations to the contact plan."""

from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orbitfl.contacts.links import Link
from orbitfl.contacts.measure import measure
from orbitfl.contacts.plan import TABLE, ContactPlan
from orbitfl.contacts.visibility import GroundPairs, SatellitePairs, ground_pairs, satellite_pairs
from orbitfl.errors import ScenarioError
from orbitfl.orbit.constants import EARTH_RADIUS_KM
from orbitfl.orbit.crossings import find_windows
from orbitfl.orbit.frames import earth_rotation
from orbitfl.orbit.propagator import Propagator
from orbitfl.orbit.station import GroundStation


def contact_plan(
    propagator: Propagator,
    satellites: Sequence[str],
    stations: Sequence[GroundStation],
    *,
    isl: Link | None,
    ground: Link | None,
    epoch_utc: datetime,
    duration_s: float,
    step_s: float = 60.0,
    blocking_radius_km: float = EARTH_RADIUS_KM,
    max_isl_range_km: float = inf,
) -> ContactPlan:
    """All contacts within `duration_s` SI seconds from `epoch_utc`, edges within a millisecond.

    satellites: names, in the propagator's order. A link that is None makes no contacts of its kind.
    blocking_radius_km: of the sphere that hides satellites from each other, by default the Earth's equator.
    Add the height of the air that no beam should graze; PASEOS blocks at 6378.0 km after its `set_orbit`.
    step_s: of the coarse search, see `orbitfl.orbit.crossings`.
    Raises ScenarioError for too few, too many or equal names, an epoch without time zone, times that are not
    positive or satellites within the blocking sphere.
    """
    nodes = (*satellites, *(station.name for station in stations))
    _require_names(propagator, satellites)
    _require_distinct(nodes)
    _require_positive(duration_s=duration_s, step_s=step_s, max_isl_range_km=max_isl_range_km)
    tables = [np.empty(0, dtype=TABLE)]
    if isl is not None:
        _require_above(propagator, satellites, blocking_radius_km, np.arange(0.0, duration_s, step_s))
        pairs = satellite_pairs(propagator, blocking_radius_km, max_isl_range_km)
        tables.append(_contacts("isl", pairs, isl, duration_s, step_s))
    if ground is not None:
        pairs = ground_pairs(propagator, stations, earth_rotation(epoch_utc, duration_s))
        tables.append(_contacts("ground", pairs, ground, duration_s, step_s))
        tables[-1]["b"] += len(satellites)
    return ContactPlan(epoch_utc, duration_s, nodes, np.concatenate(tables))


def _contacts(
    kind: Literal["isl", "ground"],
    pairs: SatellitePairs | GroundPairs,
    link: Link,
    duration_s: float,
    step_s: float,
) -> NDArray[np.void]:
    windows = find_windows(pairs.margin_km, len(pairs.a), (0.0, duration_s), step_s)
    measured = measure(pairs.range_km, windows, link, step_s)
    table = np.empty(len(windows.series), dtype=TABLE)
    table["kind"] = kind
    table["a"], table["b"] = pairs.a[windows.series], pairs.b[windows.series]
    table["start_s"], table["end_s"] = windows.start_s, windows.end_s
    table["truncated"] = windows.cut_start | windows.cut_end
    table["range_min_km"], table["range_max_km"] = measured.range_min_km, measured.range_max_km
    table["rate_bps"] = measured.rate_bps
    table["volume_bit"] = measured.rate_bps * (windows.end_s - windows.start_s)
    return table


def _require_names(propagator: Propagator, satellites: Sequence[str]) -> None:
    if len(satellites) != propagator.count:
        raise ScenarioError(
            f"{len(satellites)} satellites are named, but {propagator.count} are propagated; name each one."
        )


def _require_distinct(nodes: Sequence[str]) -> None:
    twice = sorted({name for name in nodes if nodes.count(name) > 1})
    if twice:
        raise ScenarioError(f"Node names must differ, but these are given twice: {', '.join(twice)}. Rename them.")


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ScenarioError(f"{name} is {value}, but it must be more than 0.")


def _require_above(
    propagator: Propagator, satellites: Sequence[str], blocking_radius_km: float, t_s: NDArray[np.float64]
) -> None:
    lowest_km = np.linalg.norm(propagator.positions(t_s), axis=-1).min(axis=1)
    if lowest_km.min() <= blocking_radius_km:
        raise ScenarioError(
            f"blocking_radius_km is {blocking_radius_km}, but {satellites[lowest_km.argmin()]} comes down to "
            f"{lowest_km.min():.1f} km from the Earth's centre; lower the radius or raise the orbit."
        )
