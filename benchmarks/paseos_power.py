"""How far PASEOS's battery and temperature are from exact ones, over a day: python benchmarks/paseos_power.py

The twin of PASEOS (`kind: battery`) flies 32 satellites, 8 at each of four orbits, through half hours of work three
times: exactly, in PASEOS's steps under the true Sun, and in PASEOS's steps under PASEOS's Sun. It agrees with PASEOS
itself: tests/environment/test_battery.py. Nothing is clipped and no limit interferes.
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from orbitfl.environment import Activity, Battery, Limits
from orbitfl.environment.books import launch_states
from orbitfl.environment.pykep.planet import earth_equatorial
from orbitfl.environment.shade import Shade
from orbitfl.environment.stepped import SteppedFleet
from orbitfl.orbit.sun import label_s
from orbitfl.orbit.walker import Walker

DAY_S = 86_400.0
SEASONS = {
    "March equinox": datetime(2026, 3, 20, tzinfo=UTC),
    "June solstice": datetime(2026, 6, 21, tzinfo=UTC),
    "September equinox": datetime(2026, 9, 23, tzinfo=UTC),
    "December solstice": datetime(2026, 12, 21, tzinfo=UTC),
}
SHELLS = [
    Walker(total=8, planes=8, phasing=1, altitude_km=altitude_km, inclination_deg=inclination_deg)
    for altitude_km, inclination_deg in [(420, 51.6), (550, 53.0), (550, 97.6), (786, 98.6)]
]
# Large enough that neither end of the battery is met, with the same joules a day.
BUS = Battery(battery_j=4e6, limits=Limits(stop_min_charge=0.0))
WORK = ((600.0, Activity.TRAINING, 30.0), (1200.0, Activity.STANDBY, 5.0))


def main() -> None:
    print("season | what | stored after a day off by kJ: mean, worst | temperature off by K: mean, worst")
    for season, epoch_utc in SEASONS.items():
        exact, steps, paseos = (np.concatenate([fly(w, epoch_utc) for w in SHELLS], axis=1) for fly in FLIGHTS)
        for what, flown in (("steps", steps), ("steps and Sun", paseos)):
            off_kj = (flown - exact)[0, :, -1] * BUS.battery_j / 1000
            off_k = (flown - exact)[1]
            worst_kj, worst_k = off_kj[np.abs(off_kj).argmax()], off_k.ravel()[np.abs(off_k).argmax()]
            print(f"{season} | {what} | {off_kj.mean():.1f}, {worst_kj:.1f} | {off_k.mean():.3f}, {worst_k:.2f}")


def exactly(walker: Walker, epoch_utc: datetime) -> np.ndarray:
    return flown(BUS.start(walker.propagator(), walker.names, epoch_utc, duration_s=DAY_S), walker.total)


def in_steps(walker: Walker, epoch_utc: datetime) -> np.ndarray:
    # 69.2 s of Terrestrial Time do not matter to the Sun's place.
    epoch_s = label_s(epoch_utc)
    shade = Shade(walker.names, walker.propagator(), earth_equatorial, epoch_s, BUS.sphere_km, DAY_S)
    return flown(SteppedFleet(BUS, shade, epoch_s, launch_states(BUS, None, walker.total), seed=0), walker.total)


def as_paseos(walker: Walker, epoch_utc: datetime) -> np.ndarray:
    bus = replace(BUS, convention="paseos")
    return flown(bus.start(walker.propagator(), walker.names, epoch_utc, duration_s=DAY_S), walker.total)


FLIGHTS = (exactly, in_steps, as_paseos)


def flown(fleet, count: int) -> np.ndarray:
    """State of charge and temperature (2, n_sat, n_spell)."""
    rows, at_s = [], 0.0
    while at_s < DAY_S:
        for span_s, activity, power_w in WORK:
            at_s += span_s
            spells = [fleet.advance(node, at_s, activity, power_w) for node in range(count)]
            rows.append([[each.charge_end for each in spells], [each.temperature_end_k for each in spells]])
    return np.moveaxis(np.array(rows), 0, 2)


if __name__ == "__main__":
    main()
