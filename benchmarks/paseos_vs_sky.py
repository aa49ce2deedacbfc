"""How far PASEOS's passes, eclipses and crosslinks are from the sky: python benchmarks/paseos_vs_sky.py

Each line is one day of 32 satellites from two-line elements over five stations, or one altitude. Both sides are
orbitfl's own: tests/contacts/test_paseos_convention.py shows what PASEOS 0.2.1 computes.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from orbitfl.contacts.links import FixedRate
from orbitfl.contacts.plan import ContactPlan
from orbitfl.contacts.rules import ContactRules
from orbitfl.contacts.search import contact_plan
from orbitfl.orbit.arrays import Floats
from orbitfl.orbit.convention import PASEOS, PHYSICAL, Convention
from orbitfl.orbit.station import GroundStation
from orbitfl.orbit.sun import paseos_sun, sun
from orbitfl.orbit.tle import Tle

DAY_S = 86_400.0
STEP_S = 10.0
SEASONS = {
    "March equinox": datetime(2026, 3, 20, tzinfo=UTC),
    "June solstice": datetime(2026, 6, 21, tzinfo=UTC),
    "September equinox": datetime(2026, 9, 23, tzinfo=UTC),
    "December solstice": datetime(2026, 12, 21, tzinfo=UTC),
}
# Altitude in km, inclination, node and mean anomaly in degrees.
ORBITS = [
    (altitude_km, inclination_deg, node_deg, 2 * node_deg % 360)
    for altitude_km, inclination_deg in [(420, 51.6), (550, 53.0), (550, 97.6), (786, 98.6)]
    for node_deg in range(0, 360, 45)
]
STATIONS = [
    GroundStation(name="svalbard", latitude_deg=78.9, longitude_deg=11.9),
    GroundStation(name="inuvik", latitude_deg=68.3, longitude_deg=-133.5),
    GroundStation(name="matera", latitude_deg=40.6, longitude_deg=16.7),
    GroundStation(name="kourou", latitude_deg=5.1, longitude_deg=-52.6),
    GroundStation(name="perth", latitude_deg=-31.8, longitude_deg=115.9),
]


def main() -> None:
    print("season | pass edges off by s: median, max | passes on one side only | lit or dark wrongly | worst orbit")
    for season, epoch_utc in SEASONS.items():
        with TemporaryDirectory() as folder:
            satellites = Tle(path=str(written(Path(folder), epoch_utc)))
            sky, paseos = (passes(satellites, epoch_utc, name) for name in ("physical", "paseos"))
            off_s, alone = edges_apart_s(sky, paseos)
            wrong = dark(satellites, epoch_utc, PHYSICAL) != dark(satellites, epoch_utc, PASEOS)
            eclipse = f"{wrong.mean():.1%} of the time | {worst_orbit(wrong):.2f} of an orbit"
        print(f"{season} | {np.median(off_s):.2f}, {off_s.max():.1f} ({len(off_s)} edges) | {alone} | {eclipse}")
    print("altitude km | longest crosslink, km: sphere of 6378.137 (sky) | 6378.0 (set_orbit) | 6371.0 (set_TLE)")
    for altitude_km in (420, 550, 786, 1200):
        radius_km = 6378.137 + altitude_km
        print(altitude_km, *(f"{2 * np.sqrt(radius_km**2 - r**2):.0f}" for r in (6378.137, 6378.0, 6371.0)), sep=" | ")


def written(folder: Path, epoch_utc: datetime) -> Path:
    lines = [line for number in range(len(ORBITS)) for line in elements(number, epoch_utc)]
    path = folder / "satellites.tle"
    path.write_text("\n".join(lines), encoding="ascii")
    return path


def elements(number: int, epoch_utc: datetime) -> tuple[str, str]:
    altitude_km, *angles_deg = ORBITS[number]
    inclination, node, anomaly = np.deg2rad(angles_deg).tolist()
    motion_rad_min = 60 * float(np.sqrt(398_600.8 / (6378.135 + altitude_km) ** 3))
    days_since_1949 = (epoch_utc - datetime(1949, 12, 31, tzinfo=UTC)).total_seconds() / DAY_S
    record = Satrec()
    shape = (0.001, 0.5, inclination, anomaly, motion_rad_min, node)
    record.sgp4init(WGS72, "i", 90_000 + number, days_since_1949, 1e-4, 0.0, 0.0, *shape)
    return export_tle(record)


def passes(satellites: Tle, epoch_utc: datetime, convention: str) -> ContactPlan:
    return contact_plan(
        satellites,
        STATIONS,
        isl=None,
        ground=FixedRate(rate_bps=1e6),
        epoch_utc=epoch_utc,
        duration_s=DAY_S,
        rules=ContactRules(convention=convention),  # type: ignore[arg-type]
    )


def edges_apart_s(sky: ContactPlan, paseos: ContactPlan) -> tuple[Floats, int]:
    """How far edges of the same pass lie apart, and how many passes have no counterpart."""
    off_s, alone = [], len(sky) + len(paseos)
    for contact in sky:
        for other in paseos.between(contact.a, contact.b):
            if other.start_s < contact.end_s and contact.start_s < other.end_s:
                alone -= 2
                if not (contact.truncated or other.truncated):
                    off_s += [abs(other.start_s - contact.start_s), abs(other.end_s - contact.end_s)]
    return np.array(off_s), alone


def dark(satellites: Tle, epoch_utc: datetime, convention: Convention) -> Floats:
    """Whether (n_sat, n_t) the sphere hides the Sun's centre."""
    t_s = np.arange(0.0, DAY_S, STEP_S)
    r_km = satellites.satellites(epoch_utc, DAY_S, convention).propagator.positions(t_s)
    s_km = (paseos_sun if convention.ecliptic_sun else sun)(epoch_utc).positions(t_s)
    tangents_km = (np.sqrt(np.sum(p**2, axis=-1) - convention.shadow_radius_km("tle") ** 2) for p in (r_km, s_km))
    return np.linalg.norm(s_km - r_km, axis=-1) > sum(tangents_km)


def worst_orbit(wrong: Floats) -> float:
    """The greatest share of an orbit of 95 minutes."""
    count = int(95 * 60 / STEP_S)
    orbits = wrong.shape[1] // count
    return float(wrong[:, : orbits * count].reshape(len(wrong), orbits, count).mean(axis=2).max())


if __name__ == "__main__":
    main()
