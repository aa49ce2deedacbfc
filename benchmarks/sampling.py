"""How far positions interpolated from samples `smooth_s` apart are from SGP4's: python benchmarks/sampling.py

Each case is ten satellites over half a day at the default step, of which every `stride`-th is sampled. Positions are
compared at the nodes, and those of the quintics between them at random times.
"""

import numpy as np
from agreement import EPOCH_UTC, elements

from orbitfl.contacts.rules import ContactRules
from orbitfl.orbit.convention import PHYSICAL
from orbitfl.orbit.ephemeris import sampled
from orbitfl.orbit.sgp4_orbits import sgp4_satellites

SPAN_S = 43_200.0
CM_PER_KM = 1e5
COUNT = 10
TIMES = 4000


def main() -> None:
    print("perigee km | eccentricity | step s | stride | samples of nodes | off by cm: at nodes | between")
    for perigee_km in (300.0, 550.0, 800.0, 1200.0):
        for eccentricity in (0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2):
            print(line(perigee_km, eccentricity), flush=True)


def line(perigee_km: float, eccentricity: float) -> str:
    axis_km = (6378.135 + perigee_km) / (1 - eccentricity)
    angles_deg = [(10.0 + 17 * number, 36.0 * number, 35.0 * number, 83.0 * number) for number in range(COUNT)]
    given = [elements(number, axis_km, eccentricity, *angles) for number, angles in enumerate(angles_deg)]
    propagator = sgp4_satellites(given, EPOCH_UTC, SPAN_S, PHYSICAL).propagator
    parts = sampled(propagator, SPAN_S, ContactRules().step_s)
    (whole,) = parts
    samples, nodes = len(parts.stencil.samples(len(whole.t_s) - 1)), len(whole.t_s)
    at_nodes = np.abs(whole.position_km - propagator.positions(whole.t_s).transpose(1, 0, 2)).max()
    t_s = np.random.default_rng(1).uniform(0, SPAN_S, TIMES)
    exact = propagator.positions(t_s)
    between = max(
        np.abs(whole.position_at(np.full(TIMES, number), t_s) - exact[number]).max() for number in range(COUNT)
    )
    asked = f"{perigee_km:g} | {eccentricity:g} | {whole.step_s:.1f} | {parts.stencil.stride} | {samples} of {nodes}"
    return f"{asked} | {CM_PER_KM * at_nodes:.2f} | {CM_PER_KM * between:.2f}"


if __name__ == "__main__":
    main()
