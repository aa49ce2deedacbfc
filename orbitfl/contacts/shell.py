"""Satellites on circular orbits of one size and tilt, as Walker's are: their contacts in closed form, without a search.

With nodes Ω and arguments of latitude u, two of them have r₁·r₂ = r² (m − k cos(u₁ + u₂)), where m and k depend on
Ω₂ − Ω₁ and u₂ − u₁ alone (from the products of their two rotations, by sums and differences of angles). All turn and
precess alike, so m and k stay, u₁ + u₂ grows evenly, and a pair is nearest every half turn, each time equally near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitfl.orbit.arrays import Floats, Ints, picked
from orbitfl.orbit.crossings import Windows
from orbitfl.orbit.propagator import Propagator, SecularJ2
from orbitfl.orbit.recurring import recurring_windows

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Shell:
    """Orbits of one radius, tilt and pace of the argument of latitude; node and argument at t = 0 are (n_sat,)."""

    radius_km: float
    tilt_rad: float
    pace_rad_s: float
    node_rad: Floats
    arglat_rad: Floats

    def range_km(self, a: Ints, b: Ints, t_s: Floats) -> Floats:
        """Distances of satellites `a` and `b` at one time each; all (n,)."""
        each = swings(self, a, b)
        return each.range_km(np.arange(len(a)), np.cos(each.phase_rad + 2 * self.pace_rad_s * t_s))


@dataclass(frozen=True, slots=True, eq=False)
class Swings:
    """The cosine of the angle between two satellites each: mean − swing cos(phase + 2 pace t); all (n_pairs,)."""

    shell: Shell
    mean: Floats
    swing: Floats
    phase_rad: Floats

    def range_km(self, pair: Ints, cosine: Floats | float) -> Floats:
        """How far apart pairs (n,) are when the cosine of their phase is so much."""
        short = 1 - self.mean[pair] + self.swing[pair] * cosine
        return self.shell.radius_km * np.sqrt(2 * np.maximum(short, 0.0))


def shell_of(propagator: Propagator) -> Shell | None:
    """The shell that all satellites share, if they do."""
    if not isinstance(propagator, SecularJ2) or propagator.eccentricity.any():
        return None
    if np.ptp(propagator.axis_km) or np.ptp(propagator.inclination_rad):
        return None
    pace_rad_s = propagator.argp_rate_rad_s[0] + propagator.mean_anomaly_rate_rad_s[0]
    return Shell(
        radius_km=float(propagator.axis_km[0]),
        tilt_rad=float(propagator.inclination_rad[0]),
        pace_rad_s=float(pace_rad_s),
        node_rad=propagator.raan_rad,
        arglat_rad=propagator.argp_rad + propagator.mean_anomaly_rad,
    )


def swings(shell: Shell, a: Ints, b: Ints) -> Swings:
    """Of pairs of satellites `a` and `b`, each (n_pairs,)."""
    turn, lead = shell.node_rad[b] - shell.node_rad[a], shell.arglat_rad[b] - shell.arglat_rad[a]
    cosine, sine = np.cos(shell.tilt_rad), np.sin(shell.tilt_rad)
    swing = sine**2 * np.sin(turn / 2) ** 2
    mean = (np.cos(turn) + swing) * np.cos(lead) - cosine * np.sin(turn) * np.sin(lead)
    return Swings(shell, mean, swing, shell.arglat_rad[a] + shell.arglat_rad[b])


def past_blocking(shell: Shell, blocking_radius_km: float) -> float:
    """The cosine of the widest angle at which two see each other past a sphere: they look along its tangents."""
    return 2 * (blocking_radius_km / shell.radius_km) ** 2 - 1


def nearer_than(shell: Shell, range_km: float) -> float:
    """The cosine of the angle at which two are so far apart; below -1 where none are."""
    return 1 - (range_km / shell.radius_km) ** 2 / 2


def shell_windows(swings: Swings, least: float, duration_s: float) -> Windows:
    """When the cosine of the angle between each pair is above `least`, from 0 to `duration_s`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = (least - swings.mean) / swings.swing
    # Where nothing swings and the mean is just enough, that is not above it.
    half_rad = np.arccos(np.clip(np.nan_to_num(needed, nan=1.0), -1.0, 1.0))
    phase_rad_s = 2 * swings.shell.pace_rad_s
    centre_s = (np.pi - swings.phase_rad) / phase_rad_s
    return recurring_windows(centre_s, 2 * half_rad / phase_rad_s, 2 * np.pi / phase_rad_s, duration_s)


def shell_ranges_km(swings: Swings, windows: Windows, least: float) -> tuple[Singles, Singles]:
    """The least and the greatest distance (n,) within each of the `shell_windows` above `least`.

    A whole window has the nearest distance of its pair, and at its edges the distance that `least` stands for.
    """
    pairs = np.arange(len(swings.mean))
    nearest_km = picked(swings.range_km(pairs, -1.0).astype(np.float32), windows.series)
    farthest_km = np.full(len(windows), swings.shell.radius_km * np.sqrt(2 * (1 - least)), np.float32)
    cut = np.flatnonzero(windows.cut_start | windows.cut_end)
    nearest_km[cut], farthest_km[cut] = _ranges_within(swings, windows.where(cut))
    return nearest_km, farthest_km


def _ranges_within(swings: Swings, windows: Windows) -> tuple[Floats, Floats]:
    """At an end, or where the phase is an odd multiple of π (nearest) or an even one (farthest)."""
    pair = windows.series
    phases = [swings.phase_rad[pair] + 2 * swings.shell.pace_rad_s * t_s for t_s in (windows.start_s, windows.end_s)]
    ends_km = [swings.range_km(pair, np.cos(phase)) for phase in phases]
    near, far = (np.diff([np.floor((phase - at) / (2 * np.pi)) for phase in phases], axis=0)[0] for at in (np.pi, 0.0))
    nearest_km = np.where(near, swings.range_km(pair, -1.0), np.minimum(*ends_km))
    farthest_km = np.where(far, swings.range_km(pair, 1.0), np.maximum(*ends_km))
    return nearest_km, farthest_km
