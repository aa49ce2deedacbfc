"""Satellites that SGP4 propagates."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import pi, radians

import numpy as np
from numpy.typing import ArrayLike
from sgp4.api import SGP4_ERRORS, WGS72, Satrec, SatrecArray

from orbitfl.errors import DataError, OrbitflWarning
from orbitfl.orbit.arrays import Floats, Ints
from orbitfl.orbit.clock import (
    DAY_S,
    JULIAN_DATE_OF_DAY_0,
    Instant,
    epoch_instant,
    in_tai,
    leap_seconds,
    require_span,
    seconds_between,
    utc_texts,
)
from orbitfl.orbit.constellation import Satellites, listed
from orbitfl.orbit.convention import Convention
from orbitfl.orbit.frames import EarthRotation, Turn, teme_to_gcrs, turned
from orbitfl.orbit.mean_elements import MeanElements, distinct_names
from orbitfl.orbit.propagator import InItrs, Positions, smooth_s

FRESH_DAYS = 14.0
NAMED_IN_WARNINGS = 3
JULIAN_DATE_1949_12_31 = 2_433_281.5  # sgp4 counts the days of an epoch from here
MINUTES_PER_DAY = 1440.0
SURELY_SGP4_REV_DAY = 6.6  # SDP4 flies what takes 225 min or more, after the pull of the Earth's bulge is counted out


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Satellites whose element epochs fall under the same count of leap seconds.

    rows: which of all satellites they are, (n,). start_day, start_s: the instant t = 0 on a clock that runs in
    SI seconds and showed UTC at those epochs, so that SGP4's times since epoch are SI seconds.
    """

    records: SatrecArray
    rows: Ints
    start_day: int
    start_s: float

    def teme(self, t_s: Floats) -> tuple[Floats, Floats, Floats]:
        """SGP4's error codes (n, n_t), and positions and velocities (n, n_t, 3) in TEME."""
        days, seconds = np.divmod(self.start_s + t_s, DAY_S)
        return self.records.sgp4(self.start_day + JULIAN_DATE_OF_DAY_0 + days, seconds / DAY_S)


@dataclass(frozen=True, slots=True, eq=False)
class Sgp4:
    """SGP4/SDP4 with WGS-72 constants, as Vallado, Crawford, Hujsak and Kelso revised it (AIAA 2006-6753).

    Natively in TEME; `turn` takes that to GCRS, or is None where a convention reads TEME as GCRS. The turn's
    own rate, 1e-7 km/s, is left out of velocities; those of SDP4 (periods over 225 min) are not the exact
    derivatives of its positions.
    """

    names: tuple[str, ...]
    epoch_utc: datetime
    batches: tuple[Batch, ...]
    turn: Turn | None
    smooth_s: float

    @property
    def count(self) -> int:
        return len(self.names)

    def positions(self, t_s: ArrayLike) -> Floats:
        """Raises what `states` does."""
        times_s = np.asarray(t_s, dtype=np.float64)
        return self._turned(self._teme(times_s)[0], times_s)

    def over_ground(self, rotation: EarthRotation) -> Positions:
        """Straight from TEME, unless that is read as GCRS."""
        return InItrs(self, rotation) if self.turn is None else replace(self, turn=rotation.from_teme())

    def states(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """Raises DataError, naming satellite and time, where SGP4 finds no orbit any more."""
        times_s = np.asarray(t_s, dtype=np.float64)
        positions, velocities = self._teme(times_s)
        return self._turned(positions, times_s), self._turned(velocities, times_s)

    def require_orbits(self, t_s: Floats) -> None:
        """Raises what `states` does, at the times t_s (n,)."""
        self._teme(t_s)

    def _turned(self, vectors: Floats, t_s: Floats) -> Floats:
        return vectors if self.turn is None else turned(self.turn.matrices(t_s), vectors)

    def _teme(self, t_s: Floats) -> tuple[Floats, Floats]:
        results = [batch.teme(t_s) for batch in self.batches]
        for batch, (codes, positions, _) in zip(self.batches, results, strict=True):
            self._require_orbits(batch, codes, positions, t_s)
        if len(results) == 1:
            return results[0][1:]
        merged = np.empty((2, self.count, len(t_s), 3))
        for batch, (_, *states) in zip(self.batches, results, strict=True):
            merged[:, batch.rows] = states
        return merged[0], merged[1]

    def _require_orbits(self, batch: Batch, codes: Floats, positions: Floats, t_s: Floats) -> None:
        # A sum is finite if its terms are, and needs no array of flags.
        if not codes.any() and np.isfinite(positions.sum()):
            return
        bad = (codes != 0) | ~np.isfinite(positions).all(axis=-1)
        row, step = np.argwhere(bad)[np.argmin(np.nonzero(bad)[1])]
        reason = SGP4_ERRORS.get(int(codes[row, step]), "it gives no position")
        raise DataError(
            f"SGP4 cannot propagate {self.names[batch.rows[row]]} to {utc_texts(self.epoch_utc, t_s[[step]])[0]}: "
            f"{reason}. Leave the satellite out, shorten the span or take newer elements."
        )


def sgp4_satellites(
    elements: Sequence[MeanElements], epoch_utc: datetime, duration_s: float, convention: Convention
) -> Satellites:
    """The satellites of element sets over a span that starts at `epoch_utc`.

    Warns (OrbitflWarning) of element sets whose epochs lie more than 14 days from either end of the span.
    Raises ScenarioError for a span of `require_span`, DataError for objects given twice and for satellites
    that SGP4 loses before the span's end.
    """
    require_span(epoch_utc, duration_s)
    names = distinct_names(elements)
    if not names:
        raise DataError("There are no element sets, but a constellation needs at least one; check the file.")
    _warn_of_age(elements, names, epoch_utc, duration_s)
    turn = None if convention.teme_read_as_gcrs else teme_to_gcrs(epoch_utc, duration_s)
    propagator = Sgp4(names, epoch_utc, _batches(elements, epoch_utc), turn, _smooth_s(elements))
    propagator.require_orbits(np.array([0.0, duration_s]))
    return Satellites(names, propagator)


def _smooth_s(elements: Sequence[MeanElements]) -> float:
    """SDP4 jumps a little, where it brings the pulls of Sun and Moon up to date."""
    rev_day, eccentricity = np.array([(each.mean_motion_rev_day, each.eccentricity) for each in elements]).T
    return smooth_s(rev_day * (2 * np.pi / DAY_S), eccentricity) if rev_day.min() > SURELY_SGP4_REV_DAY else 0.0


def _batches(elements: Sequence[MeanElements], epoch_utc: datetime) -> tuple[Batch, ...]:
    start = in_tai(epoch_instant(epoch_utc), "UTC")
    counts = leap_seconds([each.epoch.day for each in elements])
    batches = []
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        records = SatrecArray([_record(elements[row]) for row in rows.tolist()])
        batches.append(Batch(records, rows, start.day, start.second - count))
    return tuple(batches)


def _record(elements: MeanElements) -> Satrec:
    day, fraction = elements.epoch.day + JULIAN_DATE_OF_DAY_0, elements.epoch.second / DAY_S
    record = Satrec()
    record.sgp4init(
        WGS72,
        "i",
        0,  # sgp4 takes no id above 339 999, and needs none
        # Summed in this order it is rounded as in the reference code, whose vectors for the Moon's pull depend on it.
        (day + fraction) - JULIAN_DATE_1949_12_31,
        elements.bstar,
        0.0,  # SGP4 does not use the derivatives of mean motion
        0.0,
        elements.eccentricity,
        radians(elements.argp_deg),
        radians(elements.inclination_deg),
        radians(elements.mean_anomaly_deg),
        elements.mean_motion_rev_day * 2 * pi / MINUTES_PER_DAY,
        radians(elements.raan_deg),
    )
    # That sum holds an epoch to 40 µs, which is 0.3 m of flight; two numbers hold it exactly.
    record.jdsatepoch, record.jdsatepochF = day, fraction
    return record


def _warn_of_age(
    elements: Sequence[MeanElements], names: Sequence[str], epoch_utc: datetime, duration_s: float
) -> None:
    epochs = Instant(*np.array([each.epoch for each in elements]).T)
    from_start_s = seconds_between(in_tai(epoch_instant(epoch_utc), "UTC"), in_tai(epochs, "UTC"))
    age_days = np.maximum(np.abs(from_start_s), np.abs(from_start_s - duration_s)) / DAY_S
    stale = sorted(((age, name) for age, name in zip(age_days, names, strict=True) if age > FRESH_DAYS), reverse=True)
    if stale:
        worst = [f"{name} by {age:.0f} days" for age, name in stale]
        middle_utc = epoch_utc + timedelta(seconds=duration_s / 2)
        warnings.warn(
            f"The span reaches far from the epochs of element sets: {listed(worst, NAMED_IN_WARNINGS)}. SGP4 strays by "
            f"kilometres a day after {FRESH_DAYS:.0f} days; take elements nearer to {middle_utc:%Y-%m-%d}, or shorten "
            "the span.",
            OrbitflWarning,
            stacklevel=2,
        )
