"""Against brahe (https://github.com/duncaneddy/brahe): its location accesses over the same passes."""

from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from orbitfl.bench.contacts.against_skyfield import AgainstPasses, compared, timings
from orbitfl.bench.contacts.given import EPOCH_UTC, STATIONS, passes_of
from orbitfl.bench.timing import timed
from orbitfl.orbit.arrays import Floats

AT_THE_SPANS_END_S = 1e-3
STATE_STEP_S = 60.0


def against_brahe(options: AgainstPasses) -> dict[str, Any]:
    """CPU seconds of both, their ratio, and how windows and edges compare.

    brahe, which also tells azimuths and the like of each window, runs on one thread. UT1 is UTC to it, as no file is
    fetched here: that moves its edges by some milliseconds.
    """
    import brahe  # never a dependency  # pyright: ignore[reportMissingImports]

    brahe.set_global_eop_provider(brahe.StaticEOPProvider.from_zero())
    stations = STATIONS[: options.stations]
    drawn = options.drawn()
    places = [
        brahe.PointLocation(site.longitude_deg, site.latitude_deg, site.altitude_m).with_name(site.name)
        for site in stations
    ]
    flown = [
        brahe.SGPPropagator.from_tle(*options.shell.two_lines[number], STATE_STEP_S).with_name(str(number))
        for number in drawn
    ]
    start = _epoch(brahe, EPOCH_UTC)
    mask = brahe.ElevationConstraint(min_elevation_deg=stations[0].mask_deg)
    config = brahe.AccessSearchConfig(parallel=False)
    ours_s, plan = options.plan()
    asked_s, accesses = timed(
        lambda: brahe.location_accesses(places, flown, start, start + options.duration_s, mask, config=config)
    )
    mine = {pair: edges_s for pair, edges_s in passes_of(plan).items() if pair[0] in drawn}
    return {
        **timings(options, "brahe_s", asked_s, ours_s),
        "brahe": version("brahe"),
        "windows": int(np.isin(plan.table["a"], drawn).sum()),
        "their_windows": len(accesses),
        **compared(mine, _edges(accesses, start, options)),
    }


def _epoch(brahe: Any, at_utc: datetime) -> Any:
    return brahe.Epoch(at_utc.year, at_utc.month, at_utc.day, at_utc.hour, at_utc.minute, float(at_utc.second))


def _edges(accesses: Any, start: Any, options: AgainstPasses) -> dict[tuple[int, int], Floats]:
    """Openings and closings within the span, in order, by satellite and station."""
    numbers = {site.name: number for number, site in enumerate(STATIONS)}
    edges: dict[tuple[int, int], list[float]] = {}
    for access in accesses:
        pair = int(access.satellite_name), numbers[access.location_name]
        edges_s = (float(access.window_open - start), float(access.window_close - start))
        inner = [t_s for t_s in edges_s if AT_THE_SPANS_END_S < t_s < options.duration_s - AT_THE_SPANS_END_S]
        edges.setdefault(pair, []).extend(inner)
    return {pair: np.sort(edges_s) for pair, edges_s in edges.items() if edges_s}
