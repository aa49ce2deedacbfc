"""Seconds to a contact plan: python benchmarks/contact_plans.py"""

import time
from datetime import UTC, datetime

from orbitfl.contacts import FixedRate, contact_plan
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.walker import Walker

EPOCH = datetime(2018, 5, 18, 3, 21, tzinfo=UTC)
DAY_S = 86_400.0
CASES = [
    (Walker(total=8, planes=1, phasing=0, altitude_km=786.0, inclination_deg=98.62), 3, DAY_S),
    (Walker(total=8, planes=2, phasing=1, altitude_km=786.0, inclination_deg=98.62), 3, 7 * DAY_S),
    (Walker(total=72, planes=6, phasing=1, altitude_km=600.0, inclination_deg=97.8), 10, DAY_S),
]


def main() -> None:
    for walker, station_count, duration_s in CASES:
        stations = [
            GroundStation(name=f"station-{i}", latitude_deg=75.0 - 15 * i, longitude_deg=36.0 * i)
            for i in range(station_count)
        ]
        started_s = time.perf_counter()
        plan = contact_plan(
            walker.propagator(),
            walker.names,
            stations,
            isl=FixedRate(rate_bps=1e8),
            ground=FixedRate(rate_bps=1e6),
            epoch_utc=EPOCH,
            duration_s=duration_s,
        )
        shape = f"{walker.total}/{walker.planes}/{walker.phasing}, {walker.altitude_km:g} km"
        seconds = time.perf_counter() - started_s
        print(f"{shape}, {station_count} stations, {duration_s / DAY_S:g} d: {len(plan)} contacts in {seconds:.2f} s")


if __name__ == "__main__":
    main()
