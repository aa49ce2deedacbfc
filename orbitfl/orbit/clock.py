"""Calendar time and SI seconds: UTC with its leap seconds, TAI, TT and GPS.

An instant is a day, numbered as `datetime.date.toordinal` does, and a second within it, in one of these
scales; so it keeps its precision over decades. Leap seconds come from skyfield's built-in table; before 1972
UTC is taken as TAI - 10 s, as skyfield does.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from skyfield.api import load

from orbitfl.errors import ScenarioError
from orbitfl.orbit.arrays import Floats

HOUR_S, DAY_S = 3600.0, 86_400.0
FIRST_YEAR, LAST_YEAR = 1957, 2100
LONGEST_SPAN_DAYS = 3660
JULIAN_DATE_OF_DAY_0 = 1_721_424.5
FIRST_TAI_MINUS_UTC_S = 10.0
SCALES = ("UTC", "TAI", "TT", "GPS")
# TAI minus the scale (IERS Conventions 2010, TN 36, section 10.1; IS-GPS-200, section 3.3.4).
TAI_MINUS = {"TAI": 0.0, "TT": -32.184, "GPS": 19.0}

CALENDAR = re.compile(
    r"(?P<year>\d{4})-(?:(?P<month>\d\d)-(?P<day>\d\d)|(?P<doy>\d{3}))"
    r"T(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d(?:\.\d{1,15})?)Z?",
    re.ASCII,
)


class Instant(NamedTuple):
    """A day number and a second of that day; numbers or arrays alike."""

    day: Any
    second: Any


@cache
def timescale() -> Any:
    """skyfield's time scales from its built-in tables; no file is fetched."""
    return load.timescale(builtin=True)


def leap_seconds(day: ArrayLike) -> Floats:
    """TAI - UTC in s on UTC days (n,)."""
    scale = timescale()
    since = np.searchsorted(scale.leap_dates, np.asarray(day) + JULIAN_DATE_OF_DAY_0, side="right")
    return np.append(FIRST_TAI_MINUS_UTC_S, scale.leap_offsets)[since]


def in_tai(instant: Instant, scale: str) -> Instant:
    """The same instant in TAI, from UTC, TAI, TT or GPS."""
    ahead_s = leap_seconds(instant.day) if scale == "UTC" else TAI_MINUS[scale]
    return Instant(instant.day, instant.second + ahead_s)


def seconds_between(start: Instant, end: Instant) -> Floats:
    """Seconds from one instant to another of the same uniform scale."""
    return np.asarray((end.day - start.day) * DAY_S + (end.second - start.second))


def epoch_instant(epoch_utc: datetime) -> Instant:
    """The UTC instant of an aware datetime, which cannot lie within a leap second."""
    moment = epoch_utc.astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Instant(moment.toordinal(), (moment - midnight) / timedelta(seconds=1))


def year_of(instant: Instant) -> int:
    return date.fromordinal(instant.day).year


def calendar_instant(text: str) -> Instant | None:
    """The instant that a CCSDS calendar text names, 2026-05-18T03:21:00.5 or 2026-138T03:21:00.5; None for others.

    Source: CCSDS 301.0-B-4, sections 3.5.1.1 and 3.5.1.2. A 60th second stands for a leap second.
    """
    found = CALENDAR.fullmatch(text)
    if not found:
        return None
    try:
        if found["doy"]:
            start = date(int(found["year"]), 1, 1)
            number = start.toordinal() + int(found["doy"]) - 1
            valid = date.fromordinal(number).year == start.year
        else:
            number, valid = date(int(found["year"]), int(found["month"]), int(found["day"])).toordinal(), True
    except (ValueError, OverflowError):
        return None
    hour, minute, second = int(found["hour"]), int(found["minute"]), float(found["second"])
    if not (valid and hour < 24 and minute < 60 and second < 61):
        return None
    return Instant(number, hour * 3600 + minute * 60 + second)


def utc_texts(epoch_utc: datetime, t_s: ArrayLike) -> list[str]:
    """UTC calendar texts, to the microsecond, of SI seconds (n,) from an epoch; leap seconds read 23:59:60."""
    day, second = in_tai(epoch_instant(epoch_utc), "UTC")
    microseconds = np.round((second + np.asarray(t_s, dtype=np.float64)) * 1e6).astype(np.int64)
    days, rest = np.divmod(microseconds, round(DAY_S * 1e6))
    return [_utc_text(int(day + number), int(part)) for number, part in zip(days, rest, strict=True)]


def _utc_text(tai_day: int, tai_microsecond: int) -> str:
    """TAI is ahead, so an instant's UTC day is this TAI day or the one before."""
    today, yesterday = (int(leap_seconds(tai_day - back)) * 1_000_000 for back in (0, 1))
    day, part = tai_day, tai_microsecond - today
    if part < 0:
        day, part = tai_day - 1, tai_microsecond - yesterday + round(DAY_S * 1e6)
    minute = min(part // 60_000_000, 1439)  # a leap second is the 60th of the last minute
    second, fraction = divmod(part - 60_000_000 * minute, 1_000_000)
    return f"{date.fromordinal(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}.{fraction:06}"


def require_span(epoch_utc: datetime, duration_s: float) -> None:
    """Raises ScenarioError for an epoch without a time zone, and for spans that are not finite, too long or
    outside the years for which leap seconds and the Earth's rotation are known well enough.
    """
    if epoch_utc.tzinfo is None:
        raise ScenarioError(f"epoch_utc is {epoch_utc}, without a time zone; write it with Z or +00:00 at the end.")
    if not isfinite(duration_s) or not 0 <= duration_s <= LONGEST_SPAN_DAYS * DAY_S:
        raise ScenarioError(
            f"duration_s is {duration_s}, but it must be from 0 to {LONGEST_SPAN_DAYS * DAY_S:.0f} seconds "
            f"({LONGEST_SPAN_DAYS} days); shorten the span."
        )
    last_day = epoch_utc.toordinal() + duration_s / DAY_S
    if epoch_utc.year < FIRST_YEAR or last_day >= date(LAST_YEAR, 1, 1).toordinal():
        raise ScenarioError(
            f"epoch_utc is {epoch_utc} and the span {duration_s:.0f} s long, but spans must lie from {FIRST_YEAR} to "
            f"{LAST_YEAR - 1}, within which the Earth's rotation is known; choose another epoch."
        )
